-- Approvals have a day, an end and a kind of their own, and findings say how much was approved before, undated and later.

-- Approvals without a day that can be read; NULL in layers of an older Tuban, which did not read days, and for other kinds.
ALTER TABLE layer ADD COLUMN undated INTEGER;

ALTER TABLE layer_feature ADD COLUMN granted         TEXT; -- an approval's own day, YYYY-MM-DD
ALTER TABLE layer_feature ADD COLUMN ends            TEXT; -- its last day, where it has one
ALTER TABLE layer_feature ADD COLUMN kind            TEXT; -- what it is for, in the file's own words
ALTER TABLE layer_feature ADD COLUMN first_effective TEXT; -- of one without a day: effective day of the first version that holds it

-- All NULL together: an older Tuban's finding, or one without approvals, where nothing was granted before or later and all that is approved counts.
ALTER TABLE finding ADD COLUMN approved_before_m2            REAL;
ALTER TABLE finding ADD COLUMN approved_before_farmland_m2   REAL;
ALTER TABLE finding ADD COLUMN approved_undated_m2           REAL;
ALTER TABLE finding ADD COLUMN approved_undated_farmland_m2  REAL;
ALTER TABLE finding ADD COLUMN approved_later_m2             REAL;
ALTER TABLE finding ADD COLUMN approved_later_farmland_m2    REAL;
ALTER TABLE finding ADD COLUMN approved_in_time_m2           REAL; -- what counts: before, and undated that was stored by the after-image
ALTER TABLE finding ADD COLUMN approved_in_time_farmland_m2  REAL;
ALTER TABLE finding ADD COLUMN other_use_m2                  REAL; -- beside that: 设施农用地, 临时用地, 农村道路
ALTER TABLE finding ADD COLUMN other_use_farmland_m2         REAL;
