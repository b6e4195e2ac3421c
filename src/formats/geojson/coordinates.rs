//! Arrays of coordinates to outlines: the loop in which reading a survey spends its time.

use super::position;
use crate::formats::json;
use crate::formats::{Fault, FaultKind};
use tuban_engine::model::Place;
use tuban_geom::Outline;

/// Coordinates as read.
pub(super) struct Coordinates {
    pub outline: Outline,
    /// The most decimals seen.
    pub decimals: u8,
    /// Whether positions have more than two coordinates.
    pub has_z: bool,
    /// Where the text goes on.
    pub end: usize,
}

impl Coordinates {
    /// Takes the parts of another one in.
    pub fn join(&mut self, other: Self) {
        let (positions, rings) = (self.outline.positions.len() as u32, self.outline.ring_ends.len() as u32);
        self.outline.positions.extend(other.outline.positions);
        self.outline.ring_ends.extend(other.outline.ring_ends.iter().map(|end| positions + end));
        self.outline.part_ends.extend(other.outline.part_ends.iter().map(|end| rings + end));
        self.outline.multi = true;
        self.decimals = self.decimals.max(other.decimals);
        self.has_z |= other.has_z;
    }
}

/// Reads the array at `start`, of a `Polygon` or (`multi`) a `MultiPolygon`, which takes at most `left` bytes. On a fault the text may be no JSON at all:
/// the caller must check.
pub(super) fn read(text: &str, start: usize, left: usize, multi: bool) -> Result<Coordinates, Fault> {
    let mut reader = Reading {
        bytes: text.as_bytes(),
        at: start,
        // Written with nine decimals, a position takes 24 bytes; guessed a little high, so that it rarely has to grow.
        outline: Outline { positions: Vec::with_capacity(left / 22), ring_ends: Vec::with_capacity(1), part_ends: Vec::with_capacity(1), multi },
        decimals: 0,
        has_z: false,
        ring_start: 0,
    };
    if multi {
        reader.list(0, Reading::part)?;
    } else {
        reader.part()?;
    }
    if reader.outline.positions.is_empty() {
        return Err(Fault::of(FaultKind::EmptyGeometry));
    }
    let Reading { at: end, mut outline, decimals, has_z, .. } = reader;
    // The guess was meant to be a little high; what is far too high must not be kept.
    if outline.positions.capacity() > 2 * outline.positions.len() {
        outline.positions.shrink_to_fit();
    }
    Ok(Coordinates { outline, decimals, has_z, end })
}

struct Reading<'a> {
    bytes: &'a [u8],
    at: usize,
    outline: Outline,
    decimals: u8,
    has_z: bool,
    /// Where the open ring begins in the outline's positions.
    ring_start: usize,
}

impl Reading<'_> {
    fn part(&mut self) -> Result<(), Fault> {
        let before = self.outline.ring_ends.len();
        self.list(1, Self::ring)?;
        if self.outline.ring_ends.len() == before {
            // A part without rings would be lost without a word; one whose ring is empty is a defect with a name and a place.
            self.outline.end_ring();
        }
        self.outline.end_part();
        Ok(())
    }

    fn ring(&mut self) -> Result<(), Fault> {
        self.ring_start = self.outline.positions.len();
        self.list(2, Self::position)?;
        self.outline.end_ring();
        Ok(())
    }

    /// An array; `element` reads each of its elements and stands at its first byte. `level` is 0 for parts, 1 for rings, 2 for positions.
    #[inline]
    fn list(&mut self, level: u8, mut element: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.peek() != b'[' {
            return Err(self.misplaced(level));
        }
        self.at += 1;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            element(self)?;
            match self.peek() {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.misplaced(level)),
            }
            self.peek();
        }
    }

    #[inline]
    fn position(&mut self) -> Result<(), Fault> {
        if self.plain_positions::<false>() || self.plain_positions::<true>() {
            return Ok(());
        }
        if self.peek() != b'[' {
            return Err(self.misplaced(3));
        }
        self.at += 1;
        let x = self.coordinate()?;
        if self.peek() != b',' {
            return Err(self.no_second());
        }
        self.at += 1;
        let y = self.coordinate()?;
        while self.peek() == b',' {
            self.at += 1;
            self.peek();
            self.at = json::number(self.bytes, self.at).map_err(|_| self.no_number())?.end;
            self.has_z = true;
        }
        if self.peek() != b']' {
            return Err(self.no_number());
        }
        self.at += 1;
        self.outline.positions.push([x, y]);
        Ok(())
    }

    /// Reads positions as long as they are written plainly, with no more than a space between them; whether it read any.
    #[inline]
    fn plain_positions<const SPACED: bool>(&mut self) -> bool {
        let (start, bytes) = (self.at, self.bytes);
        let mut at = start;
        while let Some(position) = position::read::<SPACED>(bytes, at) {
            self.outline.positions.push(position.at);
            self.decimals = self.decimals.max(position.decimals);
            self.at = position.end;
            if bytes.get(position.end) != Some(&b',') {
                break;
            }
            at = position.end + 1 + usize::from(SPACED && bytes.get(position.end + 1) == Some(&b' '));
        }
        self.at > start
    }

    #[inline]
    fn coordinate(&mut self) -> Result<f64, Fault> {
        self.peek();
        let Ok(number) = json::number(self.bytes, self.at) else { return Err(self.no_number()) };
        if number.value.is_infinite() {
            return Err(self.here(FaultKind::NonFinite));
        }
        self.decimals = self.decimals.max(number.decimals);
        self.at = number.end;
        Ok(number.value)
    }

    /// The next byte that is not white space; 0 at the end.
    #[inline]
    fn peek(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// Something else where an array should be: numbers mean too few levels of arrays.
    #[cold]
    fn misplaced(&self, level: u8) -> Fault {
        let kind = match self.bytes.get(self.at) {
            Some(b'"' | b'{' | b't' | b'f' | b'n') => FaultKind::NotANumber,
            _ => FaultKind::BadNesting,
        };
        // The position or ring it is about may not have been begun.
        let mut fault = self.here(kind);
        if level < 3 {
            fault.place.vertex = None;
        }
        if level < 2 {
            fault.place.ring = None;
        }
        if level == 0 {
            fault.place = Place::default();
        }
        fault
    }

    #[cold]
    fn no_second(&self) -> Fault {
        self.here(if self.bytes.get(self.at) == Some(&b']') { FaultKind::ShortPosition } else { FaultKind::NotANumber })
    }

    #[cold]
    fn no_number(&self) -> Fault {
        self.here(match self.bytes.get(self.at) {
            Some(b'[') => FaultKind::BadNesting,
            Some(b']') => FaultKind::ShortPosition,
            _ => FaultKind::NotANumber,
        })
    }

    /// A fault of the position that is being read.
    #[cold]
    fn here(&self, kind: FaultKind) -> Fault {
        let parts = &self.outline.part_ends;
        let ring = self.outline.ring_ends.len() as u32 - parts.last().copied().unwrap_or(0);
        let vertex = (self.outline.positions.len() - self.ring_start) as u32;
        Fault { kind, place: Place { part: self.outline.multi.then_some(parts.len() as u32), ring: Some(ring), vertex: Some(vertex) } }
    }
}
