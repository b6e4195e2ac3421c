-- The embedded store, first version.
--
-- Columns are integers, doubles, text and bytes only, so that the same words work in PostgreSQL:
--   times       milliseconds since 1970 (…_ms)
--   periods     months since year 0: year * 12 + month - 1
--   areas       square metres, unrounded (…_m2)
--   outlines    WKB in degrees, EPSG:4490, longitude first, exactly as they came; what was repaired is kept beside it
--   boxes       west, south, east, north of the outline that counts: the repaired one where there is one
--   cells       the box as one number for searching by place, see src/store/cells.rs
--   lists       JSON, where they are only ever read whole
-- Words (kinds, levels, verdicts, reasons) are those of src/land; what else is found in their place is answered as damage.
--
-- Ids are never given twice (AUTOINCREMENT): a link to a patch of a replaced survey must lead nowhere, not to another patch.
-- Features and patches are written before the row they belong to, whose figures are known last; hence the deferred references.

-- Layers 图层: versions of what patches are held against. Immutable once stored.
CREATE TABLE layer (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    effective  TEXT    NOT NULL, -- the day from which it counts, YYYY-MM-DD
    crs        TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    invented   INTEGER NOT NULL, -- 0 or 1
    features   INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    vertices   INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    notes      TEXT    NOT NULL  -- JSON: sentences
) STRICT;

-- Features of layers, numbered in the file's order.
CREATE TABLE layer_feature (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    layer_id INTEGER NOT NULL REFERENCES layer (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    row      INTEGER NOT NULL, -- in the file, from 1
    code     TEXT    NOT NULL, -- county code, DLBM, number of the approval
    name     TEXT    NOT NULL,
    west     REAL    NOT NULL,
    south    REAL    NOT NULL,
    east     REAL    NOT NULL,
    north    REAL    NOT NULL,
    cell     INTEGER NOT NULL,
    degrees  BLOB    NOT NULL,
    repaired BLOB,
    source   BLOB              -- in the file's CRS, where that is not degrees
) STRICT;

CREATE INDEX layer_feature_by_layer ON layer_feature (layer_id);
CREATE INDEX layer_feature_by_place ON layer_feature (layer_id, cell);

-- Surveys 监测批次: one delivery of patches for one period and level, with the sums over its patches and the rule they were judged by.
CREATE TABLE survey (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    name              TEXT    NOT NULL, -- of the file
    period            INTEGER NOT NULL,
    level             TEXT    NOT NULL,
    crs               TEXT    NOT NULL,
    sha256            TEXT    NOT NULL,
    invented          INTEGER NOT NULL, -- 0 or 1
    patches           INTEGER NOT NULL,
    repaired          INTEGER NOT NULL,
    rejected          INTEGER NOT NULL,
    outside           INTEGER NOT NULL,
    patch_id_source   TEXT    NOT NULL,
    fields            TEXT    NOT NULL, -- JSON: our field -> the file's
    legal             INTEGER NOT NULL, -- patches by automatic verdict
    suspected_illegal INTEGER NOT NULL,
    other             INTEGER NOT NULL,
    doubtful          INTEGER NOT NULL,
    area_m2           REAL    NOT NULL,
    farmland_m2       REAL    NOT NULL,
    warnings          TEXT    NOT NULL, -- JSON: [{"zh", "en"}]
    rule              TEXT    NOT NULL,
    created_ms        INTEGER NOT NULL,
    CONSTRAINT survey_is_stored_once UNIQUE (period, level, sha256)
) STRICT;

-- Provenance: the layer versions that a survey's findings rest on, as they were called then.
CREATE TABLE survey_layer (
    survey_id INTEGER NOT NULL REFERENCES survey (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL, -- in the list, from 0
    layer_id  INTEGER REFERENCES layer (id), -- NULL for a file given on the command line; else the layer cannot be removed
    kind      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    effective TEXT    NOT NULL,
    PRIMARY KEY (survey_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX survey_layer_by_layer ON survey_layer (layer_id);

-- Patches 图斑: which and where. Kept narrow, because maps and lists go through many of them.
CREATE TABLE patch (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    survey_id     INTEGER NOT NULL REFERENCES survey (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    row           INTEGER NOT NULL, -- in the file, from 1
    patch_id      TEXT    NOT NULL, -- its own id, JCBH
    stated_county TEXT,             -- what the file says
    west          REAL    NOT NULL,
    south         REAL    NOT NULL,
    east          REAL    NOT NULL,
    north         REAL    NOT NULL,
    cell          INTEGER NOT NULL
) STRICT;

CREATE INDEX patch_by_survey ON patch (survey_id);
CREATE INDEX patch_by_patch_id ON patch (patch_id);
CREATE INDEX patch_by_place ON patch (cell);

-- The wide part of a patch: what came, as it came.
CREATE TABLE patch_outline (
    patch      INTEGER PRIMARY KEY REFERENCES patch (id) ON DELETE CASCADE,
    attributes TEXT    NOT NULL, -- JSON: the file's own fields
    defects    TEXT    NOT NULL, -- JSON: what was wrong with the outline
    degrees    BLOB    NOT NULL,
    repaired   BLOB,
    source     BLOB              -- in the file's CRS, where that is not degrees
) STRICT;

-- Findings 套合结果: what a patch occupies, and the automatic verdict.
CREATE TABLE finding (
    patch                         INTEGER PRIMARY KEY REFERENCES patch (id) ON DELETE CASCADE,
    survey_id                     INTEGER NOT NULL, -- the patch's, repeated here so that sums need this table only
    county_code                   TEXT,             -- the county that answers for it
    area_m2                       REAL NOT NULL,
    farmland_m2                   REAL NOT NULL,
    basic_farmland_m2             REAL NOT NULL,
    red_line_m2                   REAL NOT NULL,
    urban_boundary_m2             REAL NOT NULL,
    approved_m2                   REAL NOT NULL,
    approved_farmland_m2          REAL NOT NULL,
    automatic_legal_farmland_m2   REAL NOT NULL,
    automatic_illegal_farmland_m2 REAL NOT NULL,
    verdict                       TEXT NOT NULL, -- the automatic one
    reason                        TEXT NOT NULL,
    parcels                       TEXT NOT NULL, -- JSON: [{"dlbm", "dlmc", "area_m2"}], largest first
    counties                      TEXT NOT NULL, -- JSON: [{"code", "name", "area_m2"}], largest first
    approvals                     TEXT NOT NULL, -- JSON: numbers
    flags                         TEXT NOT NULL  -- JSON: words
) STRICT;

-- Walks a county's patches in the order of their numbers, and holds all that the sums by county need.
CREATE INDEX finding_by_county ON finding
    (survey_id, county_code, patch, area_m2, farmland_m2, automatic_legal_farmland_m2, automatic_illegal_farmland_m2);

-- Filings 填报: the confirmed verdict of a patch, the latest one. A patch without one is pending 未核.
CREATE TABLE filing (
    patch               INTEGER PRIMARY KEY REFERENCES patch (id) ON DELETE CASCADE,
    verdict             TEXT    NOT NULL,
    legal_m2            REAL    NOT NULL,
    legal_farmland_m2   REAL    NOT NULL,
    illegal_m2          REAL    NOT NULL,
    illegal_farmland_m2 REAL    NOT NULL,
    filed_ms            INTEGER NOT NULL
) STRICT;

-- Rejects 拒收: features refused, with the reason and the place of the fault.
CREATE TABLE reject (
    id        INTEGER PRIMARY KEY,
    survey_id INTEGER NOT NULL REFERENCES survey (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    row       INTEGER NOT NULL, -- in the file, from 1
    patch_id  TEXT,
    code      TEXT    NOT NULL,
    zh        TEXT    NOT NULL,
    en        TEXT    NOT NULL,
    pointer   TEXT    NOT NULL, -- RFC 6901
    ring      INTEGER,
    vertex    INTEGER
) STRICT;

CREATE INDEX reject_by_row ON reject (survey_id, row);

-- How often what is stored has changed: maps and caches ask for what they hold again when it moves.
CREATE TABLE revision (
    number INTEGER NOT NULL
) STRICT;

INSERT INTO revision (number) VALUES (0);
