//! Which layer versions and which rule a patch is judged by: those of its own time. Pure.
//!
//! - Parcels (farmland): the version with the latest effective day not after the image before the change.
//! - Counties and control lines: that with the latest effective day not after the image after the change.
//! - Approvals: the newest one; their own dates decide.
//! - The rule: the version in force at the image after the change.
//!
//! Where a kind has later versions only, its earliest one is used, and the finding is flagged. Of several versions of one day the one stored last counts.

use crate::model::{Days, Flag, Layer, LayerKind};
use crate::rule::Rule;
use jiff::civil::Date;

/// A layer version, as far as the choice is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// What it tells.
    pub kind: LayerKind,
    /// The day from which it counts.
    pub effective: Date,
    /// Number in the store, or place in a list.
    pub id: i64,
}

impl From<&Layer> for Version {
    fn from(layer: &Layer) -> Self {
        Self { kind: layer.kind, effective: layer.effective, id: layer.id }
    }
}

/// The kinds of layers.
const KINDS: usize = LayerKind::ALL.len();
/// In a choice, the place of a kind without any version.
const NONE: u16 = u16::MAX;

/// What was chosen: for each kind the place of its version, and that of the rule. As small as a number, because every patch has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice {
    versions: [u16; KINDS],
    rule: u16,
}

/// All versions that can be chosen from.
#[derive(Debug, Clone)]
pub struct Choosing {
    /// By kind, the earliest first.
    versions: [Vec<Version>; KINDS],
    /// The days from which rules count, the earliest first.
    rules: Vec<Date>,
    /// The place of the approvals.
    approved: u16,
}

impl Choosing {
    /// A choice among these versions and rules, which are sorted by day; `today` tells which approvals are the newest.
    #[must_use]
    pub fn new(versions: impl IntoIterator<Item = Version>, rules: &[Rule], today: Date) -> Self {
        let mut by_kind = [const { Vec::new() }; KINDS];
        for version in versions {
            by_kind[version.kind as usize].push(version);
        }
        for versions in &mut by_kind {
            versions.sort_by_key(|version| (version.effective, version.id));
        }
        let approved = place(&by_kind[LayerKind::Approved as usize], today);
        Self { versions: by_kind, rules: rules.iter().map(|rule| rule.effective).collect(), approved }
    }

    /// What a patch of these days is judged by.
    #[must_use]
    pub fn at(&self, days: &Days) -> Choice {
        let mut versions = [NONE; KINDS];
        for (kind, place_of) in LayerKind::ALL.iter().zip(&mut versions) {
            *place_of = match kind {
                LayerKind::Approved => self.approved,
                LayerKind::Farmland => place(&self.versions[*kind as usize], days.before),
                _ => place(&self.versions[*kind as usize], days.after),
            };
        }
        let rule = self.rules.partition_point(|effective| *effective <= days.after).saturating_sub(1) as u16;
        Choice { versions, rule }
    }

    /// Whether days can make a difference: a kind that they decide about has several versions, or there are several rules.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let several = |kind: &&LayerKind| **kind != LayerKind::Approved && self.versions[**kind as usize].len() > 1;
        self.rules.len() > 1 || LayerKind::ALL.iter().any(|kind| several(&kind))
    }

    /// The versions of a choice, by kind.
    pub fn versions(&self, choice: Choice) -> impl Iterator<Item = Version> {
        self.versions.iter().zip(choice.versions).filter_map(|(versions, place)| versions.get(usize::from(place)).copied())
    }

    /// The place of its rule among those given.
    #[must_use]
    pub fn rule(&self, choice: Choice) -> usize {
        choice.rule.into()
    }

    /// From which days on the versions of a choice are in their time.
    #[must_use]
    pub fn since(&self, choice: Choice) -> Since {
        let mut since = Since { before: Date::MIN, after: Date::MIN };
        for version in self.versions(choice) {
            match version.kind {
                LayerKind::Approved => {}
                LayerKind::Farmland => since.before = version.effective,
                _ => since.after = since.after.max(version.effective),
            }
        }
        since
    }
}

/// The place of the last version that counts on that day, else of the first one.
fn place(versions: &[Version], day: Date) -> u16 {
    if versions.is_empty() {
        return NONE;
    }
    match versions.partition_point(|version| version.effective <= day) {
        0 => {
            // Of several that begin on the first day, the one stored last.
            let first = versions[0].effective;
            (versions.partition_point(|version| version.effective <= first) - 1) as u16
        }
        after => (after - 1) as u16,
    }
}

/// The days from which the layers of a set count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Parcels: not later than the image before the change, if they are in their time.
    before: Date,
    /// Counties and control lines, the latest of them: not later than the image after it.
    after: Date,
}

impl Since {
    /// What a finding says of its time: whether its days are not what the file says, and whether a layer is later than the change.
    pub fn flags(&self, days: &Days) -> impl Iterator<Item = Flag> {
        let later = self.are_later(days).then_some(Flag::LayerLaterThanChange);
        days.unclear.then_some(Flag::DatesUnclear).into_iter().chain(later)
    }

    /// Whether a layer is later than the change.
    #[must_use]
    pub fn are_later(&self, days: &Days) -> bool {
        self.before > days.before || self.after > days.after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn days(before: Date, after: Date) -> Days {
        Days { before, after, unclear: false }
    }

    fn chosen(choosing: &Choosing, days: &Days) -> (Vec<i64>, Vec<Flag>) {
        let choice = choosing.at(days);
        (choosing.versions(choice).map(|version| version.id).collect(), choosing.since(choice).flags(days).collect())
    }

    #[test]
    fn every_kind_is_that_of_its_own_day() {
        let version = |kind, effective, id| Version { kind, effective, id };
        let versions = [
            version(LayerKind::County, date(2022, 1, 1), 1),
            version(LayerKind::County, date(2022, 5, 1), 2),
            version(LayerKind::Farmland, date(2020, 12, 31), 3),
            version(LayerKind::Farmland, date(2021, 12, 31), 4),
            version(LayerKind::Farmland, date(2022, 12, 31), 5),
            version(LayerKind::Farmland, date(2021, 12, 31), 6),
            version(LayerKind::RedLine, date(2022, 4, 30), 7),
            version(LayerKind::Approved, date(2022, 6, 1), 8),
            version(LayerKind::Approved, date(2022, 1, 1), 9),
            version(LayerKind::Approved, date(2023, 6, 1), 10),
        ];
        let rule = Rule::load(None).unwrap();
        let rules = [Rule { effective: date(2022, 1, 1), ..rule.clone() }, Rule { effective: date(2022, 4, 15), ..rule }];
        let choosing = Choosing::new(versions, &rules, date(2023, 1, 1));
        let later = vec![Flag::LayerLaterThanChange];
        // Before, after → versions, flags, rule. Oracle: domain.md §8 “Time”, by hand. Of the two land surveys of 2021-12-31 the one stored last.
        for (before, after, versions, flags, rule) in [
            (date(2021, 11, 5), date(2022, 4, 12), [1, 3, 7, 8], later.clone(), 0),
            (date(2021, 11, 5), date(2022, 4, 30), [1, 3, 7, 8], vec![], 1),
            (date(2021, 12, 30), date(2022, 5, 1), [2, 3, 7, 8], vec![], 1),
            (date(2021, 12, 31), date(2022, 5, 1), [2, 6, 7, 8], vec![], 1),
            (date(2022, 12, 31), date(2022, 12, 31), [2, 5, 7, 8], vec![], 1),
            (date(2020, 12, 30), date(2022, 5, 1), [2, 3, 7, 8], later.clone(), 1),
            (date(2021, 12, 31), date(2021, 12, 31), [1, 6, 7, 8], later, 0),
        ] {
            let days = days(before, after);
            assert_eq!(chosen(&choosing, &days), (versions.to_vec(), flags), "{days:?}");
            assert_eq!(choosing.rule(choosing.at(&days)), rule, "{days:?}");
        }
        assert!(choosing.is_open());
    }

    #[test]
    fn a_kind_without_any_version_is_not_chosen_and_one_version_is_for_all_days() {
        let only = Version { kind: LayerKind::Farmland, effective: Date::MIN, id: 1 };
        let choosing = Choosing::new([only], &[Rule::load(None).unwrap()], date(2023, 1, 1));
        assert!(!choosing.is_open());
        for day in [Date::MIN, date(2022, 1, 1), Date::MAX] {
            assert_eq!(chosen(&choosing, &days(day, day)), (vec![1], vec![]));
        }
        let unclear = Days { unclear: true, ..days(Date::MIN, Date::MIN) };
        assert_eq!(chosen(&choosing, &unclear).1, [Flag::DatesUnclear]);
        let nothing = Choosing::new([], &[], date(2023, 1, 1));
        assert_eq!(chosen(&nothing, &days(Date::MIN, Date::MAX)), (vec![], vec![]));
    }
}
