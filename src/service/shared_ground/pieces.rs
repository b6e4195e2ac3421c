//! Ground by the patches that it lies in, and what a patch's finding has of it.

use crate::service::shared_ground::{Neighbours, ROUNDING_M2, Regions};
use crate::store::PatchGround;
use jiff::civil::Date;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tuban_engine::model::{Areas, GroundShare};
use tuban_engine::{atlas::Atlas, classify::automatic_farmland_m2};
use tuban_geom::{Figure, Region, atoms};

/// Ground that lies in these patches and in no other.
pub(super) struct Piece {
    /// Two or more, in order.
    pub(super) patches: Vec<i64>,
    region: Region,
}

impl Piece {
    fn is_within(&self, within: &BTreeSet<i64>) -> bool {
        self.patches.iter().all(|patch| within.contains(patch))
    }

    /// Its areas, as of each of these days of after-images.
    pub(super) fn measure(&self, atlas: &Atlas, days: BTreeSet<Date>) -> std::io::Result<BTreeMap<Date, Areas>> {
        let figure = Figure::new(self.region.clone());
        days.into_iter().map(|after| Ok((after, atlas.measure(&figure, after)?.areas))).collect()
    }
}

/// All pieces that lie in none but these patches. Each is found once: in the patch with the lowest number that it lies in.
pub(super) fn of(regions: &Regions, neighbours: &Neighbours, within: &BTreeSet<i64>) -> Vec<Piece> {
    let groups = groups(neighbours, within);
    let mut pieces: Vec<Piece> =
        groups.par_iter().flat_map_iter(|group| of_group(regions, neighbours, group)).filter(|piece| piece.is_within(within)).collect();
    pieces.sort_unstable_by(|a, b| a.patches.cmp(&b.patches));
    pieces
}

/// Patches, in order, that share ground with each other, or through others of them.
fn groups(neighbours: &Neighbours, within: &BTreeSet<i64>) -> Vec<BTreeSet<i64>> {
    let mut left = within.clone();
    let mut groups = Vec::new();
    while let Some(first) = left.pop_first() {
        let (mut group, mut next) = (BTreeSet::from([first]), vec![first]);
        while let Some(patch) = next.pop() {
            let found = neighbours.of(patch).filter(|other| left.remove(other)).collect::<Vec<_>>();
            group.extend(found.iter().copied());
            next.extend(found);
        }
        groups.push(group);
    }
    groups
}

/// The pieces that lie in patches of a group. A patch whose ground all lies in patches before it has none of its own to find: so it is where the same ground is
/// reported month after month.
fn of_group(regions: &Regions, neighbours: &Neighbours, group: &BTreeSet<i64>) -> Vec<Piece> {
    let (mut pieces, mut found_m2) = (Vec::new(), BTreeMap::<i64, f64>::new());
    for own in group {
        let Some(region) = regions.get(own) else { continue };
        if found_m2.get(own).is_some_and(|found| *found > region.area_m2() - ROUNDING_M2) {
            continue;
        }
        let (numbers, others): (Vec<i64>, Vec<&Region>) = neighbours.of(*own).filter_map(|other| Some((other, regions.get(&other)?))).unzip();
        for atom in atoms(region, &others) {
            let patches = std::iter::once(*own).chain(atom.others.iter().map(|other| numbers[*other as usize])).collect();
            let piece = Piece { patches, region: atom.region };
            let area_m2 = piece.region.area_m2();
            if piece.patches.len() > 1 && piece.patches.is_sorted() && area_m2 > ROUNDING_M2 {
                piece.patches.iter().for_each(|patch| *found_m2.entry(*patch).or_default() += area_m2);
                pieces.push(piece);
            }
        }
    }
    pieces
}

/// What a patch's finding would have of ground with these areas.
pub(super) fn share(ground: &PatchGround, areas: Areas) -> GroundShare {
    // A finding without approvals' days has them in no piece of it.
    let areas = if ground.areas == ground.areas.with_undated_approvals() { areas.with_undated_approvals() } else { areas };
    let [automatic_legal_farmland_m2, automatic_illegal_farmland_m2] = automatic_farmland_m2(ground.verdict, ground.reason, &areas);
    GroundShare { patch: ground.patch, survey: ground.survey, areas, automatic_legal_farmland_m2, automatic_illegal_farmland_m2 }
}
