-- Layer sets 图层组合: what a finding was made from. One row for each combination of layer versions and rule; the same combination is found again.
CREATE TABLE layer_set (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    rule   TEXT NOT NULL, -- the rule's version
    layers TEXT NOT NULL, -- the numbers of its layer versions in the order of their kinds, with commas between
    lon0   REAL,          -- origin of the plane, degrees; NULL where an older program made the set, which chose it as this one does: by the first of its layers
    lat0   REAL,
    CONSTRAINT layer_set_is_stored_once UNIQUE (rule, layers)
) STRICT;

-- Its layer versions, as they were called then.
CREATE TABLE layer_set_layer (
    layer_set INTEGER NOT NULL REFERENCES layer_set (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL, -- in the list, from 0
    layer_id  INTEGER REFERENCES layer (id), -- NULL for a file given on the command line; else the layer cannot be removed
    kind      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    effective TEXT    NOT NULL,
    PRIMARY KEY (layer_set, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX layer_set_layer_by_layer ON layer_set_layer (layer_id);

-- The sets that the findings of a survey rest on.
CREATE TABLE survey_set (
    survey_id INTEGER NOT NULL REFERENCES survey (id) ON DELETE CASCADE,
    layer_set INTEGER NOT NULL REFERENCES layer_set (id),
    PRIMARY KEY (survey_id, layer_set)
) STRICT, WITHOUT ROWID;

CREATE INDEX survey_set_by_set ON survey_set (layer_set);

-- Findings that were made anew, as they were before.
CREATE TABLE finding_history (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    patch       INTEGER NOT NULL,
    survey_id   INTEGER NOT NULL REFERENCES survey (id) ON DELETE CASCADE,
    layer_set   INTEGER REFERENCES layer_set (id),
    finding     TEXT    NOT NULL, -- JSON: areas, verdict, reason, flags and all else
    judged_ms   INTEGER NOT NULL, -- when it was made
    replaced_ms INTEGER NOT NULL, -- when another took its place
    replaced_by TEXT              -- the name of who asked for that
) STRICT;

CREATE INDEX finding_history_by_patch ON finding_history (patch, id);
CREATE INDEX finding_history_by_survey ON finding_history (survey_id);

ALTER TABLE finding ADD COLUMN layer_set INTEGER;

-- What surveys rested on so far was kept for each survey as a whole.
CREATE TEMPORARY TABLE rested AS
    SELECT survey.id AS survey_id, survey.rule,
        coalesce((SELECT group_concat(coalesce(layer_id, kind || ':' || name || '@' || effective), ',' ORDER BY position)
            FROM survey_layer WHERE survey_layer.survey_id = survey.id), '') AS layers
    FROM survey;
INSERT INTO layer_set (rule, layers) SELECT rule, layers FROM rested GROUP BY rule, layers ORDER BY min(survey_id);
INSERT INTO survey_set (survey_id, layer_set)
    SELECT survey_id, layer_set.id FROM rested JOIN layer_set ON layer_set.rule = rested.rule AND layer_set.layers = rested.layers;
INSERT INTO layer_set_layer (layer_set, position, layer_id, kind, name, effective)
    SELECT layer_set, position, layer_id, kind, name, effective
    FROM (SELECT layer_set, min(survey_id) AS survey_id FROM survey_set GROUP BY layer_set) AS first
    JOIN survey_layer ON survey_layer.survey_id = first.survey_id;
UPDATE finding SET layer_set = (SELECT layer_set FROM survey_set WHERE survey_set.survey_id = finding.survey_id);
DROP TABLE rested;
DROP TABLE survey_layer;
