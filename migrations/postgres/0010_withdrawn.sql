-- What makes an upload the same as another, surveys that were withdrawn, and what became of each, as in migrations/sqlite/0010_withdrawn.sql, which explains the
-- columns.

ALTER TABLE survey RENAME COLUMN sha256 TO upload_key;
ALTER TABLE survey ADD COLUMN sha256 TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE survey SET sha256 = upload_key;

ALTER TABLE survey ADD COLUMN withdrawn_ms BIGINT;

CREATE TABLE survey_event (
    survey_id BIGINT NOT NULL,
    position  BIGINT NOT NULL,
    at_ms     BIGINT NOT NULL,
    event     TEXT   COLLATE "C" NOT NULL,
    who       TEXT   COLLATE "C",
    reason    TEXT   COLLATE "C",
    details   TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (survey_id, position)
);
