-- What makes an upload the same as another, surveys that were withdrawn, and what became of each.

-- The constraint survey_is_stored_once goes with its column. An upload is its bytes and all that was said of them (src/monitor/upload.rs), so its key is more than
-- the SHA-256 of a file. Of surveys that older programs stored only that is known: it stays their key, which no request has any more.
-- A survey that is withdrawn lets go of its key by what is put behind it.
ALTER TABLE survey RENAME COLUMN sha256 TO upload_key;
ALTER TABLE survey ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
UPDATE survey SET sha256 = upload_key;

-- When it was withdrawn or replaced; NULL while it counts. Who reads patches, findings or verdicts leaves out those of a survey that does not count.
ALTER TABLE survey ADD COLUMN withdrawn_ms INTEGER;

-- What became of surveys, also of those that were removed for good.
CREATE TABLE survey_event (
    survey_id INTEGER NOT NULL,
    position  INTEGER NOT NULL, -- from 0
    at_ms     INTEGER NOT NULL,
    event     TEXT    NOT NULL, -- withdrawn, restored, moved, replaced, replaces, removed
    who       TEXT,
    reason    TEXT,
    details   TEXT    NOT NULL, -- JSON: what changed, by name
    PRIMARY KEY (survey_id, position)
) STRICT, WITHOUT ROWID;
