//! A survey's month, and ranges of months.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The day it is in China, which has one time zone.
#[must_use]
pub fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::offset(8).to_time_zone()).date()
}

/// A month, written `2022-04`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    year: u16,
    month: u8,
}

impl Period {
    /// The month it is in China.
    #[must_use]
    pub fn current() -> Self {
        let today = today();
        Self { year: today.year().unsigned_abs(), month: today.month().unsigned_abs() }
    }

    /// Months since year 0: the number by which periods are stored and compared.
    #[must_use]
    pub fn ordinal(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }

    /// The period of an [`ordinal`](Self::ordinal), if it is one.
    #[must_use]
    pub fn from_ordinal(ordinal: i64) -> Option<Self> {
        let year = u16::try_from(ordinal.div_euclid(12)).ok()?;
        let month = u8::try_from(ordinal.rem_euclid(12) + 1).ok()?;
        (1900..=2999).contains(&year).then_some(Self { year, month })
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("“{text}” is not a month written YYYY-MM");
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        if year.len() != 4 || month.len() != 2 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Err(wrong());
        }
        let (year, month): (u16, u8) = (year.parse().map_err(|_| wrong())?, month.parse().map_err(|_| wrong())?);
        if !(1900..=2999).contains(&year) || !(1..=12).contains(&month) {
            return Err(wrong());
        }
        Ok(Self { year, month })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl TryFrom<String> for Period {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// Months from `from` to `until`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PeriodRange {
    /// First month.
    pub from: Period,
    /// Last month, not before `from`.
    pub until: Period,
}

impl PeriodRange {
    /// The range; `until` defaults to `from`.
    pub fn new(from: Period, until: Option<Period>) -> Result<Self, String> {
        let until = until.unwrap_or(from);
        if until < from { Err(format!("{until} is before {from}")) } else { Ok(Self { from, until }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_reads_back_and_nonsense_does_not() {
        assert_eq!("2022-04".parse::<Period>().unwrap().to_string(), "2022-04");
        for wrong in ["2022-13", "2022-00", "2022-4", "22-04", "2022/04", "", "2022-04-01", "+022-04"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_ordinal_is_one_to_one() {
        let period: Period = "2022-12".parse().unwrap();
        assert_eq!(Period::from_ordinal(period.ordinal()), Some(period));
        assert_eq!(Period::from_ordinal(period.ordinal() + 1).unwrap().to_string(), "2023-01");
    }
}
