//! Rings that cross or touch: steps 3 and 4 of the judgement.

use super::reading::{Reading, shifted};
use super::{AMBIGUITY, Defect, DefectKind, Fault, Ring, Unacceptable, no_area};
use crate::Region;
use crate::crossing::{Contact, Span};
use crate::plane::twice_signed_area;
use crate::slabs::{self, Edge, Ground};
use std::collections::{HashMap, HashSet};

type Loop = Vec<[f64; 2]>;

/// The region that the rings enclose, however one reads them, with a defect for each place where a ring meets itself.
pub(super) fn untangle(rings: &[Ring], edges: &[Span], contacts: &[Contact], defects: &mut Vec<Defect>) -> Result<Region, Unacceptable> {
    let claimed_m2 = unambiguous_m2(rings, edges, contacts)?;
    let own_contacts = name_contacts(rings, edges, contacts, defects);
    let mut region = Region::default();
    let mut first_edge = 0;
    for (ring, contacts) in rings.iter().zip(&own_contacts) {
        let loops = loops(&edges[first_edge..first_edge + ring.positions.len()], first_edge as u32, contacts);
        for (one, filled) in loops.iter().zip(filled(&loops)) {
            region.push(one.iter().copied(), filled == (ring.ring == 0));
        }
        first_edge += ring.positions.len();
    }
    // Rounding a crossing to a position moves it by 1e-11 m; more means that the loops are not what the outline encloses.
    if (region.area_m2() - claimed_m2).abs() > AMBIGUITY * claimed_m2 { Err(at_contact(Fault::WindsTwice, rings, edges, contacts)) } else { Ok(region) }
}

/// For each ring the contacts it has with itself, each place of which is a defect.
pub(super) fn name_contacts(rings: &[Ring], edges: &[Span], contacts: &[Contact], defects: &mut Vec<Defect>) -> Vec<Vec<Contact>> {
    let ring_of = |edge: u32| edges[edge as usize].ring as usize;
    let mut own_contacts: Vec<Vec<Contact>> = vec![Vec::new(); rings.len()];
    // One touch is seen from each of the edges that meet there.
    let mut seen = HashSet::new();
    for contact in contacts.iter().filter(|contact| ring_of(contact.edges[0]) == ring_of(contact.edges[1])) {
        let number = ring_of(contact.edges[0]);
        let ring = &rings[number];
        own_contacts[number].push(*contact);
        if seen.insert((number, key(contact.at))) {
            let kind = if contact.proper { DefectKind::SelfCrossing } else { DefectKind::SelfTouch };
            let vertex = ring.vertices[edges[contact.edges[0] as usize].vertex as usize];
            defects.push(Defect { kind, part: ring.part, ring: ring.ring, vertex, at: contact.at });
        }
    }
    own_contacts
}

/// Positions that are equal have equal keys, 0 and −0 too.
pub(super) fn key([x, y]: [f64; 2]) -> [u64; 2] {
    [(x + 0.0).to_bits(), (y + 0.0).to_bits()]
}

/// The area with m = 1, or why there is more than one reading.
fn unambiguous_m2(rings: &[Ring], edges: &[Span], contacts: &[Contact]) -> Result<f64, Unacceptable> {
    let reading = Reading::of(rings, edges);
    if reading.disputed_m2 > AMBIGUITY * reading.once_m2 {
        Err(reading.worst().map_or_else(|| no_area(&rings[0]), |blame| blame.place(rings, edges, contacts).0))
    } else if reading.once_m2 > 0.0 {
        Ok(reading.once_m2)
    } else {
        Err(no_area(&rings[0]))
    }
}

fn at_contact(fault: Fault, rings: &[Ring], edges: &[Span], contacts: &[Contact]) -> Unacceptable {
    let edge = contacts.first().map_or(&edges[0], |contact| &edges[contact.edges[1] as usize]);
    let ring = &rings[edge.ring as usize];
    Unacceptable { fault, part: ring.part, ring: ring.ring, vertex: Some(ring.vertices[edge.vertex as usize]) }
}

/// Splits one ring at its contacts with itself into closed simple loops. `edges` are the ring's, the first being number `first`.
fn loops(edges: &[Span], first: u32, contacts: &[Contact]) -> Vec<Loop> {
    let mut cuts: Vec<Loop> = vec![Vec::new(); edges.len()];
    for contact in contacts {
        for edge in contact.edges {
            cuts[(edge - first) as usize].push(contact.at);
        }
    }
    let (mut found, mut trail) = (Vec::new(), Loop::new());
    let mut seen = HashMap::new();
    for (edge, cuts) in edges.iter().zip(&mut cuts) {
        let from = edge.a;
        let along = |at: &[f64; 2]| (at[0] - from[0]).hypot(at[1] - from[1]);
        cuts.push(from);
        cuts.sort_by(|p, q| along(p).total_cmp(&along(q)));
        cuts.dedup();
        for at in cuts.iter().copied().filter(|at| *at != edge.b) {
            if let Some(start) = seen.get(&key(at)).copied() {
                let mut one: Loop = trail.drain(start..).collect();
                for at in &one {
                    seen.remove(&key(*at));
                }
                one.push(at);
                found.push(one);
            }
            seen.insert(key(at), trail.len());
            trail.push(at);
        }
    }
    trail.extend(trail.first().copied());
    found.push(trail);
    found.retain(|one| one.len() > 3 && twice_signed_area(one) != 0.0);
    found
}

/// For each loop, whether it is filled: whether it lies in an even number of the others.
fn filled(loops: &[Loop]) -> Vec<bool> {
    let [first, _, ..] = loops else { return vec![true; loops.len()] };
    let mut depth = Depth { odd: false, best: loops.iter().map(|one| (0.0, true, twice_signed_area(one) > 0.0)).collect() };
    let edges = loops.iter().enumerate().flat_map(|(number, one)| one.windows(2).map(move |pair| (pair[0], pair[1], number as u32)));
    slabs::walk(shifted(edges, first[0]), &mut depth);
    depth.best.into_iter().map(|(_, filled, _)| filled).collect()
}

/// Asks, for each loop, the largest trapezoid that stands on one of its edges.
struct Depth {
    /// Whether the ground lies in an odd number of loops.
    odd: bool,
    /// For each loop: the trapezoid's area, what it says, and whether the loop runs counter-clockwise.
    best: Vec<(f64, bool, bool)>,
}

impl Ground for Depth {
    fn cross(&mut self, _: u32, step: i32) {
        self.odd ^= step % 2 != 0;
    }

    fn take(&mut self, area_m2: f64, on: Option<&Edge>) {
        let Some(edge) = on else { return };
        let (best_m2, filled, ccw) = &mut self.best[edge.tag as usize];
        if area_m2 > *best_m2 {
            // Ground within the loop is filled as the loop is; ground outside of it is filled as the loop is not.
            let within = (edge.step > 0) == *ccw;
            (*best_m2, *filled) = (area_m2, self.odd == within);
        }
    }
}
