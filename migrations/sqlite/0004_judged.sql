-- When the findings of a survey were made: with the survey, or anew since.

ALTER TABLE survey ADD COLUMN judged_ms INTEGER NOT NULL DEFAULT 0;
UPDATE survey SET judged_ms = created_ms;
