//! What is wrong with an outline, and whether it can be put right without guessing.
//!
//! 1. Repeated positions are dropped (harmless, not reported); an open ring is closed; spikes are cut off.
//! 2. Edges of the whole outline are tested against each other. If none meet, only nesting is left to judge.
//! 3. Where a ring crosses or touches itself it is split there into simple loops, each filled or hollow by how deep it lies among the others.
//! 4. The repair counts as unambiguous when no reading of the outline gives another answer: let m be the number of shells around a place
//!    (each as often as it winds) less the number of holes. Ground with m = 1 is the patch. If any ground has another m than 0 or 1, something was
//!    claimed twice or a hole was cut from nothing, readers would differ (even-odd, non-zero, union), and the outline is refused.
//!
//! For a figure of eight this is GEOS's `make_valid(method="structure")`; where that would pick one of several readings, this refuses.

use super::crossing::{Contact, Span, contacts, lies_in};
use super::plane::twice_signed_area;
use super::region::Region;
use super::slabs;
use super::{Outline, outline::Bounds};
use serde::{Deserialize, Serialize};

/// A kind of defect that can be put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// The last position of the ring is not the first one.
    UnclosedRing,
    /// The ring runs out and back along the same line.
    Spike,
    /// The ring crosses itself.
    SelfCrossing,
    /// The ring touches itself.
    SelfTouch,
}

/// What is wrong, and where. Parts, rings and vertices count from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Defect {
    /// What.
    pub kind: DefectKind,
    /// Part of the outline.
    pub part: u32,
    /// Ring of the part; 0 is the shell.
    pub ring: u32,
    /// Vertex of the ring, as it came.
    pub vertex: u32,
    /// Where, in the coordinates of the outline.
    pub at: [f64; 2],
}

/// Why an outline cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No position at all.
    Empty,
    /// A ring of fewer than four positions.
    TooFewPoints,
    /// A ring that encloses nothing.
    NoArea,
    /// A ring that encloses some ground more than once, so that readings differ.
    WindsTwice,
    /// A hole that is not inside its shell, or crosses it.
    HoleOutside,
    /// A hole inside or across another hole of the same part.
    HolesOverlap,
    /// Two parts that share ground, or one inside the other.
    PartsOverlap,
}

/// An outline that cannot be taken: why, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unacceptable {
    /// Why.
    pub fault: Fault,
    /// Part of the outline.
    pub part: u32,
    /// Ring of the part.
    pub ring: u32,
    /// Vertex of the ring, where one can be named.
    pub vertex: Option<u32>,
}

/// An outline that can be taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// What it encloses.
    pub region: Region,
    /// What was put right; empty where nothing had to be.
    pub defects: Vec<Defect>,
}

/// A ring after step 1: its positions (first not repeated at the end) with the vertex each came from.
struct Ring {
    positions: Vec<[f64; 2]>,
    vertices: Vec<u32>,
    part: u32,
    ring: u32,
}

/// What of the enclosed area two readings may differ by before they count as different.
const AMBIGUITY: f64 = 1e-9;

/// Judges an outline in the plane. O(n log n) for n vertices, plus the number of contacts.
pub fn check(outline: &Outline) -> Result<Checked, Unacceptable> {
    let mut defects = Vec::new();
    let rings = clean(outline, &mut defects)?;
    let counts: Vec<u32> = rings.iter().map(|ring| ring.positions.len() as u32).collect();
    let edges = spans(&rings);
    let contacts = contacts(&edges, &counts);
    let region = if contacts.is_empty() && rings.len() == 1 {
        let mut region = Region::default();
        region.push(closed(&rings[0].positions), true);
        region
    } else if contacts.is_empty() {
        nest(&rings)?
    } else {
        untangle(&rings, &edges, &contacts, &mut defects)?
    };
    if region.area_m2() > 0.0 { Ok(Checked { region, defects }) } else { Err(no_area(&rings[0])) }
}

fn no_area(ring: &Ring) -> Unacceptable {
    Unacceptable { fault: Fault::NoArea, part: ring.part, ring: ring.ring, vertex: None }
}

fn closed(positions: &[[f64; 2]]) -> impl Iterator<Item = [f64; 2]> + '_ {
    positions.iter().chain(positions.first()).copied()
}

/// Step 1.
fn clean(outline: &Outline, defects: &mut Vec<Defect>) -> Result<Vec<Ring>, Unacceptable> {
    if outline.positions.is_empty() {
        return Err(Unacceptable { fault: Fault::Empty, part: 0, ring: 0, vertex: None });
    }
    let mut rings = Vec::with_capacity(outline.ring_ends.len());
    for (part, range) in outline.parts().enumerate() {
        let first = range.start;
        for number in range {
            rings.push(clean_ring(outline.ring(number), part as u32, (number - first) as u32, defects)?);
        }
    }
    Ok(rings)
}

fn clean_ring(raw: &[[f64; 2]], part: u32, ring: u32, defects: &mut Vec<Defect>) -> Result<Ring, Unacceptable> {
    if raw.len() < 4 {
        return Err(Unacceptable { fault: if raw.is_empty() { Fault::Empty } else { Fault::TooFewPoints }, part, ring, vertex: None });
    }
    let open = raw.first() != raw.last();
    if open {
        defects.push(Defect { kind: DefectKind::UnclosedRing, part, ring, vertex: raw.len() as u32 - 1, at: raw[raw.len() - 1] });
    }
    let kept = if open { raw } else { &raw[..raw.len() - 1] };
    let mut clean = Ring { positions: Vec::with_capacity(kept.len() + 1), vertices: Vec::with_capacity(kept.len()), part, ring };
    for (vertex, at) in kept.iter().enumerate() {
        push_without_spike(&mut clean, *at, vertex as u32, defects);
    }
    // The seam: what was last may repeat or double back over what was first.
    while clean.positions.len() > 2 {
        let (n, p) = (clean.positions.len(), &clean.positions);
        let cut = if p[n - 1] == p[0] || doubles_back(p[n - 2], p[n - 1], p[0]) {
            n - 1
        } else if doubles_back(p[n - 1], p[0], p[1]) {
            0
        } else {
            break;
        };
        let (at, vertex) = (clean.positions.remove(cut), clean.vertices.remove(cut));
        if clean.positions[0] != at {
            defects.push(Defect { kind: DefectKind::Spike, part, ring, vertex, at });
        }
    }
    if clean.positions.len() < 3 { Err(no_area(&clean)) } else { Ok(clean) }
}

/// Appends a position, dropping a repeated one and any vertex at which the ring turns straight back.
fn push_without_spike(ring: &mut Ring, at: [f64; 2], vertex: u32, defects: &mut Vec<Defect>) {
    while let [.., before, tip] = ring.positions[..] {
        if tip == at || !doubles_back(before, tip, at) {
            break;
        }
        defects.push(Defect { kind: DefectKind::Spike, part: ring.part, ring: ring.ring, vertex: *ring.vertices.last().unwrap_or(&0), at: tip });
        ring.positions.pop();
        ring.vertices.pop();
    }
    if ring.positions.last() != Some(&at) {
        ring.positions.push(at);
        ring.vertices.push(vertex);
    }
}

/// Whether the way a → b → c turns straight back at b.
fn doubles_back(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> bool {
    let forward = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]);
    forward < 0.0 && super::crossing::side(a, b, c) == std::cmp::Ordering::Equal
}

fn spans(rings: &[Ring]) -> Vec<Span> {
    let mut edges = Vec::with_capacity(rings.iter().map(|ring| ring.positions.len()).sum());
    for (number, ring) in rings.iter().enumerate() {
        let next = ring.positions.iter().cycle().skip(1);
        edges.extend(ring.positions.iter().zip(next).enumerate().map(|(vertex, (a, b))| Span { a: *a, b: *b, ring: number as u32, vertex: vertex as u32 }));
    }
    edges
}

/// Step 2 for rings that do not meet: every hole in its shell and in no other hole, no shell in the ground of another part.
fn nest(rings: &[Ring]) -> Result<Region, Unacceptable> {
    let loops: Vec<Vec<[f64; 2]>> = rings.iter().map(|ring| closed(&ring.positions).collect()).collect();
    let boxes: Vec<Bounds> = loops.iter().map(|ring| Bounds::of(ring)).collect();
    let within = |inner: usize, outer: usize| boxes[inner].touches(&boxes[outer]) && lies_in(&loops[inner], &loops[outer]);
    let refuse = |fault, ring: &Ring| Err(Unacceptable { fault, part: ring.part, ring: ring.ring, vertex: None });
    let shells: Vec<usize> = (0..rings.len()).filter(|n| rings[*n].ring == 0).collect();
    let mut region = Region::default();
    for (n, ring) in rings.iter().enumerate() {
        if ring.ring > 0 {
            let shell = n - ring.ring as usize;
            if !within(n, shell) {
                return refuse(Fault::HoleOutside, ring);
            }
            if (shell + 1..shell + 1 + rings[shell + 1..].iter().take_while(|other| other.ring > 0).count()).any(|other| other != n && within(n, other)) {
                return refuse(Fault::HolesOverlap, ring);
            }
        } else {
            for outer in shells.iter().copied().filter(|outer| *outer != n && within(n, *outer)) {
                // An island in a hole of another part is as it should be.
                let in_a_hole = rings[outer + 1..].iter().take_while(|other| other.ring > 0).enumerate().any(|(k, _)| within(n, outer + 1 + k));
                if !in_a_hole {
                    return refuse(Fault::PartsOverlap, ring);
                }
            }
        }
        region.push(loops[n].iter().copied(), ring.ring == 0);
    }
    Ok(region)
}

/// Steps 3 and 4.
fn untangle(rings: &[Ring], edges: &[Span], contacts: &[Contact], defects: &mut Vec<Defect>) -> Result<Region, Unacceptable> {
    let claimed_m2 = unambiguous_m2(rings, edges, contacts)?;
    for contact in contacts.iter().filter(|contact| edges[contact.edges[0] as usize].ring == edges[contact.edges[1] as usize].ring) {
        let edge = &edges[contact.edges[0] as usize];
        let ring = &rings[edge.ring as usize];
        let kind = if contact.proper { DefectKind::SelfCrossing } else { DefectKind::SelfTouch };
        let vertex = ring.vertices[edge.vertex as usize];
        // One touch is seen from each of the edges that meet there.
        if !defects.iter().any(|seen| (seen.part, seen.ring, seen.at) == (ring.part, ring.ring, contact.at)) {
            defects.push(Defect { kind, part: ring.part, ring: ring.ring, vertex, at: contact.at });
        }
    }
    let mut region = Region::default();
    let mut first_edge = 0;
    for (number, ring) in rings.iter().enumerate() {
        let own = &edges[first_edge..first_edge + ring.positions.len()];
        let loops = loops(own, first_edge as u32, contacts.iter().filter(|contact| contact.edges.iter().all(|edge| edges[*edge as usize].ring == number as u32)));
        for (n, one) in loops.iter().enumerate() {
            let depth = loops.iter().enumerate().filter(|(m, other)| *m != n && lies_in(one, other)).count();
            region.push(one.iter().copied(), (depth % 2 == 0) == (ring.ring == 0));
        }
        first_edge += ring.positions.len();
    }
    // Rounding a crossing to a position moves it by 1e-11 m; more means that the loops are not what the outline encloses.
    if (region.area_m2() - claimed_m2).abs() > AMBIGUITY * claimed_m2 { Err(at_contact(Fault::WindsTwice, rings, edges, contacts)) } else { Ok(region) }
}

/// The area with m = 1, or why there is more than one reading.
fn unambiguous_m2(rings: &[Ring], edges: &[Span], contacts: &[Contact]) -> Result<f64, Unacceptable> {
    let origin = edges[0].a;
    let shift = |at: [f64; 2]| [at[0] - origin[0], at[1] - origin[1]];
    let sweep = edges.iter().filter_map(|edge| slabs::Edge::between(shift(edge.a), shift(edge.b), edge.ring)).collect();
    let (mut once, mut other) = (0.0, 0.0);
    let mut worst = (0.0, Fault::WindsTwice);
    slabs::cells(sweep, rings.len(), &mut |windings, area| {
        let mut m = 0;
        for (ring, winding) in rings.iter().zip(windings) {
            m += if ring.ring == 0 { winding.abs() } else { -winding.abs() };
        }
        match m {
            0 => {}
            1 => once += area,
            _ => {
                other += area;
                if area > worst.0 {
                    worst = (area, blame(rings, windings, m));
                }
            }
        }
    });
    if other > AMBIGUITY * once {
        Err(at_contact(worst.1, rings, edges, contacts))
    } else if once > 0.0 {
        Ok(once)
    } else {
        Err(no_area(&rings[0]))
    }
}

fn blame(rings: &[Ring], windings: &[i32], m: i32) -> Fault {
    if rings.iter().zip(windings).any(|(_, winding)| winding.abs() > 1) {
        Fault::WindsTwice
    } else if m > 1 {
        Fault::PartsOverlap
    } else if rings.iter().zip(windings).any(|(ring, winding)| ring.ring == 0 && *winding != 0) {
        Fault::HolesOverlap
    } else {
        Fault::HoleOutside
    }
}

fn at_contact(fault: Fault, rings: &[Ring], edges: &[Span], contacts: &[Contact]) -> Unacceptable {
    let edge = contacts.first().map_or(&edges[0], |contact| &edges[contact.edges[1] as usize]);
    let ring = &rings[edge.ring as usize];
    Unacceptable { fault, part: ring.part, ring: ring.ring, vertex: Some(ring.vertices[edge.vertex as usize]) }
}

/// Splits one ring at its contacts with itself into closed simple loops. `edges` are the ring's, the first being number `first`.
fn loops<'a>(edges: &[Span], first: u32, contacts: impl Iterator<Item = &'a Contact>) -> Vec<Vec<[f64; 2]>> {
    let mut cuts: Vec<Vec<[f64; 2]>> = vec![Vec::new(); edges.len()];
    for contact in contacts {
        for edge in contact.edges {
            cuts[(edge - first) as usize].push(contact.at);
        }
    }
    let (mut found, mut trail) = (Vec::new(), Vec::<[f64; 2]>::new());
    let mut seen = std::collections::HashMap::new();
    let key = |at: [f64; 2]| [at[0].to_bits(), at[1].to_bits()];
    for (edge, cuts) in edges.iter().zip(&mut cuts) {
        let from = edge.a;
        let along = |at: &[f64; 2]| (at[0] - from[0]).hypot(at[1] - from[1]);
        cuts.push(from);
        cuts.sort_by(|p, q| along(p).total_cmp(&along(q)));
        cuts.dedup();
        for at in cuts.iter().copied().filter(|at| *at != edge.b) {
            if let Some(start) = seen.get(&key(at)).copied() {
                let mut one: Vec<_> = trail.drain(start..).collect();
                one.iter().for_each(|at| {
                    seen.remove(&key(*at));
                });
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

#[cfg(test)]
mod tests {
    use super::*;

    type Positions = Vec<[f64; 2]>;

    fn ring(positions: &[[f64; 2]]) -> Positions {
        let mut ring = positions.to_vec();
        ring.push(positions[0]);
        ring
    }

    fn square(x: f64, y: f64, side: f64) -> Positions {
        ring(&[[x, y], [x + side, y], [x + side, y + side], [x, y + side]])
    }

    fn parts(parts: &[&[Positions]]) -> Outline {
        let mut outline = Outline { multi: true, ..Outline::default() };
        for rings in parts {
            rings.iter().for_each(|ring| outline.push_ring(ring));
            outline.end_part();
        }
        outline
    }

    fn fault(outline: &Outline) -> Fault {
        check(outline).unwrap_err().fault
    }

    #[test]
    fn a_plain_square_has_no_defect() {
        let checked = check(&Outline::polygon(&[square(0.0, 0.0, 2.0)])).unwrap();
        assert_eq!((checked.region.area_m2(), checked.defects.len()), (4.0, 0));
    }

    #[test]
    fn a_repeated_position_is_no_defect() {
        let outline = Outline::polygon(&[ring(&[[0.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]])]);
        let checked = check(&outline).unwrap();
        assert_eq!((checked.region.area_m2(), checked.defects.len()), (4.0, 0));
    }

    /// Oracle: shapely 2 `make_valid(method="structure", keep_collapsed=False).area` = 2.
    #[test]
    fn a_bow_tie_is_its_two_lobes() {
        let checked = check(&Outline::polygon(&[ring(&[[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0]])])).unwrap();
        assert_eq!(checked.region.area_m2(), 2.0);
        assert_eq!(checked.defects, [Defect { kind: DefectKind::SelfCrossing, part: 0, ring: 0, vertex: 0, at: [1.0, 1.0] }]);
        assert_eq!(checked.region.outline().part_ends.len(), 2);
    }

    /// Oracle: by hand; the inverted loop is a hole of area 1 that touches the shell in one point.
    #[test]
    fn an_inverted_loop_is_a_hole() {
        let outline = Outline::polygon(&[ring(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0], [1.0, 2.0], [2.0, 2.0], [1.0, 1.0]])]);
        let checked = check(&outline).unwrap();
        assert_eq!(checked.region.area_m2(), 15.0);
        assert_eq!(checked.defects[0].kind, DefectKind::SelfTouch);
    }

    #[test]
    fn spikes_are_cut_wherever_the_ring_starts() {
        let spiked = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [5.0, 1.0], [2.0, 1.0], [2.0, 2.0], [0.0, 2.0]];
        for start in 0..spiked.len() {
            let mut turned = spiked.to_vec();
            turned.rotate_left(start);
            let checked = check(&Outline::polygon(&[ring(&turned)])).unwrap();
            assert_eq!(checked.region.area_m2(), 4.0, "{start}");
            assert_eq!(checked.defects.len(), 1, "{start}");
            assert_eq!((checked.defects[0].kind, checked.defects[0].at), (DefectKind::Spike, [5.0, 1.0]), "{start}");
        }
    }

    #[test]
    fn an_open_ring_is_closed_and_said_so() {
        let checked = check(&Outline::polygon(&[[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]])).unwrap();
        assert_eq!((checked.region.area_m2(), checked.defects[0].kind), (4.0, DefectKind::UnclosedRing));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        // Twice around the same square.
        let twice = ring(&[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]);
        assert_eq!(fault(&Outline::polygon(&[twice])), Fault::WindsTwice);
        assert_eq!(fault(&Outline::polygon(&[square(0.0, 0.0, 2.0), square(5.0, 5.0, 1.0)])), Fault::HoleOutside);
        assert_eq!(fault(&Outline::polygon(&[square(0.0, 0.0, 2.0), square(1.0, 1.0, 3.0)])), Fault::HoleOutside);
        assert_eq!(fault(&Outline::polygon(&[square(0.0, 0.0, 9.0), square(1.0, 1.0, 4.0), square(2.0, 2.0, 1.0)])), Fault::HolesOverlap);
        assert_eq!(fault(&Outline::polygon(&[square(0.0, 0.0, 9.0), square(1.0, 1.0, 4.0), square(3.0, 3.0, 4.0)])), Fault::HolesOverlap);
        assert_eq!(fault(&parts(&[&[square(0.0, 0.0, 9.0)], &[square(1.0, 1.0, 2.0)]])), Fault::PartsOverlap);
        assert_eq!(fault(&parts(&[&[square(0.0, 0.0, 3.0)], &[square(1.0, 1.0, 3.0)]])), Fault::PartsOverlap);
        assert_eq!(fault(&parts(&[&[square(0.0, 0.0, 3.0)], &[square(0.0, 0.0, 3.0)]])), Fault::PartsOverlap);
    }

    #[test]
    fn what_encloses_nothing_is_refused() {
        assert_eq!(fault(&Outline::default()), Fault::Empty);
        assert_eq!(fault(&Outline::polygon(&[[[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]])), Fault::TooFewPoints);
        assert_eq!(fault(&Outline::polygon(&[[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]])), Fault::NoArea);
        assert_eq!(fault(&Outline::polygon(&[[[1.0, 1.0]; 5]])), Fault::NoArea);
    }

    #[test]
    fn an_island_in_a_hole_and_parts_that_touch_are_as_they_should_be() {
        let island = parts(&[&[square(0.0, 0.0, 9.0), square(1.0, 1.0, 7.0)], &[square(2.0, 2.0, 1.0)]]);
        let checked = check(&island).unwrap();
        assert_eq!((checked.region.area_m2(), checked.defects.len()), (33.0, 0));
        let corner = parts(&[&[square(0.0, 0.0, 1.0)], &[square(1.0, 1.0, 1.0)]]);
        let checked = check(&corner).unwrap();
        assert_eq!((checked.region.area_m2(), checked.defects.len()), (2.0, 0));
        let hole_on_shell = Outline::polygon(&[square(0.0, 0.0, 4.0), ring(&[[0.0, 2.0], [1.0, 1.0], [1.0, 3.0]])]);
        let checked = check(&hole_on_shell).unwrap();
        assert_eq!((checked.region.area_m2(), checked.defects.len()), (15.0, 0));
    }

    #[test]
    fn orientation_does_not_matter() {
        let mut hole = square(1.0, 1.0, 1.0);
        let mut shell = square(0.0, 0.0, 3.0);
        for _ in 0..2 {
            for _ in 0..2 {
                assert_eq!(check(&Outline::polygon(&[shell.clone(), hole.clone()])).unwrap().region.area_m2(), 8.0);
                hole.reverse();
            }
            shell.reverse();
        }
    }
}
