-- By how much areas near a tolerance may differ (JSON; NULL where by nothing): edges are straight in one coordinate system only.

ALTER TABLE finding ADD COLUMN doubts TEXT;

-- The most decimals that the file's coordinates were written with; NULL where nobody counted them.
ALTER TABLE survey ADD COLUMN decimals BIGINT;
ALTER TABLE layer ADD COLUMN decimals BIGINT;
