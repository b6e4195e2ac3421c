-- Numbers that patches keep, and how many rows there are, as in migrations/sqlite/0017_numbers.sql, which explains the columns.

-- A table with checks that wait for the end of the transaction cannot be altered: they are made now.
SET CONSTRAINTS ALL IMMEDIATE;

ALTER TABLE patch ADD COLUMN number BIGINT;
CREATE INDEX patch_by_number ON patch (number) WHERE number IS NOT NULL;

ALTER TABLE survey ADD COLUMN filings BIGINT NOT NULL DEFAULT 0;

CREATE TABLE row_count (
    name  TEXT   COLLATE "C" PRIMARY KEY,
    count BIGINT NOT NULL
);

INSERT INTO row_count (name, count) SELECT 'survey', count(*) FROM survey UNION ALL SELECT 'layer', count(*) FROM layer;

CREATE FUNCTION count_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE row_count SET count = count + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END WHERE name = TG_TABLE_NAME;
    RETURN NULL;
END
$$;

CREATE TRIGGER survey_is_counted AFTER INSERT OR DELETE ON survey FOR EACH ROW EXECUTE FUNCTION count_row();
CREATE TRIGGER layer_is_counted AFTER INSERT OR DELETE ON layer FOR EACH ROW EXECUTE FUNCTION count_row();
