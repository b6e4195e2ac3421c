-- Bounds on jobs: who queued one, so that no client fills the queue, and how often a node died with it, so that it is not tried for ever.

ALTER TABLE job ADD COLUMN client TEXT; -- the address that it was queued from; NULL: no client's, or an older program's
ALTER TABLE job ADD COLUMN lost   INTEGER NOT NULL DEFAULT 0; -- claims that ended because the lease ran out
ALTER TABLE job ADD COLUMN lost_by TEXT; -- the node that the last such claim was of
