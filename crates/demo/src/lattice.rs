//! The net that parcels are cut from: a square net of corners, bent into the outline of the city, joined by wiggling
//! lines. Corners are stored, lines are drawn again from the dice whenever they are asked for: three million parcels need
//! 50 MB. Lines stay within 9° of their chord, and within less than half of the angle to the next line, so that they never cross.

use super::ground::{Point, Ring, SOUTH, SPAN, WEST};
use super::noise::{Dice, Topic};
use std::f64::consts::TAU;

/// Metres of a degree of latitude over metres of a degree of longitude, mid-city.
const ASPECT: f64 = 1.2225;
/// How far a line may leave its chord, per length from the nearer end.
const BEND: f64 = 0.16;
/// How far a corner may move, in cells.
const JITTER: f64 = 0.13;
/// How round the city is: 0 a square, 0.5 a disc (whose four poles would have flat cells).
const ROUND: f64 = 0.2;

/// Bends the unit square into the outline of the city: rounded, then pushed about by waves of four lengths.
struct Frame {
    crowding: (f64, f64),
    waves: Vec<[f64; 5]>,
}

impl Frame {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, Topic::Frame, 0);
        let mut signed = |low, high| dice.range(low, high) * if dice.chance(0.5) { 1.0 } else { -1.0 };
        let crowding = (signed(0.012, 0.026), signed(0.012, 0.026));
        let mut wave = |length: f64, height: f64| {
            let (sin, cos) = libm::sincos(dice.range(0.0, TAU));
            [cos / length, sin / length, dice.range(0.0, TAU), dice.range(0.0, TAU), height]
        };
        let waves = vec![wave(0.9, 0.012), wave(0.45, 0.006), wave(0.22, 0.003), wave(0.11, 0.0013)];
        Self { crowding, waves }
    }

    /// Degrees of the place (s, t) of the unit square.
    fn degrees(&self, s: f64, t: f64) -> (f64, f64) {
        let crowd = |place: f64, much: f64| 2.0 * (place + much * libm::sin(2.0 * TAU * place)) - 1.0;
        let (east, north) = (crowd(s, self.crowding.0), crowd(t, self.crowding.1));
        let mut u = 0.5 + 0.465 * east * (1.0 - ROUND * north * north).sqrt();
        let mut v = 0.5 + 0.465 * north * (1.0 - ROUND * east * east).sqrt();
        for &[fs, ft, east, north, height] in &self.waves {
            let phase = TAU * (fs * s + ft * t);
            u += height * libm::sin(phase + east);
            v += height * libm::sin(phase + north);
        }
        (WEST + SPAN * u, SOUTH + SPAN * v)
    }
}

/// The net: `cells` × `cells` cells, corner (i, j) the i-th from the west and the j-th from the south.
pub(super) struct Lattice {
    /// Cells along one side.
    pub cells: usize,
    seed: u64,
    frame: Frame,
    nodes: Vec<Point>,
}

/// A side of the city: its positions, and where among them the corners 0..=cells stand.
pub(super) struct Side {
    /// All positions from the southern or western end.
    pub points: Ring,
    /// Index of each corner in `points`.
    pub corners: Vec<usize>,
}

impl Lattice {
    /// Places the corners; O(cells²).
    pub(super) fn new(seed: u64, cells: usize) -> Self {
        let frame = Frame::new(seed);
        let mut nodes = Vec::with_capacity((cells + 1) * (cells + 1));
        let step = 1.0 / cells as f64;
        for j in 0..=cells {
            for i in 0..=cells {
                let mut dice = Dice::new(seed, Topic::Nodes, (j * (cells + 1) + i) as u64);
                let mut moved = |at: usize| {
                    let jitter = dice.range(-JITTER, JITTER);
                    if at == 0 || at == cells { at as f64 * step } else { (at as f64 + jitter) * step }
                };
                let (s, t) = (moved(i), moved(j));
                let (lon, lat) = frame.degrees(s, t);
                nodes.push(Point::new(lon, lat));
            }
        }
        Self { cells, seed, frame, nodes }
    }

    /// Degrees of the place (s, t), fractions of the net.
    pub(super) fn degrees(&self, s: f64, t: f64) -> (f64, f64) {
        self.frame.degrees(s, t)
    }

    /// The corner (i, j).
    pub(super) fn node(&self, i: usize, j: usize) -> Point {
        self.nodes[j * (self.cells + 1) + i]
    }

    /// Appends corner (i, j) and the line east of it, without the corner it leads to.
    pub(super) fn east(&self, i: usize, j: usize, out: &mut Ring) {
        let dice = Dice::new(self.seed, Topic::EdgesEast, (j * (self.cells + 1) + i) as u64);
        let bend = self.bend((i, j), (i + 1, j));
        wiggle(dice, self.node(i, j), self.node(i + 1, j), bend, out);
    }

    /// Appends corner (i, j) and the line north of it, without the corner it leads to.
    pub(super) fn north(&self, i: usize, j: usize, out: &mut Ring) {
        let dice = Dice::new(self.seed, Topic::EdgesNorth, (j * (self.cells + 1) + i) as u64);
        let bend = self.bend((i, j), (i, j + 1));
        wiggle(dice, self.node(i, j), self.node(i, j + 1), bend, out);
    }

    /// How far the line between two neighbouring corners may bend: less than [`BEND`] where the net is skewed, so that
    /// two lines that meet at an angle θ take less than θ together.
    fn bend(&self, from: (usize, usize), to: (usize, usize)) -> f64 {
        let beside = |(i, j): (usize, usize)| {
            let (east, north) = (to.0 - from.0, to.1 - from.1);
            let less = (i >= north && j >= east).then(|| (i - north, j - east));
            let more = (i + north <= self.cells && j + east <= self.cells).then_some((i + north, j + east));
            [less, more]
        };
        let mut bend = BEND;
        for (hub, end) in [(from, to), (to, from)] {
            for (i, j) in beside(hub).into_iter().flatten() {
                bend = bend.min(0.4 * squareness(self.node(hub.0, hub.1), self.node(end.0, end.1), self.node(i, j)));
            }
        }
        bend
    }

    /// Whether the cell (i, j) is square enough to be cut or to hold an island: all its angles between 45° and 135°.
    pub(super) fn is_square(&self, i: usize, j: usize) -> bool {
        let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(di, dj)| self.node(i + di, j + dj));
        (0..4).all(|k| squareness(corners[k], corners[(k + 1) % 4], corners[(k + 3) % 4]) > 0.707)
    }

    /// The shell around `wide` × `high` cells whose south-western corner is (i, j).
    pub(super) fn shell(&self, i: usize, j: usize, wide: usize, high: usize) -> Ring {
        let mut ring = Vec::with_capacity(14 * (wide + high));
        (i..i + wide).for_each(|i| self.east(i, j, &mut ring));
        (j..j + high).for_each(|j| self.north(i + wide, j, &mut ring));
        let mut back = Vec::with_capacity(ring.capacity() / 2);
        (j..j + high).for_each(|j| self.north(i, j, &mut back));
        (i..i + wide).for_each(|i| self.east(i, j + high, &mut back));
        back.push(self.node(i + wide, j + high));
        ring.extend(back.drain(1..).rev());
        ring
    }

    /// The western (`at` 0) or eastern (`at` cells) side, from the south.
    pub(super) fn meridian(&self, at: usize) -> Side {
        self.side(|j, points| self.north(at, j, points), self.node(at, self.cells))
    }

    /// The southern (`at` 0) or northern (`at` cells) side, from the west.
    pub(super) fn parallel(&self, at: usize) -> Side {
        self.side(|i, points| self.east(i, at, points), self.node(self.cells, at))
    }

    fn side(&self, line: impl Fn(usize, &mut Ring), end: Point) -> Side {
        let (mut points, mut corners) = (Vec::new(), Vec::with_capacity(self.cells + 1));
        for k in 0..self.cells {
            corners.push(points.len());
            line(k, &mut points);
        }
        corners.push(points.len());
        points.push(end);
        Side { points, corners }
    }
}

/// The sine of the angle at `hub` between `a` and `b` as seen on the ground: 1 for a right angle.
fn squareness(hub: Point, a: Point, b: Point) -> f64 {
    let seen = |p: Point| ((p.x - hub.x) as f64, (p.y - hub.y) as f64 * ASPECT);
    let ((ax, ay), (bx, by)) = (seen(a), seen(b));
    (ax * by - ay * bx).abs() / (libm::hypot(ax, ay) * libm::hypot(bx, by))
}

/// Appends `a` and two to eight positions on the way to `b`, without `b`, none further from the chord than `bend` times the
/// way to the nearer end.
pub(super) fn wiggle(mut dice: Dice, a: Point, b: Point, bend: f64, out: &mut Ring) {
    out.push(a);
    let between = 2 + dice.below(7);
    let (dx, dy) = ((b.x - a.x) as f64, (b.y - a.y) as f64);
    // No segment turns more than 33° from the chord, so that a cut that ends here at 45° or more is clear of the line.
    let zigzag = 0.16 / (between + 1) as f64;
    for k in 1..=between {
        let t = (k as f64 + dice.range(-0.25, 0.25)) / (between + 1) as f64;
        let most = (bend * t.min(1.0 - t)).min(zigzag);
        let off = dice.range(-most, most);
        let (east, north) = (t * dx - off * dy * ASPECT, t * dy + off * dx / ASPECT);
        out.push(Point { x: a.x + east.round() as i64, y: a.y + north.round() as i64 });
    }
}
