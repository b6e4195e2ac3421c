//! Shapes to test with, drawn from a seed.

use super::rational::Rings;
use std::f64::consts::TAU;

/// A stream of numbers that is the same everywhere (`SplitMix64`).
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number of `step`s within ±`reach`.
    pub fn step(&mut self, reach: i32, step: f64) -> f64 {
        f64::from(self.below(2 * reach as usize + 1) as i32 - reach) * step
    }

    fn around(&mut self, [x, y]: [f64; 2], n: usize, mut radius: impl FnMut(&mut Self) -> f64) -> Vec<[f64; 2]> {
        let first = self.within(0.0, TAU);
        let mut ring: Vec<[f64; 2]> = (0..n)
            .map(|k| {
                let angle = first + TAU * (k as f64 + self.within(0.0, 0.8)) / n as f64;
                let radius = radius(self);
                [x + radius * angle.cos(), y + radius * angle.sin()]
            })
            .collect();
        ring.push(ring[0]);
        ring
    }

    /// A star-shaped polygon of `n` vertices around `centre`.
    pub fn star(&mut self, centre: [f64; 2], radius: f64, n: usize) -> Rings {
        vec![self.around(centre, n, |draw| draw.within(0.3 * radius, radius))]
    }

    /// Vertices on a circle.
    pub fn convex(&mut self, centre: [f64; 2], radius: f64, n: usize) -> Rings {
        vec![self.around(centre, n, |_| radius)]
    }

    /// A star with a star-shaped hole around its centre.
    pub fn holed(&mut self, centre: [f64; 2], radius: f64, n: usize) -> Rings {
        // With fewer than five vertices the shell may cut its own hole.
        let n = n.max(5);
        let shell = self.around(centre, n, |draw| draw.within(0.7 * radius, radius));
        let hole = self.around(centre, n, |draw| draw.within(0.1 * radius, 0.25 * radius));
        vec![shell, hole]
    }

    /// Upright teeth of one back, their width and height uneven.
    pub fn comb(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], teeth: usize) -> Rings {
        let mut ring = vec![[x, y], [x + width, y]];
        let step = width / teeth as f64;
        for tooth in (0..teeth).rev() {
            let left = x + step * tooth as f64;
            let (gap, top, notch) = (self.within(0.2, 0.6), self.within(0.6, 1.0), self.within(0.05, 0.3));
            ring.extend([
                [left + step, y + height * top],
                [left + step * gap, y + height * top],
                [left + step * gap, y + height * notch],
                [left, y + height * notch],
            ]);
        }
        ring.push(ring[0]);
        vec![ring]
    }

    /// A band of `thickness` along a slightly wavy line, of 2·`n` vertices.
    pub fn sliver(&mut self, [x, y]: [f64; 2], length: f64, thickness: f64, n: usize) -> Rings {
        let (sin, cos) = self.within(0.0, TAU).sin_cos();
        let wave: Vec<[f64; 2]> = (0..n).map(|k| [length * (k as f64 / (n - 1) as f64 - 0.5), self.within(-0.02, 0.02) * length]).collect();
        let turn = |[u, v]: [f64; 2]| [x + u * cos - v * sin, y + u * sin + v * cos];
        let mut ring: Vec<[f64; 2]> = wave.iter().map(|at| turn(*at)).collect();
        ring.extend(wave.iter().rev().map(|[u, v]| turn([*u, v + thickness])));
        ring.push(ring[0]);
        vec![ring]
    }

    /// One of the kinds above, `n` small.
    pub fn any(&mut self, centre: [f64; 2], radius: f64, n: usize) -> Rings {
        match self.below(6) {
            0 => self.convex(centre, radius, n),
            1 => self.holed(centre, radius, n),
            2 => self.comb([centre[0] - radius, centre[1] - radius], [2.0 * radius, 2.0 * radius], n / 4 + 1),
            3 => self.sliver(centre, 2.0 * radius, 0.02 * radius, n / 2 + 2),
            _ => self.star(centre, radius, n),
        }
    }

    /// Tiles of a jittered grid over a box: quadrangles and, here and there, two triangles. Neighbours share vertices exactly.
    pub fn tiles(&mut self, [x, y]: [f64; 2], size: f64, n: usize) -> Vec<Rings> {
        let step = size / n as f64;
        let grid: Vec<Vec<[f64; 2]>> = (0..=n)
            .map(|row| {
                (0..=n).map(|column| [x + step * (column as f64 + self.within(-0.24, 0.24)), y + step * (row as f64 + self.within(-0.24, 0.24))]).collect()
            })
            .collect();
        let mut tiles = Vec::new();
        for row in 0..n {
            for column in 0..n {
                let [a, b, c, d] = [grid[row][column], grid[row][column + 1], grid[row + 1][column + 1], grid[row + 1][column]];
                if self.below(3) == 0 {
                    tiles.extend([vec![vec![a, b, c, a]], vec![vec![a, c, d, a]]]);
                } else {
                    tiles.push(vec![vec![a, b, c, d, a]]);
                }
            }
        }
        tiles
    }
}

/// The same rings moved.
pub fn moved(rings: &Rings, by: [f64; 2]) -> Rings {
    mapped(rings, |[x, y]| [x + by[0], y + by[1]])
}

/// The same rings with every position mapped.
pub fn mapped(rings: &Rings, map: impl Fn([f64; 2]) -> [f64; 2]) -> Rings {
    rings.iter().map(|ring| ring.iter().map(|at| map(*at)).collect()).collect()
}

/// The same rings, each running the other way.
pub fn turned(rings: &Rings) -> Rings {
    rings.iter().map(|ring| ring.iter().rev().copied().collect()).collect()
}
