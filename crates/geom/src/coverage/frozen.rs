//! A coverage as bytes, so that a service need not cut and compare a city's parcels each time it starts.
//!
//! Little-endian: members, then positions, ring ends, pieces, their boxes and overlaps, each after its count, whether there are more overlaps, and for each
//! member whether it overlaps another one; the index is built again. Everything is read in one pass, positions into memory or past it. Every number that
//! refers to another is checked on the way in: bytes that are not a coverage are an error, never a panic.

use super::positions::{self, Positions, Reader, WIDTH};
use super::{Bounds, Coverage, Overlap, Piece, PieceBox, Shelf, boxes::Boxes, outwards};
use std::io::{self, Read, Write};

/// Bytes read at once.
const PORTION: usize = 1 << 16;

impl Coverage {
    /// Writes the coverage.
    pub fn freeze(&self, out: &mut impl Write) -> io::Result<()> {
        put(out, u64::from(self.members))?;
        put(out, self.vertices())?;
        let (mut reader, mut bytes, mut boxes) = (Reader::new(self), Vec::new(), Vec::with_capacity(self.pieces.len()));
        for piece in 0..self.pieces.len() as u32 {
            let mut bounds = Bounds::EMPTY;
            bytes.clear();
            for ring in reader.rings(piece)? {
                positions::encode(ring, &mut bytes);
                bounds = bounds.union(&Bounds::of(ring));
            }
            boxes.push(outwards(&bounds));
            out.write_all(&bytes)?;
        }
        put(out, self.ring_ends.len() as u64)?;
        self.ring_ends.iter().try_for_each(|end| out.write_all(&end.to_le_bytes()))?;
        put(out, self.pieces.len() as u64)?;
        for Piece { member, rings: [first, end], sum } in &self.pieces {
            [member, first, end, sum].into_iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))?;
        }
        put(out, boxes.len() as u64)?;
        boxes.iter().flatten().try_for_each(|value| out.write_all(&value.to_le_bytes()))?;
        put(out, self.overlaps.len() as u64)?;
        for overlap in &self.overlaps {
            overlap.members.iter().try_for_each(|member| out.write_all(&member.to_le_bytes()))?;
            out.write_all(&overlap.area_m2.to_le_bytes())?;
        }
        put(out, u64::from(self.more_overlaps))?;
        put(out, self.overlapping.len() as u64)?;
        self.overlapping.iter().try_for_each(|overlapping| out.write_all(&[u8::from(*overlapping)]))
    }

    /// Reads what [`freeze`](Self::freeze) wrote. `shelf` is asked when the positions come, with what they take in bytes: it answers the shelf on which
    /// these very bytes lie, or `None` where they are to be held in memory.
    pub fn thaw<R: Read>(input: &mut R, shelf: impl FnOnce(&mut R, u64) -> io::Result<Option<Box<dyn Shelf>>>) -> io::Result<Self> {
        let members = u32::try_from(take(input)?).map_err(|_| damaged("members"))?;
        let count = u32::try_from(take(input)?).map_err(|_| damaged("a count"))?;
        let shelf = shelf(input, u64::from(count) * WIDTH as u64)?;
        let positions = thaw_positions(input, count, shelf)?;
        let ring_ends = rows(input, |row: &[u8; 4]| u32::from_le_bytes(*row))?;
        let pieces = rows(input, |row: &[u8; 16]| {
            let [member, first, end, sum] = words(row).map(u32::from_le_bytes);
            Piece { member, rings: [first, end], sum }
        })?;
        let boxes: Vec<PieceBox> = rows(input, |row: &[u8; 16]| words(row).map(f32::from_le_bytes))?;
        let overlaps = rows(input, |row: &[u8; 16]| {
            let [one, other, low, high] = words(row).map(u32::from_le_bytes);
            Overlap { members: [one, other], area_m2: f64::from_bits(u64::from(low) | u64::from(high) << 32) }
        })?;
        let more_overlaps = take(input)? > 0;
        let overlapping = rows(input, |row: &[u8; 1]| row[0] > 0)?;
        // Pieces follow each other without gaps, so that each lies where its rings say.
        let mut ring = 0;
        let follows = |piece: &Piece| std::mem::replace(&mut ring, piece.rings[1]) == piece.rings[0];
        let whole = pieces.iter().all(follows)
            && pieces.iter().all(|piece| piece.member < members && piece.rings[0] < piece.rings[1])
            && ring as usize == ring_ends.len()
            && ring_ends.is_sorted()
            && ring_ends.last().copied().unwrap_or(0) == count
            && boxes.len() == pieces.len()
            && boxes.iter().flatten().all(|value| value.is_finite())
            && overlapping.len() == members as usize
            && overlaps.iter().flat_map(|overlap| overlap.members).all(|member| member < members);
        if !whole {
            return Err(damaged("a reference"));
        }
        let index = Boxes::of(&boxes);
        Ok(Self { positions, ring_ends, pieces, index, members, overlaps, more_overlaps, overlapping })
    }
}

/// Takes positions into memory, or only past it where they lie on a shelf.
fn thaw_positions(input: &mut impl Read, count: u32, shelf: Option<Box<dyn Shelf>>) -> io::Result<Positions> {
    let (mut held, mut finite) = (Vec::new(), true);
    let mut part = Vec::new();
    portions(input, count as usize * WIDTH, &mut |bytes| {
        part.clear();
        positions::decode(bytes, &mut part);
        finite &= part.iter().flatten().all(|value| value.is_finite());
        if shelf.is_none() {
            held.extend_from_slice(&part);
        }
    })?;
    if !finite {
        return Err(damaged("a position"));
    }
    held.shrink_to_fit();
    Ok(match shelf {
        None => Positions::Held(held),
        Some(shelf) => Positions::Shelved { shelf, count, pending: Vec::new() },
    })
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is not as it was written"))
}

fn put(out: &mut impl Write, count: u64) -> io::Result<()> {
    out.write_all(&count.to_le_bytes())
}

fn take(input: &mut impl Read) -> io::Result<u64> {
    let mut count = [0; 8];
    input.read_exact(&mut count)?;
    Ok(u64::from_le_bytes(count))
}

/// Reads so many bytes, a portion at a time: a count that is damaged runs into the end, and does not ask for memory first.
fn portions(input: &mut impl Read, bytes: usize, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut portion = vec![0; PORTION.min(bytes)];
    let mut left = bytes;
    while left > 0 {
        let portion = &mut portion[..PORTION.min(left)];
        input.read_exact(portion)?;
        take(portion);
        left -= portion.len();
    }
    Ok(())
}

/// The rows of `N` bytes that follow their count; `N` divides a portion.
fn rows<const N: usize, T>(input: &mut impl Read, row: impl Fn(&[u8; N]) -> T) -> io::Result<Vec<T>> {
    let count = usize::try_from(take(input)?).ok().and_then(|count| count.checked_mul(N)).ok_or_else(|| damaged("a count"))?;
    let mut rows = Vec::new();
    portions(input, count, &mut |bytes| rows.extend(bytes.as_chunks::<N>().0.iter().map(&row)))?;
    rows.shrink_to_fit();
    Ok(rows)
}

/// The four words of a row.
fn words(row: &[u8; 16]) -> [[u8; 4]; 4] {
    [0, 4, 8, 12].map(|at| [row[at], row[at + 1], row[at + 2], row[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CoverageBuilder, Figure, Region};

    fn square(x: f64, y: f64, side: f64) -> Region {
        let mut region = Region::default();
        region.push([[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]].into_iter(), true);
        region
    }

    /// Read back into memory.
    fn thaw(mut bytes: &[u8]) -> io::Result<Coverage> {
        Coverage::thaw(&mut bytes, |_, _| Ok(None))
    }

    #[test]
    fn what_is_thawed_measures_the_same() {
        let mut builder = CoverageBuilder::default();
        for k in 0..50 {
            builder.push(&square(f64::from(k) * 0.9, f64::from(k % 7), 1.0)).unwrap();
        }
        let coverage = builder.finish().unwrap();
        let mut bytes = Vec::new();
        coverage.freeze(&mut bytes).unwrap();
        let thawed = thaw(&bytes).unwrap();
        let figure = Figure::new(square(3.3, 0.2, 9.0));
        let (hits, again) = (coverage.hits(&figure).unwrap(), thawed.hits(&figure).unwrap());
        assert_eq!(again, hits);
        assert_eq!(thawed.covered_m2(&figure, &again).unwrap(), coverage.covered_m2(&figure, &hits).unwrap());
        assert_eq!(thawed.overlaps(), coverage.overlaps());
    }

    #[test]
    fn bytes_cut_or_changed_are_an_error_or_another_coverage_but_no_panic() {
        let mut builder = CoverageBuilder::default();
        builder.push(&square(0.0, 0.0, 1.0)).unwrap();
        builder.push(&square(0.5, 0.0, 1.0)).unwrap();
        let mut bytes = Vec::new();
        builder.finish().unwrap().freeze(&mut bytes).unwrap();
        for end in 0..bytes.len() {
            assert!(thaw(&bytes[..end]).is_err(), "{end}");
        }
        let figure = Figure::new(square(0.2, 0.2, 0.5));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            if let Ok(coverage) = thaw(&changed) {
                let hits = coverage.hits(&figure).unwrap();
                assert!(coverage.covered_m2(&figure, &hits).unwrap() >= 0.0, "{at}");
            }
        }
    }
}
