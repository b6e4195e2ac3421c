//! A layer prepared for measuring: its regions cut into small pieces, in contiguous storage, under one spatial index.
//!
//! Prepare once, query many:
//! 1. [`Pieces::of`] cuts each region into pieces of at most [`PIECE_VERTICES`] vertices (`cut`), on any core; [`CoverageBuilder::append`] takes them.
//! 2. [`CoverageBuilder::finish`] indexes the pieces' boxes (`boxes`) and finds which members overlap another.
//! 3. [`Coverage::hits`] measures a figure against every member near it; [`Coverage::covered_m2`] adds the hits up, and where members overlap each
//!    other takes their union instead, so that no ground counts twice.
//!
//! Positions are held in memory, or lie on a [`Shelf`] outside it (`positions`); everything else is always in memory. What is measured is the same to the
//! last bit. Only a shelf can fail: what cannot be read back, or is not as it was written, is an error and never a figure.

mod at;
mod boxes;
mod common;
mod cut;
mod frozen;
mod positions;

use super::{Bounds, Figure, Region};
use boxes::{Boxes, Numbers, PieceBox};
use positions::{Positions, Reader};
use rayon::prelude::*;
use smallvec::SmallVec;
use std::io;

pub use cut::{PIECE_VERTICES, clip_ring};
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
    /// The member's number, in the order in which they were pushed.
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
        let (mut pieces, mut bytes) = (Self::default(), Vec::new());
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

    /// What their positions take, bytes.
    #[must_use]
    pub fn positions_bytes(&self) -> u64 {
        size_of_val(self.positions.as_slice()) as u64
    }
}

impl CoverageBuilder {
    /// Cuts and appends the next member; returns its number.
    pub fn push(&mut self, region: &Region) -> io::Result<u32> {
        self.append(&Pieces::of(region))
    }

    /// Appends the next member; returns its number.
    pub fn append(&mut self, pieces: &Pieces) -> io::Result<u32> {
        let member = self.members;
        self.members += 1;
        let (positions, rings) = (self.positions.len(), self.ring_ends.len() as u32);
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
            overlapping: Vec::new(),
        };
        coverage.note(coverage.find_overlaps(&self.boxes)?);
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
    pub fn members(&self) -> u32 {
        self.members
    }

    /// Vertices of the pieces, closing positions included.
    #[must_use]
    pub fn vertices(&self) -> u64 {
        u64::from(self.positions.len())
    }

    /// Whether the positions lie outside memory.
    #[must_use]
    pub fn is_shelved(&self) -> bool {
        self.positions.is_shelved()
    }

    /// Members that share ground with each other, which parcels and counties must not.
    #[must_use]
    pub fn overlaps(&self) -> &[Overlap] {
        &self.overlaps
    }

    /// Notes which members overlap another one.
    fn note(&mut self, overlaps: Vec<Overlap>) {
        self.overlapping = vec![false; self.members as usize];
        for member in overlaps.iter().flat_map(|overlap| overlap.members) {
            self.overlapping[member as usize] = true;
        }
        self.overlaps = overlaps;
    }

    /// Numbers of the pieces whose box touches `window`, in ascending order.
    fn near(&self, window: PieceBox) -> Numbers {
        self.index.search(window)
    }

    /// The members that share ground with the figure, ascending, each once. Of members that were cut, ground thinner than the last bit of its coordinates
    /// is none: cutting moves a border by so much.
    pub fn hits(&self, figure: &Figure) -> io::Result<Hits> {
        let (mut hits, mut reader) = (Hits::new(), Reader::new(self));
        let mut cut = false;
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
            hits.retain(|hit| hit.area_m2 > least_m2 || !self.is_cut_member(hit.member));
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
        let alone: f64 = hits.iter().filter(|hit| !overlaps(hit)).map(|hit| hit.area_m2).sum();
        let overlapping: SmallVec<[Hit; 4]> = hits.iter().filter(overlaps).copied().collect();
        let together = match overlapping[..] {
            [] => 0.0,
            [one] => one.area_m2,
            _ => common::area_m2(figure, &[(self, &overlapping)])?,
        };
        Ok((alone + together).min(figure.area_m2()))
    }

    /// The figure's area covered both by members of `hits` and by members of `other_hits` of another coverage; square metres.
    pub fn covered_by_both_m2(&self, figure: &Figure, hits: &[Hit], other: &Self, other_hits: &[Hit]) -> io::Result<f64> {
        if hits.is_empty() || other_hits.is_empty() {
            return Ok(0.0);
        }
        common::area_m2(figure, &[(self, hits), (other, other_hits)])
    }

    /// Every pair of members that share more than [`OVERLAP_M2`].
    fn find_overlaps(&self, boxes: &[PieceBox]) -> io::Result<Vec<Overlap>> {
        let begin = || (Vec::new(), Reader::new(self));
        let mut pairs = (0..self.pieces.len() as u32)
            .into_par_iter()
            .try_fold(begin, |(mut pairs, mut reader), piece| {
                self.compare(piece, boxes[piece as usize], &mut reader, &mut pairs)?;
                io::Result::Ok((pairs, reader))
            })
            .map(|part| part.map(|(pairs, _)| pairs))
            .try_reduce(Vec::new, |mut pairs, more| {
                pairs.extend(more);
                Ok(pairs)
            })?;
        pairs.sort_by_key(|pair| pair.members);
        pairs.dedup_by(|next, kept| {
            let same = next.members == kept.members;
            if same {
                kept.area_m2 += next.area_m2;
            }
            same
        });
        Ok(pairs)
    }

    /// Appends what a piece shares with pieces of later members.
    fn compare(&self, piece: u32, bounds: PieceBox, reader: &mut Reader<'_>, pairs: &mut Vec<Overlap>) -> io::Result<()> {
        let member = |piece: u32| self.pieces[piece as usize].member;
        let mut later = self.near(bounds);
        later.retain(|other| member(*other) > member(piece));
        if later.is_empty() {
            return Ok(());
        }
        let figure = Figure::new(Region::of_rings(reader.rings(piece)?));
        for other in later {
            let area_m2 = figure.shared_m2(reader.rings(other)?);
            if area_m2 > OVERLAP_M2 {
                pairs.push(Overlap { members: [member(piece), member(other)], area_m2 });
            }
        }
        Ok(())
    }
}
