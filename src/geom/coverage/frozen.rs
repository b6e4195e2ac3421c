//! A coverage as bytes, so that a service need not cut and compare a city's parcels each time it starts.
//!
//! Little-endian: members, then positions, ring ends, pieces and overlaps, each after its count. Boxes and the index are made anew, which costs less than
//! checking them. Every number that refers to another is checked on the way in: bytes that are not a coverage are an error, never a panic.

use super::{Bounds, Coverage, Overlap, Piece, index};
use std::io::{self, Read, Write};

impl Coverage {
    /// Writes the coverage.
    pub fn freeze(&self, out: &mut impl Write) -> io::Result<()> {
        put(out, u64::from(self.members))?;
        put(out, self.positions.len() as u64)?;
        for at in &self.positions {
            out.write_all(&at[0].to_le_bytes())?;
            out.write_all(&at[1].to_le_bytes())?;
        }
        put(out, self.ring_ends.len() as u64)?;
        for end in &self.ring_ends {
            out.write_all(&end.to_le_bytes())?;
        }
        put(out, self.pieces.len() as u64)?;
        for piece in &self.pieces {
            for number in [piece.member, piece.rings[0], piece.rings[1]] {
                out.write_all(&number.to_le_bytes())?;
            }
        }
        put(out, self.overlaps.len() as u64)?;
        for overlap in &self.overlaps {
            for member in overlap.members {
                out.write_all(&member.to_le_bytes())?;
            }
            out.write_all(&overlap.area_m2.to_le_bytes())?;
        }
        Ok(())
    }

    /// Reads what [`freeze`](Self::freeze) wrote.
    pub fn thaw(input: &mut &[u8]) -> io::Result<Self> {
        let members = u32::try_from(take(input)?).map_err(|_| damaged("members"))?;
        let positions: Vec<[f64; 2]> = rows::<16>(input)?.map(|row| [double(&row[..8]), double(&row[8..])]).collect();
        let ring_ends: Vec<u32> = rows::<4>(input)?.map(|row| number(row)).collect();
        let pieces: Vec<Piece> = rows::<12>(input)?.map(|row| Piece { member: number(&row[..4]), rings: [number(&row[4..8]), number(&row[8..])] }).collect();
        let overlaps: Vec<Overlap> =
            rows::<16>(input)?.map(|row| Overlap { members: [number(&row[..4]), number(&row[4..8])], area_m2: double(&row[8..]) }).collect();
        let whole = positions.iter().flatten().all(|value| value.is_finite())
            && ring_ends.is_sorted()
            && ring_ends.last().copied().unwrap_or(0) as usize == positions.len()
            && pieces.iter().all(|piece| piece.member < members && piece.rings[0] < piece.rings[1] && piece.rings[1] as usize <= ring_ends.len())
            && overlaps.iter().all(|overlap| overlap.members.iter().all(|member| *member < members));
        if !whole {
            return Err(damaged("a reference"));
        }
        let mut coverage = Self { positions, ring_ends, pieces, index: None, members, overlaps: Vec::new(), overlapping: Vec::new() };
        let boxes: Vec<Bounds> =
            (0..coverage.pieces.len() as u32).map(|piece| coverage.rings(piece).map(Bounds::of).fold(Bounds::EMPTY, |all, one| all.union(&one))).collect();
        coverage.index = index(&boxes);
        coverage.note(overlaps);
        Ok(coverage)
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is not as it was written"))
}

fn put(out: &mut impl Write, count: u64) -> io::Result<()> {
    out.write_all(&count.to_le_bytes())
}

fn take(input: &mut &[u8]) -> io::Result<u64> {
    let mut count = [0; 8];
    input.read_exact(&mut count)?;
    Ok(u64::from_le_bytes(count))
}

/// The rows of `N` bytes that follow their count.
fn rows<'a, const N: usize>(input: &mut &'a [u8]) -> io::Result<impl Iterator<Item = &'a [u8; N]> + use<'a, N>> {
    let count = usize::try_from(take(input)?).map_err(|_| damaged("a count"))?;
    let bytes = count.checked_mul(N).filter(|bytes| *bytes <= input.len()).ok_or_else(|| damaged("a count"))?;
    let (these, rest) = input.split_at(bytes);
    *input = rest;
    Ok(these.as_chunks::<N>().0.iter())
}

fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(u32::MAX, u32::from_le_bytes)
}

fn double(bytes: &[u8]) -> f64 {
    bytes.try_into().map_or(f64::NAN, f64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{CoverageBuilder, Figure, Region};

    fn square(x: f64, y: f64, side: f64) -> Region {
        let mut region = Region::default();
        region.push([[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]].into_iter(), true);
        region
    }

    #[test]
    fn what_is_thawed_measures_the_same() {
        let mut builder = CoverageBuilder::default();
        for k in 0..50 {
            builder.push(&square(f64::from(k) * 0.9, f64::from(k % 7), 1.0));
        }
        let coverage = builder.finish();
        let mut bytes = Vec::new();
        coverage.freeze(&mut bytes).unwrap();
        let thawed = Coverage::thaw(&mut bytes.as_slice()).unwrap();
        let figure = Figure::new(square(3.3, 0.2, 9.0));
        assert_eq!(thawed.hits(&figure), coverage.hits(&figure));
        assert_eq!(thawed.covered_m2(&figure, &thawed.hits(&figure)), coverage.covered_m2(&figure, &coverage.hits(&figure)));
        assert_eq!(thawed.overlaps(), coverage.overlaps());
    }

    #[test]
    fn bytes_cut_or_changed_are_an_error_or_another_coverage_but_no_panic() {
        let mut builder = CoverageBuilder::default();
        builder.push(&square(0.0, 0.0, 1.0));
        builder.push(&square(0.5, 0.0, 1.0));
        let mut bytes = Vec::new();
        builder.finish().freeze(&mut bytes).unwrap();
        for end in 0..bytes.len() {
            assert!(Coverage::thaw(&mut &bytes[..end]).is_err(), "{end}");
        }
        let figure = Figure::new(square(0.2, 0.2, 0.5));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            if let Ok(coverage) = Coverage::thaw(&mut changed.as_slice()) {
                let hits = coverage.hits(&figure);
                assert!(coverage.covered_m2(&figure, &hits) >= 0.0, "{at}");
            }
        }
    }
}
