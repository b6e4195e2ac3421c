-- Ground that patches share: a row for each patch that a piece of ground lies in. A piece lies in these patches and in no other that was stored when it was found;
-- what a patch has alone is what its finding has more than its pieces. Areas are those that the patch's own finding would have of the piece: where
-- two patches were judged by different layers they differ. Which patch a piece counts for depends on the periods asked for, so it is not stored.
CREATE TABLE shared_ground (
    id                            INTEGER PRIMARY KEY,
    piece                         INTEGER NOT NULL, -- the id of its first row
    patch                         INTEGER NOT NULL REFERENCES patch (id) ON DELETE CASCADE,
    survey_id                     INTEGER NOT NULL, -- the patch's
    area_m2                       REAL    NOT NULL,
    farmland_m2                   REAL    NOT NULL,
    automatic_legal_farmland_m2   REAL    NOT NULL,
    automatic_illegal_farmland_m2 REAL    NOT NULL,
    areas                         TEXT    NOT NULL  -- JSON: all areas of a finding
) STRICT;

CREATE INDEX shared_ground_by_piece ON shared_ground (piece);
CREATE INDEX shared_ground_by_patch ON shared_ground (patch);
CREATE INDEX shared_ground_by_survey ON shared_ground (survey_id, piece, patch);
