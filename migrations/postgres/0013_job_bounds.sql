-- Bounds on jobs, as in migrations/sqlite-jobs/0003_bounds.sql, which explains the columns.

ALTER TABLE job ADD COLUMN client TEXT COLLATE "C";
ALTER TABLE job ADD COLUMN lost   BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN lost_by TEXT COLLATE "C";
