//! Outlines as they are exported: the one that counts, in the CRS asked for, enclosing the area of the finding.

use crate::formats::writing::Format;
use std::borrow::Cow;
use tuban_engine::model::{LayerFeature, Patch};
use tuban_engine::normalize::is_shifted;
use tuban_geom::{Crs, Outline, Plane, remove_gcj02};

/// Longest edge of what was measured in degrees, once it is in another projection, metres. There its line bends by the square of its length: cut at
/// 20 m, a patch of a kilometre keeps its area to 0.01 m².
const LONGEST_EDGE_M: f64 = 20.0;

/// Where outlines are put.
pub(super) struct Placing {
    /// A plane in which the edges of what was measured are straight.
    pub plane: Plane,
    /// The CRS asked for.
    pub crs: Crs,
    /// The format asked for.
    pub format: Format,
}

impl Placing {
    /// A patch of a file in `own`; `None` where it lies outside the CRS asked for.
    pub fn patch<'p>(&self, patch: &'p Patch, own: Crs) -> Option<Cow<'p, Outline>> {
        let Patch { source, degrees, repaired, .. } = patch;
        if let Some(repaired) = repaired {
            return self.place(Cow::Borrowed(repaired));
        }
        let Some(source) = source.as_ref().filter(|_| !own.is_degrees()) else { return self.place(Cow::Borrowed(degrees)) };
        let shifted = is_shifted(patch, own);
        if own == self.crs && !shifted {
            return Some(Cow::Borrowed(source));
        }
        // Its edges are straight in its own projection.
        let dense = own.outline_to_degrees_dense(source).ok()?;
        self.place(Cow::Owned(if shifted { dense.map(remove_gcj02) } else { dense }))
    }

    /// A feature of a layer whose file was in `own`; `None` where it lies outside the CRS asked for.
    pub fn feature<'f>(&self, feature: &'f LayerFeature, own: Crs) -> Option<Cow<'f, Outline>> {
        match feature {
            LayerFeature { repaired: None, source: Some(source), .. } if own == self.crs && !own.is_degrees() => Some(Cow::Borrowed(source)),
            LayerFeature { repaired, degrees, .. } => self.place(Cow::Borrowed(repaired.as_ref().unwrap_or(degrees))),
        }
    }

    fn place<'o>(&self, degrees: Cow<'o, Outline>) -> Option<Cow<'o, Outline>> {
        if self.crs.is_degrees() || !self.format.has_shapes() {
            return Some(degrees);
        }
        let cut = self.plane.cut(&degrees, LONGEST_EDGE_M)?;
        Some(Cow::Owned(self.crs.outline_from_degrees(&cut)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Date;
    use tuban_engine::model::Days;
    use tuban_geom::check_in;

    /// Second test vector of docs/ARCHITECTURE.md, “Area”, and its area.
    const RING: [[f64; 2]; 4] = [[118.35, 35.05], [118.3533, 35.0507], [118.3512, 35.0531], [118.35, 35.05]];
    const AREA_M2: f64 = 47_519.406_9;

    fn area_m2(outline: &Outline) -> f64 {
        let plane = Plane::at(118.0, 35.0);
        check_in(outline, |at| plane.project(at)).unwrap().region.area_m2()
    }

    fn patch(source: Option<Outline>, degrees: Outline) -> Patch {
        Patch {
            row: 1,
            patch_id: "1".to_owned(),
            stated_county: None,
            days: Days { before: Date::MIN, after: Date::MAX, unclear: false },
            attributes: "{}".to_owned(),
            source,
            degrees,
            repaired: None,
            defects: vec![],
        }
    }

    fn placing(crs: Crs) -> Placing {
        Placing { plane: Plane::at(118.0, 35.0), crs, format: Format::GeoPackage }
    }

    #[test]
    fn long_edges_keep_their_area_in_every_projection() {
        let larger = RING.map(|[x, y]| [118.35 + (x - 118.35) * 4.0, 35.05 + (y - 35.05) * 4.0]);
        for (ring, within) in [(RING, 0.001), (larger, 0.01)] {
            let degrees = Outline::polygon(&[ring]);
            for crs in ["EPSG:4527", "EPSG:4528", "EPSG:4548", "EPSG:4549"] {
                let crs: Crs = crs.parse().unwrap();
                let patch = patch(None, degrees.clone());
                let placed = placing(crs).patch(&patch, Crs::CRS84).unwrap();
                // Oracle: the area that the table gives for the ring in degrees; read as every projected file is.
                let off = area_m2(&crs.outline_to_degrees_dense(&placed).unwrap()) - area_m2(&degrees);
                assert!(off.abs() < within, "{crs}: {off} m²");
            }
        }
        assert!((area_m2(&Outline::polygon(&[RING])) - AREA_M2).abs() < 1e-4);
    }

    #[test]
    fn a_projected_patch_leaves_as_it_came_or_with_its_area_and_without_an_offset() {
        let own: Crs = "EPSG:4527".parse().unwrap();
        let source = own.outline_from_degrees(&Outline::polygon(&[RING])).unwrap();
        let measured = area_m2(&own.outline_to_degrees_dense(&source).unwrap());
        let came = patch(Some(source.clone()), own.outline_to_degrees(&source).unwrap());
        assert_eq!(*placing(own).patch(&came, own).unwrap(), source);
        assert!((area_m2(&placing(Crs::CRS84).patch(&came, own).unwrap()) - measured).abs() < 1e-6);
        let other: Crs = "EPSG:4549".parse().unwrap();
        let moved = placing(other).patch(&came, own).unwrap().into_owned();
        assert!((area_m2(&other.outline_to_degrees_dense(&moved).unwrap()) - measured).abs() < 0.001);
        let shifted = patch(Some(source.clone()), own.outline_to_degrees(&source).unwrap().map(remove_gcj02));
        let back = placing(Crs::CRS84).patch(&shifted, own).unwrap().into_owned();
        let [x, y] = remove_gcj02(RING[0]);
        assert!(back.positions.iter().any(|at| (at[0] - x).abs() < 1e-6 && (at[1] - y).abs() < 1e-6));
        assert_ne!(*placing(own).patch(&shifted, own).unwrap(), source);
    }

    #[test]
    fn ground_outside_a_zone_has_no_place_in_it() {
        let far = patch(None, Outline::polygon(&[RING.map(|[x, y]| [x - 20.0, y])]));
        assert!(placing("EPSG:4527".parse().unwrap()).patch(&far, Crs::CRS84).is_none());
    }
}
