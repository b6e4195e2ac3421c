//! Twelve counties that tile the city. The net of borders is laid first, line by line; each county then walks along lines
//! that its neighbours walk the other way, so that borders are shared to the last digit. The outer line is the lattice's.

use super::ground::{Anchor, Measure, NANO, Point, Ring, distance_m, doubled_area, measure};
use super::lattice::{Lattice, Side};
use super::noise::{Dice, Ripple, Topic};

/// Code and name from the south-west, row by row.
const NAMES: [(&str, &str); 12] = [
    ("371324", "兰陵县"),
    ("371311", "罗庄区"),
    ("371322", "郯城县"),
    ("371329", "临沭县"),
    ("371326", "平邑县"),
    ("371325", "费县"),
    ("371302", "兰山区"),
    ("371312", "河东区"),
    ("371328", "蒙阴县"),
    ("371321", "沂南县"),
    ("371323", "沂水县"),
    ("371327", "莒南县"),
];
/// Where the three rows are cut into four. Rows are cut in different places: where four counties meet, a map looks made.
const CUTS: [[f64; 3]; 3] = [[0.24, 0.47, 0.73], [0.31, 0.56, 0.79], [0.22, 0.45, 0.69]];

/// A county.
pub(super) struct County {
    /// Six digits of GB/T 2260.
    pub code: &'static str,
    /// Name.
    pub name: &'static str,
    /// Border, counter-clockwise.
    pub ring: Ring,
}

/// The counties in order of code, and which one a place belongs to.
pub(super) struct Counties {
    /// In order of code.
    pub list: Vec<County>,
    /// Positions where two counties meet.
    pub border: Ring,
    locator: Locator,
}

/// A line across the city and the stops along it where other lines end.
struct Course {
    points: Ring,
    stops: Vec<usize>,
}

impl Course {
    fn between(&self, from: usize, to: usize) -> &[Point] {
        &self.points[self.stops[from]..=self.stops[to]]
    }
}

impl Counties {
    /// Lays the borders, about one position every `spacing_m` metres.
    pub(super) fn new(seed: u64, lattice: &Lattice, spacing_m: f64) -> Self {
        let mut dice = Dice::new(seed, Topic::Borders, 0);
        let cuts = CUTS.map(|row| row.map(|s| s + dice.range(-0.012, 0.012)));
        let sides = [lattice.meridian(0), lattice.meridian(lattice.cells)];
        let courses = courses(&mut dice, lattice, &sides, &cuts, spacing_m);
        let mut border: Ring = courses[1..3].iter().flat_map(|c| c.points.iter().copied()).collect();
        let mut list = Vec::with_capacity(12);
        for (row, pair) in courses.windows(2).enumerate() {
            let risers: Vec<Ring> = (0..5)
                .map(|k| {
                    let ends = (stop(&cuts, row, row, k), stop(&cuts, row + 1, row, k));
                    let (a, b) = (pair[0].points[pair[0].stops[ends.0]], pair[1].points[pair[1].stops[ends.1]]);
                    match k {
                        0 => section(&sides[0].points, a, b),
                        4 => section(&sides[1].points, a, b),
                        _ => chain(&mut dice, a, b, spacing_m),
                    }
                })
                .collect();
            border.extend(risers[1..4].iter().flatten());
            for column in 0..4 {
                let span = |course: usize| (stop(&cuts, course, row, column), stop(&cuts, course, row, column + 1));
                let (low, high) = (span(row), span(row + 1));
                let lower = pair[0].between(low.0, low.1);
                let upper = pair[1].between(high.0, high.1);
                let (code, name) = NAMES[row * 4 + column];
                list.push(County { code, name, ring: walk(lower, &risers[column + 1], upper, &risers[column]) });
            }
        }
        list.sort_by_key(|county| county.code);
        let outer = outer_ring(lattice);
        let locator = Locator::new(&list, &outer);
        Self { list, border, locator }
    }

    /// The county (its place in `list`) of a place in degrees; `None` outside the city.
    pub(super) fn locate(&self, lon: f64, lat: f64) -> Option<usize> {
        self.locator.locate(lon, lat)
    }

    /// The county of a centre of gravity. What the demo draws lies within the city; anything else would get the first county.
    pub(super) fn of(&self, measure: &Measure) -> &County {
        &self.list[self.locate(measure.lon, measure.lat).unwrap_or(0)]
    }

    /// Whether a square of `reach_m` metres around a place lies within the city.
    pub(super) fn holds(&self, anchor: &Anchor, reach_m: f64) -> bool {
        let sides = [-1.0, 0.0, 1.0];
        sides.iter().all(|x| {
            sides.iter().all(|y| {
                let (lon, lat) = anchor.degrees(x * reach_m, y * reach_m);
                self.locate(lon, lat).is_some()
            })
        })
    }

    /// The centre of gravity of a county.
    pub(super) fn centre(&self, county: usize) -> (f64, f64) {
        measure([&self.list[county].ring]).map_or((0.0, 0.0), |m| (m.lon, m.lat))
    }
}

/// The outline of the city, counter-clockwise, position by position as the outermost parcels have it.
pub(super) fn outer_ring(lattice: &Lattice) -> Ring {
    let [south, north] = [0, lattice.cells].map(|at| lattice.parallel(at).points);
    let [west, east] = [0, lattice.cells].map(|at| lattice.meridian(at).points);
    walk(&south, &east, &north, &west)
}

/// Lower and right lines forward, upper and left lines back; shared ends once.
fn walk(lower: &[Point], right: &[Point], upper: &[Point], left: &[Point]) -> Ring {
    let mut ring: Ring = lower[..lower.len() - 1].to_vec();
    ring.extend(&right[..right.len() - 1]);
    ring.extend(upper[1..].iter().rev());
    ring.extend(left[1..].iter().rev());
    debug_assert!(doubled_area(&ring) > 0);
    ring
}

/// The cuts (row, number) that end at course `course`, from the west.
fn ends(cuts: &[[f64; 3]; 3], course: usize) -> Vec<(usize, usize)> {
    let rows = course.saturating_sub(1)..(course + 1).min(3);
    let mut found: Vec<(usize, usize)> = rows.flat_map(|row| (0..3).map(move |k| (row, k))).collect();
    found.sort_by(|a, b| cuts[a.0][a.1].total_cmp(&cuts[b.0][b.1]));
    found
}

/// The stop on `course` of the `k`-th riser of `row`, where risers 0 and 4 are the outer sides.
fn stop(cuts: &[[f64; 3]; 3], course: usize, row: usize, k: usize) -> usize {
    let found = ends(cuts, course);
    match k {
        0 => 0,
        4 => found.len() + 1,
        _ => found.iter().position(|&end| end == (row, k - 1)).map_or(0, |at| at + 1),
    }
}

/// The four lines from west to east: southern side, two borders, northern side.
fn courses(dice: &mut Dice, lattice: &Lattice, sides: &[Side; 2], cuts: &[[f64; 3]; 3], spacing_m: f64) -> Vec<Course> {
    let corner = |s: f64| (s * lattice.cells as f64).round() as usize;
    let rim = |at: usize, course: usize| {
        let side = lattice.parallel(at);
        let mut stops = vec![0];
        stops.extend(ends(cuts, course).iter().map(|&(row, k)| side.corners[corner(cuts[row][k])]));
        stops.push(side.points.len() - 1);
        Course { points: side.points, stops }
    };
    let mut inner = |base: f64, course: usize| {
        let (phase, swing) = (dice.range(0.0, std::f64::consts::TAU), dice.range(0.02, 0.045));
        let height = |s: f64| base + swing * libm::sin(7.0 * s + phase);
        let mut through = vec![sides[0].points[sides[0].corners[corner(height(0.0))]]];
        through.extend(ends(cuts, course).iter().map(|&(row, k)| {
            let (lon, lat) = lattice.degrees(cuts[row][k], height(cuts[row][k]));
            Point::new(lon, lat)
        }));
        through.push(sides[1].points[sides[1].corners[corner(height(1.0))]]);
        let (mut points, mut stops) = (vec![through[0]], vec![0]);
        for pair in through.windows(2) {
            points.extend(&chain(dice, pair[0], pair[1], spacing_m)[1..]);
            stops.push(points.len() - 1);
        }
        Course { points, stops }
    };
    let (first, second) = (inner(0.345, 1), inner(0.665, 2));
    vec![rim(0, 0), first, second, rim(lattice.cells, 3)]
}

/// The part of a side between two of its positions.
fn section(side: &[Point], a: Point, b: Point) -> Ring {
    let from = side.iter().position(|&p| p == a).unwrap_or(0);
    let to = side.iter().position(|&p| p == b).unwrap_or(side.len() - 1);
    side[from..=to].to_vec()
}

/// A rough line from `a` to `b`, both included. It leaves its chord by at most 0.45 of the way to the nearer end and never
/// turns back along it, so that it crosses neither itself nor the lines it meets.
fn chain(dice: &mut Dice, a: Point, b: Point, spacing_m: f64) -> Ring {
    let count = (distance_m(a, b) * 1.1 / spacing_m).ceil().max(4.0) as usize;
    let ripple = Ripple::new(dice, 5, count / 2, 0.56);
    let (dx, dy) = ((b.x - a.x) as f64, (b.y - a.y) as f64);
    let mut line = vec![a];
    for k in 1..count {
        let t = (k as f64 + dice.range(-0.3, 0.3)) / count as f64;
        let off = 0.45 * t.min(1.0 - t) * (1.5 * ripple.at(t)).clamp(-1.0, 1.0);
        let (east, north) = (t * dx - off * dy * 1.2225, t * dy + off * dx / 1.2225);
        line.push(Point { x: a.x + east.round() as i64, y: a.y + north.round() as i64 });
    }
    line.push(b);
    line
}

/// Finds the county west of which a place first meets a border: edges in bands of latitude, each knowing what lies east.
struct Locator {
    south: f64,
    per_band: f64,
    bands: Vec<Vec<Western>>,
}

/// A border edge that has a county (or, at the outer side, nothing) to the east.
#[derive(Clone, Copy)]
struct Western {
    a: (f64, f64),
    b: (f64, f64),
    east: Option<usize>,
}

impl Locator {
    const BANDS: usize = 4096;

    fn new(list: &[County], outer: &[Point]) -> Self {
        let south = outer.iter().map(|p| p.y).min().unwrap_or(0) as f64;
        let north = outer.iter().map(|p| p.y).max().unwrap_or(1) as f64;
        let per_band = (north - south) / Self::BANDS as f64;
        let mut locator = Self { south, per_band, bands: vec![Vec::new(); Self::BANDS + 1] };
        for (index, county) in list.iter().enumerate() {
            locator.add(&county.ring, Some(index));
        }
        locator.add(outer, None);
        locator
    }

    /// A counter-clockwise ring has its county to the east of the edges that run south; the city's outline has nothing to
    /// the east of those that run north.
    fn add(&mut self, ring: &[Point], east: Option<usize>) {
        for (k, &a) in ring.iter().enumerate() {
            let b = ring[(k + 1) % ring.len()];
            if a.y == b.y || (b.y < a.y) != east.is_some() {
                continue;
            }
            let edge = Western { a: (a.x as f64, a.y as f64), b: (b.x as f64, b.y as f64), east };
            for band in self.band(edge.a.1.min(edge.b.1))..=self.band(edge.a.1.max(edge.b.1)) {
                self.bands[band].push(edge);
            }
        }
    }

    fn band(&self, y: f64) -> usize {
        (((y - self.south) / self.per_band).max(0.0) as usize).min(Self::BANDS)
    }

    fn locate(&self, lon: f64, lat: f64) -> Option<usize> {
        let (x, y) = (lon * NANO, lat * NANO);
        let (mut nearest, mut east) = (f64::NEG_INFINITY, None);
        for edge in &self.bands[self.band(y)] {
            if (edge.a.1 <= y) != (edge.b.1 <= y) {
                let at = edge.a.0 + (edge.b.0 - edge.a.0) * (y - edge.a.1) / (edge.b.1 - edge.a.1);
                if at <= x && at > nearest {
                    (nearest, east) = (at, edge.east);
                }
            }
        }
        east
    }
}
