//! Confirmed verdicts about to be recorded, and what becomes of each: decided here, whichever database holds the patches.

use super::{StoreError, columns::Columns, rows};
use std::collections::HashMap;
use std::hash::Hash;
use tuban_engine::model::Filing;

/// A confirmed verdict about to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFiling {
    /// Only a patch of this survey is meant, where it is said.
    pub survey: Option<i64>,
    /// What was confirmed.
    pub filing: Filing,
    /// By how much its construction may exceed the patch's area, square metres; `None` where that is not looked at.
    pub slack_m2: Option<f64>,
}

/// Who files, and whether only to see what would become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signing<'a> {
    /// Who.
    pub by: &'a str,
    /// Nothing is recorded then.
    pub preview: bool,
}

/// What becomes of a filing.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// The patch has no confirmed verdict yet.
    New,
    /// The patch has this one, which says something else.
    Changed(Filing),
    /// The patch has the very same; who filed it and when stay as they are.
    Same,
    /// No stored patch has that id (in the survey, where one is named).
    Unknown,
    /// Patches of several surveys have that id.
    Ambiguous,
    /// An earlier filing, by its place from 0, is of the same patch.
    Twice(usize),
    /// More construction than the patch has ground, square metres.
    TooLarge(f64),
}

impl Fate {
    /// Whether it keeps the whole file out.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !matches!(self, Self::New | Self::Changed(_) | Self::Same)
    }

    /// Whether something is to be written for it.
    pub(super) fn is_written(&self) -> bool {
        matches!(self, Self::New | Self::Changed(_))
    }
}

/// A stored patch that a filing may mean.
pub(super) struct Meant<K> {
    pub key: K,
    area_m2: f64,
    filing: Option<Filing>,
}

impl<K> Meant<K> {
    /// Of a row with `area_m2` of the finding and the columns of its filing, the verdict as `filed`.
    pub fn of(key: K, row: &impl Columns, patch_id: &str) -> Result<Self, StoreError> {
        Ok(Self { key, area_m2: row.double("area_m2")?, filing: rows::filing(row, patch_id)? })
    }
}

/// Decides filings one after the other.
pub(super) struct Weighing<K> {
    seen: HashMap<K, usize>,
    fates: Vec<Fate>,
}

impl<K: Eq + Hash + Clone> Weighing<K> {
    pub fn new() -> Self {
        Self { seen: HashMap::new(), fates: Vec::new() }
    }

    /// The fate of the next filing, of which these are the patches that it may mean; the key of its patch where something is to be written.
    pub fn next(&mut self, new: &NewFiling, meant: &[Meant<K>]) -> Option<K> {
        let place = self.fates.len();
        let (fate, key) = match meant {
            [] => (Fate::Unknown, None),
            [one] => match self.seen.insert(one.key.clone(), place) {
                Some(earlier) => (Fate::Twice(earlier), None),
                None => (fate_of(new, one), Some(one.key.clone())),
            },
            _ => (Fate::Ambiguous, None),
        };
        let key = key.filter(|_| fate.is_written());
        self.fates.push(fate);
        key
    }

    /// Whether any filing keeps all of them out.
    pub fn is_refused(&self) -> bool {
        self.fates.iter().any(Fate::is_refused)
    }

    /// Whether anything is to be written.
    pub fn writes(&self) -> bool {
        self.fates.iter().any(Fate::is_written)
    }

    pub fn fates(self) -> Vec<Fate> {
        self.fates
    }
}

fn fate_of<K>(new: &NewFiling, meant: &Meant<K>) -> Fate {
    if new.slack_m2.is_some_and(|slack_m2| new.filing.construction_m2() > meant.area_m2 + slack_m2) {
        return Fate::TooLarge(meant.area_m2);
    }
    match &meant.filing {
        None => Fate::New,
        Some(there) if there.agrees_with(&new.filing) => Fate::Same,
        Some(there) => Fate::Changed(there.clone()),
    }
}
