//! The tables as both databases have them: names and columns in the order in which they are written.
//!
//! What is derived from other columns (SQLite's row numbers, PostgreSQL's partition key and shapes) is each database's own.

/// What a column holds. Any may be NULL as far as this module knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// 64 bits, signed.
    Integer,
    /// IEEE 754, 64 bits.
    Double,
    /// UTF-8.
    Text,
    /// Bytes.
    Bytes,
}

use Kind::{Bytes, Double, Integer, Text};

/// A table and its columns; the first ones are its key.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// How many of the columns, from the first, are its key.
    pub(super) key: usize,
    /// Whether its rows belong to a patch, and so to the county that answers for it.
    pub(super) by_county: bool,
    /// Its columns.
    pub(super) columns: &'static [(&'static str, Kind)],
}

impl Table {
    /// The names of the columns, for a statement.
    pub(super) fn names(&self) -> String {
        names_of(self.columns)
    }

    /// The first column of the key, which is a number.
    pub(super) fn number(&self) -> &'static str {
        self.columns.first().map_or("", |(name, _)| name)
    }

    /// What makes an insert of all columns replace the row with that number.
    pub(super) fn or_replace(&self) -> String {
        let columns: Vec<String> = self.columns.iter().skip(1).map(|(name, _)| format!("{name} = excluded.{name}")).collect();
        format!(" ON CONFLICT ({}) DO UPDATE SET {}", self.number(), columns.join(", "))
    }

    /// The names of its key, for a statement.
    pub(super) fn order(&self) -> String {
        names_of(self.columns.get(..self.key).unwrap_or_default())
    }
}

fn names_of(columns: &[(&str, Kind)]) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Tables whose numbers are given once and never again.
pub(super) const NUMBERED: [&str; 6] = ["finding_history", "layer", "layer_feature", "layer_set", "patch", "survey"];

/// Layers.
pub(super) const LAYER: Table = Table {
    name: "layer",
    key: 1,
    by_county: false,
    columns: &[
        ("id", Integer),
        ("kind", Text),
        ("name", Text),
        ("effective", Text),
        ("crs", Text),
        ("sha256", Text),
        ("invented", Integer),
        ("features", Integer),
        ("rejected", Integer),
        ("vertices", Integer),
        ("created_ms", Integer),
        ("notes", Text),
        ("classes", Text),
        ("undated", Integer),
        ("decimals", Integer),
        ("checksum", Integer),
    ],
};

/// Features of layers' files that are not in the layers.
pub(super) const LAYER_LEFT_OUT: Table = Table {
    name: "layer_left_out",
    key: 2,
    by_county: false,
    columns: &[
        ("layer_id", Integer),
        ("row", Integer),
        ("code", Text),
        ("zh", Text),
        ("en", Text),
        ("west", Double),
        ("south", Double),
        ("east", Double),
        ("north", Double),
        ("checksum", Integer),
    ],
};

/// Features of layers.
pub(super) const LAYER_FEATURE: Table = Table {
    name: "layer_feature",
    key: 1,
    by_county: false,
    columns: &[
        ("id", Integer),
        ("layer_id", Integer),
        ("row", Integer),
        ("code", Text),
        ("name", Text),
        ("west", Double),
        ("south", Double),
        ("east", Double),
        ("north", Double),
        ("cell", Integer),
        ("degrees", Bytes),
        ("repaired", Bytes),
        ("source", Bytes),
        ("granted", Text),
        ("ends", Text),
        ("kind", Text),
        ("first_effective", Text),
        ("checksum", Integer),
    ],
};

/// Surveys.
pub(super) const SURVEY: Table = Table {
    name: "survey",
    key: 1,
    by_county: false,
    columns: &[
        ("id", Integer),
        ("name", Text),
        ("period", Integer),
        ("months", Integer),
        ("level", Text),
        ("crs", Text),
        ("upload_key", Text),
        ("invented", Integer),
        ("patches", Integer),
        ("repaired", Integer),
        ("rejected", Integer),
        ("outside", Integer),
        ("patch_id_source", Text),
        ("fields", Text),
        ("legal", Integer),
        ("suspected_illegal", Integer),
        ("other", Integer),
        ("doubtful", Integer),
        ("area_m2", Double),
        ("farmland_m2", Double),
        ("warnings", Text),
        ("rule", Text),
        ("created_ms", Integer),
        ("judged_ms", Integer),
        ("sha256", Text),
        ("withdrawn_ms", Integer),
        ("decimals", Integer),
        ("farmland_unknown", Integer),
        ("checksum", Integer),
        ("sums", Text),
    ],
};

/// What became of surveys.
pub(super) const SURVEY_EVENT: Table = Table {
    name: "survey_event",
    key: 2,
    by_county: false,
    columns: &[("survey_id", Integer), ("position", Integer), ("at_ms", Integer), ("event", Text), ("who", Text), ("reason", Text), ("details", Text)],
};

/// What findings rest on.
pub(super) const LAYER_SET: Table = Table {
    name: "layer_set",
    key: 1,
    by_county: false,
    columns: &[("id", Integer), ("rule", Text), ("layers", Text), ("lon0", Double), ("lat0", Double), ("checksum", Integer)],
};

/// The layer versions of sets.
pub(super) const LAYER_SET_LAYER: Table = Table {
    name: "layer_set_layer",
    key: 2,
    by_county: false,
    columns: &[
        ("layer_set", Integer),
        ("position", Integer),
        ("layer_id", Integer),
        ("kind", Text),
        ("name", Text),
        ("effective", Text),
        ("checksum", Integer),
    ],
};

/// The sets that the findings of surveys rest on.
pub(super) const SURVEY_SET: Table = Table { name: "survey_set", key: 2, by_county: false, columns: &[("survey_id", Integer), ("layer_set", Integer)] };

/// Former findings: as they were before a re-classification.
pub(super) const FINDING_HISTORY: Table = Table {
    name: "finding_history",
    key: 1,
    by_county: false,
    columns: &[
        ("id", Integer),
        ("patch", Integer),
        ("survey_id", Integer),
        ("layer_set", Integer),
        ("finding", Text),
        ("judged_ms", Integer),
        ("replaced_ms", Integer),
        ("replaced_by", Text),
        ("checksum", Integer),
    ],
};

/// Patches.
pub(super) const PATCH: Table = Table {
    name: "patch",
    key: 1,
    by_county: true,
    columns: &[
        ("id", Integer),
        ("survey_id", Integer),
        ("row", Integer),
        ("patch_id", Text),
        ("stated_county", Text),
        ("west", Double),
        ("south", Double),
        ("east", Double),
        ("north", Double),
        ("cell", Integer),
        ("before_day", Text),
        ("after_day", Text),
        ("number", Integer),
        ("checksum", Integer),
    ],
};

/// The wide part of patches.
pub(super) const PATCH_OUTLINE: Table = Table {
    name: "patch_outline",
    key: 1,
    by_county: true,
    columns: &[("patch", Integer), ("attributes", Text), ("defects", Text), ("degrees", Bytes), ("repaired", Bytes), ("source", Bytes), ("checksum", Integer)],
};

/// Findings.
pub(super) const FINDING: Table = Table {
    name: "finding",
    key: 1,
    by_county: true,
    columns: &[
        ("patch", Integer),
        ("survey_id", Integer),
        ("county_code", Text),
        ("area_m2", Double),
        ("farmland_m2", Double),
        ("basic_farmland_m2", Double),
        ("red_line_m2", Double),
        ("urban_boundary_m2", Double),
        ("approved_m2", Double),
        ("approved_farmland_m2", Double),
        ("automatic_legal_farmland_m2", Double),
        ("automatic_illegal_farmland_m2", Double),
        ("verdict", Text),
        ("reason", Text),
        ("parcels", Text),
        ("counties", Text),
        ("approvals", Text),
        ("flags", Text),
        ("approved_before_m2", Double),
        ("approved_before_farmland_m2", Double),
        ("approved_undated_m2", Double),
        ("approved_undated_farmland_m2", Double),
        ("approved_later_m2", Double),
        ("approved_later_farmland_m2", Double),
        ("approved_in_time_m2", Double),
        ("approved_in_time_farmland_m2", Double),
        ("other_use_m2", Double),
        ("other_use_farmland_m2", Double),
        ("doubts", Text),
        ("layer_set", Integer),
        ("checksum", Integer),
    ],
};

/// Filings.
pub(super) const FILING: Table = Table {
    name: "filing",
    key: 1,
    by_county: true,
    columns: &[
        ("patch", Integer),
        ("verdict", Text),
        ("legal_m2", Double),
        ("legal_farmland_m2", Double),
        ("illegal_m2", Double),
        ("illegal_farmland_m2", Double),
        ("filed_ms", Integer),
        ("filed_by", Text),
        ("checksum", Integer),
    ],
};

/// Ground that patches share.
pub(super) const SHARED_GROUND: Table = Table {
    name: "shared_ground",
    key: 1,
    by_county: false,
    columns: &[
        ("id", Integer),
        ("piece", Integer),
        ("patch", Integer),
        ("survey_id", Integer),
        ("area_m2", Double),
        ("farmland_m2", Double),
        ("automatic_legal_farmland_m2", Double),
        ("automatic_illegal_farmland_m2", Double),
        ("areas", Text),
        ("checksum", Integer),
    ],
};

/// Rejects.
pub(super) const REJECT: Table = Table {
    name: "reject",
    key: 1,
    by_county: false,
    columns: &[
        ("id", Integer),
        ("survey_id", Integer),
        ("row", Integer),
        ("patch_id", Text),
        ("code", Text),
        ("zh", Text),
        ("en", Text),
        ("pointer", Text),
        ("ring", Integer),
        ("vertex", Integer),
    ],
};
