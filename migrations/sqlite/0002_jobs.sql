-- Which survey a job stored, written in the survey's own transaction: a job whose node died between this and saying so is not carried out again, and no job
-- stores two surveys. The jobs themselves are in a file of their own, see migrations/sqlite-jobs.
CREATE TABLE stored_job (
    job       TEXT    PRIMARY KEY,
    survey_id INTEGER NOT NULL -- the survey may have been replaced since
) STRICT, WITHOUT ROWID;
