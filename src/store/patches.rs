//! Patches as they are asked for, and as they are answered.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use tuban_engine::model::{AutomaticVerdict, Filing, Finding, NotAWord, Patch, Period, PeriodRange, Signature, Verdict};
use tuban_geom::{Bounds, Outline};

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

/// Which patches to answer, in the order of their places.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PatchQuery {
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

/// A patch with its finding, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPatch {
    /// The number by which people know it: it keeps it when another survey replaces its own. Only one patch that counts has it.
    pub id: i64,
    /// The key of its row, for the store alone.
    pub key: i64,
    /// Number of its survey.
    pub survey_id: i64,
    /// Its survey's period.
    pub period: Period,
    /// The patch.
    pub patch: Patch,
    /// Its finding.
    pub finding: Finding,
    /// The confirmed verdict, where there is one.
    pub filing: Option<Filing>,
    /// Who filed it, and when.
    pub signature: Option<Signature>,
}

impl StoredPatch {
    /// Where it stands among all.
    #[must_use]
    pub fn place(&self) -> PatchPosition {
        PatchPosition { survey: self.survey_id, patch: self.key }
    }
}

/// What a map at a small scale needs of a patch.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchMark {
    /// The number by which people know it.
    pub id: i64,
    /// Its own id.
    pub patch_id: String,
    /// The verdict people see: confirmed, else automatic.
    pub verdict: String,
    /// Whether it is the confirmed one.
    pub confirmed: bool,
    /// Its box, degrees.
    pub bounds: Bounds,
    /// Its outline (repaired where it was), degrees; only when asked for.
    pub degrees: Option<Outline>,
}
