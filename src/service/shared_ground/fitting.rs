//! The pieces of a patch are made to fit its finding, so that what is left of it is exact.
//!
//! Pieces are measured one by one, and their areas sum to the finding's but for rounding. In sums that are exact to 2⁻⁶⁰ m² that would show: a patch
//! that lies in others with all of its ground would keep a billionth of a square metre, and be counted. So
//! 1. each area is rounded to a multiple of 2⁻³⁰ m² (or of the finding's own last bit), the smallest piece first, and is no more than what is left of the finding;
//! 2. where nothing but rounding is left of the patch, its largest piece takes the rest, whatever it is, in every column. Differences of such multiples
//!    are doubles, so that the pieces sum to the finding to the last bit.

use crate::service::shared_ground::ROUNDING_M2;
use crate::store::PatchGround;
use std::collections::BTreeMap;
use tuban_engine::model::{GroundShare, SharedPiece};

/// Areas of pieces are multiples of this, square metres: 2⁻³⁰.
const QUANTUM_M2: f64 = 1.0 / (1_u64 << 30) as f64;

/// Of a patch, what no piece has yet.
pub(super) struct Fitting {
    left: BTreeMap<i64, GroundShare>,
    whole: BTreeMap<i64, GroundShare>,
}

/// The columns of a share, all alike.
fn columns(share: &mut GroundShare) -> Vec<&mut f64> {
    let GroundShare { areas, automatic_legal_farmland_m2, automatic_illegal_farmland_m2, .. } = share;
    areas.each_mut().into_iter().chain([automatic_legal_farmland_m2, automatic_illegal_farmland_m2]).collect()
}

impl Fitting {
    /// Of these patches, `kept` pieces have their share already.
    pub(super) fn new(grounds: &[PatchGround], kept: &[GroundShare]) -> Self {
        let whole = grounds.iter().map(|ground| {
            let PatchGround { patch, survey, areas, automatic_legal_farmland_m2, automatic_illegal_farmland_m2, .. } = *ground;
            (patch, GroundShare { patch, survey, areas, automatic_legal_farmland_m2, automatic_illegal_farmland_m2 })
        });
        let whole: BTreeMap<i64, GroundShare> = whole.collect();
        let mut fitting = Self { left: whole.clone(), whole };
        for share in kept {
            let mut share = *share;
            if let Some(left) = fitting.left.get_mut(&share.patch) {
                columns(left).into_iter().zip(columns(&mut share)).for_each(|(left, more)| *left = (*left - *more).max(0.0));
            }
        }
        fitting
    }

    /// Fits pieces to the findings of their patches.
    pub(super) fn fit(&mut self, mut pieces: Vec<SharedPiece>) -> Vec<SharedPiece> {
        let mut of_patch: BTreeMap<i64, Vec<&mut GroundShare>> = BTreeMap::new();
        for share in pieces.iter_mut().flat_map(|piece| &mut piece.shares) {
            of_patch.entry(share.patch).or_default().push(share);
        }
        for (patch, mut shares) in of_patch {
            shares.sort_by(|a, b| a.areas.area_m2.total_cmp(&b.areas.area_m2));
            let (Some(left), Some(whole)) = (self.left.get_mut(&patch), self.whole.get(&patch)) else { continue };
            for share in &mut shares {
                take(share, left, whole);
            }
            if let Some(largest) = shares.last_mut()
                && left.areas.area_m2 <= ROUNDING_M2.max(whole.areas.area_m2 * 1e-9)
            {
                columns(largest).into_iter().zip(columns(left)).for_each(|(largest, left)| *largest += std::mem::take(left));
            }
        }
        pieces
    }
}

/// Rounds a share, and takes it from what is left.
fn take(share: &mut GroundShare, left: &mut GroundShare, whole: &GroundShare) {
    let mut whole = *whole;
    for ((area, left), whole) in columns(share).into_iter().zip(columns(left)).zip(columns(&mut whole)) {
        let quantum = QUANTUM_M2.max(whole.next_up() - *whole);
        *area = ((*area / quantum).round() * quantum).clamp(0.0, *left);
        *left -= *area;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tuban_engine::model::{Areas, AutomaticVerdict, Reason};
    use tuban_geom::Outline;

    fn ground(patch: i64, area_m2: f64, farmland_m2: f64) -> PatchGround {
        PatchGround {
            patch,
            survey: 1,
            crs: None,
            degrees: Outline::default(),
            repaired: None,
            source: None,
            after: jiff::civil::date(2022, 4, 30),
            areas: Areas { area_m2, farmland_m2, ..Areas::default() },
            verdict: AutomaticVerdict::SuspectedIllegal,
            reason: Reason::UnapprovedFarmland,
            automatic_legal_farmland_m2: 0.0,
            automatic_illegal_farmland_m2: farmland_m2,
            layer_set: 0,
        }
    }

    fn piece(shares: &[(i64, f64, f64)]) -> SharedPiece {
        let share = |&(patch, area_m2, farmland_m2): &(i64, f64, f64)| GroundShare {
            patch,
            survey: 1,
            areas: Areas { area_m2, farmland_m2, ..Areas::default() },
            automatic_legal_farmland_m2: 0.0,
            automatic_illegal_farmland_m2: farmland_m2,
        };
        SharedPiece { shares: shares.iter().map(share).collect() }
    }

    /// Oracle: whole numbers of 2⁻⁶⁰ m², which is what sums are made of.
    #[test]
    fn pieces_of_a_patch_that_is_all_shared_sum_to_it_to_the_last_bit() {
        let units = |m2: f64| (m2 * (1_u64 << 60) as f64) as i128;
        let (area, farmland) = (7_213.123_456_789_012, 5_000.987_654_321_1);
        let third = area / 3.0;
        let measured = [(third, 1000.1), (area - 2.0 * third + 3e-10, farmland - 2000.2), (third, 1000.1)];
        let pieces = measured.map(|(area, farmland)| piece(&[(1, area, farmland), (2, area, farmland)]));
        let fitted = Fitting::new(&[ground(1, area, farmland), ground(2, 3.0 * area, farmland)], &[]).fit(pieces.to_vec());
        let sum = |patch: usize, of: fn(&GroundShare) -> f64| fitted.iter().map(|piece| units(of(&piece.shares[patch]))).sum::<i128>();
        assert_eq!(sum(0, |share| share.areas.area_m2), units(area));
        assert_eq!(sum(0, |share| share.areas.farmland_m2), units(farmland));
        assert_eq!(sum(0, |share| share.automatic_illegal_farmland_m2), units(farmland));
        // The larger patch keeps two thirds of itself, and no farmland: each column has its own rest.
        assert!((units(3.0 * area) - sum(1, |share| share.areas.area_m2) - units(2.0 * area)).abs() < units(1e-8));
        assert!(fitted.iter().flat_map(|piece| &piece.shares).all(|share| share.areas.red_line_m2 == 0.0));
    }

    #[test]
    fn a_piece_has_no_more_than_is_left() {
        let kept = piece(&[(1, 60.0, 10.0)]).shares;
        let fitted = Fitting::new(&[ground(1, 100.0, 10.0)], &kept).fit(vec![piece(&[(1, 30.0, 4.0)])]);
        let share = &fitted[0].shares[0];
        assert_eq!((share.areas.area_m2, share.areas.farmland_m2), (30.0, 0.0));
    }
}
