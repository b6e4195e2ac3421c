//! To and from `geo-types`, the geometry types of the `geo` crates: for shapes that serve people and are not measured, such as the point a label stands at.
//!
//! Areas stay the kernel's own. What comes back from `geo` is an [`Outline`], which has to pass [`check`](crate::check) like one from a file.
//!
//! ```
//! use geo::InteriorPoint;
//! use tuban_geom::{Outline, check};
//!
//! // A U: the middle of its box lies outside it.
//! let ring = [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [8.0, 9.0], [8.0, 1.0], [1.0, 1.0], [1.0, 9.0], [0.0, 9.0], [0.0, 0.0]];
//! let region = check(&Outline::polygon(&[ring])).unwrap().region;
//! let label = geo::MultiPolygon::from(&region).interior_point().unwrap();
//! assert!(label.x() < 1.0 || label.x() > 8.0);
//! ```

use crate::{Outline, Region};
use geo_types::{LineString, MultiPolygon, Polygon};

/// Part for part and ring for ring, in their order. Rings are closed, which they need not be in an outline.
impl From<&Outline> for MultiPolygon<f64> {
    fn from(outline: &Outline) -> Self {
        let line = |ring: usize| outline.ring(ring).iter().copied().collect::<LineString>();
        let part = |mut rings: std::ops::Range<usize>| {
            let shell = rings.next().map_or_else(LineString::empty, line);
            Polygon::new(shell, rings.map(line).collect())
        };
        outline.parts().map(part).collect()
    }
}

/// A polygon for each shell, with the holes that lie in it.
impl From<&Region> for MultiPolygon<f64> {
    fn from(region: &Region) -> Self {
        Self::from(&region.outline())
    }
}

/// Part for part and ring for ring, in their order; a `MultiPolygon` even of one part.
impl From<&MultiPolygon<f64>> for Outline {
    fn from(shape: &MultiPolygon<f64>) -> Self {
        let mut outline = Self { multi: true, ..Self::default() };
        for polygon in shape {
            for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                outline.positions.extend(ring.coords().map(|at| [at.x, at.y]));
                outline.end_ring();
            }
            outline.end_part();
        }
        outline
    }
}
