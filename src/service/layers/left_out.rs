//! Features of layers' files that are not in the layers: what lies there is unknown, and whatever is found there says so.

use crate::formats::FaultKind;
use crate::service::{Service, ServiceError};
use tuban_engine::model::{Finding, Flag, LayerKind, LayerUsed, LeftOut, Reject, Words};
use tuban_engine::normalize::Intake;
use tuban_geom::{Bounds, Outline};

/// Features of one layer that are listed one by one; the box of all others is kept as one.
const LISTED: usize = 10_000;
/// Of those at one place, so many are told one by one.
const TOLD: usize = 100;

/// A feature that cannot be in a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Why.
    pub reject: Reject,
    /// What is missing with it; `None` where it can have no ground.
    pub left_out: Option<LeftOut>,
}

impl Refused {
    /// A refused feature in this box of the file's coordinates, if one could be read.
    #[must_use]
    pub fn of(reject: Reject, bounds: Option<Bounds>, intake: &Intake) -> Box<Self> {
        let bounds = bounds.and_then(|bounds| in_degrees(&bounds, intake));
        let left_out = LeftOut { row: reject.row, code: reject.code.clone(), reason: reject.reason.clone(), bounds };
        Box::new(Self { reject, left_out: Some(left_out) })
    }

    /// A feature whose geometry could not be read. A point has no ground, whatever else is wrong with it.
    #[must_use]
    pub fn unreadable(reject: Reject, kind: &FaultKind, intake: &Intake) -> Box<Self> {
        let is_point = matches!(kind, FaultKind::NotAPolygon(name) if matches!(name.as_str(), "Point" | "MultiPoint"));
        if is_point { Box::new(Self { reject, left_out: None }) } else { Self::of(reject, None, intake) }
    }
}

/// A box of a file's coordinates in degrees. Its sides are curves there, so it is made larger by a hundredth and some ten metres.
fn in_degrees(bounds: &Bounds, intake: &Intake) -> Option<Bounds> {
    const MORE: f64 = 1e-4;
    let Bounds { min: [west, south], max: [east, north] } = *bounds;
    let corners = Outline::polygon(&[[[west, south], [east, south], [east, north], [west, north], [west, south]]]);
    let Bounds { min, max } = intake.degrees(&corners).ok()?.bounds();
    let more = if intake.crs.is_degrees() && !intake.shifted { [0.0; 2] } else { [0, 1].map(|axis| MORE + (max[axis] - min[axis]) / 100.0) };
    let grown = Bounds { min: [min[0] - more[0], min[1] - more[1]], max: [max[0] + more[0], max[1] + more[1]] };
    grown.min.iter().chain(&grown.max).all(|side| side.is_finite()).then_some(grown)
}

/// What is left out of a layer, as it is kept: beyond some, all others are one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LeftOuts {
    listed: Vec<LeftOut>,
    others: Option<(u64, Option<Bounds>)>,
}

impl LeftOuts {
    /// Notes one more.
    pub fn add(&mut self, one: LeftOut) {
        if self.listed.len() < LISTED {
            return self.listed.push(one);
        }
        let (count, bounds) = self.others.get_or_insert((0, Some(Bounds::EMPTY)));
        *count += 1;
        *bounds = bounds.zip(one.bounds).map(|(all, one)| all.union(&one));
    }

    /// Each row once; the others as row 0.
    #[must_use]
    pub fn into_vec(self) -> Vec<LeftOut> {
        let others = self.others.map(|(count, bounds)| LeftOut {
            row: 0,
            code: "others".to_owned(),
            reason: Words::new(format!("另有 {count} 个要素未能采用"), format!("{count} more features were left out")),
            bounds,
        });
        self.listed.into_iter().chain(others).collect()
    }
}

/// One of a layer's left-out features at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOutHere {
    /// Which layer.
    pub layer: LayerUsed,
    /// What is missing.
    pub left_out: LeftOut,
}

impl Service {
    /// What may be missing of these layers, which a finding rests on, in its patch's box, degrees; the first hundred.
    pub async fn left_out_of(&self, finding: &Finding, layers: &[LayerUsed], bounds: &Bounds) -> Result<Vec<LeftOutHere>, ServiceError> {
        let (mut here, atlas) = (Vec::new(), self.atlas());
        if !finding.flags.contains(&Flag::LayerMemberLeftOut) {
            return Ok(here);
        }
        for layer in layers {
            let refused = if layer.id == 0 { Vec::new() } else { self.store().left_out(layer.id).await? };
            let all = refused.iter().chain(atlas.left_out(layer.id));
            here.extend(all.filter(|one| one.may_touch(bounds)).map(|one| LeftOutHere { layer: layer.clone(), left_out: one.clone() }));
            here.truncate(TOLD);
        }
        Ok(here)
    }
}

/// What is told of all that was left out of a layer.
pub(crate) fn summary(kind: LayerKind, all: &[LeftOut]) -> Option<Words> {
    let first = all.first()?;
    let count = all.len();
    let (row, zh, en) = (first.row, &first.reason.zh, &first.reason.en);
    Some(Words::new(
        format!("{}图层有 {count} 个要素未能采用（第一个在第 {row} 行：{zh}）；所在位置的图斑已提示", kind.chinese()),
        format!("{count} features of the layer {kind} were left out (the first in row {row}: {en}); patches there are flagged"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(row: u64, bounds: Option<Bounds>) -> LeftOut {
        LeftOut { row, code: "x".to_owned(), reason: Words::default(), bounds }
    }

    #[test]
    fn beyond_some_all_others_are_one_box() {
        let at = |x: f64| Some(Bounds { min: [x, 0.0], max: [x + 1.0, 1.0] });
        let mut all = LeftOuts::default();
        (0..LISTED as u64 + 2).for_each(|row| all.add(one(row + 1, at(row as f64))));
        let kept = all.clone().into_vec();
        let last = kept.last().unwrap();
        assert_eq!((kept.len(), last.row, last.bounds), (LISTED + 1, 0, Some(Bounds { min: [1e4, 0.0], max: [10_002.0, 1.0] })));
        all.add(one(1, None));
        let anywhere = all.into_vec().pop().unwrap();
        assert!(anywhere.bounds.is_none() && anywhere.may_touch(&Bounds { min: [200.0, 5.0], max: [200.0, 5.0] }));
    }
}
