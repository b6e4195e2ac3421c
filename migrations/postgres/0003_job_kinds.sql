-- Jobs of every kind, as in migrations/sqlite-jobs/0002_kinds.sql, which explains the columns.

ALTER TABLE job ADD COLUMN lane TEXT COLLATE "C" NOT NULL DEFAULT 'writing';
ALTER TABLE job ADD COLUMN started_ms BIGINT;
ALTER TABLE job ADD COLUMN ended_ms   BIGINT;
ALTER TABLE job ADD COLUMN outcome    TEXT COLLATE "C";
ALTER TABLE job ADD COLUMN file_bytes BIGINT;

UPDATE job SET outcome = CASE
    WHEN survey_id IS NOT NULL THEN json_build_object('survey', json_build_object('id', survey_id, 'was_there', was_there = 1))::text
    WHEN failure IS NOT NULL THEN json_build_object('failure', failure)::text
END;
ALTER TABLE job DROP COLUMN survey_id, DROP COLUMN was_there, DROP COLUMN failure;

DROP INDEX job_by_state;
CREATE INDEX job_by_state ON job (state, lane, free_ms);
