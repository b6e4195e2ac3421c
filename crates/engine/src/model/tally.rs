//! Tallies: counts, areas and ratios of one county or of the city.

use serde::Serialize;

/// Patches of one class, with their areas.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Group {
    /// How many patches.
    pub patches: u64,
    /// Their area in that class, square metres.
    pub area_m2: f64,
    /// Of that, farmland, as far as it is known: see [`farmland`](Self::farmland).
    pub farmland_m2: f64,
    /// Patches with ground in that class whose farmland is unknown: judged without any land survey, and no filing says it.
    pub farmland_unknown: u64,
}

impl Group {
    /// Farmland, square metres; `None` where that of some of its ground is unknown.
    #[must_use]
    pub fn farmland(&self) -> Option<f64> {
        (self.farmland_unknown == 0).then_some(self.farmland_m2)
    }
}

impl std::ops::AddAssign for Group {
    fn add_assign(&mut self, other: Self) {
        self.patches += other.patches;
        self.area_m2 += other.area_m2;
        self.farmland_m2 += other.farmland_m2;
        self.farmland_unknown += other.farmland_unknown;
    }
}

/// What the store sums up for one county: the raw material of a [`Tally`]. Square metres.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// County code; `None` for patches in no county.
    pub county_code: Option<String>,
    /// Confirmed legal.
    pub legal: Group,
    /// Confirmed illegal.
    pub illegal: Group,
    /// Confirmed other.
    pub other: Group,
    /// Not confirmed, or doubtful.
    pub pending: Group,
    /// Farmland the overlay alone takes for legal.
    pub automatic_legal_farmland_m2: f64,
    /// Farmland the overlay alone takes for illegal.
    pub automatic_illegal_farmland_m2: f64,
    /// Patches counted that were judged without any land survey, confirmed ones among them: the overlay says nothing of their farmland.
    pub farmland_unknown: u64,
    /// What was taken off because it counts for another patch: patches with nothing left, which are counted nowhere else, and all ground taken off.
    pub taken_off: Group,
    /// What confirmed verdicts that contradict each other on shared ground leave open.
    pub disputed: Disputed,
}

/// Shared ground of confirmed verdicts that differ counts by the first of them; what the others would make of it, as differences to the confirmed
/// sums of farmland, square metres. All 0 where no verdicts differ.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Disputed {
    /// Legal and illegal farmland, where the mildest verdict counts everywhere.
    pub best_m2: [f64; 2],
    /// Legal and illegal farmland, where the severest verdict counts everywhere.
    pub worst_m2: [f64; 2],
}

/// A line that a ratio is held against.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Line {
    /// `target` or `accountability`.
    pub name: String,
    /// Per cent: a ratio above it has crossed the line.
    pub percent: f64,
}

/// Three ways to come under one line, each alone, in square metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lever {
    /// The line, per cent.
    pub percent: f64,
    /// Illegal farmland to restore: I − L·t/(1−t).
    pub restore_m2: f64,
    /// Illegal farmland to approve later: I − t(I+L).
    pub approve_m2: f64,
    /// More legal farmland: I/t − I − L.
    pub more_legal_m2: f64,
}

/// One county's or the city's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// The sums.
    pub totals: Totals,
    /// Name of the county, or of the city.
    pub name: String,
    /// Illegal ÷ (legal + illegal) farmland of confirmed verdicts, per cent, unrounded; `None` with an empty denominator.
    pub confirmed: Option<f64>,
    /// Ratio of the automatic verdicts, in per cent; `None` also where some patches were judged without any land survey.
    pub provisional: Option<f64>,
    /// All pending farmland taken as legal; `None` also where that of some pending patches is unknown.
    pub best: Option<f64>,
    /// All pending farmland taken as illegal; `None` as for `best`.
    pub worst: Option<f64>,
    /// Name of the highest line the confirmed ratio is above.
    pub line_crossed: Option<String>,
    /// For each line it is above.
    pub levers: Vec<Lever>,
}
