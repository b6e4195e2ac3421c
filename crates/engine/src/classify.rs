//! From what was measured to a finding with its automatic verdict. Pure.
//!
//! In this order, tolerances from the [`Rule`]:
//! 1. doubtful, where there is no version of the parcels or of the approvals at all: what they would tell is unknown, not nothing;
//! 2. doubtful, where it is larger than the rule's share of a county or of all counties: hardly a patch;
//! 3. a patch that is no larger than a tolerance: legal, where approvals in time cover nearly all of it, else doubtful;
//! 4. legal, where approvals for building cover the patch that were granted by the day of the after-image;
//! 5. other, where those and approvals for another use (设施农用地, 农村道路, 临时用地) cover it;
//! 6. suspected illegal, where farmland outside all of them is above tolerance: an approval that came later, or had ended, does not change that;
//! 7. doubtful, where ground that is neither approved nor on any parcel is above tolerance;
//! 8. other.
//!
//! An area exceeds its tolerance only if it does so however edges are read and coordinates were rounded (`edges`); where that decides, the milder verdict is taken and flagged.

use crate::model::{Areas, AutomaticVerdict, CountyCode, CountyShare, Doubts, FeatureFacts, Finding, Flag, LayerKind, ParcelShare, Reason};
use crate::{
    atlas::{Atlas, Measured, Share},
    edges::{AsDrawn, Milder, doubts},
    rule::{Rule, Tolerance},
};
use jiff::civil::Date;
use tuban_geom::Figure;

/// What was measured of a figure, and the verdict: all but what it takes to tell it to people.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// What was measured.
    pub measured: Measured,
    /// By how much that may differ, near a tolerance.
    pub doubts: Doubts,
    /// Whether the verdict is the milder one of several readings.
    pub milder: Milder,
    /// The automatic verdict.
    pub verdict: AutomaticVerdict,
    /// Why.
    pub reason: Reason,
}

/// Measures a figure and judges what was measured, as of the day of the after-image. Fails only where layers cannot be read back.
pub fn assess(atlas: &Atlas, rule: &Rule, figure: &Figure, patch: AsDrawn<'_>, after: Date) -> std::io::Result<Assessment> {
    let measured = atlas.measure(figure, after)?;
    let doubts = doubts(atlas, &rule.tolerance, &measured, figure, patch)?;
    let mut milder = Milder::default();
    let (mut verdict, mut reason) = judge(&measured, &doubts, &mut milder, rule, atlas.has(LayerKind::Farmland), atlas.has(LayerKind::Approved));
    let is_unknown = matches!(reason, Reason::NoFarmlandLayer | Reason::NoApprovals);
    if !is_unknown && atlas.is_more_than(rule.tolerance.patch_share, &measured) {
        (verdict, reason, milder) = (AutomaticVerdict::Doubtful, Reason::TooLarge, Milder::default());
    }
    Ok(Assessment { measured, doubts, milder, verdict, reason })
}

/// The finding of a figure whose after-image is of that day. `stated_county` is what the file says. Fails only where layers cannot be read back.
///
/// Without a land survey no patch is illegal or legal: what it would tell is unknown. The [crate's page](crate) has a patch on paddy.
///
/// ```
/// use jiff::civil::date;
/// use tuban_engine::model::{AutomaticVerdict, Reason};
/// use tuban_engine::{atlas::Atlas, classify::classify, normalize::Intake, rule::Rule};
/// use tuban_geom::{Crs, Figure, Outline, Plane, Written};
///
/// let (atlas, rule) = (Atlas::empty(Plane::at(118.0, 35.0)), Rule::load(None).unwrap());
/// let ring = [[118.35, 35.05], [118.36, 35.05], [118.36, 35.06], [118.35, 35.06], [118.35, 35.05]];
/// let patch = Intake::new(Crs::CRS84, atlas.plane().clone()).take(Outline::polygon(&[ring])).unwrap();
///
/// let (figure, drawn) = (Figure::new(patch.region.clone()), patch.as_drawn(Written { crs: Crs::CRS84, decimals: None }));
/// let finding = classify(&atlas, &rule, &figure, drawn, date(2022, 4, 30), Some("371302"))?;
/// assert_eq!((finding.verdict, finding.reason), (AutomaticVerdict::Doubtful, Reason::NoFarmlandLayer));
/// assert_eq!(finding.county_code.as_deref(), Some("371302"));
/// // Oracle: docs/ARCHITECTURE.md, “Area”.
/// assert_eq!(format!("{:.4}", finding.areas.area_m2), "1012087.2601");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn classify(atlas: &Atlas, rule: &Rule, figure: &Figure, patch: AsDrawn<'_>, after: Date, stated_county: Option<&str>) -> std::io::Result<Finding> {
    Ok(assess(atlas, rule, figure, patch, after)?.finding(atlas, rule, stated_county))
}

impl Assessment {
    /// Code of the county that answers for it: the one with most of it; without counties in force the stated one.
    #[must_use]
    pub fn county_code<'a>(&self, atlas: &'a Atlas, stated_county: Option<&'a str>) -> Option<&'a str> {
        match self.measured.counties.first() {
            Some(share) => Some(&atlas.fact(LayerKind::County, share.fact).code),
            None if atlas.has(LayerKind::County) => None,
            None => stated_county.filter(|stated| CountyCode::is(stated)),
        }
    }

    /// Whether it lies in no county in force, while there are some.
    #[must_use]
    pub fn is_outside(&self, atlas: &Atlas) -> bool {
        self.measured.counties.is_empty() && atlas.has(LayerKind::County)
    }

    /// The finding, by the atlas and the rule that it was assessed by.
    #[must_use]
    pub fn finding(&self, atlas: &Atlas, rule: &Rule, stated_county: Option<&str>) -> Finding {
        let (measured, areas) = (&self.measured, self.measured.areas);
        let [legal, illegal] = automatic_farmland_m2(self.verdict, self.reason, &areas);
        let said = |kind, share: &Share| (atlas.fact(kind, share.fact).clone(), share.area_m2);
        let parcel = |(fact, area_m2): (FeatureFacts, f64)| ParcelShare { dlbm: fact.code, dlmc: fact.name, area_m2 };
        let county = |(fact, area_m2): (FeatureFacts, f64)| CountyShare { code: fact.code, name: fact.name, area_m2 };
        let mut approvals: Vec<String> = Vec::new();
        for number in measured.approvals.iter().map(|fact| &atlas.fact(LayerKind::Approved, *fact).code) {
            if !approvals.contains(number) {
                approvals.push(number.clone());
            }
        }
        approvals.sort_unstable();
        Finding {
            areas,
            doubts: self.doubts,
            parcels: measured.parcels.iter().map(|share| parcel(said(LayerKind::Farmland, share))).collect(),
            counties: measured.counties.iter().map(|share| county(said(LayerKind::County, share))).collect(),
            approvals,
            flags: self.flags(rule, atlas, stated_county),
            verdict: self.verdict,
            reason: self.reason,
            automatic_legal_farmland_m2: legal,
            automatic_illegal_farmland_m2: illegal,
            county_code: self.county_code(atlas, stated_county).map(str::to_owned),
            layer_set: 0,
        }
    }
}

/// Farmland that the overlay alone takes for legally and for illegally built on, of ground with these areas in a patch of that verdict for that reason.
#[must_use]
pub fn automatic_farmland_m2(verdict: AutomaticVerdict, reason: Reason, areas: &Areas) -> [f64; 2] {
    match verdict {
        AutomaticVerdict::Legal => [areas.farmland_m2, 0.0],
        AutomaticVerdict::SuspectedIllegal => [areas.approved_in_time_farmland_m2, areas.unapproved_farmland_m2()],
        // Of a patch that is approved in part for building and in part for another use, the former is legal.
        AutomaticVerdict::Other if reason.is_other_use() => [areas.approved_in_time_farmland_m2, 0.0],
        AutomaticVerdict::Other | AutomaticVerdict::Doubtful => [0.0, 0.0],
    }
}

/// The part of a patch no larger than a tolerance that approvals must cover.
const COVERED_SHARE: f64 = 0.99;

fn judge(measured: &Measured, doubts: &Doubts, milder: &mut Milder, rule: &Rule, parcels_known: bool, approvals_known: bool) -> (AutomaticVerdict, Reason) {
    let (areas, tolerance) = (&measured.areas, &rule.tolerance);
    if !parcels_known {
        return (AutomaticVerdict::Doubtful, Reason::NoFarmlandLayer);
    }
    if !approvals_known {
        return (AutomaticVerdict::Doubtful, Reason::NoApprovals);
    }
    if areas.area_m2 <= tolerance.cover_m2().max(tolerance.farmland_m2()) {
        let covered = areas.approved_in_time_m2 >= COVERED_SHARE * areas.area_m2;
        return if covered { (AutomaticVerdict::Legal, Reason::FullyApproved) } else { (AutomaticVerdict::Doubtful, Reason::TooSmall) };
    }
    if !milder.exceeds(areas.unapproved_m2(), doubts.unapproved, tolerance.cover_m2()) {
        return (AutomaticVerdict::Legal, Reason::FullyApproved);
    }
    let other_use = measured.marks.other_use.filter(|_| areas.other_use_m2 > tolerance.cover_m2());
    let outside_m2 = areas.unapproved_m2() - areas.other_use_m2;
    if let Some(reason) = other_use
        && !milder.exceeds(outside_m2, doubts.unapproved, tolerance.cover_m2())
    {
        return (AutomaticVerdict::Other, reason);
    }
    if milder.exceeds(areas.unapproved_farmland_m2(), doubts.unapproved_farmland, tolerance.farmland_m2()) {
        return (AutomaticVerdict::SuspectedIllegal, why_illegal(areas, doubts, tolerance));
    }
    let without_parcel_m2 = (areas.area_m2 - measured.parcels_m2).min(outside_m2);
    if milder.exceeds(without_parcel_m2, doubts.without_parcels, tolerance.cover_m2()) {
        return (AutomaticVerdict::Doubtful, Reason::NoParcels);
    }
    (AutomaticVerdict::Other, other_use.unwrap_or(Reason::NoFarmland))
}

/// Why farmland outside approvals in time is suspected illegal: first what came too late, then what has no day.
fn why_illegal(areas: &Areas, doubts: &Doubts, tolerance: &Tolerance) -> Reason {
    let uncounted_m2 = areas.approved_before_farmland_m2 + areas.approved_undated_farmland_m2 - areas.approved_in_time_farmland_m2;
    if areas.approved_later_farmland_m2 > tolerance.farmland_m2() {
        Reason::ApprovedLater
    } else if uncounted_m2 > tolerance.farmland_m2() {
        Reason::ApprovalUndated
    } else if Milder::default().exceeds(areas.approved_in_time_m2 + areas.other_use_m2, doubts.unapproved, tolerance.cover_m2()) {
        Reason::PartlyApproved
    } else {
        Reason::UnapprovedFarmland
    }
}

/// What is said where there is no version of a line, which changes no verdict.
const UNKNOWN: [(LayerKind, Flag); 3] = [
    (LayerKind::BasicFarmland, Flag::NoBasicFarmlandLayer),
    (LayerKind::RedLine, Flag::NoRedLineLayer),
    (LayerKind::UrbanBoundary, Flag::NoUrbanBoundaryLayer),
];

impl Assessment {
    /// What is odd about it, but for what its days have to do with.
    #[must_use]
    pub fn flags(&self, rule: &Rule, atlas: &Atlas, stated_county: Option<&str>) -> Vec<Flag> {
        let (mut flags, mut milder) = (Vec::new(), self.milder);
        let (measured, tolerance) = (&self.measured, &rule.tolerance);
        let counties = &measured.counties;
        if !atlas.has(LayerKind::County) {
            flags.push(Flag::NoCountyLayer);
        } else if counties.is_empty() {
            flags.push(Flag::OutsideCounties);
        }
        if counties.get(1).is_some_and(|second| milder.exceeds(second.area_m2, self.doubts.second_county, tolerance.border_m2())) {
            flags.push(Flag::CrossesBorder);
        }
        if stated_county.is_some_and(|stated| !CountyCode::is(stated)) {
            flags.push(Flag::CountyCodeUnreadable);
        } else if let (Some(first), Some(stated)) = (counties.first(), stated_county)
            && atlas.fact(LayerKind::County, first.fact).code != stated
        {
            flags.push(Flag::CountyCodeDisagrees);
        }
        let without_parcels_m2 = measured.areas.area_m2 - measured.parcels_m2;
        if atlas.has(LayerKind::Farmland) && milder.exceeds(without_parcels_m2, self.doubts.without_parcels, tolerance.cover_m2()) {
            flags.push(Flag::PartlyWithoutParcels);
        }
        for (kind, flag) in UNKNOWN {
            if !atlas.has(kind) {
                flags.push(flag);
            }
        }
        if measured.lacks_members {
            flags.push(Flag::LayerMemberLeftOut);
        }
        let marks = &measured.marks;
        let of_approvals = [
            (Flag::ApprovalUndated, measured.areas.approved_undated_m2 > 0.0 || marks.undated_other_use),
            (Flag::ApprovalExpired, marks.ended),
            (Flag::ApprovalKindUnknown, marks.kind_unknown),
        ];
        flags.extend(of_approvals.into_iter().filter(|(_, is_so)| *is_so).map(|(flag, _)| flag));
        flags.extend(milder.edges.then_some(Flag::EdgeDefinition));
        flags.extend(milder.rounding.then_some(Flag::CoordinatesRounded));
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::ApprovalMarks;

    /// Areas in 亩, for reading.
    fn measured(area: f64, parcels: f64, farmland: f64, approved: f64, approved_farmland: f64) -> Measured {
        let m2 = |mu: f64| mu * 10_000.0 / 15.0;
        Measured {
            areas: Areas {
                area_m2: m2(area),
                farmland_m2: m2(farmland),
                approved_m2: m2(approved),
                approved_farmland_m2: m2(approved_farmland),
                ..Areas::default()
            }
            .with_undated_approvals(),
            parcels_m2: m2(parcels),
            ..Measured::default()
        }
    }

    #[test]
    fn the_order_of_determination() {
        use AutomaticVerdict::{Doubtful, Legal, Other, SuspectedIllegal};
        let rule = Rule::load(None).unwrap();
        // area, on parcels, farmland, approved, approved farmland, parcels known, approvals known → verdict, reason. Oracle: the steps above, by hand.
        for (areas, parcels_known, approvals_known, expected) in [
            ((10.0, 10.0, 8.0, 10.0, 8.0), true, true, (Legal, Reason::FullyApproved)),
            ((10.0, 10.0, 8.0, 9.9991, 7.9991), true, true, (Legal, Reason::FullyApproved)),
            ((10.0, 10.0, 8.0, 9.9989, 7.9989), true, true, (SuspectedIllegal, Reason::PartlyApproved)),
            ((10.0, 10.0, 8.0, 0.0, 0.0), true, true, (SuspectedIllegal, Reason::UnapprovedFarmland)),
            ((10.0, 10.0, 8.0, 0.0, 0.0), true, false, (Doubtful, Reason::NoApprovals)),
            ((10.0, 10.0, 8.0, 8.0, 8.0), true, true, (Other, Reason::NoFarmland)),
            ((10.0, 10.0, 0.0, 0.0, 0.0), true, true, (Other, Reason::NoFarmland)),
            ((10.0, 10.0, 0.0009, 0.0, 0.0), true, true, (Other, Reason::NoFarmland)),
            ((10.0, 9.0, 0.0, 0.0, 0.0), true, true, (Doubtful, Reason::NoParcels)),
            ((10.0, 0.0, 0.0, 0.0, 0.0), false, true, (Doubtful, Reason::NoFarmlandLayer)),
            ((10.0, 0.0, 0.0, 0.0, 0.0), false, false, (Doubtful, Reason::NoFarmlandLayer)),
            ((10.0, 10.0, 0.0, 0.0, 0.0), true, false, (Doubtful, Reason::NoApprovals)),
            ((10.0, 9.0, 8.0, 0.0, 0.0), true, true, (SuspectedIllegal, Reason::UnapprovedFarmland)),
            ((10.0, 0.0, 0.0, 10.0, 0.0), false, true, (Doubtful, Reason::NoFarmlandLayer)),
            // No larger than the tolerance of 0.001 亩: by share.
            ((0.0009, 0.0009, 0.0009, 0.0, 0.0), true, true, (Doubtful, Reason::TooSmall)),
            ((0.001, 0.001, 0.0, 0.000_98, 0.0), true, true, (Doubtful, Reason::TooSmall)),
            ((0.001, 0.001, 0.0, 0.000_99, 0.0), true, true, (Legal, Reason::FullyApproved)),
        ] {
            let (area, parcels, farmland, approved, approved_farmland) = areas;
            assert_eq!(
                judge(
                    &measured(area, parcels, farmland, approved, approved_farmland),
                    &Doubts::default(),
                    &mut Milder::default(),
                    &rule,
                    parcels_known,
                    approvals_known
                ),
                expected,
                "{areas:?}"
            );
        }
    }

    #[test]
    fn the_day_and_the_use_of_approvals() {
        use AutomaticVerdict::{Doubtful, Legal, Other, SuspectedIllegal};
        let (rule, m2) = (Rule::load(None).unwrap(), |mu: f64| mu * 10_000.0 / 15.0);
        // All of 10 亩 is farmland: in time, undated that does not count, later, other use; parcels known → verdict, reason. Oracle: the steps above, by hand.
        for ([in_time, uncounted, later, other], parcels_known, expected) in [
            ([10.0, 0.0, 0.0, 0.0], true, (Legal, Reason::FullyApproved)),
            ([0.0, 0.0, 10.0, 0.0], true, (SuspectedIllegal, Reason::ApprovedLater)),
            ([4.0, 0.0, 2.0, 0.0], true, (SuspectedIllegal, Reason::ApprovedLater)),
            ([4.0, 0.0, 0.0009, 0.0], true, (SuspectedIllegal, Reason::PartlyApproved)),
            ([0.0, 10.0, 0.0, 0.0], true, (SuspectedIllegal, Reason::ApprovalUndated)),
            ([0.0, 5.0, 5.0, 0.0], true, (SuspectedIllegal, Reason::ApprovedLater)),
            ([0.0, 0.0, 0.0, 10.0], true, (Other, Reason::RuralRoad)),
            ([0.0, 0.0, 0.0, 10.0], false, (Doubtful, Reason::NoFarmlandLayer)),
            ([4.0, 0.0, 0.0, 5.9995], true, (Other, Reason::RuralRoad)),
            ([4.0, 0.0, 0.0, 5.998], true, (SuspectedIllegal, Reason::PartlyApproved)),
            ([0.0, 0.0, 0.0, 5.0], true, (SuspectedIllegal, Reason::PartlyApproved)),
            ([9.9995, 0.0, 0.0, 0.0005], true, (Legal, Reason::FullyApproved)),
            ([0.0, 0.0, 10.0, 10.0], true, (Other, Reason::RuralRoad)),
            ([0.0, 0.0, 0.0, 0.0], false, (Doubtful, Reason::NoFarmlandLayer)),
        ] {
            let (in_time, uncounted, later, other) = (m2(in_time), m2(uncounted), m2(later), m2(other));
            let areas = Areas {
                approved_m2: in_time + uncounted + later,
                approved_farmland_m2: in_time + uncounted + later,
                approved_before_m2: in_time,
                approved_before_farmland_m2: in_time,
                approved_undated_m2: uncounted,
                approved_undated_farmland_m2: uncounted,
                approved_later_m2: later,
                approved_later_farmland_m2: later,
                approved_in_time_m2: in_time,
                approved_in_time_farmland_m2: in_time,
                other_use_m2: other,
                other_use_farmland_m2: other,
                ..measured(10.0, 10.0, 10.0, 0.0, 0.0).areas
            };
            let marks = ApprovalMarks { other_use: Some(Reason::RuralRoad), ..ApprovalMarks::default() };
            let measured = Measured { areas, marks, parcels_m2: m2(10.0), ..Measured::default() };
            assert_eq!(judge(&measured, &Doubts::default(), &mut Milder::default(), &rule, parcels_known, true), expected, "{areas:?}");
        }
        // Ground that is neither approved nor on any parcel cannot be told.
        let mut measured = measured(10.0, 5.0, 5.0, 0.0, 0.0);
        measured.areas.other_use_m2 = m2(5.0);
        measured.areas.other_use_farmland_m2 = m2(5.0);
        assert_eq!(judge(&measured, &Doubts::default(), &mut Milder::default(), &rule, true, true), (Doubtful, Reason::NoParcels));
    }
}
