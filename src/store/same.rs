//! Patches that are stored already, with the same id of their own and the same corners: what a survey that replaces another takes over from it, and what is asked
//! about where it was sent before.
//!
//! A patch that takes the place of another has a key of its own, and the other's number and verdict. Both are written in portions before the survey is published,
//! when no reader sees them; under the lock is only asked whether the other surveys and their verdicts are still those that were looked at. What changed meanwhile is
//! written again ([`TakenOver::steps`]).

use super::columns::Columns;
use super::unpublished::Moment;
use super::{StoreError, Unasked, checksum, tables};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// Corners so close together are the same corner, degrees: a millimetre, which is what a change of projection or of the number of decimals may move it by.
pub(super) const SAME_CORNER: f64 = 1e-8;

/// A patch of the survey that is coming in, and one that was stored before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// The key of the one that is coming in.
    pub(super) mine: i64,
    /// The key of the other.
    pub(super) other: i64,
    /// The number of the other.
    pub(super) number: i64,
    /// The survey of the other.
    pub(super) survey: i64,
    /// Whether the other has a confirmed verdict.
    pub(super) filed: bool,
    /// The counties that answer for them, where the database needs to know.
    pub(super) counties: [String; 2],
}

impl Pair {
    /// The pair that a row is, unless their corners differ; whether the other has a confirmed verdict is not known yet.
    pub(super) fn of(row: &impl Columns, counties: [String; 2]) -> Result<Option<Self>, StoreError> {
        let (mine, other) = (row.outline("my_degrees")?, row.outline("other_degrees")?);
        if !mine.has_corners_of(&other, SAME_CORNER) {
            return Ok(None);
        }
        let [mine, other, survey] = [row.integer("mine")?, row.integer("other")?, row.integer("other_survey")?];
        let number = row.maybe_integer("other_number")?.unwrap_or(other);
        Ok(Some(Self { mine, other, number, survey, filed: false, counties }))
    }
}

/// What pairs there are: with surveys that are being replaced, and with any other.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// With those that are replaced: each patch once, one that has a confirmed verdict before one that has none.
    pub(super) taken_over: Vec<Pair>,
    /// With others: how many patches, by survey.
    pub(super) sent_before: BTreeMap<i64, u64>,
}

impl Pairs {
    /// Sorts pairs.
    pub(super) fn sort(mut pairs: Vec<Pair>, replaced: &[i64]) -> Self {
        pairs.sort_by_key(|pair| (!pair.filed, pair.other));
        let (mut sorted, mut mine, mut other, mut counted) = (Self::default(), HashSet::new(), HashSet::new(), HashSet::new());
        for pair in pairs {
            if !replaced.contains(&pair.survey) {
                if counted.insert((pair.survey, pair.mine)) {
                    *sorted.sent_before.entry(pair.survey).or_default() += 1;
                }
            } else if !mine.contains(&pair.mine) && other.insert(pair.other) {
                mine.insert(pair.mine);
                sorted.taken_over.push(pair);
            }
        }
        sorted
    }

    /// The survey that holds most of them, and how many.
    pub(super) fn most_in(&self) -> Option<(i64, u64)> {
        self.sent_before.iter().map(|(survey, patches)| (*survey, *patches)).max_by_key(|(survey, patches)| (*patches, -survey))
    }
}

/// The surveys that one replaces, and their verdicts.
#[derive(Debug, Default, Clone)]
pub(super) struct Replaced {
    /// Their numbers.
    pub(super) surveys: Vec<i64>,
    /// How often verdicts of each were filed.
    pub(super) filings: Vec<i64>,
    /// The keys of their patches that have a confirmed verdict.
    pub(super) filed: HashSet<i64>,
}

/// Patches that were stored before, as of a moment.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) moment: Moment,
    pub(super) pairs: Vec<Pair>,
    pub(super) replaced: Replaced,
}

/// What a survey takes over from those it replaces, and what becomes of them.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) taken_over: Vec<Pair>,
    pub(super) filings: Vec<i64>,
    /// What is noted of it.
    pub(super) details: Value,
}

impl Before {
    /// The pairs by what becomes of them.
    pub(super) fn sorted(&self) -> Pairs {
        let filed = |pair: &Pair| Pair { filed: self.replaced.filed.contains(&pair.other), ..pair.clone() };
        Pairs::sort(self.pairs.iter().map(filed).collect(), &self.replaced.surveys)
    }

    /// What is taken over; refuses to let verdicts go unasked.
    pub(super) fn settle(&self, taken_over: Vec<Pair>, unasked: Unasked) -> Result<Settled, StoreError> {
        let kept = taken_over.iter().filter(|pair| pair.filed).count() as u64;
        let (patches, verdicts) = (taken_over.len() as u64, self.replaced.filed.len() as u64 - kept);
        if verdicts > 0 && unasked.verdicts_go {
            return Err(StoreError::VerdictsWouldGo { surveys: self.replaced.surveys.clone(), verdicts, kept, patches });
        }
        let details = json!({ "patches_kept": patches, "verdicts_kept": kept, "verdicts_gone": verdicts });
        Ok(Settled { taken_over, filings: self.replaced.filings.clone(), details })
    }
}

/// Patches in one step.
const AT_A_TIME: usize = 500;

/// What is written of what a survey takes over, some patches at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// These patches have these numbers.
    Number(Vec<Numbered>),
    /// These patches have no verdicts.
    Forget(Vec<Pair>),
    /// These patches have the verdicts of the others.
    Copy(Vec<Pair>),
}

/// A patch that gets another number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbered {
    /// Its key.
    pub(super) key: i64,
    /// The county that answers for it, where the database needs to know.
    pub(super) county: String,
    /// None: its own key.
    pub(super) number: Option<i64>,
    /// What its checksum changes by.
    pub(super) difference: i64,
}

/// What a survey that is not published has taken over so far, in transactions that were committed.
#[derive(Debug, Default, Clone)]
pub(super) struct TakenOver {
    pairs: BTreeMap<i64, Pair>,
    filings: Vec<i64>,
}

impl TakenOver {
    /// What there is to be written so that it is this; from now on it is.
    pub(super) fn steps(&mut self, Settled { taken_over, filings, .. }: &Settled) -> Vec<Step> {
        let (was, now) = (std::mem::take(&mut self.pairs), taken_over.iter().map(|pair| (pair.mine, pair.clone())).collect::<BTreeMap<_, _>>());
        let one = |pair: &Pair| -> Option<Numbered> {
            let [before, number] = [&was, &now].map(|pairs| pairs.get(&pair.mine).map(|pair| pair.number));
            let adds = |number: Option<i64>| number.map_or(0, |number| checksum::of_number(pair.mine, number));
            let difference = adds(before) ^ adds(number);
            (before != number).then(|| Numbered { key: pair.mine, county: pair.counties[0].clone(), number, difference })
        };
        let gone = was.values().filter(|pair| !now.contains_key(&pair.mine));
        let numbered: Vec<Numbered> = now.values().chain(gone).filter_map(one).collect();
        let filed = |pairs: &BTreeMap<i64, Pair>| pairs.values().filter(|pair| pair.filed).cloned().collect::<Vec<_>>();
        let verdicts = if was == now && self.filings == *filings { [Vec::new(), Vec::new()] } else { [filed(&was), filed(&now)] };
        (self.pairs, self.filings) = (now, filings.clone());
        let [forgotten, copied] = verdicts;
        let numbers = numbered.chunks(AT_A_TIME).map(|some| Step::Number(some.to_vec()));
        let forgotten = forgotten.chunks(AT_A_TIME).map(|some| Step::Forget(some.to_vec()));
        let copied = copied.chunks(AT_A_TIME).map(|some| Step::Copy(some.to_vec()));
        numbers.chain(forgotten).chain(copied).collect()
    }

    /// Whether any patch has a verdict.
    pub(super) fn has_verdicts(&self) -> bool {
        self.pairs.values().any(|pair| pair.filed)
    }
}

/// Details with one more.
pub(super) fn with(details: &Value, name: &str, value: Value) -> Value {
    let mut details = details.clone();
    details[name] = value;
    details
}

/// The columns of a filing but for the patch and the checksum.
pub(super) fn of_filing() -> String {
    let rest = |name: &&str| *name != "patch" && *name != checksum::COLUMN;
    tables::FILING.columns.iter().map(|(name, _)| *name).filter(rest).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(mine: i64, number: i64, filed: bool) -> Pair {
        Pair { mine, other: number, number, survey: 1, filed, counties: Default::default() }
    }

    fn settled(taken_over: &[Pair], filings: i64) -> Settled {
        Settled { taken_over: taken_over.to_vec(), filings: vec![filings], details: Value::Null }
    }

    fn numbered(key: i64, number: Option<i64>, difference: i64) -> Numbered {
        Numbered { key, county: String::new(), number, difference }
    }

    #[test]
    fn only_what_changed_is_written_again() {
        let mut taken_over = TakenOver::default();
        let (one, two) = (pair(11, 1, true), pair(12, 2, false));
        // 11 XOR 1 is 10, 12 XOR 2 is 14: in the upper half.
        let first = [Step::Number(vec![numbered(11, Some(1), 10 << 32), numbered(12, Some(2), 14 << 32)]), Step::Copy(vec![one.clone()])];
        assert_eq!(taken_over.steps(&settled(&[one.clone(), two.clone()], 1)), first);
        assert!(taken_over.has_verdicts());
        assert_eq!(taken_over.steps(&settled(&[one.clone(), two.clone()], 1)), []);
        // Another verdict was filed: all are copied again.
        let filed = Pair { filed: true, ..two.clone() };
        let again = [Step::Forget(vec![one.clone()]), Step::Copy(vec![one.clone(), filed.clone()])];
        assert_eq!(taken_over.steps(&settled(&[one.clone(), filed.clone()], 2)), again);
        // One does not take the place of another any more, and the other takes that of a third: 12 XOR 3 is 15, and 14 XOR 15 is 1.
        let third = pair(12, 3, false);
        let last = [Step::Number(vec![numbered(12, Some(3), 1 << 32), numbered(11, None, 10 << 32)]), Step::Forget(vec![one, filed])];
        assert_eq!(taken_over.steps(&settled(&[third], 3)), last);
        assert!(!taken_over.has_verdicts());
    }
}
