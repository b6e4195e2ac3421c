//! Ground that several patches claim, and for which of them it counts.
//!
//! A *piece* is ground that lies in the very same patches. In a sum it counts once: for the first of its patches among the periods asked for
//! ([`Precedence`]); from the others it is taken off.

use super::{Areas, Level, Period, Verdict};

/// What a piece is in the columns of one of the patches that it lies in. Patches judged by different layers differ in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroundShare {
    /// The patch's number in the store.
    pub patch: i64,
    /// The number of its survey.
    pub survey: i64,
    /// The areas its finding would have of the piece alone, square metres.
    pub areas: Areas,
    /// Of the piece, what its finding takes for legally built on.
    pub automatic_legal_farmland_m2: f64,
    /// Of the piece, what its finding takes for illegally built on.
    pub automatic_illegal_farmland_m2: f64,
}

/// Ground that lies in these patches, two or more, and in no other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SharedPiece {
    /// One for each patch, in the order of their numbers.
    pub shares: Vec<GroundShare>,
}

/// Who comes first, the lowest: confirmed before pending, then the higher level, the earlier period, the earlier survey, the smaller number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    /// Whether its verdict is not confirmed, or doubtful.
    pub pending: bool,
    /// Who issued it.
    pub level: Level,
    /// Its survey's period.
    pub period: Period,
    /// Its survey's number.
    pub survey: i64,
    /// Its number.
    pub patch: i64,
}

/// What is taken off a patch in the sums of some periods, and the patches that it shares ground with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TakenOff {
    /// Its own id.
    pub patch_id: String,
    /// Ground that counts for others, in the columns of its own finding, square metres.
    pub areas: Areas,
    /// Of its confirmed legal farmland, what counts for others, square metres; 0 where no verdict decides.
    pub filed_legal_farmland_m2: f64,
    /// Of its confirmed illegal farmland, what counts for others, square metres; 0 where no verdict decides.
    pub filed_illegal_farmland_m2: f64,
    /// Whether nothing is left, so that the patch is not counted.
    pub nothing_left: bool,
    /// Whether its confirmed areas were filed for a part of it, so that they are taken off in proportion.
    pub in_proportion: bool,
    /// All others that it shares ground with, also those of other periods, in the order of [`Precedence`].
    pub with: Vec<SharedWith>,
}

/// Another patch on the ground of a patch.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedWith {
    /// Which; `None` where who asks may not see it.
    pub patch: Option<SharingPatch>,
    /// The ground that both have, square metres.
    pub shared_m2: f64,
    /// Of that, what counts for the other one in the sums of those periods.
    pub taken_m2: f64,
    /// Whether both are confirmed and differ.
    pub contradicts: bool,
}

/// A patch that shares ground with another one.
#[derive(Debug, Clone, PartialEq)]
pub struct SharingPatch {
    /// Where it stands.
    pub precedence: Precedence,
    /// Its own id.
    pub patch_id: String,
    /// Its confirmed verdict, where that decides.
    pub confirmed: Option<Verdict>,
}

/// Two confirmed patches that claim different things of the same ground; the first one counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// The first one: number, own id, period and verdict; `None` where who asks may not see it.
    pub first: Option<Claimant>,
    /// The other one; `None` where who asks may not see it.
    pub other: Option<Claimant>,
    /// The ground that both have, square metres.
    pub area_m2: f64,
    /// Of that, farmland, in the columns of the first; `None` where that was judged without any land survey.
    pub farmland_m2: Option<f64>,
}

/// A confirmed patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimant {
    /// Where it stands.
    pub precedence: Precedence,
    /// Its own id.
    pub patch_id: String,
    /// Its confirmed verdict.
    pub verdict: Verdict,
}
