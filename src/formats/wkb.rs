//! Outlines from well-known binary as GDAL writes it, and to what GDAL reads: flat, little-endian. What is no polygon is a fault of its feature.

use super::{Fault, FaultKind};
use crate::geom::Outline;
use crate::land::Place;

const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;
/// Bytes of byte order, type and count.
const HEAD: usize = 9;
/// Bytes of a position.
const POSITION: usize = 16;

/// The outline of some WKB, of at most so many vertices; or why it has none. No bytes are no geometry.
pub fn outline(wkb: &[u8], most_vertices: u64) -> Result<Outline, Fault> {
    if wkb.is_empty() {
        return Err(Fault::of(FaultKind::NoGeometry));
    }
    let mut rest = Rest(wkb);
    let mut outline = Outline { positions: Vec::with_capacity(wkb.len() / POSITION), ..Outline::default() };
    match rest.head().ok_or_else(nonsense)? {
        (POLYGON, rings) => rest.part(rings, &mut outline).ok_or_else(nonsense)?,
        (MULTI_POLYGON, parts) => {
            outline.multi = true;
            for _ in 0..parts {
                match rest.head() {
                    Some((POLYGON, rings)) => rest.part(rings, &mut outline).ok_or_else(nonsense)?,
                    _ => return Err(nonsense()),
                }
            }
        }
        (kind, _) => return Err(Fault::of(FaultKind::NotAPolygon(name(kind)))),
    }
    if outline.positions.is_empty() {
        return Err(Fault::of(FaultKind::EmptyGeometry));
    }
    if outline.positions.len() as u64 > most_vertices {
        return Err(Fault::of(FaultKind::TooManyVertices(most_vertices)));
    }
    match outline.positions.iter().position(|at| !at.iter().all(|number| number.is_finite())) {
        None => Ok(outline),
        Some(position) => {
            let ring = outline.ring_ends.partition_point(|end| *end as usize <= position);
            let start = if ring == 0 { 0 } else { outline.ring_ends[ring - 1] };
            let (part, ring) = outline.place_of(ring);
            Err(Fault {
                kind: FaultKind::NonFinite,
                place: Place { part: outline.multi.then_some(part), ring: Some(ring), vertex: Some(position as u32 - start) },
            })
        }
    }
}

/// Appends an outline as a `MultiPolygon`; rings are closed.
pub fn multi_polygon(outline: &Outline, out: &mut Vec<u8>) {
    let head = |out: &mut Vec<u8>, kind: u32, count: usize| {
        out.push(1);
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&(count as u32).to_le_bytes());
    };
    head(out, MULTI_POLYGON, outline.part_ends.len());
    for rings in outline.parts() {
        head(out, POLYGON, rings.len());
        for ring in rings {
            let ring = outline.ring(ring);
            let closing = if ring.first() == ring.last() { None } else { ring.first() };
            out.extend_from_slice(&((ring.len() + closing.iter().len()) as u32).to_le_bytes());
            ring.iter().chain(closing).flatten().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        }
    }
}

fn nonsense() -> Fault {
    Fault::of(FaultKind::BadNesting)
}

fn name(kind: u32) -> String {
    match kind % 1000 {
        1 => "Point",
        2 => "LineString",
        4 => "MultiPoint",
        5 => "MultiLineString",
        7 => "GeometryCollection",
        15 => "PolyhedralSurface",
        16 => "TIN",
        17 => "Triangle",
        _ => return format!("WKB {kind}"),
    }
    .to_owned()
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn number(&mut self) -> Option<u32> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*taken))
    }

    /// Type and count. A count is believed only where there are bytes for it.
    fn head(&mut self) -> Option<(u32, u32)> {
        let (order, rest) = self.0.split_first()?;
        self.0 = rest;
        let (kind, count) = ((*order == 1).then(|| self.number()).flatten()?, self.number()?);
        Some((kind, if kind == MULTI_POLYGON { count.min((self.0.len() / HEAD) as u32 + 1) } else { count }))
    }

    fn part(&mut self, rings: u32, outline: &mut Outline) -> Option<()> {
        for _ in 0..rings {
            let bytes = (self.number()? as usize).checked_mul(POSITION)?;
            let (ring, rest) = self.0.split_at_checked(bytes)?;
            self.0 = rest;
            outline.positions.extend(ring.as_chunks::<8>().0.as_chunks::<2>().0.iter().map(|[x, y]| [f64::from_le_bytes(*x), f64::from_le_bytes(*y)]));
            outline.end_ring();
        }
        outline.end_part();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(ring: &[[f64; 2]]) -> Vec<u8> {
        let mut wkb = vec![1];
        for number in [POLYGON, 1, ring.len() as u32] {
            wkb.extend(number.to_le_bytes());
        }
        ring.iter().flatten().for_each(|number| wkb.extend(number.to_le_bytes()));
        wkb
    }

    #[test]
    fn what_is_written_reads_back_closed() {
        let (open, closed) = ([[1.0, 2.0], [3.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 2.0]]);
        let mut wkb = Vec::new();
        multi_polygon(&Outline::polygon(&[&open[..], &closed]), &mut wkb);
        assert_eq!(outline(&wkb, u64::MAX), Ok(Outline { multi: true, ..Outline::polygon(&[closed, closed]) }));
    }

    #[test]
    fn polygons_are_read_and_the_rest_named() {
        let ring = [[1.0, 2.0], [3.0, 2.0], [3.0, 4.0], [1.0, 2.0]];
        let wkb = polygon(&ring);
        assert_eq!(outline(&wkb, u64::MAX), Ok(Outline::polygon(&[ring])));
        let multi = [vec![1, 6, 0, 0, 0, 1, 0, 0, 0], wkb.clone()].concat();
        assert_eq!(outline(&multi, u64::MAX).unwrap(), Outline { multi: true, ..Outline::polygon(&[ring]) });
        for cut in 1..wkb.len() {
            assert!(outline(&wkb[..cut], u64::MAX).is_err());
        }
        assert_eq!(outline(&[1, 2, 0, 0, 0, 0, 0, 0, 0], u64::MAX).unwrap_err().kind, FaultKind::NotAPolygon("LineString".to_owned()));
        assert_eq!(outline(&[1, 3, 0, 0, 0, 0, 0, 0, 0], u64::MAX).unwrap_err().kind, FaultKind::EmptyGeometry);
        assert_eq!(outline(&[], u64::MAX).unwrap_err().kind, FaultKind::NoGeometry);
        let nan = outline(&polygon(&[[1.0, 2.0], [f64::NAN, 2.0], [3.0, 4.0]]), u64::MAX).unwrap_err();
        assert_eq!((nan.kind, nan.place.vertex), (FaultKind::NonFinite, Some(1)));
    }
}
