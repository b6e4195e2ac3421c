//! Where the positions of pieces lie: in memory, or on a shelf outside it.
//!
//! The kernel knows no files: the caller that prepares a layer brings the shelf. A position is two little-endian doubles; those of one piece lie side by side and
//! are read back together. Each piece has the checksum of its positions in memory, and what comes back from a shelf is held against it.

use super::Coverage;
use std::io;
use twox_hash::XxHash3_64;

/// Bytes outside memory: appended to, then read back in any order, from any thread.
pub trait Shelf: std::fmt::Debug + Send + Sync {
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Fills `bytes` with what was appended from `start` on.
    fn read_at(&self, start: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// Bytes of a position.
pub(super) const WIDTH: usize = 16;

/// Bytes gathered for one appending to a shelf.
const PORTION: usize = 1 << 20;

/// The positions of all pieces, in their order.
#[derive(Debug)]
pub(super) enum Positions {
    /// In memory.
    Held(Vec<[f64; 2]>),
    /// Outside: so many positions, of which the last few are still on their way.
    Shelved { shelf: Box<dyn Shelf>, count: u32, pending: Vec<u8> },
}

impl Default for Positions {
    fn default() -> Self {
        Self::Held(Vec::new())
    }
}

impl Positions {
    pub(super) fn len(&self) -> u32 {
        match self {
            Self::Held(positions) => positions.len() as u32,
            Self::Shelved { count, .. } => *count,
        }
    }

    pub(super) fn is_shelved(&self) -> bool {
        matches!(self, Self::Shelved { .. })
    }

    pub(super) fn append(&mut self, more: &[[f64; 2]]) -> io::Result<()> {
        match self {
            Self::Held(positions) => positions.extend_from_slice(more),
            Self::Shelved { shelf, count, pending } => {
                *count += more.len() as u32;
                encode(more, pending);
                if pending.len() >= PORTION {
                    shelf.append(pending)?;
                    pending.clear();
                }
            }
        }
        Ok(())
    }

    /// None yet, with room for so many.
    pub(super) fn held(count: u32) -> Self {
        Self::Held(Vec::with_capacity(count as usize))
    }

    /// None yet, on an empty shelf.
    pub(super) fn shelved(shelf: Box<dyn Shelf>) -> Self {
        Self::Shelved { shelf, count: 0, pending: Vec::with_capacity(PORTION) }
    }

    /// Moves what is held to `shelf`, where all that follows goes too.
    pub(super) fn shelve(&mut self, shelf: Box<dyn Shelf>) -> io::Result<()> {
        if let Self::Held(held) = std::mem::replace(self, Self::shelved(shelf)) {
            held.chunks(PORTION / WIDTH).try_for_each(|positions| self.append(positions))?;
        }
        Ok(())
    }

    /// Nothing follows any more.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        match self {
            Self::Held(positions) => positions.shrink_to_fit(),
            Self::Shelved { shelf, pending, .. } => shelf.append(&std::mem::take(pending))?,
        }
        Ok(())
    }
}

/// Reads pieces, one at a time, into the same memory.
pub(super) struct Reader<'c> {
    coverage: &'c Coverage,
    bytes: Vec<u8>,
    positions: Vec<[f64; 2]>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(coverage: &'c Coverage) -> Self {
        Self { coverage, bytes: Vec::new(), positions: Vec::new() }
    }

    /// The rings of a piece, as they were appended.
    pub(super) fn rings(&mut self, piece: u32) -> io::Result<impl Iterator<Item = &[[f64; 2]]> + Clone> {
        let [first, end] = self.coverage.pieces[piece as usize].rings;
        let ends = &self.coverage.ring_ends;
        let begin = move |ring: u32| ring.checked_sub(1).map_or(0, |before| ends[before as usize] as usize);
        let (start, positions) = match &self.coverage.positions {
            Positions::Held(positions) => (0, positions.as_slice()),
            Positions::Shelved { shelf, .. } => {
                self.bytes.resize((begin(end) - begin(first)) * WIDTH, 0);
                shelf.read_at((begin(first) * WIDTH) as u64, &mut self.bytes)?;
                if checksum(&self.bytes) != self.coverage.pieces[piece as usize].sum {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "positions of a layer that were put out of memory are not as they were written"));
                }
                self.positions.clear();
                decode(&self.bytes, &mut self.positions);
                (begin(first), self.positions.as_slice())
            }
        };
        Ok((first..end).map(move |ring| &positions[begin(ring) - start..begin(ring + 1) - start]))
    }
}

/// Appends positions as bytes.
pub(super) fn encode(positions: &[[f64; 2]], bytes: &mut Vec<u8>) {
    bytes.extend(positions.iter().flatten().flat_map(|value| value.to_le_bytes()));
}

/// Appends bytes as positions.
pub(super) fn decode(bytes: &[u8], positions: &mut Vec<[f64; 2]>) {
    let double = |bytes: &[u8; WIDTH / 2]| f64::from_le_bytes(*bytes);
    positions.extend(bytes.as_chunks::<{ WIDTH / 2 }>().0.as_chunks::<2>().0.iter().map(|[x, y]| [double(x), double(y)]));
}

/// Against damage, not against malice: half of xxh3, which costs less than reading.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    XxHash3_64::oneshot(bytes) as u32
}
