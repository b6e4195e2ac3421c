-- When the findings of a survey were made, as in migrations/sqlite/0004_judged.sql.

ALTER TABLE survey ADD COLUMN judged_ms BIGINT NOT NULL DEFAULT 0;
UPDATE survey SET judged_ms = created_ms;
