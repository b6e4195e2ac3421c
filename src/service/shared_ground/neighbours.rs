//! Which patches share ground: by their boxes first, then by what the kernel measures.

use crate::service::shared_ground::{ROUNDING_M2, Regions};
use crate::store::{GroundWriter, PatchPlace, StoreError};
use rayon::prelude::*;
use rstar::{
    AABB, RTree,
    primitives::{GeomWithData, Rectangle},
};
use std::collections::{BTreeMap, BTreeSet};
use tuban_geom::{Bounds, Figure};

/// Boxes are those of vertices; edges that are straight in a projection bulge out of them by some centimetres. Degrees.
const BULGE: f64 = 1e-6;

/// Some patches by where they lie, and the boxes of those that were found near them.
pub(super) struct Boxes {
    boxes: Vec<Bounds>,
    index: RTree<GeomWithData<Rectangle<[f64; 2]>, i64>>,
    found: BTreeMap<i64, Bounds>,
}

impl Boxes {
    pub(super) fn of(places: BTreeMap<i64, Bounds>) -> Self {
        let boxes = places.values().map(grown).collect();
        let entry = |(patch, bounds): (i64, Bounds)| {
            let Bounds { min, max } = grown(&bounds);
            GeomWithData::new(Rectangle::from_corners(min, max), patch)
        };
        Self { boxes, index: RTree::bulk_load(places.into_iter().map(entry).collect()), found: BTreeMap::new() }
    }

    /// The pairs of patches whose boxes meet: of these among each other, and of these with all others that are stored.
    pub(super) async fn pairs(&mut self, writer: &mut dyn GroundWriter) -> Result<Vec<[i64; 2]>, StoreError> {
        let mut pairs = Vec::new();
        let boxes = std::mem::take(&mut self.boxes);
        writer.places_near(&boxes, &mut |places| pairs.extend(self.with(&places))).await?;
        Ok(pairs)
    }

    /// Whether any of them meets that one.
    pub(super) fn meet(&self, place: &PatchPlace) -> bool {
        self.near(&place.bounds).next().is_some()
    }

    /// Patches whose boxes meet this one, in no order.
    fn near(&self, bounds: &Bounds) -> impl Iterator<Item = i64> + '_ {
        let Bounds { min, max } = grown(bounds);
        self.index.locate_in_envelope_intersecting(&AABB::from_corners(min, max)).map(|near| near.data)
    }

    /// The box of a patch that was found near these.
    pub(super) fn place(&self, patch: i64) -> Option<(i64, Bounds)> {
        self.found.get(&patch).map(|bounds| (patch, *bounds))
    }

    fn with(&mut self, places: &[PatchPlace]) -> Vec<[i64; 2]> {
        let mut pairs = Vec::new();
        for PatchPlace { patch, bounds } in places {
            let before = pairs.len();
            pairs.extend(self.near(bounds).filter(|near| near != patch).map(|near| [near.min(*patch), near.max(*patch)]));
            if pairs.len() > before {
                self.found.insert(*patch, *bounds);
            }
        }
        // An R-tree answers in the order of its nodes.
        pairs.sort_unstable();
        pairs
    }
}

fn grown(bounds: &Bounds) -> Bounds {
    Bounds { min: bounds.min.map(|low| low - BULGE), max: bounds.max.map(|high| high + BULGE) }
}

/// Which patches share ground with which.
#[derive(Debug, Default)]
pub(super) struct Neighbours(BTreeMap<i64, BTreeSet<i64>>);

impl Neighbours {
    pub(super) fn add(&mut self, [one, other]: [i64; 2]) {
        self.0.entry(one).or_default().insert(other);
        self.0.entry(other).or_default().insert(one);
    }

    /// Adds all who lie in the same piece, of pieces and their patches by piece.
    pub(super) fn add_pieces(&mut self, pieces: &[(i64, i64)]) {
        for piece in pieces.chunk_by(|one, next| one.0 == next.0) {
            for (index, (_, one)) in piece.iter().enumerate() {
                piece[index + 1..].iter().for_each(|(_, other)| self.add([*one, *other]));
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that share ground, in order.
    pub(super) fn patches(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.keys().copied()
    }

    /// Whether both are known to share ground.
    pub(super) fn are(&self, [one, other]: [i64; 2]) -> bool {
        self.0.get(&one).is_some_and(|others| others.contains(&other))
    }

    /// The neighbours of a patch, in order.
    pub(super) fn of(&self, patch: i64) -> impl Iterator<Item = i64> + '_ {
        self.0.get(&patch).into_iter().flatten().copied()
    }
}

/// The pairs that share more than rounding, by the kernel's own bound.
pub(super) fn overlapping(pairs: &[[i64; 2]], regions: &Regions) -> Vec<[i64; 2]> {
    let share = |[one, other]: &[i64; 2]| {
        let (Some(one), Some(other)) = (regions.get(one), regions.get(other)) else { return false };
        Figure::new(one.clone()).shared_m2(other.rings()) > ROUNDING_M2
    };
    pairs.par_iter().filter(|pair| share(pair)).copied().collect()
}
