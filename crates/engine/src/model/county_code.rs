//! The code of a county, as a value that cannot be anything else.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// The code of a county: six digits of GB/T 2260.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountyCode(Box<str>);

/// A text that is not six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a county's code has six digits")]
pub struct NotACountyCode;

impl FromStr for CountyCode {
    type Err = NotACountyCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if Self::is(text) { Ok(Self(text.into())) } else { Err(NotACountyCode) }
    }
}

impl CountyCode {
    /// Whether a text is the code of a county. What a patch says of its county and is none is kept as it was written.
    #[must_use]
    pub fn is(text: &str) -> bool {
        text.len() == 6 && text.bytes().all(|digit| digit.is_ascii_digit())
    }

    /// Its six digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for CountyCode {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CountyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CountyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_and_nothing_else() {
        assert_eq!("371302".parse::<CountyCode>().map(|code| code.to_string()), Ok("371302".to_owned()));
        for text in ["", "37130", "3713020", "37130a", "３７１３０２", " 371302", "371302\0"] {
            assert_eq!(text.parse::<CountyCode>(), Err(NotACountyCode), "{text:?}");
        }
    }
}
