-- The PostgreSQL store, first version. The same tables and words as migrations/sqlite/0001_first.sql, which explains the columns; here
-- stands only what differs.
--
-- Text is compared byte by byte (COLLATE "C"), as SQLite does, so that both stores answer in the same order. PostgreSQL's text cannot
-- hold U+0000; src/store/postgres/text.rs says what stands in its place.
--
-- Partitions. Patches, their outlines, findings and filings grow without end. They are partitioned by the hash of the county that answers
-- for the patch ('' where none does): a county's rows lie together in one partition of each table, a question about one county touches only
-- that, and autovacuum, indexes and pg_dump --jobs go by partition. By hash and not one partition for each code, because a new code would
-- need a new table in the middle of an import, under a lock that stops every reader. PostgreSQL wants the partition key in every key,
-- hence (county, patch) where SQLite has (patch); the numbers are unique by themselves, for the writer gives them (table given).
-- Features of layers know no county (a parcel's code is its class): they are partitioned by their layer, which is loaded and removed whole.
--
-- No foreign keys between what grows: a check for each of many rows costs more than the row. Only the writer touches these tables, in one
-- transaction, and a test looks for orphans after every promise (PostgresStore::verify).
--
-- Shapes. Beside the exact bytes, which may hold rings that no GIS takes, stands a generated PostGIS column for people with QGIS or SQL:
-- the outline that counts, or NULL where PostGIS refuses it.

CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;

-- The outline as PostGIS sees it, NULL where it cannot. Not PARALLEL SAFE: an exception block is a subtransaction.
CREATE FUNCTION outline_shape(wkb BYTEA) RETURNS public.geometry LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN public.ST_GeomFromWKB(wkb, 4490);
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;

CREATE TABLE layer (
    id         BIGINT PRIMARY KEY,
    kind       TEXT   COLLATE "C" NOT NULL,
    name       TEXT   COLLATE "C" NOT NULL,
    effective  TEXT   COLLATE "C" NOT NULL,
    crs        TEXT   COLLATE "C" NOT NULL,
    sha256     TEXT   COLLATE "C" NOT NULL,
    invented   BIGINT NOT NULL,
    features   BIGINT NOT NULL,
    rejected   BIGINT NOT NULL,
    vertices   BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    notes      TEXT   COLLATE "C" NOT NULL
);

CREATE TABLE layer_feature (
    id       BIGINT NOT NULL,
    layer_id BIGINT NOT NULL,
    row      BIGINT NOT NULL,
    code     TEXT   COLLATE "C" NOT NULL,
    name     TEXT   COLLATE "C" NOT NULL,
    west     DOUBLE PRECISION NOT NULL,
    south    DOUBLE PRECISION NOT NULL,
    east     DOUBLE PRECISION NOT NULL,
    north    DOUBLE PRECISION NOT NULL,
    cell     BIGINT NOT NULL,
    degrees  BYTEA  NOT NULL,
    repaired BYTEA,
    source   BYTEA,
    shape    public.geometry(Geometry, 4490) GENERATED ALWAYS AS (outline_shape(coalesce(repaired, degrees))) STORED,
    PRIMARY KEY (layer_id, id)
) PARTITION BY HASH (layer_id);

CREATE INDEX layer_feature_by_place ON layer_feature (layer_id, cell);
CREATE INDEX layer_feature_by_shape ON layer_feature USING gist (shape);

CREATE TABLE survey (
    id                BIGINT PRIMARY KEY,
    name              TEXT   COLLATE "C" NOT NULL,
    period            BIGINT NOT NULL,
    level             TEXT   COLLATE "C" NOT NULL,
    crs               TEXT   COLLATE "C" NOT NULL,
    sha256            TEXT   COLLATE "C" NOT NULL,
    invented          BIGINT NOT NULL,
    patches           BIGINT NOT NULL,
    repaired          BIGINT NOT NULL,
    rejected          BIGINT NOT NULL,
    outside           BIGINT NOT NULL,
    patch_id_source   TEXT   COLLATE "C" NOT NULL,
    fields            TEXT   COLLATE "C" NOT NULL,
    legal             BIGINT NOT NULL,
    suspected_illegal BIGINT NOT NULL,
    other             BIGINT NOT NULL,
    doubtful          BIGINT NOT NULL,
    area_m2           DOUBLE PRECISION NOT NULL,
    farmland_m2       DOUBLE PRECISION NOT NULL,
    warnings          TEXT   COLLATE "C" NOT NULL,
    rule              TEXT   COLLATE "C" NOT NULL,
    created_ms        BIGINT NOT NULL,
    CONSTRAINT survey_is_stored_once UNIQUE (period, level, sha256)
);

CREATE TABLE survey_layer (
    survey_id BIGINT NOT NULL REFERENCES survey (id) ON DELETE CASCADE,
    position  BIGINT NOT NULL,
    layer_id  BIGINT CONSTRAINT survey_rests_on_layer REFERENCES layer (id),
    kind      TEXT   COLLATE "C" NOT NULL,
    name      TEXT   COLLATE "C" NOT NULL,
    effective TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (survey_id, position)
);

CREATE INDEX survey_layer_by_layer ON survey_layer (layer_id);

CREATE TABLE patch (
    county        TEXT   COLLATE "C" NOT NULL, -- its finding's county_code, '' where that is NULL; the same below
    id            BIGINT NOT NULL,
    survey_id     BIGINT NOT NULL,
    row           BIGINT NOT NULL,
    patch_id      TEXT   COLLATE "C" NOT NULL,
    stated_county TEXT   COLLATE "C",
    west          DOUBLE PRECISION NOT NULL,
    south         DOUBLE PRECISION NOT NULL,
    east          DOUBLE PRECISION NOT NULL,
    north         DOUBLE PRECISION NOT NULL,
    cell          BIGINT NOT NULL,
    PRIMARY KEY (id, county)
) PARTITION BY HASH (county);

CREATE INDEX patch_by_survey ON patch (survey_id, id);
CREATE INDEX patch_by_patch_id ON patch (patch_id);
CREATE INDEX patch_by_place ON patch (cell);

CREATE TABLE patch_outline (
    county     TEXT   COLLATE "C" NOT NULL,
    patch      BIGINT NOT NULL,
    attributes TEXT   COLLATE "C" NOT NULL,
    defects    TEXT   COLLATE "C" NOT NULL,
    degrees    BYTEA  NOT NULL,
    repaired   BYTEA,
    source     BYTEA,
    shape      public.geometry(Geometry, 4490) GENERATED ALWAYS AS (outline_shape(coalesce(repaired, degrees))) STORED,
    PRIMARY KEY (county, patch)
) PARTITION BY HASH (county);

CREATE INDEX patch_outline_by_shape ON patch_outline USING gist (shape);

CREATE TABLE finding (
    county                        TEXT   COLLATE "C" NOT NULL,
    patch                         BIGINT NOT NULL,
    survey_id                     BIGINT NOT NULL,
    county_code                   TEXT   COLLATE "C",
    area_m2                       DOUBLE PRECISION NOT NULL,
    farmland_m2                   DOUBLE PRECISION NOT NULL,
    basic_farmland_m2             DOUBLE PRECISION NOT NULL,
    red_line_m2                   DOUBLE PRECISION NOT NULL,
    urban_boundary_m2             DOUBLE PRECISION NOT NULL,
    approved_m2                   DOUBLE PRECISION NOT NULL,
    approved_farmland_m2          DOUBLE PRECISION NOT NULL,
    automatic_legal_farmland_m2   DOUBLE PRECISION NOT NULL,
    automatic_illegal_farmland_m2 DOUBLE PRECISION NOT NULL,
    verdict                       TEXT   COLLATE "C" NOT NULL,
    reason                        TEXT   COLLATE "C" NOT NULL,
    parcels                       TEXT   COLLATE "C" NOT NULL,
    counties                      TEXT   COLLATE "C" NOT NULL,
    approvals                     TEXT   COLLATE "C" NOT NULL,
    flags                         TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (county, patch)
) PARTITION BY HASH (county);

CREATE INDEX finding_by_survey ON finding
    (survey_id, county_code, patch) INCLUDE (area_m2, farmland_m2, automatic_legal_farmland_m2, automatic_illegal_farmland_m2);

CREATE TABLE filing (
    county              TEXT   COLLATE "C" NOT NULL,
    patch               BIGINT NOT NULL,
    verdict             TEXT   COLLATE "C" NOT NULL,
    legal_m2            DOUBLE PRECISION NOT NULL,
    legal_farmland_m2   DOUBLE PRECISION NOT NULL,
    illegal_m2          DOUBLE PRECISION NOT NULL,
    illegal_farmland_m2 DOUBLE PRECISION NOT NULL,
    filed_ms            BIGINT NOT NULL,
    PRIMARY KEY (county, patch)
) PARTITION BY HASH (county);

-- Eight partitions of each: a city's counties spread over them, and a search that must look into all stays cheap to plan.
DO $$
BEGIN
    FOR n IN 0..7 LOOP
        EXECUTE format('CREATE TABLE layer_feature_%s PARTITION OF layer_feature FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n);
        EXECUTE format('CREATE TABLE patch_%s PARTITION OF patch FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n);
        EXECUTE format('CREATE TABLE patch_outline_%s PARTITION OF patch_outline FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n);
        EXECUTE format('CREATE TABLE finding_%s PARTITION OF finding FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n);
        EXECUTE format('CREATE TABLE filing_%s PARTITION OF filing FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n);
    END LOOP;
END
$$;

CREATE TABLE reject (
    id        BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    survey_id BIGINT NOT NULL REFERENCES survey (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    row       BIGINT NOT NULL,
    patch_id  TEXT   COLLATE "C",
    code      TEXT   COLLATE "C" NOT NULL,
    zh        TEXT   COLLATE "C" NOT NULL,
    en        TEXT   COLLATE "C" NOT NULL,
    pointer   TEXT   COLLATE "C" NOT NULL,
    ring      BIGINT,
    vertex    BIGINT
);

CREATE INDEX reject_by_row ON reject (survey_id, row);

CREATE TABLE revision (
    number BIGINT NOT NULL
);

INSERT INTO revision (number) VALUES (0);

-- The last number given to a row of each table, as sqlite_sequence is. A PostgreSQL sequence would not do: it leaves gaps where an import
-- is undone, and the same requests must lead to the same numbers on both stores.
CREATE TABLE given (
    name TEXT   COLLATE "C" PRIMARY KEY,
    seq  BIGINT NOT NULL
);

INSERT INTO given (name, seq) VALUES ('layer', 0), ('layer_feature', 0), ('survey', 0), ('patch', 0);
