-- Who filed a verdict, lists of classes and missing members of layers, as in migrations/sqlite/0011_filings.sql.

ALTER TABLE filing ADD COLUMN filed_by TEXT COLLATE "C" NOT NULL DEFAULT '—';

ALTER TABLE layer ADD COLUMN classes TEXT COLLATE "C";

CREATE TABLE layer_left_out (
    layer_id BIGINT NOT NULL REFERENCES layer (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    row      BIGINT NOT NULL,
    code     TEXT   COLLATE "C" NOT NULL,
    zh       TEXT   COLLATE "C" NOT NULL,
    en       TEXT   COLLATE "C" NOT NULL,
    west     DOUBLE PRECISION,
    south    DOUBLE PRECISION,
    east     DOUBLE PRECISION,
    north    DOUBLE PRECISION,
    PRIMARY KEY (layer_id, row)
);

INSERT INTO layer_left_out (layer_id, row, code, zh, en)
SELECT id, 0, 'refused_before', rejected || ' 个要素在入库时被拒收，位置没有记录', rejected || ' features were refused when it was taken in, and where they lie was not kept'
FROM layer WHERE rejected > 0;
