//! Which patches are asked for.

use crate::scope::Scope;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use tuban_engine::model::{AutomaticVerdict, NotAWord, PeriodRange, Verdict};
use tuban_geom::Bounds;

/// Which verdict to select patches by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictFilter {
    /// Not confirmed (or confirmed doubtful), whatever the overlay says.
    Pending,
    /// The verdict people see: the confirmed one where there is one, else the automatic one, equals this word.
    Shown(&'static str),
    /// The confirmed verdict is this one: the patches that make a group of the county table.
    Confirmed(Verdict),
}

/// What stands before the word of a verdict that must be confirmed.
const CONFIRMED: &str = "confirmed_";
/// All words that a filter is read from.
const WORDS: [&str; 10] =
    ["legal", "illegal", "suspected_illegal", "other", "doubtful", "pending", "confirmed_legal", "confirmed_illegal", "confirmed_other", "confirmed_doubtful"];

impl std::str::FromStr for VerdictFilter {
    type Err = NotAWord;

    /// Reads a word of either kind of verdict, `pending`, or `confirmed_` before the word of a confirmed one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(Ok(verdict)) = text.strip_prefix(CONFIRMED).map(Verdict::from_str) {
            return Ok(Self::Confirmed(verdict));
        }
        let automatic = AutomaticVerdict::from_str(text).map(AutomaticVerdict::word);
        match (text, automatic.or_else(|_| Verdict::from_str(text).map(Verdict::word))) {
            ("pending", _) => Ok(Self::Pending),
            (_, Ok(word)) => Ok(Self::Shown(word)),
            _ => Err(NotAWord::new(text, &WORDS)),
        }
    }
}

impl VerdictFilter {
    /// The word it is read from.
    #[must_use]
    pub fn word(self) -> Cow<'static, str> {
        match self {
            Self::Pending => "pending".into(),
            Self::Shown(word) => word.into(),
            Self::Confirmed(verdict) => format!("{CONFIRMED}{verdict}").into(),
        }
    }
}

impl Serialize for VerdictFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.word())
    }
}

impl<'de> Deserialize<'de> for VerdictFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a patch stands among all: surveys are in the order of their numbers, and the patches of each in that of their keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PatchPosition {
    /// Number of its survey.
    pub survey: i64,
    /// Its key.
    pub patch: i64,
}

/// Which patches to answer, in the order of their places. What is said combines.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// That who asks may see.
    pub scope: Scope,
    /// Whose box touches this one, degrees.
    pub bounds: Option<Bounds>,
    /// Of this county.
    pub county: Option<String>,
    /// Of surveys within these months.
    pub range: Option<PeriodRange>,
    /// Of this survey.
    pub survey: Option<i64>,
    /// With this id of their own.
    pub patch_id: Option<String>,
    /// With this verdict.
    pub verdict: Option<VerdictFilter>,
    /// Behind this place.
    pub after: PatchPosition,
    /// At most so many.
    pub limit: u32,
}

impl Filter {
    /// All patches of a scope: `limit` is yet to be said.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        Self { scope, bounds: None, county: None, range: None, survey: None, patch_id: None, verdict: None, after: PatchPosition::default(), limit: 0 }
    }

    /// Whether patches of some counties only are asked for.
    pub(super) fn is_of_counties(&self) -> bool {
        self.county.is_some() || !self.scope.is_all()
    }
}
