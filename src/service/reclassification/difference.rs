//! What a re-classification would change, before it is done.

use crate::service::{
    Refusal,
    reclassification::{aside::Put, says_the_same},
};
use std::collections::BTreeMap;
use tuban_engine::model::{AutomaticVerdict, Filing, Finding, Group, Line, Tally, Totals, Verdict};
use tuban_engine::rollup::roll_up;

/// Patches listed.
const LISTED: usize = 1000;

/// The difference between the findings of a survey and those made now.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The survey's number.
    pub survey: i64,
    /// What it was worked out from: to be given when it is committed.
    pub token: String,
    /// Patches of the survey.
    pub patches: u64,
    /// Patches whose finding would say something else.
    pub changed: u64,
    /// Patches by the automatic verdict that they have and the one that they would have, as far as the two differ.
    pub verdicts: BTreeMap<(AutomaticVerdict, AutomaticVerdict), u64>,
    /// The first of the patches whose finding would say something else.
    pub changes: Vec<Change>,
    /// The survey's own sums by county, as they are and as they would be.
    pub counties: Vec<(Tally, Tally)>,
    /// The city's sums, as they are and as they would be.
    pub city: Option<(Tally, Tally)>,
    /// Why it could not be committed.
    pub outside: Option<Refusal>,
    sums: BTreeMap<Option<String>, [Totals; 2]>,
}

/// A patch whose finding would say something else.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its number in the store.
    pub id: i64,
    /// Its own id.
    pub patch_id: String,
    /// Its finding.
    pub before: Finding,
    /// What that would be.
    pub after: Finding,
}

impl Difference {
    /// Nothing yet.
    pub(crate) fn none(survey: i64, token: String) -> Self {
        let (verdicts, sums) = (BTreeMap::new(), BTreeMap::new());
        Self { survey, token, patches: 0, changed: 0, verdicts, changes: Vec::new(), counties: Vec::new(), city: None, outside: None, sums }
    }

    /// Adds a patch.
    pub(crate) fn add(&mut self, put: Put) {
        let Put { id, patch, filing, former: Some(before), finding: Some(after), .. } = put else { return };
        self.patches += 1;
        count(&mut self.sums.entry(before.county_code.clone()).or_default()[0], &before, filing.as_ref());
        count(&mut self.sums.entry(after.county_code.clone()).or_default()[1], &after, filing.as_ref());
        if says_the_same(&before, &after) {
            return;
        }
        self.changed += 1;
        if before.verdict != after.verdict {
            *self.verdicts.entry((before.verdict, after.verdict)).or_default() += 1;
        }
        if self.changes.len() < LISTED {
            self.changes.push(Change { id, patch_id: patch.patch_id, before, after });
        }
    }

    /// Works the ratios out.
    pub(crate) fn finish(&mut self, lines: &[Line], name_of: impl Fn(&str) -> Option<String>) {
        let side = |side: usize| self.sums.iter().map(|(code, sums)| Totals { county_code: code.clone(), ..sums[side].clone() }).collect::<Vec<_>>();
        let ((before, city_before), (after, city_after)) = (roll_up(side(0), lines, &name_of), roll_up(side(1), lines, &name_of));
        self.counties = before.into_iter().zip(after).collect();
        self.city = Some((city_before, city_after));
    }
}

/// Adds a patch to the sums of its county, as the store adds them up.
fn count(totals: &mut Totals, finding: &Finding, filing: Option<&Filing>) {
    let areas = &finding.areas;
    let add = |group: &mut Group, patches: u64, area_m2: f64, farmland_m2: f64| {
        group.patches += patches;
        group.area_m2 += area_m2.max(0.0);
        group.farmland_m2 += farmland_m2.max(0.0);
    };
    let unknown = u64::from(finding.farmland_is_unknown());
    totals.farmland_unknown += unknown;
    totals.automatic_legal_farmland_m2 += finding.automatic_legal_farmland_m2;
    totals.automatic_illegal_farmland_m2 += finding.automatic_illegal_farmland_m2;
    let Some(filing) = filing.filter(|filing| filing.verdict != Verdict::Doubtful) else {
        totals.pending.farmland_unknown += unknown;
        return add(&mut totals.pending, 1, areas.area_m2, areas.farmland_m2);
    };
    let is = |verdict| u64::from(filing.verdict == verdict);
    add(&mut totals.legal, is(Verdict::Legal), filing.legal_m2, filing.legal_farmland_m2);
    add(&mut totals.illegal, is(Verdict::Illegal), filing.illegal_m2, filing.illegal_farmland_m2);
    let (rest, rest_farmland) =
        (areas.area_m2 - filing.legal_m2 - filing.illegal_m2, areas.farmland_m2 - filing.legal_farmland_m2 - filing.illegal_farmland_m2);
    add(&mut totals.other, is(Verdict::Other), rest, rest_farmland);
    if filing.leaves_a_rest(areas.area_m2) {
        totals.other.farmland_unknown += unknown;
    }
}
