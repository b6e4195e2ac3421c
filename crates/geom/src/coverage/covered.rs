//! The ground that a figure, some members of a layer and some of another have in common, each place once.
//!
//! 1. Of each piece in turn the common ground is made ([`Ground::common`]), and what the next layer has of it is measured in the same way; of the last layer
//!    only the area is asked for.
//! 2. Where members overlap, what the later ones have of the earlier one's common ground comes off again: |A ∪ B| = |A| + |B| − |A ∩ B|.
//! 3. That branches where many members overlap in one place. Past [`MOST_OVERLAPPING`] or [`MOST_EDGES`], or where rounding has become too much, slabs are
//!    walked instead.

use super::positions::Reader;
use super::{Coverage, Figure, Hit, outwards};
use crate::overlay::{Ground, Sum};
use crate::slabs;
use smallvec::SmallVec;
use std::io;

/// A layer, and which members of it, ascending.
pub(super) type Members<'a> = (&'a Coverage, &'a [Hit]);

/// Members of a layer that overlap others and are added and taken off; each may be one level deeper.
const MOST_OVERLAPPING: usize = 12;
/// Edges of common ground that may be made for one figure; a few hundred are usual.
const MOST_EDGES: usize = 4_000;

/// The figure's area that lies on members of every one of the layers, square metres.
pub(super) fn area_m2(figure: &Figure, layers: &[Members<'_>]) -> io::Result<f64> {
    let overlapping = |(coverage, members): &Members<'_>| members.iter().filter(|hit| coverage.overlapping[hit.member as usize]).count();
    let mut edges_left = MOST_EDGES;
    let sum = if layers.iter().any(|layer| overlapping(layer) > MOST_OVERLAPPING) { None } else { covered(figure.ground(), layers, &mut edges_left)? };
    let area_m2 = match sum {
        Some(sum) if figure.outweighs(sum.noise_m2()) => Some(sum.area_m2()).filter(|area_m2| *area_m2 > sum.noise_m2()).unwrap_or(0.0),
        _ => by_slabs_m2(figure, layers)?.max(0.0),
    };
    Ok(area_m2.min(figure.area_m2()))
}

/// The area of ground that lies on members of every one of the layers; `None` where that takes too many edges.
fn covered(ground: &Ground, layers: &[Members<'_>], edges_left: &mut usize) -> io::Result<Option<Sum>> {
    let Some(((coverage, members), others)) = layers.split_first() else { return Ok(Some(ground.area())) };
    let (mut sum, mut reader) = (Sum::default(), Reader::new(coverage));
    for piece in coverage.near(outwards(&ground.bounds())) {
        let member = coverage.pieces[piece as usize].member;
        let Ok(place) = members.binary_search_by_key(&member, |hit| hit.member) else { continue };
        let overlaps = |hit: &&Hit| coverage.overlapping[hit.member as usize];
        let later: SmallVec<[Hit; 4]> =
            if overlaps(&&members[place]) { members[place + 1..].iter().filter(overlaps).copied().collect() } else { SmallVec::new() };
        if others.is_empty() && later.is_empty() {
            sum.add(ground.shared(reader.rings(piece)?));
            continue;
        }
        let common = ground.common(reader.rings(piece)?);
        let Some(left) = edges_left.checked_sub(common.edges()) else { return Ok(None) };
        *edges_left = left;
        if common.area().area_m2() <= common.area().noise_m2() {
            continue;
        }
        let Some(here) = covered(&common, others, edges_left)? else { return Ok(None) };
        sum.add(here);
        if !later.is_empty() {
            let again: SmallVec<[Members<'_>; 2]> = std::iter::once((*coverage, &later[..])).chain(others.iter().copied()).collect();
            let Some(again) = covered(&common, &again, edges_left)? else { return Ok(None) };
            sum.subtract(again);
        }
    }
    Ok(Some(sum))
}

/// The common ground by a sweep line ([`slabs`]): slower, but it does not branch where many members overlap.
fn by_slabs_m2(figure: &Figure, layers: &[Members<'_>]) -> io::Result<f64> {
    let mut edges = Vec::new();
    slabs::push_rings(&mut edges, figure.bounds(), figure.region().rings(), 0);
    for ((coverage, members), tag) in layers.iter().zip(1..) {
        let mut reader = Reader::new(coverage);
        for piece in coverage.near(outwards(figure.bounds())) {
            let member = coverage.pieces[piece as usize].member;
            if members.binary_search_by_key(&member, |hit| hit.member).is_ok() {
                slabs::push_rings(&mut edges, figure.bounds(), reader.rings(piece)?, tag);
            }
        }
    }
    let mut sum = 0.0;
    slabs::cells(edges, layers.len() + 1, &mut |windings, area| {
        if windings.iter().all(|winding| *winding > 0) {
            sum += area;
        }
    });
    Ok(sum)
}
