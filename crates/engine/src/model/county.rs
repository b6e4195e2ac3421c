//! Administrative counties: six digits of GB/T 2260, and names.
//!
//! No list of them is built in: codes and names are those of the layer of counties in force.

use super::FeatureFacts;
use std::collections::HashMap;

/// A county 行政区.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct County {
    /// Six digits of GB/T 2260.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// Codes and names of the counties of one layer, each found by the other. A name that several codes have (every prefecture may have a 市中区) finds none of them.
///
/// ```
/// use tuban_engine::model::{CountyNames, FeatureFacts};
///
/// let layer = [("110101", "东城区"), ("110102", "西城区")].map(|(code, name)| FeatureFacts::new(code.to_owned(), name.to_owned()));
/// let counties = CountyNames::of(&layer);
/// assert_eq!((counties.name_of("110101"), counties.code_of("西城区")), (Some("东城区"), Some("110102")));
/// assert_eq!(counties.name_of("110105"), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountyNames {
    names: HashMap<String, String>,
    /// `None` for a name that several codes have.
    codes: HashMap<String, Option<String>>,
}

impl CountyNames {
    /// The counties of a layer. Features without a name of their own (none, or the code again) are passed over; of a code with several names the first counts.
    pub fn of<'a>(counties: impl IntoIterator<Item = &'a FeatureFacts>) -> Self {
        let mut all = Self::default();
        for county in counties.into_iter().filter(|county| !county.name.is_empty() && county.name != county.code) {
            let (code, name) = (&county.code, &county.name);
            all.names.entry(code.clone()).or_insert_with(|| name.clone());
            let known = all.codes.entry(name.clone()).or_insert_with(|| Some(code.clone()));
            if known.as_ref() != Some(code) {
                *known = None;
            }
        }
        all
    }

    /// The name of a county.
    #[must_use]
    pub fn name_of(&self, code: &str) -> Option<&str> {
        self.names.get(code).map(String::as_str)
    }

    /// The code of the only county with that name.
    #[must_use]
    pub fn code_of(&self, name: &str) -> Option<&str> {
        self.codes.get(name)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_several_counties_finds_none_and_a_code_has_its_first_name() {
        let layer = [("370103", "市中区"), ("370402", "市中区"), ("370102", "历下区"), ("370102", "历下"), ("370104", "370104"), ("370105", "")];
        let layer = layer.map(|(code, name)| FeatureFacts::new(code.to_owned(), name.to_owned()));
        let counties = CountyNames::of(&layer);
        assert_eq!(
            ["370103", "370402", "370102", "370104", "370105"].map(|code| counties.name_of(code)),
            [Some("市中区"), Some("市中区"), Some("历下区"), None, None]
        );
        assert_eq!(["市中区", "历下区", "历下", "370104", ""].map(|name| counties.code_of(name)), [None, Some("370102"), Some("370102"), None, None]);
    }
}
