//! Outlines as well-known binary (ISO 13249-3, little-endian), so that any GIS can read the database file.
//!
//! Our own and small because it must give back exactly what it was given: rings that are unclosed, too short or empty, coordinates
//! to the last bit, and whether the file said Polygon or `MultiPolygon`. Libraries close, drop or refuse such rings.

use super::StoreError;
use crate::geom::Outline;

const LITTLE_ENDIAN: u8 = 1;
const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;
/// For what WKB's Polygon cannot say: an outline that did not come as a `MultiPolygon`, yet has no part, or several.
const COLLECTION: u32 = 7;

/// Bytes of byte order, type and count, which open every geometry.
const HEAD: usize = 9;
/// Bytes of the count that opens a ring.
const RING_HEAD: usize = 4;
/// Bytes of a position.
const POSITION: usize = 16;

/// The outline as WKB, in as many bytes as it takes.
pub(super) fn write(outline: &Outline) -> Vec<u8> {
    let (parts, rings) = (outline.part_ends.len(), outline.ring_ends.len());
    let mut out = Vec::with_capacity(HEAD * (1 + parts) + RING_HEAD * rings + POSITION * outline.positions.len());
    if outline.multi || parts != 1 {
        head(&mut out, if outline.multi { MULTI_POLYGON } else { COLLECTION }, parts);
    }
    let (mut ring_start, mut start) = (0, 0);
    for part_end in &outline.part_ends {
        let ends = outline.ring_ends.get(ring_start..*part_end as usize).unwrap_or_default();
        ring_start = *part_end as usize;
        head(&mut out, POLYGON, ends.len());
        for end in ends {
            let ring = outline.positions.get(start..*end as usize).unwrap_or_default();
            start = *end as usize;
            out.extend_from_slice(&(ring.len() as u32).to_le_bytes());
            for [x, y] in ring {
                out.extend_from_slice(&x.to_le_bytes());
                out.extend_from_slice(&y.to_le_bytes());
            }
        }
    }
    out
}

fn head(out: &mut Vec<u8>, kind: u32, count: usize) {
    out.push(LITTLE_ENDIAN);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&(count as u32).to_le_bytes());
}

/// The outline of some WKB that [`write`] wrote. Anything else is refused; no count is believed before the bytes for it are seen.
pub(super) fn read(bytes: &[u8]) -> Result<Outline, StoreError> {
    let mut rest = Rest(bytes);
    let mut outline = Outline { positions: Vec::with_capacity(bytes.len() / POSITION), ..Outline::default() };
    match rest.head()? {
        (POLYGON, rings) => rest.part(rings, &mut outline)?,
        (kind @ (MULTI_POLYGON | COLLECTION), parts) => {
            outline.multi = kind == MULTI_POLYGON;
            for _ in 0..rest.believe(parts, HEAD)? {
                match rest.head()? {
                    (POLYGON, rings) => rest.part(rings, &mut outline)?,
                    (kind, _) => return Err(damaged(&format!("a part of type {kind}"))),
                }
            }
        }
        (kind, _) => return Err(damaged(&format!("type {kind}"))),
    }
    if rest.0.is_empty() { Ok(outline) } else { Err(damaged("bytes after the end")) }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("outline: {what}"))
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(|| damaged("cut short"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32, StoreError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    /// Type and count of the geometry that starts here.
    fn head(&mut self) -> Result<(u32, u32), StoreError> {
        let [order] = self.take()?;
        if order != LITTLE_ENDIAN {
            return Err(damaged(&format!("byte order {order}")));
        }
        Ok((self.number()?, self.number()?))
    }

    /// `count` things of at least `each` bytes, if so many can still come.
    fn believe(&self, count: u32, each: usize) -> Result<usize, StoreError> {
        let count = count as usize;
        if count > self.0.len() / each { Err(damaged("counts more than there is")) } else { Ok(count) }
    }

    fn part(&mut self, rings: u32, outline: &mut Outline) -> Result<(), StoreError> {
        for _ in 0..self.believe(rings, RING_HEAD)? {
            let count = self.number()?;
            let (ring, rest) = self.0.split_at(self.believe(count, POSITION)? * POSITION);
            self.0 = rest;
            outline.positions.extend(ring.chunks_exact(POSITION).map(|at| {
                let (x, y) = at.split_at(POSITION / 2);
                [double(x), double(y)]
            }));
            outline.end_ring();
        }
        outline.end_part();
        Ok(())
    }
}

fn double(bytes: &[u8]) -> f64 {
    f64::from_le_bytes(bytes.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Parts of rings of bit patterns: every double there is, also those that are no number.
    fn any_outline() -> impl Strategy<Value = Outline> {
        let ring = prop::collection::vec(prop::array::uniform2(any::<u64>().prop_map(f64::from_bits)), 0..6);
        let parts = prop::collection::vec(prop::collection::vec(ring, 0..4), 0..4);
        (parts, any::<bool>()).prop_map(|(parts, multi)| {
            let mut outline = Outline { multi, ..Outline::default() };
            for rings in parts {
                for ring in rings {
                    outline.push_ring(&ring);
                }
                outline.end_part();
            }
            outline
        })
    }

    fn bits(outline: &Outline) -> (Vec<[u64; 2]>, &[u32], &[u32], bool) {
        (outline.positions.iter().map(|at| at.map(f64::to_bits)).collect(), &outline.ring_ends, &outline.part_ends, outline.multi)
    }

    proptest! {
        #[test]
        fn every_outline_reads_back_to_the_last_bit(outline in any_outline()) {
            let read = read(&write(&outline)).unwrap();
            prop_assert_eq!(bits(&read), bits(&outline));
        }

        #[test]
        fn every_cut_is_noticed(outline in any_outline(), cut in any::<prop::sample::Index>()) {
            let bytes = write(&outline);
            prop_assert!(read(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_flipped_byte_never_panics(outline in any_outline(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = write(&outline);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }

    #[test]
    fn a_square_is_the_wkb_that_others_write() {
        // Oracle: Python, `struct.pack('<BIII', 1, 3, 1, 4) + struct.pack('<8d', 1, 2, 3, 2, 3, 4, 1, 2)`, the layout of OGC 06-103r4, 8.2.
        let written = write(&Outline::polygon(&[[[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 2.0]]]));
        let hex = written.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
        assert_eq!(
            hex,
            "01030000000100000004000000000000000000F03F00000000000000400000000000000840000000000000004000000000000008400000000000001040000000000000F03F0000000000000040"
        );
    }

    #[test]
    fn a_lying_count_allocates_nothing() {
        for kind in [POLYGON, MULTI_POLYGON, COLLECTION] {
            let mut bytes = Vec::new();
            head(&mut bytes, kind, u32::MAX as usize);
            assert!(matches!(read(&bytes), Err(StoreError::Damaged(_))));
        }
        let mut bytes = Vec::new();
        head(&mut bytes, POLYGON, 1);
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(read(&bytes), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn inconsistent_ends_do_not_panic() {
        let outline = Outline { positions: vec![[0.0, 0.0]], ring_ends: vec![9, 1], part_ends: vec![2, 1, 7], multi: false };
        assert!(read(&write(&outline)).is_ok());
    }
}
