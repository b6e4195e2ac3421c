//! Administrative counties: six digits of GB/T 2260.

/// A county 行政区.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct County {
    /// Six digits of GB/T 2260.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// The twelve counties of the city (code 3713), source: GB/T 2260. A county layer's own names win over these.
pub const COUNTIES: [(&str, &str); 12] = [
    ("371302", "兰山区"),
    ("371311", "罗庄区"),
    ("371312", "河东区"),
    ("371321", "沂南县"),
    ("371322", "郯城县"),
    ("371323", "沂水县"),
    ("371324", "兰陵县"),
    ("371325", "费县"),
    ("371326", "平邑县"),
    ("371327", "莒南县"),
    ("371328", "蒙阴县"),
    ("371329", "临沭县"),
];

/// The name of a county of the city, or the code itself.
#[must_use]
pub fn county_name(code: &str) -> &str {
    COUNTIES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name)
}
