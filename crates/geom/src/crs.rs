//! Coordinate reference systems: the few that land files of China come in, each to degrees and back.
//!
//! Positions are always x, y: longitude before latitude, easting before northing, whatever order an authority prints.
//!
//! ```
//! use tuban_geom::Crs;
//!
//! let crs: Crs = "CGCS2000 / 3-degree Gauss-Kruger zone 39".parse()?;
//! assert_eq!(crs.to_string(), "EPSG:4527");
//! // Oracle: PROJ 9.1.1, as in the tests of `projection.rs`.
//! let [lon, lat] = crs.to_degrees([39_637_104.090_528_3, 3_864_525.898_009_87]).unwrap();
//! assert!((lon - 118.5).abs() < 1e-10 && (lat - 34.9).abs() < 1e-10);
//! # Ok::<(), tuban_geom::UnknownCrs>(())
//! ```

mod densify;
mod names;
mod projection;

use super::Outline;

pub use densify::LONGEST_EDGE_M;
pub(super) use densify::push_steps;

/// First and last 3-degree zone of the EPSG register.
pub(super) const ZONES: std::ops::RangeInclusive<u8> = 25..=45;

/// Names of longitude and latitude in degrees. They are treated as identical ground: CGCS2000 and WGS 84 differ by centimetres of
/// realisation and 0.1 mm of ellipsoid, PROJ transforms between them by doing nothing, and files say one where they mean the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Degrees {
    /// CGCS2000, EPSG:4490.
    Cgcs2000,
    /// WGS 84, EPSG:4326.
    Wgs84,
    /// OGC:CRS84, which GeoJSON is in unless it says otherwise.
    Crs84,
}

/// A coordinate reference system that is understood. Serialized as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Crs {
    /// Longitude and latitude.
    Geographic(Degrees),
    /// EPSG:3857, metres of the web maps.
    WebMercator,
    /// CGCS2000 in a 3-degree Gauss–Krüger zone, metres.
    GaussKruger {
        /// 25 to 45; the central meridian is three times that.
        zone: u8,
        /// Whether eastings begin with the zone's number (EPSG:4513–4533, eight digits), or not (EPSG:4534–4554, six digits).
        prefixed: bool,
    },
}

/// A name of a CRS that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("CRS “{name}” is not understood; understood are {}", Crs::UNDERSTOOD)]
pub struct UnknownCrs {
    /// The name as it was given.
    pub name: String,
}

/// Where an outline leaves the ground that its CRS can place. Counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unplaced {
    /// Part; `None` for a Polygon.
    pub part: Option<u32>,
    /// Ring of the part.
    pub ring: u32,
    /// Vertex of the ring.
    pub vertex: u32,
}

impl Crs {
    /// What GeoJSON is in unless it says otherwise (RFC 7946).
    pub const CRS84: Self = Self::Geographic(Degrees::Crs84);

    /// Whether positions are in degrees as they are.
    #[must_use]
    #[inline]
    pub fn is_degrees(self) -> bool {
        matches!(self, Self::Geographic(_))
    }

    /// Whether edges that are straight in the one are straight in the other: zones differ, with the zone in the easting or without they do not, and all degrees are one.
    #[must_use]
    pub fn is_straight_in(self, other: Self) -> bool {
        match (self, other) {
            (Self::GaussKruger { zone, .. }, Self::GaussKruger { zone: another, .. }) => zone == another,
            (one, another) => std::mem::discriminant(&one) == std::mem::discriminant(&another),
        }
    }

    /// An outline in degrees to this CRS, vertex by vertex; `None` where one lies outside its ground.
    #[must_use]
    pub fn outline_from_degrees(self, degrees: &Outline) -> Option<Outline> {
        let positions = degrees.positions.iter().map(|at| self.from_degrees(*at)).collect::<Option<_>>()?;
        Some(Outline { positions, ring_ends: degrees.ring_ends.clone(), part_ends: degrees.part_ends.clone(), multi: degrees.multi })
    }

    /// Whether every vertex lies on the ground of this CRS; else the first that does not.
    #[inline]
    pub fn place(self, outline: &Outline) -> Result<(), Unplaced> {
        match outline.positions.iter().position(|at| !self.reaches(*at)) {
            Some(far) => Err(Unplaced::of(outline, far)),
            None => Ok(()),
        }
    }

    /// An outline to degrees, vertex by vertex.
    pub fn outline_to_degrees(self, outline: &Outline) -> Result<Outline, Unplaced> {
        let mut degrees = outline.clone();
        self.place(outline)?;
        if self.unproject(&mut degrees.positions) { Ok(degrees) } else { Err(Unplaced::of(outline, 0)) }
    }
}

impl Unplaced {
    /// The place of position number `position` of an outline.
    fn of(outline: &Outline, position: usize) -> Self {
        let ring = outline.ring_ends.partition_point(|end| *end as usize <= position);
        let start = if ring == 0 { 0 } else { outline.ring_ends[ring - 1] as usize };
        let (part, ring) = outline.place_of(ring);
        Self { part: outline.multi.then_some(part), ring, vertex: (position - start) as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crs(name: &str) -> Crs {
        name.parse().unwrap()
    }

    #[test]
    fn the_first_vertex_off_the_ground_is_named() {
        let mut outline =
            Outline::polygon(&[vec![[39_500_000.0, 3_900_000.0]; 4], vec![[39_500_000.0, 3_900_000.0], [39_500_100.0, 3_900_000.0], [500_100.0, 3_900_000.0]]]);
        assert_eq!(crs("4527").outline_to_degrees(&outline), Err(Unplaced { part: None, ring: 1, vertex: 2 }));
        assert_eq!(crs("4527").outline_to_degrees_dense(&outline), Err(Unplaced { part: None, ring: 1, vertex: 2 }));
        outline.multi = true;
        outline.push_ring(&[[f64::NAN; 2]]);
        outline.end_part();
        outline.positions[6] = [39_500_100.0, 3_900_100.0];
        assert_eq!(crs("4527").outline_to_degrees(&outline), Err(Unplaced { part: Some(1), ring: 0, vertex: 0 }));
    }
}
