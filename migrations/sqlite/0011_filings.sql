-- Who filed a verdict; by which list of classes a parcel layer is read; which members of a layer are missing from it.

-- “—” where nobody said.
ALTER TABLE filing ADD COLUMN filed_by TEXT NOT NULL DEFAULT '—';

-- The list of classes (rules/classes) that the codes of a parcel layer are of: 2007, 2017 or 2023. NULL: of a layer of another kind, or one stored before there
-- was a choice, which is read by the rule's own farmland classes.
ALTER TABLE layer ADD COLUMN classes TEXT;

-- Features of a layer's file that are not in the layer: refused when it was taken in. What lies there is unknown, and every finding there says so.
CREATE TABLE layer_left_out (
    layer_id INTEGER NOT NULL REFERENCES layer (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    row      INTEGER NOT NULL, -- in the file, from 1; 0 for all that were too many to be listed
    code     TEXT    NOT NULL, -- why, a word for programs
    zh       TEXT    NOT NULL,
    en       TEXT    NOT NULL,
    west     REAL,             -- its box in degrees; NULL where it cannot be known: it may lie anywhere
    south    REAL,
    east     REAL,
    north    REAL,
    PRIMARY KEY (layer_id, row)
) STRICT, WITHOUT ROWID;

-- Of layers stored before this it is known how many features were refused, and not where they lie.
INSERT INTO layer_left_out (layer_id, row, code, zh, en)
SELECT id, 0, 'refused_before', rejected || ' 个要素在入库时被拒收，位置没有记录', rejected || ' features were refused when it was taken in, and where they lie was not kept'
FROM layer WHERE rejected > 0;
