//! Chance and roughness: the seeded dice that every other file throws, and the two kinds of noise that make lines and
//! hills look grown. Only integer arithmetic, `+ − × ÷ √` and `libm` are used, so that every machine draws the same city.

/// What the dice are thrown for. Each topic has a stream of its own, so that a change in one file of the demo leaves the
/// other files as they were.
#[derive(Clone, Copy)]
pub(super) enum Topic {
    /// The outline of the city.
    Frame = 1,
    /// The corners of the parcels.
    Nodes,
    /// Parcel borders that run west to east.
    EdgesEast,
    /// Parcel borders that run south to north.
    EdgesNorth,
    /// How a block of ground is cut into parcels.
    Blocks,
    /// What grows on a parcel.
    Cover,
    /// County borders.
    Borders,
    /// Seats and towns.
    Places,
    /// Hills, rivers and fields.
    Terrain,
    /// Which parcels are protected together.
    BasicFarmland,
    /// Ecological red lines.
    RedLines,
    /// Urban development boundaries.
    Urban,
    /// Approvals.
    Approvals,
    /// Patches.
    Surveys,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of `SplitMix64`: every input bit moves every output bit.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in [0, 1) from 64 random bits.
fn fraction(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A stream of random numbers (`SplitMix64`) that is found again by seed, topic and key. That is why a parcel border need
/// not be stored: either neighbour throws the same dice and draws the same line.
pub(super) struct Dice(u64);

impl Dice {
    /// The stream of `key` within `topic`.
    pub(super) const fn new(seed: u64, topic: Topic, key: u64) -> Self {
        let city = mix(seed.wrapping_add(GOLDEN));
        let stream = mix(city.wrapping_add((topic as u64).wrapping_mul(GOLDEN)));
        Self(mix(stream ^ key.wrapping_mul(0xd1b5_4a32_d192_ed03)))
    }

    /// 64 random bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        fraction(self.bits())
    }

    /// Uniform in [low, high).
    pub(super) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Between `low` and `high`, each factor of two as likely as the next.
    pub(super) fn log_range(&mut self, low: f64, high: f64) -> f64 {
        libm::exp(self.range(libm::log(low), libm::log(high)))
    }

    /// A whole number in 0..n; 0 when n is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Two independent normal deviates with mean 0 and deviation 1.
    pub(super) fn normals(&mut self) -> (f64, f64) {
        let length = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * self.unit());
        (length * cos, length * sin)
    }
}

/// Fractal noise along a closed line, in [−1, 1]: octaves of random knots joined by smooth steps.
pub(super) struct Ripple {
    octaves: Vec<(Vec<f64>, f64)>,
}

impl Ripple {
    /// `knots` in the coarsest octave, then twice as many in each finer one up to `finest`; each octave `gain` times as
    /// high as the one before.
    pub(super) fn new(dice: &mut Dice, knots: usize, finest: usize, gain: f64) -> Self {
        let (mut count, mut height, mut total) = (knots.max(2), 1.0, 0.0);
        let mut octaves = Vec::new();
        while octaves.is_empty() || count <= finest {
            octaves.push(((0..count).map(|_| dice.range(-1.0, 1.0)).collect::<Vec<_>>(), height));
            total += height;
            count *= 2;
            height *= gain;
        }
        for octave in &mut octaves {
            octave.1 /= total;
        }
        Self { octaves }
    }

    /// The noise at `t`, where 0 and 1 are the same place.
    pub(super) fn at(&self, t: f64) -> f64 {
        let mut sum = 0.0;
        for (knots, height) in &self.octaves {
            let place = t * knots.len() as f64;
            let whole = place.floor();
            let first = whole as usize % knots.len();
            let (a, b) = (knots[first], knots[(first + 1) % knots.len()]);
            sum += height * (a + (b - a) * smooth(place - whole));
        }
        sum
    }
}

/// Fractal noise over the ground, about −1 to 1, with features of `1 / frequency` of the city's width.
pub(super) struct Relief {
    key: u64,
    frequency: f64,
    octaves: u32,
}

impl Relief {
    /// A relief of its own for every throw of the dice.
    pub(super) const fn new(dice: &mut Dice, frequency: f64, octaves: u32) -> Self {
        Self { key: dice.bits(), frequency, octaves }
    }

    /// The height at (u, v), fractions of the city's width and height.
    pub(super) fn at(&self, u: f64, v: f64) -> f64 {
        let (mut x, mut y) = (u * self.frequency + 64.0, v * self.frequency + 64.0);
        let (mut sum, mut height, mut total) = (0.0, 1.0, 0.0);
        for octave in 0..self.octaves {
            sum += height * self.knot_noise(octave, x, y);
            total += height;
            height *= 0.5;
            // A turn by 37° between octaves hides the square grid of the knots.
            (x, y) = (1.6 * x - 1.2 * y + 517.3, 1.2 * x + 1.6 * y + 131.7);
        }
        1.6 * sum / total
    }

    fn knot_noise(&self, octave: u32, x: f64, y: f64) -> f64 {
        let (left, low) = (x.floor(), y.floor());
        let (fx, fy) = (smooth(x - left), smooth(y - low));
        let knot = |dx: i64, dy: i64| {
            let (i, j) = ((left as i64 + dx) as u64, (low as i64 + dy) as u64);
            let place = i.wrapping_mul(0x8cb9_2ba7_2f3d_8dd7) ^ j.wrapping_mul(0xaef1_7502_108e_f2d9);
            2.0 * fraction(mix(self.key ^ place ^ u64::from(octave).wrapping_mul(GOLDEN))) - 1.0
        };
        let south = knot(0, 0) + (knot(1, 0) - knot(0, 0)) * fx;
        let north = knot(0, 1) + (knot(1, 1) - knot(0, 1)) * fx;
        south + (north - south) * fy
    }
}

/// 0 at 0, 1 at 1, level at both ends.
fn smooth(t: f64) -> f64 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}
