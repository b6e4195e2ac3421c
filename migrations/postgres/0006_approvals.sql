-- Days, ends and kinds of approvals, as in migrations/sqlite/0006_approvals.sql.

ALTER TABLE layer ADD COLUMN undated BIGINT;

ALTER TABLE layer_feature
    ADD COLUMN granted         TEXT COLLATE "C",
    ADD COLUMN ends            TEXT COLLATE "C",
    ADD COLUMN kind            TEXT COLLATE "C",
    ADD COLUMN first_effective TEXT COLLATE "C";

ALTER TABLE finding
    ADD COLUMN approved_before_m2           DOUBLE PRECISION,
    ADD COLUMN approved_before_farmland_m2  DOUBLE PRECISION,
    ADD COLUMN approved_undated_m2          DOUBLE PRECISION,
    ADD COLUMN approved_undated_farmland_m2 DOUBLE PRECISION,
    ADD COLUMN approved_later_m2            DOUBLE PRECISION,
    ADD COLUMN approved_later_farmland_m2   DOUBLE PRECISION,
    ADD COLUMN approved_in_time_m2          DOUBLE PRECISION,
    ADD COLUMN approved_in_time_farmland_m2 DOUBLE PRECISION,
    ADD COLUMN other_use_m2                 DOUBLE PRECISION,
    ADD COLUMN other_use_farmland_m2        DOUBLE PRECISION;
