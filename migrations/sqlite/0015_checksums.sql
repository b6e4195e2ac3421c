-- Checksums: each row that a figure comes from carries eight bytes over its columns (src/store/checksum.rs), held against them whenever the row is read.
-- NULL: a row of an older program, for which nothing vouches.

ALTER TABLE layer ADD COLUMN checksum INTEGER;
ALTER TABLE layer_feature ADD COLUMN checksum INTEGER;
ALTER TABLE layer_left_out ADD COLUMN checksum INTEGER;
ALTER TABLE survey ADD COLUMN checksum INTEGER;
ALTER TABLE layer_set ADD COLUMN checksum INTEGER;
ALTER TABLE layer_set_layer ADD COLUMN checksum INTEGER;
ALTER TABLE finding_history ADD COLUMN checksum INTEGER;
ALTER TABLE patch ADD COLUMN checksum INTEGER;
ALTER TABLE patch_outline ADD COLUMN checksum INTEGER;
ALTER TABLE finding ADD COLUMN checksum INTEGER;
ALTER TABLE filing ADD COLUMN checksum INTEGER;
ALTER TABLE shared_ground ADD COLUMN checksum INTEGER;

-- What the findings and confirmed verdicts of a survey sum to, by county, exactly (src/store/sums.rs): written with every commit that changes them.
ALTER TABLE survey ADD COLUMN sums TEXT;

-- The same columns as the tables that they are moved to.
ALTER TABLE unpublished_finding ADD COLUMN checksum INTEGER;
ALTER TABLE unpublished_history ADD COLUMN checksum INTEGER;

-- Rows of an older program are given checksums and sums when the database is opened next (src/store/vouching.rs): how many, and when that was done; NULL until then.
CREATE TABLE vouching (rows INTEGER NOT NULL, done_ms INTEGER) STRICT;
INSERT INTO vouching (rows) VALUES (0);
