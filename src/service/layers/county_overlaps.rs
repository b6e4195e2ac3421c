//! Counties that hold others: a city's own outline that is coded like a district of it would take every patch, for of two counties on the same ground the one
//! with the lower code has it. Seen once all outlines of a layer are there; who takes the layer in reads it again without those that people said to leave out.

use crate::service::{Refusal, RefusalKind, ServiceError, layers::county_codes::CountyCodes};
use std::collections::{BTreeMap, BTreeSet};
use tuban_engine::atlas::PreparedLayer;
use tuban_engine::model::{FeatureFacts, LayerKind, Words};

/// A county is held by another that covers more than this share of it. Borders that were drawn twice share far less.
const HELD: f64 = 0.5;
/// Two counties that cover this share of each other are one outline with two codes.
const SAME: f64 = 0.9;
/// Pairs that are told one by one.
const TOLD: usize = 5;

/// Codes of counties that were left out because they hold others.
pub(crate) type Holders = BTreeSet<String>;

/// The outlines of a layer of counties, in the order in which they went into its builder; of other layers nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlines(Vec<(FeatureFacts, f64)>);

/// A county that holds another.
#[derive(Debug, Clone, PartialEq)]
struct Holding<'a> {
    holder: &'a FeatureFacts,
    held: &'a FeatureFacts,
    /// How much of the one that is held.
    share: f64,
    /// Whether each holds the other.
    is_same: bool,
}

impl Outlines {
    /// Takes note of a feature that went into the builder.
    pub(crate) fn add(&mut self, kind: LayerKind, facts: &FeatureFacts, area_m2: f64) {
        if kind == LayerKind::County {
            self.0.push((facts.clone(), area_m2));
        }
    }

    /// That no county holds another, or that people said what to do then.
    ///
    /// # Errors
    /// The question; or, where they are to be left out, [`ServiceError::Holders`] with their codes, without which the file is to be read again.
    pub(crate) fn settle(&self, decided: Option<CountyCodes>, prepared: &PreparedLayer) -> Result<(), ServiceError> {
        self.settle_overlaps(decided, prepared.overlaps())
    }

    fn settle_overlaps(&self, decided: Option<CountyCodes>, overlaps: impl Iterator<Item = ([u32; 2], f64)>) -> Result<(), ServiceError> {
        if self.0.is_empty() || decided == Some(CountyCodes::Keep) {
            return Ok(());
        }
        let holdings = self.holdings(overlaps);
        if holdings.is_empty() {
            return Ok(());
        }
        match decided {
            Some(CountyCodes::LeaveOut | CountyCodes::Merge) if !holdings.iter().any(|holding| holding.is_same) => {
                Err(ServiceError::Holders(holdings.iter().map(|holding| holding.holder.code.clone()).collect()))
            }
            _ => Err(question(&holdings).into()),
        }
    }

    /// The counties that hold others, by code; a county may be several features.
    fn holdings(&self, overlaps: impl Iterator<Item = ([u32; 2], f64)>) -> Vec<Holding<'_>> {
        let (mut counties, mut shared) = (BTreeMap::<&str, (&FeatureFacts, f64)>::new(), BTreeMap::<[&str; 2], f64>::new());
        for (facts, area_m2) in &self.0 {
            counties.entry(&facts.code).or_insert((facts, 0.0)).1 += area_m2;
        }
        for (members, area_m2) in overlaps {
            let [Some((a, _)), Some((b, _))] = members.map(|member| self.0.get(member as usize)) else { continue };
            let mut pair = [a.code.as_str(), b.code.as_str()];
            pair.sort_unstable();
            if pair[0] != pair[1] {
                *shared.entry(pair).or_default() += area_m2;
            }
        }
        let holding = |(pair, shared_m2): ([&str; 2], f64)| {
            let [(a, a_m2), (b, b_m2)] = pair.map(|code| counties[code]);
            let (of_a, of_b) = (shared_m2 / a_m2, shared_m2 / b_m2);
            let (holder, held, share) = if of_a > of_b { (b, a, of_a) } else { (a, b, of_b) };
            (share > HELD).then_some(Holding { holder, held, share, is_same: of_a.min(of_b) > SAME })
        };
        shared.into_iter().filter_map(holding).collect()
    }
}

fn question(holdings: &[Holding<'_>]) -> Refusal {
    let name = |facts: &FeatureFacts| format!("“{}”{}", facts.code, facts.name);
    let told = |tell: &dyn Fn(&Holding<'_>) -> String| holdings.iter().take(TOLD).map(tell).collect::<Vec<_>>();
    let percent = |holding: &Holding<'_>| (holding.share * 100.0).min(100.0);
    let zh = told(&|holding| format!("{}覆盖{}的 {:.0}%", name(holding.holder), name(holding.held), percent(holding))).join("、");
    let en = told(&|holding| format!("{} covers {:.0}% of {}", name(holding.holder), percent(holding), name(holding.held))).join(", ");
    let (count, is_same) = (holdings.len(), holdings.iter().any(|holding| holding.is_same));
    let (choices, what_zh, what_en): (&[&str], _, _) = if is_same {
        (
            &["county_codes=keep"],
            "其中有同一轮廓的两个代码，请改正，或按原样采用",
            "some are one outline with two codes: correct them, or take them as they are",
        )
    } else {
        (
            &["county_codes=leave_out", "county_codes=keep"],
            "覆盖其他县的多半是市的轮廓，会占去各县的图斑；可不采用这些轮廓，或按原样采用",
            "what covers others is most likely the outline of a city, and would take their patches; leave it out, or take it as it is",
        )
    };
    let words = Words::new(
        format!("有 {count} 处一个县的轮廓盖住另一个县的大部分：{zh}。{what_zh}"),
        format!("{count} times the outline of a county covers most of another: {en}; {what_en}"),
    );
    Refusal::new(RefusalKind::Unacceptable, "county_holds_others", words).choices(choices)
}

/// What people should know of counties that were left out.
pub(crate) fn left_out(holders: &Holders) -> Option<Words> {
    let codes = holders.iter().map(String::as_str).collect::<Vec<_>>();
    (!codes.is_empty()).then(|| {
        Words::new(
            format!("{} 的轮廓盖住其他县，按要求未采用", codes.join("、")),
            format!("{}: outlines that cover other counties, left out as told", codes.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of counties of these areas that share so much.
    fn settled(decided: Option<CountyCodes>, counties: &[(&str, f64)], overlaps: &[([u32; 2], f64)]) -> Result<(), String> {
        let mut outlines = Outlines::default();
        for (code, area_m2) in counties {
            outlines.add(LayerKind::County, &FeatureFacts::new((*code).to_owned(), String::new()), *area_m2);
        }
        outlines.settle_overlaps(decided, overlaps.iter().copied()).map_err(|error| match error {
            ServiceError::Refused(refusal) => refusal.choices.join(" "),
            ServiceError::Holders(codes) => codes.into_iter().collect::<Vec<_>>().join(" "),
            other => other.to_string(),
        })
    }

    #[test]
    fn an_outline_that_covers_most_of_another_is_asked_about_and_left_out_when_told() {
        let city = [("371302", 1.0), ("371301", 2.0), ("371311", 1.0)];
        let over = [([0, 1], 0.98), ([1, 2], 1.0)];
        assert_eq!(settled(None, &city, &over), Err("county_codes=leave_out county_codes=keep".to_owned()));
        assert_eq!(settled(Some(CountyCodes::LeaveOut), &city, &over), Err("371301".to_owned()));
        assert_eq!(settled(Some(CountyCodes::Merge), &city, &over), Err("371301".to_owned()));
        assert_eq!(settled(Some(CountyCodes::Keep), &city, &over), Ok(()));
        // Borders drawn twice, and two features of one county.
        assert_eq!(settled(None, &city, &[([0, 2], 0.4)]), Ok(()));
        assert_eq!(settled(None, &[("371302", 1.0), ("371302", 1.0)], &[([0, 1], 1.0)]), Ok(()));
        // The parts of a county are held together, each for its share.
        assert_eq!(settled(None, &[("371301", 9.0), ("371302", 1.0), ("371302", 1.0)], &[([0, 1], 0.9)]), Ok(()));
    }

    #[test]
    fn of_one_outline_with_two_codes_none_is_left_out_for_the_other() {
        let (two, over) = ([("371302", 1.0), ("371311", 1.01)], [([0, 1], 1.0)]);
        for decided in [None, Some(CountyCodes::LeaveOut)] {
            assert_eq!(settled(decided, &two, &over), Err("county_codes=keep".to_owned()));
        }
    }
}
