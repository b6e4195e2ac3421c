-- Periods of more than a month: `period` is the first month, `months` how many there are (1, 3 or 12). The same file may be of a month and of the quarter that it begins, so
-- the table is made anew with another constraint, as https://www.sqlite.org/lang_altertable.html has it: steps are applied with foreign keys off, and looked through after.

CREATE TABLE survey_new (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    name              TEXT    NOT NULL, -- of the file
    period            INTEGER NOT NULL, -- its first month
    months            INTEGER NOT NULL DEFAULT 1,
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
    judged_ms         INTEGER NOT NULL DEFAULT 0, -- when its findings were made
    CONSTRAINT survey_is_stored_once UNIQUE (period, months, level, sha256)
) STRICT;

INSERT INTO survey_new (id, name, period, level, crs, sha256, invented, patches, repaired, rejected, outside, patch_id_source, fields,
    legal, suspected_illegal, other, doubtful, area_m2, farmland_m2, warnings, rule, created_ms, judged_ms)
SELECT id, name, period, level, crs, sha256, invented, patches, repaired, rejected, outside, patch_id_source, fields,
    legal, suspected_illegal, other, doubtful, area_m2, farmland_m2, warnings, rule, created_ms, judged_ms FROM survey;

-- The last number given, also where its survey is gone.
DELETE FROM sqlite_sequence WHERE name = 'survey_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'survey_new', seq FROM sqlite_sequence WHERE name = 'survey';
DROP TABLE survey;
ALTER TABLE survey_new RENAME TO survey;

-- Days of the images before and after the change, YYYY-MM-DD. NULL in what was stored before: worked out when it is read.
ALTER TABLE patch ADD COLUMN before_day TEXT;
ALTER TABLE patch ADD COLUMN after_day TEXT;
