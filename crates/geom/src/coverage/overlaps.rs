//! Members that share ground with each other, found once, when the layer is indexed.
//!
//! 1. Each piece is held against the pieces of later members near it, and what it shares with them is listed; but not with more members than are listed of
//!    one: where n members lie on one another there are n²/2 pairs. Of two lists that end early each has the nearest numbers, so together they do, too.
//! 2. A piece whose list ended early is held against the others near it of which nothing is known yet: every member that overlaps another one is known to,
//!    listed or not.

use super::positions::Reader;
use super::{Coverage, OVERLAP_M2, Overlap, PieceBox};
use crate::{Figure, Region};
use rayon::prelude::*;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Overlaps with later members that are listed for each member. Where thousands lie on one another, each pair would take more than the layer itself.
const LISTED: usize = 16;

/// What the pieces share with later members.
#[derive(Default)]
struct Found {
    pairs: Vec<Overlap>,
    /// Pieces whose list ended early, each with the first one that it was not held against.
    ended: Vec<[u32; 2]>,
}

impl Coverage {
    /// Finds the members that share more than [`OVERLAP_M2`].
    pub(super) fn find_overlaps(&mut self, boxes: &[PieceBox]) -> io::Result<()> {
        let begin = || (Found::default(), Reader::new(self));
        let Found { mut pairs, ended } = (0..self.pieces.len() as u32)
            .into_par_iter()
            .try_fold(begin, |(mut found, mut reader), piece| {
                self.list(piece, boxes[piece as usize], &mut reader, &mut found)?;
                io::Result::Ok((found, reader))
            })
            .map(|part| part.map(|(found, _)| found))
            .try_reduce(Found::default, |mut found, more| {
                found.pairs.extend(more.pairs);
                found.ended.extend(more.ended);
                Ok(found)
            })?;
        let overlapping: Vec<AtomicBool> = (0..self.members).map(|_| AtomicBool::new(false)).collect();
        pairs.iter().flat_map(|pair| pair.members).for_each(|member| overlapping[member as usize].store(true, Relaxed));
        ended.into_par_iter().try_for_each(|[piece, from]| self.mark(piece, from, boxes[piece as usize], &overlapping))?;
        pairs.sort_by_key(|pair| pair.members);
        pairs.dedup_by(|next, kept| {
            let same = next.members == kept.members;
            if same {
                kept.area_m2 += next.area_m2;
            }
            same
        });
        let (all, mut of, mut listed) = (pairs.len(), None, 0);
        pairs.retain(|pair| {
            listed = if of.replace(pair.members[0]) == Some(pair.members[0]) { listed + 1 } else { 1 };
            listed <= LISTED
        });
        self.more_overlaps = pairs.len() < all;
        self.overlaps = pairs;
        self.overlapping = overlapping.into_iter().map(AtomicBool::into_inner).collect();
        Ok(())
    }

    /// Lists what a piece shares with pieces of later members: of one member more than are kept, so that it shows where there are more.
    fn list(&self, piece: u32, bounds: PieceBox, reader: &mut Reader<'_>, found: &mut Found) -> io::Result<()> {
        let mut later = self.near(bounds);
        later.retain(|other| self.member_of(*other) > self.member_of(piece));
        if later.is_empty() {
            return Ok(());
        }
        let figure = Figure::new(Region::of_rings(reader.rings(piece)?));
        let (mut listed, mut last) = (0, None);
        for other in later {
            let member = self.member_of(other);
            if listed > LISTED && last != Some(member) {
                found.ended.push([piece, other]);
                break;
            }
            let area_m2 = figure.shared_m2(reader.rings(other)?);
            if area_m2 > OVERLAP_M2 {
                listed += usize::from(last.replace(member) != Some(member));
                found.pairs.push(Overlap { members: [self.member_of(piece), member], area_m2 });
            }
        }
        Ok(())
    }

    /// Marks the members that share ground with a piece, from piece `from` on, where they are not marked yet.
    fn mark(&self, piece: u32, from: u32, bounds: PieceBox, overlapping: &[AtomicBool]) -> io::Result<()> {
        let mark_of = |piece: u32| &overlapping[self.member_of(piece) as usize];
        let mut reader = Reader::new(self);
        let mut later = self.near(bounds);
        later.retain(|other| *other >= from && !mark_of(*other).load(Relaxed));
        if later.is_empty() {
            return Ok(());
        }
        let figure = Figure::new(Region::of_rings(reader.rings(piece)?));
        for other in later {
            if !mark_of(other).load(Relaxed) && figure.shared_m2(reader.rings(other)?) > OVERLAP_M2 {
                mark_of(other).store(true, Relaxed);
            }
        }
        Ok(())
    }

    fn member_of(&self, piece: u32) -> u32 {
        self.pieces[piece as usize].member
    }
}
