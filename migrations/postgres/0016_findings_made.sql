-- Findings by generation, as in migrations/sqlite/0016_findings_made.sql, which explains the columns.

-- A table with checks that wait for the end of the transaction cannot be altered: they are made now.
SET CONSTRAINTS ALL IMMEDIATE;

ALTER TABLE survey ADD COLUMN made BIGINT NOT NULL DEFAULT 0;

ALTER TABLE finding ADD COLUMN made BIGINT NOT NULL DEFAULT 0;
ALTER TABLE finding DROP CONSTRAINT finding_pkey;
ALTER TABLE finding ADD PRIMARY KEY (county, patch, made);
DROP INDEX finding_by_survey;
CREATE INDEX finding_by_survey ON finding
    (survey_id, made, county_code, patch) INCLUDE (area_m2, farmland_m2, automatic_legal_farmland_m2, automatic_illegal_farmland_m2);

ALTER TABLE finding_history ADD COLUMN unpublished BIGINT;
CREATE INDEX finding_history_by_writer ON finding_history (unpublished) WHERE unpublished IS NOT NULL;

DROP TABLE unpublished_finding;
DROP TABLE unpublished_history;
