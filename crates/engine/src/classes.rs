//! Class codes (DLBM) of parcels: the lists of three standards, as data, and which classes are farmland.

use crate::model::Standard;
use crate::rule::Rule;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The classes of one standard.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassList {
    /// Which standard.
    pub standard: Standard,
    /// Its Chinese name.
    pub name: String,
    /// The day from which it counts.
    pub effective: jiff::civil::Date,
    /// Codes that are 耕地.
    pub farmland: Vec<String>,
    /// Code → Chinese name; every parcel looks here several times.
    pub classes: HashMap<String, String, foldhash::fast::RandomState>,
}

#[expect(clippy::panic, reason = "built in, and read by a test")]
static LISTS: LazyLock<[ClassList; 3]> = LazyLock::new(|| {
    let texts =
        [include_str!("../../../rules/classes/2007.toml"), include_str!("../../../rules/classes/2017.toml"), include_str!("../../../rules/classes/2023.toml")];
    texts.map(|text| toml::from_str(text).unwrap_or_else(|error| panic!("rules/classes: {error}")))
});

/// The classes of a standard.
#[must_use]
pub fn of(standard: Standard) -> &'static ClassList {
    &LISTS[standard as usize]
}

/// Whether a parcel with this code is farmland: of the second survey by its own list, else by the rule.
#[must_use]
pub fn is_farmland(standard: Option<Standard>, rule: &Rule, dlbm: &str) -> bool {
    match standard {
        Some(Standard::SecondSurvey) => of(Standard::SecondSurvey).farmland.iter().any(|code| code == dlbm),
        _ => rule.is_farmland(dlbm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_those_of_the_standards() {
        // Oracle: the standards named in each file.
        for (standard, effective, code, name, codes) in [
            (Standard::SecondSurvey, "2007-07-01", "012", "水浇地", 70),
            (Standard::ThirdSurvey, "2017-11-01", "05H1", "商业服务业设施用地", 91),
            (Standard::Guide, "2023-11-22", "060101", "村道用地", 153),
        ] {
            let list = of(standard);
            assert_eq!((list.standard, list.effective.to_string().as_str(), list.classes[code].as_str()), (standard, effective, name));
            assert_eq!(list.classes.len(), codes, "{standard}");
            assert!(list.farmland.iter().all(|code| ["水田", "水浇地", "旱地"].contains(&list.classes[code].as_str())));
        }
        assert_eq!((&*of(Standard::ThirdSurvey).classes["0601"], &*of(Standard::Guide).classes["0601"]), ("工业用地", "农村道路"));
        let rule = Rule::load(None).unwrap();
        for (standard, code, farmland) in [
            (Some(Standard::SecondSurvey), "011", true),
            (Some(Standard::SecondSurvey), "021", false),
            (Some(Standard::ThirdSurvey), "0103", true),
            (Some(Standard::Guide), "0101", true),
            (Some(Standard::ThirdSurvey), "0201K", false),
            (None, "0102", true),
            (None, "012", false),
        ] {
            assert_eq!(is_farmland(standard, &rule, code), farmland, "{standard:?} {code}");
        }
    }
}
