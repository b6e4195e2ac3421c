-- Findings by generation: those that a re-classification makes are written beside those that count, and one number in the survey's row says which count.

-- The writer (unpublished.id) that made the findings of a survey which count; 0: the import.
ALTER TABLE survey ADD COLUMN made INTEGER NOT NULL DEFAULT 0;

-- A patch has one finding of each generation. Who reads findings takes those with finding.made = survey.made.
CREATE TABLE finding_by_generation (
    patch                         INTEGER NOT NULL REFERENCES patch (id) ON DELETE CASCADE,
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
    flags                         TEXT NOT NULL, -- JSON: words
    approved_before_m2            REAL,
    approved_before_farmland_m2   REAL,
    approved_undated_m2           REAL,
    approved_undated_farmland_m2  REAL,
    approved_later_m2             REAL,
    approved_later_farmland_m2    REAL,
    approved_in_time_m2           REAL,
    approved_in_time_farmland_m2  REAL,
    other_use_m2                  REAL,
    other_use_farmland_m2         REAL,
    layer_set                     INTEGER,
    doubts                        TEXT,
    checksum                      INTEGER,
    made                          INTEGER NOT NULL DEFAULT 0 -- the generation
) STRICT;

INSERT INTO finding_by_generation
SELECT patch, survey_id, county_code, area_m2, farmland_m2, basic_farmland_m2, red_line_m2, urban_boundary_m2, approved_m2, approved_farmland_m2,
    automatic_legal_farmland_m2, automatic_illegal_farmland_m2, verdict, reason, parcels, counties, approvals, flags,
    approved_before_m2, approved_before_farmland_m2, approved_undated_m2, approved_undated_farmland_m2, approved_later_m2, approved_later_farmland_m2,
    approved_in_time_m2, approved_in_time_farmland_m2, other_use_m2, other_use_farmland_m2, layer_set, doubts, checksum, 0
FROM finding ORDER BY patch;

DROP TABLE finding;
ALTER TABLE finding_by_generation RENAME TO finding;

CREATE UNIQUE INDEX finding_by_patch ON finding (patch, made);
-- Walks a county's patches in the order of their numbers, and holds all that the sums by county need.
CREATE INDEX finding_by_county ON finding
    (survey_id, made, county_code, patch, area_m2, farmland_m2, automatic_legal_farmland_m2, automatic_illegal_farmland_m2);

-- The writer of a former finding: nobody sees it while that one is registered.
ALTER TABLE finding_history ADD COLUMN unpublished INTEGER;
CREATE INDEX finding_history_by_writer ON finding_history (unpublished) WHERE unpublished IS NOT NULL;

DROP TABLE unpublished_finding;
DROP TABLE unpublished_history;
