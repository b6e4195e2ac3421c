-- Periods of more than a month, and the days of a patch's images, as in migrations/sqlite/0005_periods.sql.

ALTER TABLE survey ADD COLUMN months BIGINT NOT NULL DEFAULT 1;
ALTER TABLE survey DROP CONSTRAINT survey_is_stored_once;
ALTER TABLE survey ADD CONSTRAINT survey_is_stored_once UNIQUE (period, months, level, sha256);

ALTER TABLE patch ADD COLUMN before_day TEXT COLLATE "C";
ALTER TABLE patch ADD COLUMN after_day TEXT COLLATE "C";
