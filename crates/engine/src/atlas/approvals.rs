//! Approvals against the day of an after-image: what was granted by then, what has no day, what came later, what had ended, and what is for another use.
//!
//! With B granted by then, U without a day, L granted later: before = |P∩B|, undated = |P∩(B∪U)| − |P∩B|, later = |P∩(B∪U∪L)| − |P∩(B∪U)|, for land and for
//! farmland. Of U counts what some stored version held by then. Other uses are measured on what those that count leave.

use super::{AtlasLayer, Measured, PartHits};
use crate::approval_kinds::{ApprovalKinds, Use};
use crate::model::{Areas, FeatureFacts, Reason};
use jiff::civil::Date;
use std::io;
use tuban_geom::{Figure, Hits};

/// What an approval says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Approval {
    granted: Option<Date>,
    /// Effective day of the first version that holds it; `None` where versions have no days.
    since: Option<Date>,
    ends: Option<Date>,
    purpose: Use,
}

/// How approvals stand on a day: some of these bits.
type Standing = u8;

const BEFORE: Standing = 1;
/// Without a day, but there by then.
const COUNTED: Standing = 2;
/// Without a day, and not known to be that old.
const UNCOUNTED: Standing = 4;
const LATER: Standing = 8;
/// For another use, in time.
const OTHER: Standing = 16;
/// For another use, not in time: it covers nothing.
const OTHER_LATER: Standing = 32;
const ENDED: Standing = 64;

const UNDATED: Standing = COUNTED | UNCOUNTED;
const IN_TIME: Standing = BEFORE | COUNTED;

/// What there is to say of the approvals on a figure besides areas and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ApprovalMarks {
    /// Whether one had ended by then.
    pub ended: bool,
    /// Whether one does not say a known kind.
    pub kind_unknown: bool,
    /// Whether one for another use has no day.
    pub undated_other_use: bool,
    /// Of those for other uses, the reason of the one that covers most of what is not approved for building.
    pub other_use: Option<Reason>,
}

impl Approval {
    /// What these facts say, of a version that counts from `effective`.
    pub(super) fn of(facts: &FeatureFacts, effective: Option<Date>, kinds: &ApprovalKinds) -> Self {
        Self { granted: facts.granted, since: facts.first_effective.or(effective), ends: facts.ends, purpose: kinds.use_of(facts.kind.as_deref()) }
    }

    fn standing(&self, after: Date) -> Standing {
        let dated = match self.granted {
            _ if self.ends.is_some_and(|ends| ends < after) => return ENDED,
            Some(granted) if granted <= after => BEFORE,
            Some(_) => LATER,
            None if self.since.is_none_or(|since| since <= after) => COUNTED,
            None => UNCOUNTED,
        };
        match self.purpose {
            Use::Building { .. } => dated,
            Use::Other { .. } if dated & IN_TIME != 0 => OTHER,
            Use::Other { .. } => OTHER_LATER,
        }
    }
}

/// Square metres of land and of farmland.
#[derive(Debug, Clone, Copy, Default)]
struct Ground {
    land_m2: f64,
    farmland_m2: f64,
}

impl Ground {
    /// What is at least both: a union is, whatever its last bits say.
    fn at_least(self, other: Self) -> Self {
        Self { land_m2: self.land_m2.max(other.land_m2), farmland_m2: self.farmland_m2.max(other.farmland_m2) }
    }
}

/// A figure and the approvals on it.
struct Overlay<'a> {
    layer: &'a AtlasLayer,
    parts: &'a [Figure],
    hits: PartHits,
    parcels: Option<(&'a AtlasLayer, PartHits)>,
    areas: Areas,
}

impl AtlasLayer {
    /// Fills in approvals as they stood on that day, and the farmland they cover.
    pub(super) fn measure_approvals(&self, parts: &[Figure], parcels: Option<(&Self, PartHits)>, after: Date, measured: &mut Measured) -> io::Result<()> {
        let hits = self.hits(parts)?;
        let mut seen = 0;
        for hit in hits.iter().flatten() {
            let fact = self.fact(hit.member);
            let (approval, known) = (&self.approvals[fact as usize], measured.approvals.contains(&fact));
            let standing = approval.standing(after);
            seen |= standing;
            if standing & (ENDED | OTHER_LATER) == 0 {
                measured.marks.kind_unknown |= approval.purpose == Use::Building { known: false };
                measured.marks.undated_other_use |= standing == OTHER && approval.granted.is_none();
                if !known {
                    measured.approvals.push(fact);
                }
            }
        }
        measured.marks.ended = seen & ENDED != 0;
        if seen & !(ENDED | OTHER_LATER) == 0 {
            return Ok(());
        }
        let overlay = Overlay { layer: self, parts, hits, parcels, areas: measured.areas };
        let standing = |fact: u32| self.approvals[fact as usize].standing(after);
        let ground = |which: Standing| if seen & which == 0 { Ok(Ground::default()) } else { overlay.ground(&|fact| standing(fact) & which != 0) };
        let before = ground(BEFORE)?;
        let dated_or_not = if seen & UNDATED == 0 { before } else { ground(BEFORE | UNDATED)?.at_least(before) };
        let all = if seen & LATER == 0 { dated_or_not } else { ground(BEFORE | UNDATED | LATER)?.at_least(dated_or_not) };
        let in_time = match seen & UNDATED {
            UNDATED => ground(IN_TIME)?.at_least(before),
            COUNTED => dated_or_not,
            _ => before,
        };
        let with_other = if seen & OTHER == 0 { in_time } else { ground(IN_TIME | OTHER)?.at_least(in_time) };
        measured.areas.put_approvals(before, dated_or_not, all);
        measured.areas.approved_in_time_m2 = in_time.land_m2;
        measured.areas.approved_in_time_farmland_m2 = in_time.farmland_m2;
        measured.areas.other_use_m2 = with_other.land_m2 - in_time.land_m2;
        measured.areas.other_use_farmland_m2 = with_other.farmland_m2 - in_time.farmland_m2;
        if seen & OTHER != 0 {
            measured.marks.other_use = overlay.main_use(&standing, in_time)?;
        }
        Ok(())
    }
}

impl Areas {
    /// Divides what is approved by days, so that the parts sum to the whole to the last bit. Each argument holds the one before.
    fn put_approvals(&mut self, before: Ground, dated_or_not: Ground, all: Ground) {
        let divide = |[before, dated_or_not, all]: [f64; 3]| {
            let undated = rest(dated_or_not, before);
            let later = rest(all, before + undated);
            [before, undated, later, before + undated + later]
        };
        let land = divide([before, dated_or_not, all].map(|ground| ground.land_m2));
        let farmland = divide([before, dated_or_not, all].map(|ground| ground.farmland_m2));
        [self.approved_before_m2, self.approved_undated_m2, self.approved_later_m2, self.approved_m2] = land;
        [self.approved_before_farmland_m2, self.approved_undated_farmland_m2, self.approved_later_farmland_m2, self.approved_farmland_m2] = farmland;
    }
}

/// What is left of the whole beside a part of it: the double that gives the whole when it is added, else the nearest that gives no more.
fn rest(whole: f64, part: f64) -> f64 {
    let rest = whole - part;
    let near = [rest, rest.next_up(), rest.next_down()];
    near.into_iter().find(|rest| part + rest == whole).unwrap_or(if part + rest > whole { rest.next_down() } else { rest }).max(0.0)
}

impl Overlay<'_> {
    /// The ground of the approvals with these facts, each place once.
    fn ground(&self, counts: &dyn Fn(u32) -> bool) -> io::Result<Ground> {
        let mut hits = self.hits.clone();
        hits.iter_mut().for_each(|hits| hits.retain(|hit| counts(self.layer.fact(hit.member))));
        let (area_m2, farmland_m2) = (self.areas.area_m2, self.areas.farmland_m2);
        let land_m2 = self.layer.covered_m2(self.parts, &hits, area_m2)?;
        let Some((parcels, on_farmland)) = &self.parcels else { return Ok(Ground { land_m2, farmland_m2: 0.0 }) };
        // Where one of the two covers the whole patch, the other is the answer.
        let both_m2 = if land_m2 >= area_m2 {
            farmland_m2
        } else if farmland_m2 >= area_m2 {
            land_m2
        } else {
            let (own, other) = (&self.layer.prepared.coverage, &parcels.prepared.coverage);
            let both = |((part, on_farmland), hits): ((&Figure, &Hits), &Hits)| own.covered_by_both_m2(part, hits, other, on_farmland);
            self.parts.iter().zip(on_farmland).zip(&hits).map(both).sum::<io::Result<f64>>()?
        };
        Ok(Ground { land_m2, farmland_m2: both_m2.min(farmland_m2).min(land_m2) })
    }

    /// Of the other uses on what `in_time` leaves, the one with most ground where each takes what those before it in the order of determination leave.
    fn main_use(&self, standing: &dyn Fn(u32) -> Standing, in_time: Ground) -> io::Result<Option<Reason>> {
        let purpose = |fact: u32| self.layer.approvals[fact as usize].purpose;
        let mut uses: Vec<(u8, Reason)> = Vec::new();
        for hit in self.hits.iter().flatten() {
            let fact = self.layer.fact(hit.member);
            if let (OTHER, Use::Other { order, reason }) = (standing(fact), purpose(fact)) {
                uses.push((order, reason));
            }
        }
        uses.sort_unstable();
        uses.dedup();
        if let [(_, reason)] = uses[..] {
            return Ok(Some(reason));
        }
        let (mut taken_m2, mut most): (f64, Option<(f64, Reason)>) = (in_time.land_m2, None);
        for (last, reason) in uses {
            let up_to = |fact| standing(fact) & IN_TIME != 0 || standing(fact) == OTHER && matches!(purpose(fact), Use::Other { order, .. } if order <= last);
            let covered_m2 = self.ground(&up_to)?.land_m2;
            let own_m2 = covered_m2 - taken_m2;
            taken_m2 = taken_m2.max(covered_m2);
            if most.is_none_or(|(most_m2, _)| own_m2 > most_m2) {
                most = Some((own_m2, reason));
            }
        }
        Ok(most.map(|(_, reason)| reason))
    }
}
