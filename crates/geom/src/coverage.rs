//! Polygon index: a layer prepared for measuring. Its regions are cut into small pieces, in contiguous storage, under one packed R-tree.
//!
//! Prepare once, query many:
//! 1. [`Pieces::of`] cuts each region into pieces of at most [`PIECE_VERTICES`] vertices (`cut`), on any core; [`CoverageBuilder::append`] takes them.
//! 2. [`CoverageBuilder::finish`] indexes the pieces' boxes (`boxes`) and finds which members overlap another.
//! 3. [`Coverage::hits`] measures a figure against every member near it; [`Coverage::covered_m2`] adds the hits up, and where members overlap each
//!    other takes their union instead, so that no ground counts twice.
//!
//! Two parcels and a patch across their common border:
//!
//! ```
//! use tuban_geom::{CoverageBuilder, Figure, Region};
//!
//! let square = |x: f64| Region::of_shell(vec![[x, 0.0], [x + 100.0, 0.0], [x + 100.0, 100.0], [x, 100.0], [x, 0.0]]);
//! let mut layer = CoverageBuilder::default();
//! layer.push(&square(0.0))?;
//! layer.push(&square(100.0))?;
//! let layer = layer.finish()?;
//!
//! let patch = Figure::new(square(70.0));
//! let hits = layer.hits(&patch)?;
//! assert_eq!(hits.iter().map(|hit| (hit.member, hit.area_m2)).collect::<Vec<_>>(), [(0, 3000.0), (1, 7000.0)]);
//! assert_eq!(layer.covered_m2(&patch, &hits)?, 10_000.0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Positions are held in memory, or lie on a [`Shelf`] outside it (`positions`); everything else is always in memory. What is measured is the same to the
//! last bit. Only a shelf can fail: what cannot be read back, or is not as it was written, is an error and never a figure.

mod at;
mod boxes;
mod covered;
mod cut;
mod frozen;
mod order;
mod overlaps;
mod positions;

use super::{Bounds, Figure, Region, twice_signed_area};
use boxes::{Boxes, Numbers, PieceBox};
use positions::{Positions, Reader};
use smallvec::SmallVec;
use std::io;

pub use at::EdgeNear;
pub use cut::{PIECE_VERTICES, clip_ring, parts};
pub use positions::Shelf;

/// Shared ground of two members above which they count as overlapping, square metres. Cutting members at different lines moves their common
/// border by up to 1e-11 m, which over a kilometre makes 1e-8 m².
const OVERLAP_M2: f64 = 1e-8;

/// What is never too little to be ground, as a part of the figure.
const NEGLIGIBLE: f64 = 1e-10;

/// Collects the members of a layer.
#[derive(Debug, Default)]
pub struct CoverageBuilder {
    positions: Positions,
    ring_ends: Vec<u32>,
    pieces: Vec<Piece>,
    boxes: Vec<PieceBox>,
    members: u32,
}

/// A piece of a member: some rings.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    member: u32,
    rings: [u32; 2],
    /// Checksum of its positions.
    sum: u32,
}

/// Members of a layer, cut, indexed and ready.
#[derive(Debug)]
pub struct Coverage {
    positions: Positions,
    ring_ends: Vec<u32>,
    pieces: Vec<Piece>,
    index: Boxes,
    members: u32,
    overlaps: Vec<Overlap>,
    /// Whether there are more than those.
    more_overlaps: bool,
    /// For each member, whether it overlaps another one.
    overlapping: Vec<bool>,
}

/// Two members that share ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// The members, in the order in which they were pushed; the lower first.
    pub members: [u32; 2],
    /// Square metres they share.
    pub area_m2: f64,
}

/// How much of a figure lies on one member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The member's number, in the order in which they were pushed, unless they were renumbered: see [`Coverage::along_a_curve`].
    pub member: u32,
    /// Square metres, above 0.
    pub area_m2: f64,
}

/// Hits of one figure; nearly always few enough to need no allocation.
pub type Hits = SmallVec<[Hit; 8]>;

/// A member cut into pieces.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pieces {
    positions: Vec<[f64; 2]>,
    ring_ends: Vec<u32>,
    /// For each piece, where in `ring_ends` it ends, the checksum of its positions, and its box.
    ends: Vec<(u32, u32, PieceBox)>,
}

impl Pieces {
    /// Cuts a region. O(n log n) for n vertices.
    #[must_use]
    pub fn of(region: &Region) -> Self {
        // Most regions are one piece.
        let positions = Vec::with_capacity(region.vertices());
        let (mut pieces, mut bytes) = (Self { positions, ..Self::default() }, Vec::with_capacity(region.vertices() * size_of::<[f64; 2]>()));
        cut::cut(region, &mut |rings: &[Vec<[f64; 2]>]| {
            let (mut bounds, start) = (Bounds::EMPTY, pieces.positions.len());
            for ring in rings {
                pieces.positions.extend_from_slice(ring);
                pieces.ring_ends.push(pieces.positions.len() as u32);
                bounds = bounds.union(&Bounds::of(ring));
            }
            bytes.clear();
            positions::encode(&pieces.positions[start..], &mut bytes);
            pieces.ends.push((pieces.ring_ends.len() as u32, positions::checksum(&bytes), outwards(&bounds)));
        });
        pieces
    }

    /// Area of the member, square metres.
    #[must_use]
    #[inline]
    pub fn area_m2(&self) -> f64 {
        let mut start = 0;
        let rings = self.ring_ends.iter().map(|end| {
            let ring = &self.positions[start as usize..*end as usize];
            start = *end;
            twice_signed_area(ring) / 2.0
        });
        sum_m2(rings).abs()
    }

    /// What their positions take, bytes.
    #[must_use]
    #[inline]
    pub fn positions_bytes(&self) -> u64 {
        size_of_val(self.positions.as_slice()) as u64
    }
}

impl CoverageBuilder {
    /// Cuts and appends the next member; returns its number.
    pub fn push(&mut self, region: &Region) -> io::Result<u32> {
        self.append(&Pieces::of(region))
    }

    /// Appends the next member; returns its number. An error where it would make more positions than can be counted: 2³² − 1.
    pub fn append(&mut self, pieces: &Pieces) -> io::Result<u32> {
        let member = self.members;
        let (positions, rings) = (self.positions.len(), self.ring_ends.len() as u32);
        // Rings, pieces and members are fewer than positions.
        if u32::try_from(positions as usize + pieces.positions.len()).is_err() {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a layer has more than 4 294 967 295 positions"));
        }
        self.members += 1;
        self.positions.append(&pieces.positions)?;
        self.ring_ends.extend(pieces.ring_ends.iter().map(|end| positions + end));
        let mut first = rings;
        for (end, sum, bounds) in &pieces.ends {
            self.pieces.push(Piece { member, rings: [first, rings + end], sum: *sum });
            self.boxes.push(*bounds);
            first = rings + end;
        }
        Ok(member)
    }

    /// Whether positions go to a shelf.
    #[must_use]
    #[inline]
    pub fn is_shelved(&self) -> bool {
        self.positions.is_shelved()
    }

    /// Moves the positions of all members, these and those to come, to an empty shelf.
    pub fn shelve(&mut self, shelf: Box<dyn Shelf>) -> io::Result<()> {
        self.positions.shelve(shelf)
    }

    /// Indexes the members and finds those that overlap. O(n log n) for n pieces.
    pub fn finish(mut self) -> io::Result<Coverage> {
        self.positions.settle()?;
        self.ring_ends.shrink_to_fit();
        self.pieces.shrink_to_fit();
        let mut coverage = Coverage {
            positions: self.positions,
            ring_ends: self.ring_ends,
            pieces: self.pieces,
            index: Boxes::of(&self.boxes),
            members: self.members,
            overlaps: Vec::new(),
            more_overlaps: false,
            overlapping: Vec::new(),
        };
        coverage.find_overlaps(&self.boxes)?;
        Ok(coverage)
    }
}

/// The least box of single precision around a box.
fn outwards(bounds: &Bounds) -> PieceBox {
    let below = |value: f64| Some(value as f32).filter(|near| f64::from(*near) <= value).unwrap_or_else(|| (value as f32).next_down());
    let above = |value: f64| -below(-value);
    [below(bounds.min[0]), below(bounds.min[1]), above(bounds.max[0]), above(bounds.max[1])]
}

/// Ground as thin as the last bit of the figure's coordinates along all its sides, square metres.
fn last_bit_m2(figure: &Figure) -> f64 {
    let Bounds { min: [x0, y0], max: [x1, y1] } = *figure.bounds();
    let last_bit = f64::EPSILON * [x0, y0, x1, y1].into_iter().fold(0.0, |reach: f64, value| reach.max(value.abs()));
    (last_bit * (x1 - x0 + y1 - y0)).min(figure.area_m2() * NEGLIGIBLE)
}

impl Coverage {
    /// How many members there are.
    #[must_use]
    #[inline]
    pub fn members(&self) -> u32 {
        self.members
    }

    /// Vertices of the pieces, closing positions included.
    #[must_use]
    #[inline]
    pub fn vertices(&self) -> u64 {
        u64::from(self.positions.len())
    }

    /// Whether the positions lie outside memory.
    #[must_use]
    #[inline]
    pub fn is_shelved(&self) -> bool {
        self.positions.is_shelved()
    }

    /// Pairs of members that share ground, which parcels and counties must not; of one member the first few with later ones.
    #[must_use]
    #[inline]
    pub fn overlaps(&self) -> &[Overlap] {
        &self.overlaps
    }

    /// Whether there are overlaps that are not listed.
    #[must_use]
    #[inline]
    pub fn has_more_overlaps(&self) -> bool {
        self.more_overlaps
    }

    /// Whether a member overlaps another one, listed or not.
    #[must_use]
    pub fn overlaps_another(&self, member: u32) -> bool {
        self.overlapping.get(member as usize).is_some_and(|overlapping| *overlapping)
    }

    /// Numbers of the pieces whose box touches `window`, in ascending order.
    fn near(&self, window: PieceBox) -> Numbers {
        self.index.search(window)
    }

    /// The members that share ground with the figure, ascending, each once. Of members that were cut, or of a part that was, ground thinner than the last bit of its coordinates
    /// is none: cutting moves a border by so much.
    pub fn hits(&self, figure: &Figure) -> io::Result<Hits> {
        let (mut hits, mut reader) = (Hits::new(), Reader::new(self));
        let mut cut = figure.is_part();
        for piece in self.near(outwards(figure.bounds())) {
            let area_m2 = figure.shared_m2(reader.rings(piece)?);
            if area_m2 <= 0.0 {
                continue;
            }
            let member = self.pieces[piece as usize].member;
            cut |= self.is_cut(piece);
            match hits.last_mut() {
                Some(hit) if hit.member == member => hit.area_m2 = (hit.area_m2 + area_m2).min(figure.area_m2()),
                _ => hits.push(Hit { member, area_m2 }),
            }
            if area_m2 >= figure.area_m2() && !self.overlapping[member as usize] {
                // No other member has any of it.
                break;
            }
        }
        if cut {
            let least_m2 = last_bit_m2(figure);
            hits.retain(|hit| hit.area_m2 > least_m2 || !(figure.is_part() || self.is_cut_member(hit.member)));
        }
        Ok(hits)
    }

    /// Whether the member that a piece belongs to has others.
    fn is_cut(&self, piece: u32) -> bool {
        let (piece, member) = (piece as usize, |piece: &Piece| piece.member);
        let own = member(&self.pieces[piece]);
        self.pieces.get(piece + 1).map(member) == Some(own) || piece > 0 && member(&self.pieces[piece - 1]) == own
    }

    fn is_cut_member(&self, member: u32) -> bool {
        self.pieces.binary_search_by_key(&member, |piece| piece.member).is_ok_and(|piece| self.is_cut(piece as u32))
    }

    /// The figure's area covered by the members of `hits`, each place once; square metres, at most the figure's area.
    pub fn covered_m2(&self, figure: &Figure, hits: &[Hit]) -> io::Result<f64> {
        let overlaps = |hit: &&Hit| self.overlapping[hit.member as usize];
        let alone = sum_m2(hits.iter().filter(|hit| !overlaps(hit)).map(|hit| hit.area_m2));
        let overlapping: SmallVec<[Hit; 4]> = hits.iter().filter(overlaps).copied().collect();
        let together = match overlapping[..] {
            [] => 0.0,
            [one] => one.area_m2,
            _ => covered::area_m2(figure, &[(self, &overlapping)])?,
        };
        Ok((alone + together).min(figure.area_m2()))
    }

    /// The figure's area covered both by members of `hits` and by members of `other_hits` of another coverage; square metres.
    pub fn covered_by_both_m2(&self, figure: &Figure, hits: &[Hit], other: &Self, other_hits: &[Hit]) -> io::Result<f64> {
        if hits.is_empty() || other_hits.is_empty() {
            return Ok(0.0);
        }
        covered::area_m2(figure, &[(self, hits), (other, other_hits)])
    }
}

/// The sum of some areas, to the last bit the same in whatever order they come.
pub fn sum_m2(areas: impl Iterator<Item = f64>) -> f64 {
    let mut areas: SmallVec<[f64; 16]> = areas.collect();
    areas.sort_unstable_by(f64::total_cmp);
    areas.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes everything and keeps nothing.
    #[derive(Debug)]
    struct Sink;

    impl Shelf for Sink {
        fn append(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    #[test]
    fn more_positions_than_can_be_counted_are_an_error() {
        let square = Pieces::of(&Region::of_shell(vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]));
        let nearly_full = Positions::Shelved { shelf: Box::new(Sink), count: u32::MAX - 7, pending: Vec::new() };
        let mut builder = CoverageBuilder { positions: nearly_full, ..CoverageBuilder::default() };
        assert_eq!(builder.append(&square).unwrap(), 0);
        assert_eq!(builder.append(&square).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!((builder.positions.len(), builder.members), (u32::MAX - 2, 1));
    }
}
