-- Jobs, as in migrations/sqlite-jobs/0001_first.sql, which explains the columns. Here they are in the same database: a survey and the end of its job are
-- one transaction, so there is no stored_job.

CREATE TABLE job (
    id         TEXT   COLLATE "C" PRIMARY KEY,
    kind       TEXT   COLLATE "C" NOT NULL,
    parameters TEXT   COLLATE "C" NOT NULL,
    state      TEXT   COLLATE "C" NOT NULL,
    stage      TEXT   COLLATE "C" NOT NULL,
    done       BIGINT NOT NULL,
    total      BIGINT,
    node       TEXT   COLLATE "C",
    token      BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    free_ms    BIGINT NOT NULL,
    error      TEXT   COLLATE "C",
    survey_id  BIGINT,
    was_there  BIGINT,
    failure    TEXT   COLLATE "C",
    created_ms BIGINT NOT NULL
);

CREATE INDEX job_by_state ON job (state, free_ms);

CREATE TABLE job_chunk (
    job    TEXT   COLLATE "C" NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    bytes  BYTEA  NOT NULL,
    PRIMARY KEY (job, number)
);

-- Out of line and not compressed: chunks are written once, read once and gone.
ALTER TABLE job_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE VIEW clock AS SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms;
