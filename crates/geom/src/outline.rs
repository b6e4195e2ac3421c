//! Outlines: parts of rings of positions, kept flat so that a survey of millions of vertices costs three allocations a patch.

/// An axis-parallel box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Lower left corner.
    pub min: [f64; 2],
    /// Upper right corner.
    pub max: [f64; 2],
}

impl Bounds {
    /// The box of nothing; extending it by a position makes it that position.
    pub const EMPTY: Self = Self { min: [f64::INFINITY; 2], max: [f64::NEG_INFINITY; 2] };

    /// Grows the box to hold `at`.
    #[inline]
    pub fn extend(&mut self, at: [f64; 2]) {
        self.min = [self.min[0].min(at[0]), self.min[1].min(at[1])];
        self.max = [self.max[0].max(at[0]), self.max[1].max(at[1])];
    }

    /// The smallest box around `positions`.
    #[must_use]
    #[inline]
    pub fn of(positions: &[[f64; 2]]) -> Self {
        let mut bounds = Self::EMPTY;
        for at in positions {
            bounds.extend(*at);
        }
        bounds
    }

    /// The smallest box around both.
    #[must_use]
    #[inline]
    pub fn union(&self, other: &Self) -> Self {
        let mut both = *self;
        both.extend(other.min);
        both.extend(other.max);
        both
    }

    /// Whether the boxes share a position.
    #[must_use]
    #[inline]
    #[allow(clippy::needless_bitwise_bool, reason = "four comparisons cost less than one branch that is guessed wrong")]
    pub fn touches(&self, other: &Self) -> bool {
        (self.min[0] <= other.max[0]) & (other.min[0] <= self.max[0]) & (self.min[1] <= other.max[1]) & (other.min[1] <= self.max[1])
    }

    /// Whether `at` lies in the box.
    #[must_use]
    #[inline]
    pub fn holds(&self, at: [f64; 2]) -> bool {
        (0..2).all(|axis| self.min[axis] <= at[axis] && at[axis] <= self.max[axis])
    }

    /// The place in the middle of the box.
    #[must_use]
    #[inline]
    pub fn middle(&self) -> [f64; 2] {
        [0, 1].map(|axis| f64::midpoint(self.min[axis], self.max[axis]))
    }

    /// Whether no position was put in.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.min[0] > self.max[0]
    }
}

/// A polygon or multi-polygon. Ring 0 of each part is its shell, the others are holes; closing positions are stored as they came.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Outline {
    /// All positions, x (or longitude) first.
    pub positions: Vec<[f64; 2]>,
    /// For each ring, where in `positions` it ends.
    pub ring_ends: Vec<u32>,
    /// For each part, where in `ring_ends` it ends.
    pub part_ends: Vec<u32>,
    /// Whether it came as a MultiPolygon, even of one part.
    pub multi: bool,
}

impl Outline {
    /// A polygon of these rings.
    #[must_use]
    pub fn polygon<R: AsRef<[[f64; 2]]>>(rings: &[R]) -> Self {
        let mut outline = Self::default();
        for ring in rings {
            outline.push_ring(ring.as_ref());
        }
        outline.end_part();
        outline
    }

    /// Appends a ring to the part that is open.
    #[inline]
    pub fn push_ring(&mut self, ring: &[[f64; 2]]) {
        self.positions.extend_from_slice(ring);
        self.end_ring();
    }

    /// Closes the ring that the last positions belong to.
    #[inline]
    pub fn end_ring(&mut self) {
        self.ring_ends.push(self.positions.len() as u32);
    }

    /// Closes the part that the last rings belong to.
    #[inline]
    pub fn end_part(&mut self) {
        self.part_ends.push(self.ring_ends.len() as u32);
    }

    /// Positions of ring number `ring`, counted over all parts.
    #[must_use]
    #[inline]
    pub fn ring(&self, ring: usize) -> &[[f64; 2]] {
        let start = if ring == 0 { 0 } else { self.ring_ends[ring - 1] as usize };
        &self.positions[start..self.ring_ends[ring] as usize]
    }

    /// For each part, the numbers of its rings.
    #[inline]
    pub fn parts(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let mut start = 0;
        self.part_ends.iter().map(move |end| {
            let part = start..*end as usize;
            start = part.end;
            part
        })
    }

    /// The part and the number within it of ring number `ring`.
    #[must_use]
    pub fn place_of(&self, ring: usize) -> (u32, u32) {
        let mut start = 0;
        for (part, end) in self.part_ends.iter().enumerate() {
            if ring < *end as usize {
                return (part as u32, ring as u32 - start);
            }
            start = *end;
        }
        (0, ring as u32)
    }

    /// The smallest box around it.
    #[must_use]
    #[inline]
    pub fn bounds(&self) -> Bounds {
        Bounds::of(&self.positions)
    }

    /// A copy of the outline with every position mapped.
    #[must_use]
    #[inline]
    pub fn map(&self, project: impl Fn([f64; 2]) -> [f64; 2]) -> Self {
        Self {
            positions: self.positions.iter().map(|at| project(*at)).collect(),
            ring_ends: self.ring_ends.clone(),
            part_ends: self.part_ends.clone(),
            multi: self.multi,
        }
    }
}
