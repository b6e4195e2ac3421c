//! What is wrong with an outline, and whether it can be put right without guessing.
//!
//! 1. Repeated positions are dropped (harmless, not reported); an open ring is closed; spikes are cut off; a ring that encloses nothing is left out and named.
//! 2. Edges of the whole outline are tested against each other. If none meet, only nesting is left to judge.
//! 3. Where a ring crosses or touches itself it is split there into simple loops, each filled or hollow by how deep it lies among the others.
//! 4. The repair counts as unambiguous when no reading of the outline gives another answer: let m be, for each part, the number of times its shell
//!    winds around a place less the number of times its holes do. Ground with m = 1 for one part is the patch. If a ring winds twice around any ground, if m
//!    there is not 0 or 1, or if two parts claim it, something was claimed twice or a hole was cut from nothing, readers would differ (even-odd, non-zero, union),
//!    and the outline is refused.
//!
//! For a figure of eight this is GEOS's `make_valid(method="structure")`; where that would pick one of several readings, this refuses. How much ground the readings
//! differ about is what [`dispute`] tells, and what all of them together enclose [`unite`]: little enough of it may be put right, too.

mod reading;
mod simple;
mod unite;
mod untangle;

pub use unite::{Dispute, dispute, unite};

use super::crossing::{Span, contacts, lies_in};
use super::region::Region;
use super::{Outline, outline::Bounds};
use rstar::{
    RTree,
    primitives::{GeomWithData, Rectangle},
};
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
    /// The ring encloses nothing: it was left out.
    CollapsedRing,
    /// The ring winds twice around too little ground to matter, which counts once.
    WindsTwice,
    /// Too little of a hole to matter lies outside its shell.
    HoleOutside,
    /// Two holes of a part share too little ground to matter, which is taken out once.
    HolesOverlap,
    /// Two parts share too little ground to matter, which counts once.
    PartsOverlap,
    /// Shells and holes run the wrong way round for their format: they were told apart by which lies in which.
    RingDirection,
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
    /// An outline of less than the least width, on average.
    TooThin,
    /// A ring that encloses some ground more than once, so that readings differ; or one that crosses itself too often to be judged.
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

/// Judges an outline that `project` takes to the plane.
pub fn check_in(outline: &Outline, project: impl Fn([f64; 2]) -> [f64; 2]) -> Result<Checked, Unacceptable> {
    check_rings_in(outline, project, &|_| false)
}

/// Judges an outline that `project` takes to the plane; `is_nothing` as for [`check_rings`].
pub fn check_rings_in(outline: &Outline, project: impl Fn([f64; 2]) -> [f64; 2], is_nothing: &dyn Fn(usize) -> bool) -> Result<Checked, Unacceptable> {
    match simple::simple(outline, &project) {
        Some(region) => Ok(Checked { region, defects: Vec::new() }),
        None => check_rings(&outline.map(project), is_nothing),
    }
}

/// Judges an outline in the plane, closely. O(n log n) for n vertices, plus the number of contacts.
///
/// ```
/// use tuban_geom::{DefectKind, Fault, Outline, check};
///
/// // A figure of eight is put right, and its crossing named.
/// let eight = Outline::polygon(&[[[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]]);
/// let checked = check(&eight).unwrap();
/// assert_eq!(checked.region.area_m2(), 2.0);
/// assert_eq!((checked.defects[0].kind, checked.defects[0].at), (DefectKind::SelfCrossing, [1.0, 1.0]));
///
/// // A line encloses nothing.
/// let line = Outline::polygon(&[[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]]);
/// assert_eq!(check(&line).unwrap_err().fault, Fault::NoArea);
/// ```
pub fn check(outline: &Outline) -> Result<Checked, Unacceptable> {
    check_rings(outline, &|_| false)
}

/// Judges an outline in the plane, closely; `is_nothing` tells of a ring, by its number over all parts, that it encloses nothing as it was drawn.
pub fn check_rings(outline: &Outline, is_nothing: &dyn Fn(usize) -> bool) -> Result<Checked, Unacceptable> {
    let mut defects = Vec::new();
    let rings = clean(outline, is_nothing, &mut defects)?;
    let counts: Vec<u32> = rings.iter().map(|ring| ring.positions.len() as u32).collect();
    let edges = spans(&rings);
    let Some(contacts) = contacts(&edges, &counts) else {
        return Err(Unacceptable { fault: Fault::WindsTwice, part: rings[0].part, ring: rings[0].ring, vertex: None });
    };
    let region = if contacts.is_empty() && rings.len() == 1 {
        let mut region = Region::default();
        region.push(closed(&rings[0].positions), true);
        region
    } else if contacts.is_empty() {
        nest(&rings)?
    } else {
        untangle::untangle(&rings, &edges, &contacts, &mut defects)?
    };
    if region.area_m2() > 0.0 { Ok(Checked { region, defects }) } else { Err(no_area(&rings[0])) }
}

fn no_area(ring: &Ring) -> Unacceptable {
    Unacceptable { fault: Fault::NoArea, part: ring.part, ring: ring.ring, vertex: None }
}

fn closed(positions: &[[f64; 2]]) -> impl Iterator<Item = [f64; 2]> + '_ {
    positions.iter().chain(positions.first()).copied()
}

/// Step 1. Only an outline of which no ring encloses anything cannot be taken.
fn clean(outline: &Outline, is_nothing: &dyn Fn(usize) -> bool, defects: &mut Vec<Defect>) -> Result<Vec<Ring>, Unacceptable> {
    let Some(somewhere) = outline.positions.first() else {
        return Err(Unacceptable { fault: Fault::Empty, part: 0, ring: 0, vertex: None });
    };
    let mut rings = Vec::with_capacity(outline.ring_ends.len());
    let mut first_fault = None;
    for (part, range) in outline.parts().enumerate() {
        let first = range.start;
        for number in range {
            let (raw, part, ring) = (outline.ring(number), part as u32, (number - first) as u32);
            let known = defects.len();
            let cleaned = clean_ring(raw, part, ring, defects);
            match cleaned {
                Ok(clean) if outline.ring_ends.len() == 1 || !is_nothing(number) => rings.push(clean),
                cleaned => {
                    defects.truncate(known);
                    defects.push(Defect { kind: DefectKind::CollapsedRing, part, ring, vertex: 0, at: *raw.first().unwrap_or(somewhere) });
                    first_fault.get_or_insert(cleaned.err().unwrap_or(Unacceptable { fault: Fault::NoArea, part, ring, vertex: None }));
                }
            }
        }
    }
    let nothing = Unacceptable { fault: Fault::Empty, part: 0, ring: 0, vertex: None };
    if rings.is_empty() { Err(first_fault.unwrap_or(nothing)) } else { Ok(rings) }
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
    let box_of = |(number, ring): (usize, &Vec<[f64; 2]>)| {
        let Bounds { min, max } = Bounds::of(ring);
        GeomWithData::new(Rectangle::from_corners(min, max), number)
    };
    let boxes = RTree::bulk_load(loops.iter().enumerate().map(box_of).collect());
    let around = |inner: usize| -> Vec<usize> {
        let mut around: Vec<usize> = boxes
            .locate_all_at_point(&loops[inner][0])
            .map(|outer| outer.data)
            .filter(|outer| *outer != inner && lies_in(&loops[inner], &loops[*outer]))
            .collect();
        // An R-tree answers in the order of its nodes.
        around.sort_unstable();
        around
    };
    let refuse = |fault, ring: &Ring| Err(Unacceptable { fault, part: ring.part, ring: ring.ring, vertex: None });
    let mut region = Region::default();
    for (n, ring) in rings.iter().enumerate() {
        let around = around(n);
        let in_a_hole_of = |part: u32| around.iter().any(|outer| rings[*outer].part == part && rings[*outer].ring > 0);
        let mut shells = around.iter().copied().filter(|outer| rings[*outer].ring == 0);
        if ring.ring > 0 {
            if !shells.any(|shell| rings[shell].part == ring.part) {
                return refuse(Fault::HoleOutside, ring);
            } else if in_a_hole_of(ring.part) {
                return refuse(Fault::HolesOverlap, ring);
            }
        } else if !shells.all(|shell| in_a_hole_of(rings[shell].part)) {
            // An island in a hole of another part is as it should be; anything else in another part's shell is not.
            return refuse(Fault::PartsOverlap, ring);
        }
        region.push(loops[n].iter().copied(), ring.ring == 0);
    }
    Ok(region)
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

    /// Oracle: by hand; areas of a shell with holes, and the rings in the order of the file.
    #[test]
    fn of_many_rings_the_first_one_in_the_file_is_named() {
        let mut rings = vec![square(0.0, 0.0, 60.0)];
        rings.extend((0..400).map(|k| square(f64::from(k % 20) * 3.0 + 1.0, f64::from(k * 7 % 400 / 20) * 3.0 + 1.0, 1.0)));
        assert_eq!(check(&Outline::polygon(&rings)).unwrap().region.area_m2(), 3600.0 - 400.0);
        // Holes in two other holes, and one outside.
        for (ring, place) in [(350, [4.2, 4.2]), (201, [7.2, 1.2]), (90, [-5.0, 0.0])] {
            rings[ring] = square(place[0], place[1], 0.5);
            let unacceptable = check(&Outline::polygon(&rings)).unwrap_err();
            assert_eq!(unacceptable.ring, ring as u32);
        }
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
