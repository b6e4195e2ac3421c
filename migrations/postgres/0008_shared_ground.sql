-- Ground that patches share, as in migrations/sqlite/0008_shared_ground.sql, which explains the columns. Few patches share ground: not partitioned.

CREATE TABLE shared_ground (
    id                            BIGINT PRIMARY KEY,
    piece                         BIGINT NOT NULL,
    patch                         BIGINT NOT NULL,
    survey_id                     BIGINT NOT NULL,
    area_m2                       DOUBLE PRECISION NOT NULL,
    farmland_m2                   DOUBLE PRECISION NOT NULL,
    automatic_legal_farmland_m2   DOUBLE PRECISION NOT NULL,
    automatic_illegal_farmland_m2 DOUBLE PRECISION NOT NULL,
    areas                         TEXT   COLLATE "C" NOT NULL
);

CREATE INDEX shared_ground_by_piece ON shared_ground (piece);
CREATE INDEX shared_ground_by_patch ON shared_ground (patch);
CREATE INDEX shared_ground_by_survey ON shared_ground (survey_id, piece, patch);
