//! Outlines as well-known binary (WKB, ISO 13249-3), little-endian and two-dimensional: what databases keep and GDAL reads and writes.
//!
//! The codec is our own because [`read`] must give back exactly what [`write()`] was given: rings that are unclosed, too short or empty, coordinates
//! to the last bit, and whether the file said Polygon or `MultiPolygon`. Libraries close, drop or refuse such rings.

use super::Outline;

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

/// Why some WKB is no outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WkbError {
    /// It ends before it is complete.
    #[error("cut short")]
    CutShort,
    /// It goes on after its end.
    #[error("bytes after the end")]
    TrailingBytes,
    /// Its numbers are in another order than little-endian.
    #[error("byte order {0}")]
    ByteOrder(u8),
    /// It announces more than there are bytes for.
    #[error("counts more than there is")]
    CountTooLarge,
    /// It is a geometry of another type.
    #[error("type {0}")]
    Type(u32),
    /// One of its parts is not a polygon, but of this type.
    #[error("a part of type {0}")]
    PartType(u32),
}

/// The outline as WKB, to be read back by [`read`].
///
/// ```
/// use tuban_geom::{Outline, wkb};
///
/// let open_ring = Outline::polygon(&[[[118.35, 35.05], [118.36, 35.05], [118.36, 35.06]]]);
/// assert_eq!(wkb::read(&wkb::write(&open_ring))?, open_ring);
/// # Ok::<(), wkb::WkbError>(())
/// ```
#[must_use]
pub fn write(outline: &Outline) -> Vec<u8> {
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
            let positions = outline.positions.get(start..*end as usize).unwrap_or_default();
            start = *end as usize;
            ring(&mut out, positions, None);
        }
    }
    out
}

/// Appends an outline as a `MultiPolygon` with closed rings, as other programs expect them.
pub fn write_multi_polygon(outline: &Outline, out: &mut Vec<u8>) {
    head(out, MULTI_POLYGON, outline.part_ends.len());
    for rings in outline.parts() {
        head(out, POLYGON, rings.len());
        for number in rings {
            let positions = outline.ring(number);
            ring(out, positions, if positions.first() == positions.last() { None } else { positions.first() });
        }
    }
}

fn head(out: &mut Vec<u8>, kind: u32, count: usize) {
    out.push(LITTLE_ENDIAN);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&(count as u32).to_le_bytes());
}

fn ring(out: &mut Vec<u8>, positions: &[[f64; 2]], closing: Option<&[f64; 2]>) {
    out.extend_from_slice(&((positions.len() + closing.iter().len()) as u32).to_le_bytes());
    for [x, y] in positions.iter().chain(closing) {
        out.extend_from_slice(&x.to_le_bytes());
        out.extend_from_slice(&y.to_le_bytes());
    }
}

/// The outline that [`write()`] was given.
pub fn read(bytes: &[u8]) -> Result<Outline, WkbError> {
    outline(bytes, |kind| matches!(kind, MULTI_POLYGON | COLLECTION))
}

/// The outline of a Polygon or `MultiPolygon` of any program; its positions may be numbers that are not finite.
pub fn read_polygons(bytes: &[u8]) -> Result<Outline, WkbError> {
    outline(bytes, |kind| kind == MULTI_POLYGON)
}

/// The outline of a Polygon, or of a geometry of polygons that is of a type `holds_parts` accepts. No count is believed before the bytes for it are seen.
fn outline(bytes: &[u8], holds_parts: impl Fn(u32) -> bool) -> Result<Outline, WkbError> {
    let mut rest = Rest(bytes);
    let mut outline = Outline { positions: Vec::with_capacity(bytes.len() / POSITION), ..Outline::default() };
    match rest.head()? {
        (POLYGON, rings) => rest.part(rings, &mut outline)?,
        (kind, parts) if holds_parts(kind) => {
            outline.multi = kind == MULTI_POLYGON;
            for _ in 0..rest.believe(parts, HEAD)? {
                match rest.head()? {
                    (POLYGON, rings) => rest.part(rings, &mut outline)?,
                    (kind, _) => return Err(WkbError::PartType(kind)),
                }
            }
        }
        (kind, _) => return Err(WkbError::Type(kind)),
    }
    if rest.0.is_empty() { Ok(outline) } else { Err(WkbError::TrailingBytes) }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WkbError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(WkbError::CutShort)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32, WkbError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    /// Type and count of the geometry that starts here.
    fn head(&mut self) -> Result<(u32, u32), WkbError> {
        let [order] = self.take()?;
        if order != LITTLE_ENDIAN {
            return Err(WkbError::ByteOrder(order));
        }
        Ok((self.number()?, self.number()?))
    }

    /// `count` things of at least `each` bytes, if so many can still come.
    fn believe(&self, count: u32, each: usize) -> Result<usize, WkbError> {
        let count = count as usize;
        if count > self.0.len() / each { Err(WkbError::CountTooLarge) } else { Ok(count) }
    }

    fn part(&mut self, rings: u32, outline: &mut Outline) -> Result<(), WkbError> {
        for _ in 0..self.believe(rings, RING_HEAD)? {
            let count = self.number()?;
            let (ring, rest) = self.0.split_at(self.believe(count, POSITION)? * POSITION);
            self.0 = rest;
            let positions = ring.as_chunks::<8>().0.as_chunks::<2>().0;
            outline.positions.extend(positions.iter().map(|[x, y]| [f64::from_le_bytes(*x), f64::from_le_bytes(*y)]));
            outline.end_ring();
        }
        outline.end_part();
        Ok(())
    }
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
            assert!(matches!(read(&bytes), Err(WkbError::CountTooLarge)));
        }
        let mut bytes = Vec::new();
        head(&mut bytes, POLYGON, 1);
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(read(&bytes), Err(WkbError::CountTooLarge)));
    }

    #[test]
    fn what_other_programs_get_reads_back_closed_and_as_a_multi_polygon() {
        let (open, closed) = ([[1.0, 2.0], [3.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 2.0]]);
        let mut wkb = Vec::new();
        write_multi_polygon(&Outline::polygon(&[&open[..], &closed]), &mut wkb);
        assert_eq!(read_polygons(&wkb), Ok(Outline { multi: true, ..Outline::polygon(&[closed, closed]) }));
    }

    #[test]
    fn a_collection_is_our_own_and_of_no_other_program() {
        let wkb = write(&Outline::default());
        assert_eq!((read(&wkb), read_polygons(&wkb)), (Ok(Outline::default()), Err(WkbError::Type(COLLECTION))));
    }

    #[test]
    fn inconsistent_ends_do_not_panic() {
        let outline = Outline { positions: vec![[0.0, 0.0]], ring_ends: vec![9, 1], part_ends: vec![2, 1, 7], multi: false };
        assert!(read(&write(&outline)).is_ok());
    }
}
