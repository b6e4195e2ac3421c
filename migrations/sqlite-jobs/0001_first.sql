-- Jobs of the embedded store, first version. A file of its own beside the database: while a survey comes in nobody else can write there, but jobs must be
-- queued, leased and reported on all the time. What a job stored is told in the database itself (stored_job there).

-- Jobs: what is to be done, who does it, how far it is, what came of it.
CREATE TABLE job (
    id         TEXT    PRIMARY KEY, -- a UUID of version 7: sorts by the time it was made
    kind       TEXT    NOT NULL,
    parameters TEXT    NOT NULL,    -- JSON
    state      TEXT    NOT NULL,    -- running (also before anyone has taken it up), done, failed
    stage      TEXT    NOT NULL,
    done       INTEGER NOT NULL,    -- features
    total      INTEGER,             -- features, once known
    node       TEXT,                -- who holds it; NULL: nobody
    token      INTEGER NOT NULL,    -- grows with each claim: only the last one's holder may change the job or store its survey
    attempts   INTEGER NOT NULL,    -- claims that were not handed back in good order
    free_ms    INTEGER NOT NULL,    -- from then on it may be claimed: the end of the lease, or of the pause before the next attempt
    error      TEXT,                -- why the last attempt ended early
    survey_id  INTEGER,             -- what it stored; the survey may have been replaced since
    was_there  INTEGER,             -- 1 when the very same file had been stored already
    failure    TEXT,                -- JSON: why it ended without a survey
    created_ms INTEGER NOT NULL
) STRICT;

-- Now, by the clock of the database: the same words in PostgreSQL, where it need not be the node's.
CREATE VIEW clock AS SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now_ms;

CREATE INDEX job_by_state ON job (state, free_ms);

-- The uploaded file of a job that is not over, in chunks of 1 MiB. In the database, because every node can reach that.
CREATE TABLE job_chunk (
    id     INTEGER PRIMARY KEY,
    job    TEXT    NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, -- from 0
    bytes  BLOB    NOT NULL,
    UNIQUE (job, number)
) STRICT;
