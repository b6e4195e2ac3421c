-- What a job stored, of whatever kind, as in the column outcome of job (migrations/sqlite-jobs). Written in the same transaction as what it tells of: a job
-- whose node died between this and saying so is not carried out again, and no job stores two things.

CREATE TABLE stored (
    job     TEXT PRIMARY KEY,
    outcome TEXT NOT NULL -- JSON; what it names may have been replaced since
) STRICT, WITHOUT ROWID;

INSERT INTO stored (job, outcome)
SELECT job, json_object('survey', json_object('id', survey_id, 'was_there', json('false'))) FROM stored_job;
DROP TABLE stored_job;
ALTER TABLE stored RENAME TO stored_job;
