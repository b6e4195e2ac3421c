//! What goes wrong in real surveys: about one patch in a hundred is spoilt on purpose. Most can be repaired; a few are
//! hopeless and must be rejected.

use super::ground::{Anchor, Point, Ring, cross, distance_m};
use super::noise::Dice;
use super::write::Shape;

/// What is special about a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Plain,
    /// It has a hole.
    Hole,
    /// It has two parts.
    Parts,
    /// It names another county than the one it lies in.
    Astray,
    /// Two neighbouring positions are swapped, so that edges cross.
    BowTie,
    /// A position stands twice in a row.
    Duplicate,
    /// A line without width sticks out.
    Spike,
    /// A ring of three positions that encloses nothing.
    ThreePositions,
    /// A ring without positions.
    EmptyRing,
    /// A ring whose positions lie on one line.
    ZeroArea,
    /// A point where an area is expected.
    NotAnArea,
    /// No geometry at all.
    NoGeometry,
}

const HOPELESS: [Fate; 5] = [Fate::ThreePositions, Fate::EmptyRing, Fate::ZeroArea, Fate::NotAnArea, Fate::NoGeometry];

/// The fates of `count` patches, in fixed shares and random order. `survey` turns the kinds of hopeless patches, so that a
/// small city still has all of them in three surveys.
pub(super) fn fates(dice: &mut Dice, count: usize, survey: usize) -> Vec<Fate> {
    let hopeless = (count / 2_000).max(3);
    let invalid = (count / 100).saturating_sub(hopeless);
    let mut fates: Vec<Fate> = (0..hopeless).map(|k| HOPELESS[(survey * 3 + k) % 5]).collect();
    let mut add = |fate, number| fates.extend(std::iter::repeat_n(fate, number));
    add(Fate::Duplicate, invalid / 5);
    add(Fate::Spike, invalid * 3 / 20);
    add(Fate::BowTie, invalid - invalid / 5 - invalid * 3 / 20);
    add(Fate::Hole, count / 100);
    add(Fate::Parts, count / 200);
    add(Fate::Astray, (count / 500).max(2));
    fates.resize(count, Fate::Plain);
    for k in (1..count).rev() {
        fates.swap(k, dice.below(k + 1));
    }
    fates
}

/// Spoils a sound polygon without holes; every edge stays below `limit_m`. Fates that are no fault change nothing.
pub(super) fn spoil(fate: Fate, mut ring: Ring, anchor: &Anchor, limit_m: f64, dice: &mut Dice) -> Shape {
    let first = ring[0];
    match fate {
        Fate::BowTie => {
            if !swap(&mut ring, limit_m, dice) {
                spike(&mut ring, anchor, dice);
            }
        }
        Fate::Duplicate => {
            let at = dice.below(ring.len());
            ring.insert(at, ring[at]);
        }
        Fate::Spike => spike(&mut ring, anchor, dice),
        Fate::ThreePositions => ring.truncate(2),
        Fate::EmptyRing => ring.clear(),
        Fate::ZeroArea => {
            ring = vec![first, Point { x: first.x + 200_000, ..first }, Point { x: first.x + 400_000, ..first }];
        }
        Fate::NotAnArea => return Shape::Point(first),
        Fate::NoGeometry => return Shape::Null,
        Fate::Plain | Fate::Hole | Fate::Parts | Fate::Astray => {}
    }
    Shape::Polygon(vec![ring])
}

/// Swaps two neighbours such that the edges before and after them cross. False if there is no such pair.
fn swap(ring: &mut Ring, limit_m: f64, dice: &mut Dice) -> bool {
    let (count, start) = (ring.len(), dice.below(ring.len()));
    for k in start..start + count {
        let [a, b, c, d] = [0, 1, 2, 3].map(|step| ring[(k + step) % count]);
        // The edges become a–c, c–b, b–d: a–c and b–d cross when each has the other's ends on both sides.
        let crossing = (cross(a, c, b) > 0) != (cross(a, c, d) > 0) && (cross(b, d, a) > 0) != (cross(b, d, c) > 0);
        if crossing && distance_m(a, c) < limit_m && distance_m(b, d) < limit_m {
            ring.swap((k + 1) % count, (k + 2) % count);
            return true;
        }
    }
    false
}

/// Goes out from a position, away from the centre, and straight back.
fn spike(ring: &mut Ring, anchor: &Anchor, dice: &mut Dice) {
    let at = dice.below(ring.len());
    let foot = ring[at];
    let centre = Point::new(anchor.lon, anchor.lat);
    let share = dice.range(8.0, 30.0) / distance_m(centre, foot).max(1.0);
    let out = |foot: i64, centre: i64| foot + ((foot - centre) as f64 * share).round() as i64;
    let tip = Point { x: out(foot.x, centre.x), y: out(foot.y, centre.y) };
    ring.insert(at, tip);
    ring.insert(at, foot);
}
