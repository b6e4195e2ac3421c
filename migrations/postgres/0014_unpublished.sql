-- What is being written and is not published yet, as in migrations/sqlite/0014_unpublished.sql, which explains the columns.

CREATE TABLE unpublished (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what     TEXT   COLLATE "C" NOT NULL,
    number   BIGINT NOT NULL,
    alive_ms BIGINT NOT NULL
);

CREATE TABLE unpublished_set (
    unpublished BIGINT NOT NULL REFERENCES unpublished (id) ON DELETE CASCADE,
    layer_set   BIGINT NOT NULL REFERENCES layer_set (id),
    PRIMARY KEY (unpublished, layer_set)
);

CREATE INDEX unpublished_set_by_set ON unpublished_set (layer_set);

CREATE TABLE unpublished_finding (LIKE finding, unpublished BIGINT NOT NULL, PRIMARY KEY (unpublished, patch));
CREATE TABLE unpublished_history (LIKE finding_history, unpublished BIGINT NOT NULL, PRIMARY KEY (unpublished, id));
