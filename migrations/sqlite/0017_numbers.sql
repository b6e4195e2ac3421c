-- Patches keep the numbers that people know when a survey replaces another one, and every table of few rows says how many it has.

-- The number of a patch whose place this one takes; NULL: its own id. Patches of surveys that count have different numbers; one that was replaced has the same as
-- the patch that took its place. `id` is the key that rows of other tables refer to, and never changes.
ALTER TABLE patch ADD COLUMN number INTEGER;
CREATE INDEX patch_by_number ON patch (number) WHERE number IS NOT NULL;

-- How often verdicts of its patches were filed: to tell that they are what they were.
ALTER TABLE survey ADD COLUMN filings INTEGER NOT NULL DEFAULT 0;

-- How many rows there are: a table of which a damaged file gives none is not taken for an empty one.
CREATE TABLE row_count (
    name  TEXT    PRIMARY KEY, -- of the table
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO row_count (name, count) SELECT 'survey', count(*) FROM survey UNION ALL SELECT 'layer', count(*) FROM layer;

CREATE TRIGGER survey_is_counted AFTER INSERT ON survey BEGIN UPDATE row_count SET count = count + 1 WHERE name = 'survey'; END;
CREATE TRIGGER survey_is_gone AFTER DELETE ON survey BEGIN UPDATE row_count SET count = count - 1 WHERE name = 'survey'; END;
CREATE TRIGGER layer_is_counted AFTER INSERT ON layer BEGIN UPDATE row_count SET count = count + 1 WHERE name = 'layer'; END;
CREATE TRIGGER layer_is_gone AFTER DELETE ON layer BEGIN UPDATE row_count SET count = count - 1 WHERE name = 'layer'; END;
