//! From what was measured to a finding with its automatic verdict. Pure.
//!
//! In this order, tolerances from the [`Rule`]:
//! 1. legal, where approvals cover the patch;
//! 2. suspected illegal, where farmland outside approvals is above tolerance (doubtful where no approvals are in force to tell);
//! 3. doubtful, where ground that is neither approved nor on any parcel is above tolerance;
//! 4. other.

use super::{
    atlas::{Atlas, Measured, Share},
    rule::Rule,
};
use crate::geom::Figure;
use crate::land::{AutomaticVerdict, CountyShare, FeatureFacts, Finding, Flag, LayerKind, ParcelShare, Reason, is_county_code};

/// What was measured of a figure, and the verdict: all but what it takes to tell it to people.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// What was measured.
    pub measured: Measured,
    /// The automatic verdict.
    pub verdict: AutomaticVerdict,
    /// Why.
    pub reason: Reason,
}

/// Measures a figure and judges what was measured. Fails only where layers cannot be read back.
pub fn assess(atlas: &Atlas, rule: &Rule, figure: &Figure) -> std::io::Result<Assessment> {
    let measured = atlas.measure(figure)?;
    let (verdict, reason) = judge(&measured, rule, atlas.has(LayerKind::Farmland), atlas.has(LayerKind::Approved));
    Ok(Assessment { measured, verdict, reason })
}

/// The finding of a figure. `stated_county` is what the file says. Fails only where layers cannot be read back.
pub fn classify(atlas: &Atlas, rule: &Rule, figure: &Figure, stated_county: Option<&str>) -> std::io::Result<Finding> {
    Ok(assess(atlas, rule, figure)?.finding(atlas, rule, stated_county))
}

impl Assessment {
    /// Code of the county that answers for it: the one with most of it; without counties in force the stated one.
    #[must_use]
    pub fn county_code<'a>(&self, atlas: &'a Atlas, stated_county: Option<&'a str>) -> Option<&'a str> {
        match self.measured.counties.first() {
            Some(share) => Some(&atlas.fact(LayerKind::County, share.fact).code),
            None if atlas.has(LayerKind::County) => None,
            None => stated_county.filter(|stated| is_county_code(stated)),
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
        let (legal, illegal) = match self.verdict {
            AutomaticVerdict::Legal => (areas.farmland_m2, 0.0),
            AutomaticVerdict::SuspectedIllegal => (areas.approved_farmland_m2, areas.unapproved_farmland_m2()),
            AutomaticVerdict::Other | AutomaticVerdict::Doubtful => (0.0, 0.0),
        };
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
            parcels: measured.parcels.iter().map(|share| parcel(said(LayerKind::Farmland, share))).collect(),
            counties: measured.counties.iter().map(|share| county(said(LayerKind::County, share))).collect(),
            approvals,
            flags: flags(measured, rule, atlas, stated_county),
            verdict: self.verdict,
            reason: self.reason,
            automatic_legal_farmland_m2: legal,
            automatic_illegal_farmland_m2: illegal,
            county_code: self.county_code(atlas, stated_county).map(str::to_owned),
        }
    }
}

fn judge(measured: &Measured, rule: &Rule, parcels_known: bool, approvals_known: bool) -> (AutomaticVerdict, Reason) {
    let (areas, tolerance) = (&measured.areas, &rule.tolerance);
    if areas.unapproved_m2() <= tolerance.cover_m2() {
        return (AutomaticVerdict::Legal, Reason::FullyApproved);
    }
    if areas.unapproved_farmland_m2() > tolerance.farmland_m2() {
        return match (approvals_known, areas.approved_m2 > tolerance.cover_m2()) {
            (false, _) => (AutomaticVerdict::Doubtful, Reason::NoApprovals),
            (true, true) => (AutomaticVerdict::SuspectedIllegal, Reason::PartlyApproved),
            (true, false) => (AutomaticVerdict::SuspectedIllegal, Reason::UnapprovedFarmland),
        };
    }
    let without_parcel_m2 = areas.area_m2 - measured.parcels_m2;
    if !parcels_known || without_parcel_m2.min(areas.unapproved_m2()) > tolerance.cover_m2() {
        return (AutomaticVerdict::Doubtful, Reason::NoParcels);
    }
    (AutomaticVerdict::Other, Reason::NoFarmland)
}

fn flags(measured: &Measured, rule: &Rule, atlas: &Atlas, stated_county: Option<&str>) -> Vec<Flag> {
    let mut flags = Vec::new();
    let counties = &measured.counties;
    if !atlas.has(LayerKind::County) {
        flags.push(Flag::NoCountyLayer);
    } else if counties.is_empty() {
        flags.push(Flag::OutsideCounties);
    }
    if counties.get(1).is_some_and(|second| second.area_m2 > rule.tolerance.border_m2()) {
        flags.push(Flag::CrossesBorder);
    }
    if stated_county.is_some_and(|stated| !is_county_code(stated)) {
        flags.push(Flag::CountyCodeUnreadable);
    } else if let (Some(first), Some(stated)) = (counties.first(), stated_county)
        && atlas.fact(LayerKind::County, first.fact).code != stated
    {
        flags.push(Flag::CountyCodeDisagrees);
    }
    if atlas.has(LayerKind::Farmland) && measured.areas.area_m2 - measured.parcels_m2 > rule.tolerance.cover_m2() {
        flags.push(Flag::PartlyWithoutParcels);
    }
    if measured.lacks_members {
        flags.push(Flag::LayerMemberLeftOut);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::land::Areas;

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
            },
            parcels_m2: m2(parcels),
            ..Measured::default()
        }
    }

    #[test]
    fn the_order_of_determination() {
        use AutomaticVerdict::{Doubtful, Legal, Other, SuspectedIllegal};
        let rule = Rule::load(None).unwrap();
        // area, on parcels, farmland, approved, approved farmland, parcels known, approvals known → verdict, reason. Oracle: the four steps above, by hand.
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
            ((10.0, 0.0, 0.0, 0.0, 0.0), false, true, (Doubtful, Reason::NoParcels)),
            ((10.0, 9.0, 8.0, 0.0, 0.0), true, true, (SuspectedIllegal, Reason::UnapprovedFarmland)),
            ((10.0, 0.0, 0.0, 10.0, 0.0), false, true, (Legal, Reason::FullyApproved)),
        ] {
            let (area, parcels, farmland, approved, approved_farmland) = areas;
            assert_eq!(judge(&measured(area, parcels, farmland, approved, approved_farmland), &rule, parcels_known, approvals_known), expected, "{areas:?}");
        }
    }
}
