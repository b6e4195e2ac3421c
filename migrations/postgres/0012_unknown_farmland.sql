-- How many patches of a survey have unknown farmland, as in migrations/sqlite/0012_unknown_farmland.sql.

ALTER TABLE survey ADD COLUMN farmland_unknown BIGINT NOT NULL DEFAULT 0;

-- Only of surveys that rest on a set without parcels need the findings be looked at.
UPDATE survey SET farmland_unknown = (SELECT count(*) FROM finding WHERE finding.survey_id = survey.id AND finding.reason = 'no_farmland_layer')
WHERE id IN (SELECT survey_id FROM survey_set WHERE layer_set NOT IN (SELECT layer_set FROM layer_set_layer WHERE kind = 'farmland'));
