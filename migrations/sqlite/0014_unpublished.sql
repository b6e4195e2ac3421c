-- What is being written and is not published yet. An import or re-classification writes its rows in many short transactions; one short one at its end makes them
-- visible. Until then a survey has withdrawn_ms = 0 and a layer has created_ms = 0, which every read leaves out as it leaves out withdrawn surveys.

-- One row for each writer under way, gone when it has published or its rows were removed.
CREATE TABLE unpublished (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    what     TEXT    NOT NULL, -- survey, layer, findings
    number   INTEGER NOT NULL, -- of the survey or layer
    alive_ms INTEGER NOT NULL  -- heartbeat of the writer; -1 while its rows are being removed
) STRICT;

-- The layer sets that its findings rest on: their layers cannot be removed meanwhile.
CREATE TABLE unpublished_set (
    unpublished INTEGER NOT NULL REFERENCES unpublished (id) ON DELETE CASCADE,
    layer_set   INTEGER NOT NULL REFERENCES layer_set (id),
    PRIMARY KEY (unpublished, layer_set)
) STRICT, WITHOUT ROWID;

CREATE INDEX unpublished_set_by_set ON unpublished_set (layer_set);

-- Findings that will take the place of those that are stored, and those that will become former ones: the columns of finding and finding_history, whichever they are.
CREATE TABLE unpublished_finding AS SELECT 0 AS unpublished, * FROM finding WHERE false;
CREATE UNIQUE INDEX unpublished_finding_by_patch ON unpublished_finding (unpublished, patch);
CREATE TABLE unpublished_history AS SELECT 0 AS unpublished, * FROM finding_history WHERE false;
CREATE INDEX unpublished_history_by_number ON unpublished_history (unpublished, id);
