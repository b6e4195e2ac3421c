-- Checksums, as in migrations/sqlite/0015_checksums.sql, which explains them.

-- A table with checks that wait for the end of the transaction cannot be altered: they are made now.
SET CONSTRAINTS ALL IMMEDIATE;

ALTER TABLE layer ADD COLUMN checksum BIGINT;
ALTER TABLE layer_feature ADD COLUMN checksum BIGINT;
ALTER TABLE layer_left_out ADD COLUMN checksum BIGINT;
ALTER TABLE survey ADD COLUMN checksum BIGINT;
ALTER TABLE layer_set ADD COLUMN checksum BIGINT;
ALTER TABLE layer_set_layer ADD COLUMN checksum BIGINT;
ALTER TABLE finding_history ADD COLUMN checksum BIGINT;
ALTER TABLE patch ADD COLUMN checksum BIGINT;
ALTER TABLE patch_outline ADD COLUMN checksum BIGINT;
ALTER TABLE finding ADD COLUMN checksum BIGINT;
ALTER TABLE filing ADD COLUMN checksum BIGINT;
ALTER TABLE shared_ground ADD COLUMN checksum BIGINT;

ALTER TABLE survey ADD COLUMN sums TEXT;

-- The same columns as the tables that they are moved to.
ALTER TABLE unpublished_finding ADD COLUMN checksum BIGINT;
ALTER TABLE unpublished_history ADD COLUMN checksum BIGINT;

-- Rows of an older program are given checksums and sums when the database is opened next (src/store/vouching.rs): how many, and when that was done; NULL until then.
CREATE TABLE vouching (rows BIGINT NOT NULL, done_ms BIGINT);
INSERT INTO vouching (rows) VALUES (0);
