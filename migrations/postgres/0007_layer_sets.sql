-- Layer sets and the history of findings, as in migrations/sqlite/0007_layer_sets.sql.

CREATE TABLE layer_set (
    id     BIGINT PRIMARY KEY,
    rule   TEXT   COLLATE "C" NOT NULL,
    layers TEXT   COLLATE "C" NOT NULL,
    lon0   DOUBLE PRECISION,
    lat0   DOUBLE PRECISION,
    CONSTRAINT layer_set_is_stored_once UNIQUE (rule, layers)
);

CREATE TABLE layer_set_layer (
    layer_set BIGINT NOT NULL REFERENCES layer_set (id) ON DELETE CASCADE,
    position  BIGINT NOT NULL,
    layer_id  BIGINT CONSTRAINT set_holds_layer REFERENCES layer (id),
    kind      TEXT   COLLATE "C" NOT NULL,
    name      TEXT   COLLATE "C" NOT NULL,
    effective TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (layer_set, position)
);

CREATE INDEX layer_set_layer_by_layer ON layer_set_layer (layer_id);

CREATE TABLE survey_set (
    survey_id BIGINT NOT NULL REFERENCES survey (id) ON DELETE CASCADE,
    layer_set BIGINT NOT NULL REFERENCES layer_set (id),
    PRIMARY KEY (survey_id, layer_set)
);

CREATE INDEX survey_set_by_set ON survey_set (layer_set);

CREATE TABLE finding_history (
    id          BIGINT PRIMARY KEY,
    patch       BIGINT NOT NULL,
    survey_id   BIGINT NOT NULL REFERENCES survey (id) ON DELETE CASCADE,
    layer_set   BIGINT REFERENCES layer_set (id),
    finding     TEXT   COLLATE "C" NOT NULL,
    judged_ms   BIGINT NOT NULL,
    replaced_ms BIGINT NOT NULL,
    replaced_by TEXT   COLLATE "C"
);

CREATE INDEX finding_history_by_patch ON finding_history (patch, id);
CREATE INDEX finding_history_by_survey ON finding_history (survey_id);

ALTER TABLE finding ADD COLUMN layer_set BIGINT;

CREATE TEMPORARY TABLE rested ON COMMIT DROP AS
    SELECT survey.id AS survey_id, survey.rule,
        coalesce((SELECT string_agg(coalesce(layer_id::text, kind || ':' || name || '@' || effective), ',' ORDER BY position)
            FROM survey_layer WHERE survey_layer.survey_id = survey.id), '') COLLATE "C" AS layers
    FROM survey;
INSERT INTO layer_set (id, rule, layers)
    SELECT row_number() OVER (ORDER BY min(survey_id)), rule, layers FROM rested GROUP BY rule, layers;
INSERT INTO survey_set (survey_id, layer_set)
    SELECT survey_id, layer_set.id FROM rested JOIN layer_set ON layer_set.rule = rested.rule AND layer_set.layers = rested.layers;
INSERT INTO layer_set_layer (layer_set, position, layer_id, kind, name, effective)
    SELECT layer_set, position, layer_id, kind, name, effective
    FROM (SELECT layer_set, min(survey_id) AS survey_id FROM survey_set GROUP BY layer_set) AS first
    JOIN survey_layer ON survey_layer.survey_id = first.survey_id;
UPDATE finding SET layer_set = survey_set.layer_set FROM survey_set WHERE survey_set.survey_id = finding.survey_id;
DROP TABLE rested;
DROP TABLE survey_layer;

INSERT INTO given (name, seq) SELECT 'layer_set', count(*) FROM layer_set;
INSERT INTO given (name, seq) VALUES ('finding_history', 0);
