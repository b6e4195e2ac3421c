//! Ground by the patches that it lies in, and what a patch's finding has of it.

use super::{Neighbours, ROUNDING_M2, Regions};
use crate::geom::{Figure, Region, atoms};
use crate::land::{Areas, GroundShare};
use crate::monitor::{atlas::Atlas, classify::automatic_farmland_m2};
use crate::store::PatchGround;
use jiff::civil::Date;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Ground that lies in these patches and in no other.
pub(super) struct Piece {
    /// Two or more, in order.
    pub(super) patches: Vec<i64>,
    region: Region,
}

impl Piece {
    /// Its areas, as of each of these days of after-images.
    pub(super) fn measure(&self, atlas: &Atlas, days: BTreeSet<Date>) -> std::io::Result<BTreeMap<Date, Areas>> {
        let figure = Figure::new(self.region.clone());
        days.into_iter().map(|after| Ok((after, atlas.measure(&figure, after)?.areas))).collect()
    }
}

/// All pieces that lie in none but these patches. Each is found once: in the patch with the lowest number that it lies in.
pub(super) fn of(regions: &Regions, neighbours: &Neighbours, within: &BTreeSet<i64>) -> Vec<Piece> {
    let patches: Vec<i64> = within.iter().copied().collect();
    let of_one = |own: &i64| -> Vec<Piece> {
        let Some(region) = regions.get(own) else { return Vec::new() };
        let (numbers, others): (Vec<i64>, Vec<&Region>) = neighbours.of(*own).filter_map(|other| Some((other, regions.get(&other)?))).unzip();
        let found = atoms(region, &others).into_iter().map(|atom| {
            let patches = std::iter::once(*own).chain(atom.others.iter().map(|other| numbers[*other as usize])).collect();
            Piece { patches, region: atom.region }
        });
        found.filter(|piece| is_piece(piece, within)).collect()
    };
    let mut pieces: Vec<Piece> = patches.par_iter().flat_map_iter(of_one).collect();
    pieces.sort_unstable_by(|a, b| a.patches.cmp(&b.patches));
    pieces
}

fn is_piece(Piece { patches, region }: &Piece, within: &BTreeSet<i64>) -> bool {
    patches.len() > 1 && patches.is_sorted() && patches.iter().all(|patch| within.contains(patch)) && region.area_m2() > ROUNDING_M2
}

/// What a patch's finding would have of ground with these areas.
pub(super) fn share(ground: &PatchGround, areas: Areas) -> GroundShare {
    // A finding without approvals' days has them in no piece of it.
    let areas = if ground.areas == ground.areas.with_undated_approvals() { areas.with_undated_approvals() } else { areas };
    let [automatic_legal_farmland_m2, automatic_illegal_farmland_m2] = automatic_farmland_m2(ground.verdict, ground.reason, &areas);
    GroundShare { patch: ground.patch, survey: ground.survey, areas, automatic_legal_farmland_m2, automatic_illegal_farmland_m2 }
}
