//! Outlines from well-known binary as GDAL writes it: what is no polygon is a fault of its feature.

use super::{Fault, FaultKind};
use tuban_engine::model::Place;
use tuban_geom::Outline;
use tuban_geom::wkb::{WkbError, read_polygons};

/// The outline of some WKB, of at most so many vertices; or why it has none. No bytes are no geometry.
pub fn outline(wkb: &[u8], most_vertices: u64) -> Result<Outline, Fault> {
    if wkb.is_empty() {
        return Err(Fault::of(FaultKind::NoGeometry));
    }
    let outline = read_polygons(wkb).map_err(|error| match error {
        WkbError::Type(kind) => Fault::of(FaultKind::NotAPolygon(name(kind))),
        _ => Fault::of(FaultKind::BadNesting),
    })?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const POLYGON: u32 = 3;

    fn polygon(ring: &[[f64; 2]]) -> Vec<u8> {
        let mut wkb = vec![1];
        for number in [POLYGON, 1, ring.len() as u32] {
            wkb.extend(number.to_le_bytes());
        }
        ring.iter().flatten().for_each(|number| wkb.extend(number.to_le_bytes()));
        wkb
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
