-- Jobs of every kind: where each stands in line, when it began and ended, and what came of it, be that a survey, a file or nothing.

ALTER TABLE job ADD COLUMN lane TEXT NOT NULL DEFAULT 'writing'; -- writing: one at a time over all nodes; reading: beside anything
ALTER TABLE job ADD COLUMN started_ms INTEGER; -- when the last attempt began
ALTER TABLE job ADD COLUMN ended_ms   INTEGER;
ALTER TABLE job ADD COLUMN outcome    TEXT;    -- JSON: what came of it, once it is over
ALTER TABLE job ADD COLUMN file_bytes INTEGER; -- of the file it made, as long as that is kept: in job_chunk, like the one it was about until it was over

UPDATE job SET outcome = CASE
    WHEN survey_id IS NOT NULL
        THEN json_object('survey', json_object('id', survey_id, 'was_there', json(CASE was_there WHEN 1 THEN 'true' ELSE 'false' END)))
    WHEN failure IS NOT NULL THEN json_object('failure', failure)
END;
ALTER TABLE job DROP COLUMN survey_id;
ALTER TABLE job DROP COLUMN was_there;
ALTER TABLE job DROP COLUMN failure;

DROP INDEX job_by_state;
CREATE INDEX job_by_state ON job (state, lane, free_ms);
