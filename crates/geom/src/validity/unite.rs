//! What all readings of an outline together enclose, and how much of that they differ about.
//!
//! 1. Edges are split wherever they meet another; those between the same two places become one segment.
//! 2. The ground is walked over once, slab by slab, and asked on both sides of each segment, above all where it is widest, whether it belongs to the outline.
//! 3. Segments with the outline on one side are its border, and are put together to rings.

use super::reading::{Blame, Reading, Windings};
use super::untangle::{key, name_contacts};
use super::{Defect, Fault, Ring, Unacceptable, clean, no_area, spans};
use crate::crossing::{Contact, Span, contacts};
use crate::plane::twice_signed_area;
use crate::slabs::{self, Edge, Ground};
use crate::{Outline, Region};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

/// What readings of an outline differ about.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispute {
    /// What is put right where that is little enough: rings without ground, contacts of rings with themselves, and what is disputed.
    pub defects: Vec<Defect>,
    /// The part of the area about which readings differ, 0 to 1.
    pub share: f64,
    /// Why the most of it is disputed.
    pub worst: Option<Unacceptable>,
}

/// Rings with their edges, and where those meet.
struct Tangle {
    rings: Vec<Ring>,
    edges: Vec<Span>,
    contacts: Vec<Contact>,
}

impl Tangle {
    fn of(outline: &Outline, is_nothing: &dyn Fn(usize) -> bool, defects: &mut Vec<Defect>) -> Result<Self, Unacceptable> {
        let rings = clean(outline, is_nothing, defects)?;
        let counts: Vec<u32> = rings.iter().map(|ring| ring.positions.len() as u32).collect();
        let edges = spans(&rings);
        let contacts = contacts(&edges, &counts).ok_or_else(|| hopeless(&rings))?;
        Ok(Self { rings, edges, contacts })
    }
}

/// The fault of rings that meet too often to be judged.
fn hopeless(rings: &[Ring]) -> Unacceptable {
    Unacceptable { fault: Fault::WindsTwice, part: rings[0].part, ring: rings[0].ring, vertex: None }
}

/// What readings of an outline, in any plane, differ about; `is_nothing` tells of a ring, by its number over all parts, that it encloses nothing as it was drawn.
///
/// # Errors
/// Where no ring encloses anything, and where rings meet too often to be judged.
pub fn dispute(outline: &Outline, is_nothing: &dyn Fn(usize) -> bool) -> Result<Dispute, Unacceptable> {
    let mut defects = Vec::new();
    let Tangle { rings, edges, contacts } = Tangle::of(outline, is_nothing, &mut defects)?;
    name_contacts(&rings, &edges, &contacts, &mut defects);
    let reading = Reading::of(&rings, &edges);
    let share = reading.disputed_m2 / (reading.once_m2 + reading.disputed_m2);
    if !share.is_finite() {
        return Err(no_area(&rings[0]));
    }
    let place = |blame: &Blame| blame.place(&rings, &edges, &contacts);
    if share > super::AMBIGUITY {
        defects.extend(reading.blames().iter().map(|blame| {
            let (Unacceptable { part, ring, vertex, .. }, at) = place(blame);
            Defect { kind: blame.kind(), part, ring, vertex: vertex.unwrap_or(0), at }
        }));
    }
    Ok(Dispute { defects, share, worst: reading.worst().map(|blame| place(&blame).0) })
}

/// What all readings of an outline in any plane together enclose: what is in some part's shell and in none of that part's holes.
///
/// # Errors
/// As for [`dispute`].
pub fn unite(outline: &Outline, is_nothing: &dyn Fn(usize) -> bool) -> Result<Region, Unacceptable> {
    let Tangle { rings, edges, contacts } = Tangle::of(outline, is_nothing, &mut Vec::new())?;
    let region = border(&rings, &edges, &contacts).ok_or_else(|| hopeless(&rings))?;
    if region.area_m2() > 0.0 { Ok(region) } else { Err(no_area(&rings[0])) }
}

/// An edge, or some that coincide, between two contacts: from the lower place to the higher one.
struct Segment {
    from: [f64; 2],
    to: [f64; 2],
    /// Rings that run along it, and whether they do so forwards (1) or backwards (−1).
    runs: SmallVec<[(u32, i32); 2]>,
}

/// The region that the outline's border encloses; `None` where its segments do not close.
fn border(rings: &[Ring], edges: &[Span], contacts: &[Contact]) -> Option<Region> {
    let segments = segments(edges, contacts);
    let origin = edges[0].a;
    let turned = |at: [f64; 2]| turned([at[0] - origin[0], at[1] - origin[1]]);
    let mut sides =
        Sides { segments: &segments, windings: Windings { rings, of: vec![0; rings.len()] }, best: vec![(f64::NEG_INFINITY, [false; 2]); segments.len()] };
    let all = segments.iter().zip(0..).filter_map(|(segment, tag)| Edge::between(turned(segment.from), turned(segment.to), tag)).collect();
    slabs::walk(all, &mut sides);
    let along = segments.iter().zip(&sides.best).filter_map(|(Segment { from, to, .. }, (_, [below, above]))| {
        // The outline lies to the left of its border.
        let rightwards = turned(*from)[0] < turned(*to)[0];
        (below != above).then_some(if rightwards == *above { [*from, *to] } else { [*to, *from] })
    });
    chained(&along.collect::<Vec<_>>())
}

/// Turned by an angle that no drawn edge is likely to have: no edge may stand upright, for those bound no trapezoid.
fn turned([x, y]: [f64; 2]) -> [f64; 2] {
    const COS: f64 = 0.799_103_726_448_215;
    const SIN: f64 = 0.601_192_938_015_466;
    [COS * x - SIN * y, SIN * x + COS * y]
}

/// Step 1.
fn segments(edges: &[Span], contacts: &[Contact]) -> Vec<Segment> {
    let mut cuts: Vec<SmallVec<[[f64; 2]; 2]>> = vec![SmallVec::new(); edges.len()];
    for contact in contacts {
        for edge in contact.edges {
            cuts[edge as usize].push(contact.at);
        }
    }
    let (mut segments, mut known): (Vec<Segment>, _) = (Vec::new(), HashMap::new());
    for (edge, cuts) in edges.iter().zip(&mut cuts) {
        let along = |at: &[f64; 2]| (at[0] - edge.a[0]).hypot(at[1] - edge.a[1]);
        cuts.extend([edge.a, edge.b]);
        cuts.sort_by(|p, q| along(p).total_cmp(&along(q)));
        for pair in cuts.windows(2).filter(|pair| key(pair[0]) != key(pair[1])) {
            let forwards = pair[0] < pair[1];
            let (from, to) = if forwards { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
            let segment = *known.entry((key(from), key(to))).or_insert_with(|| {
                segments.push(Segment { from, to, runs: smallvec![] });
                segments.len() - 1
            });
            segments[segment].runs.push((edge.ring, if forwards { 1 } else { -1 }));
        }
    }
    segments
}

/// Step 2: for each segment, the largest trapezoid that stands on it, and whether the outline has what is below and above.
struct Sides<'a> {
    segments: &'a [Segment],
    windings: Windings<'a>,
    best: Vec<(f64, [bool; 2])>,
}

impl Ground for Sides<'_> {
    fn cross(&mut self, tag: u32, step: i32) {
        for (ring, run) in &self.segments[tag as usize].runs {
            self.windings.of[*ring as usize] += run * step;
        }
    }

    fn take(&mut self, area_m2: f64, on: Option<&Edge>) {
        let Some(edge) = on else { return };
        if area_m2 > self.best[edge.tag as usize].0 {
            let above = self.windings.is_inside();
            self.cross(edge.tag, -edge.step);
            let below = self.windings.is_inside();
            self.cross(edge.tag, edge.step);
            self.best[edge.tag as usize] = (area_m2, [below, above]);
        }
    }
}

/// Step 3.
fn chained(border: &[[[f64; 2]; 2]]) -> Option<Region> {
    let mut from: HashMap<_, SmallVec<[usize; 2]>> = HashMap::new();
    for (number, [start, _]) in border.iter().enumerate() {
        from.entry(key(*start)).or_default().push(number);
    }
    let mut rings: Vec<Vec<[f64; 2]>> = Vec::new();
    for [start, _] in border {
        let (mut trail, mut places, mut at) = (vec![*start], HashMap::from([(key(*start), 0)]), *start);
        while let Some(next) = from.get_mut(&key(at)).and_then(SmallVec::pop) {
            at = border[next][1];
            if let Some(begun) = places.get(&key(at)).copied() {
                let mut ring = trail.split_off(begun);
                for place in &ring {
                    places.remove(&key(*place));
                }
                ring.push(ring[0]);
                rings.push(ring);
            }
            places.insert(key(at), trail.len());
            trail.push(at);
        }
        if trail.len() > 1 {
            return None;
        }
    }
    rings.retain(|ring| ring.len() > 3 && twice_signed_area(ring) != 0.0);
    Some(Region::of_rings(rings.iter().map(Vec::as_slice)))
}
