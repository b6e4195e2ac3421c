//! Positions and measures on the ground. A position is a whole number of nanodegrees, exactly the nine decimals that are
//! written: what is shared is identical, what is tested is exact, and nothing changes on the way to the file.

/// Nanodegrees in a degree.
pub(super) const NANO: f64 = 1e9;
/// Western, southern edge and size of the demo's extent, in degrees.
pub(super) const WEST: f64 = 117.4;
/// See [`WEST`].
pub(super) const SOUTH: f64 = 34.4;
/// See [`WEST`].
pub(super) const SPAN: f64 = 1.8;
/// Square metres in a 亩.
pub(super) const MU_M2: f64 = 10_000.0 / 15.0;

/// A position in EPSG:4490: longitude `x`, latitude `y`, in nanodegrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Point {
    /// Longitude, nanodegrees.
    pub x: i64,
    /// Latitude, nanodegrees.
    pub y: i64,
}

/// A ring without its closing position; shells run counter-clockwise, holes clockwise.
pub(super) type Ring = Vec<Point>;

impl Point {
    /// The nearest position to `lon`, `lat` in degrees.
    pub(super) fn new(lon: f64, lat: f64) -> Self {
        Self { x: (lon * NANO).round() as i64, y: (lat * NANO).round() as i64 }
    }

    /// Longitude in degrees.
    pub(super) fn lon(self) -> f64 {
        self.x as f64 / NANO
    }

    /// Latitude in degrees.
    pub(super) fn lat(self) -> f64 {
        self.y as f64 / NANO
    }
}

/// The semi-major axis of CGCS2000 in metres and the square of its eccentricity.
const A: f64 = 6_378_137.0;
const F: f64 = 1.0 / 298.257_222_101;
const E2: f64 = F * (2.0 - F);

/// Metres in a degree of longitude and of latitude at latitude `lat` (degrees) on the CGCS2000 ellipsoid.
pub(super) fn metres_per_degree(lat: f64) -> (f64, f64) {
    let (sin, cos) = libm::sincos(lat.to_radians());
    let w2 = 1.0 - E2 * sin * sin;
    let normal = A / w2.sqrt();
    ((normal * cos).to_radians(), (normal * (1.0 - E2) / w2).to_radians())
}

/// A place with a plane of metres around it, good for shapes of a few kilometres.
#[derive(Clone, Copy)]
pub(super) struct Anchor {
    /// Longitude, degrees.
    pub lon: f64,
    /// Latitude, degrees.
    pub lat: f64,
    per_lon: f64,
    per_lat: f64,
}

impl Anchor {
    /// The anchor at `lon`, `lat` (degrees).
    pub(super) fn new(lon: f64, lat: f64) -> Self {
        let (per_lon, per_lat) = metres_per_degree(lat);
        Self { lon, lat, per_lon, per_lat }
    }

    /// The degrees of what lies `east` and `north` metres away.
    pub(super) fn degrees(&self, east: f64, north: f64) -> (f64, f64) {
        (self.lon + east / self.per_lon, self.lat + north / self.per_lat)
    }

    /// The anchor `east` and `north` metres away.
    pub(super) fn moved(&self, east: f64, north: f64) -> Self {
        let (lon, lat) = self.degrees(east, north);
        Self::new(lon, lat)
    }

    /// An outline in metres around the anchor, as positions.
    pub(super) fn place(&self, outline: &[(f64, f64)]) -> Ring {
        let put = |&(east, north): &(f64, f64)| {
            let (lon, lat) = self.degrees(east, north);
            Point::new(lon, lat)
        };
        outline.iter().map(put).collect()
    }

    /// Metres to another anchor, good to 1 % within the city.
    pub(super) fn distance_m(&self, other: &Self) -> f64 {
        libm::hypot((other.lon - self.lon) * self.per_lon, (other.lat - self.lat) * self.per_lat)
    }
}

/// Northing in metres of a latitude (nanodegrees) in the equal-area plane whose easting is `A` × radians of longitude: in
/// this plane the shoelace gives the official area. The series Σ (n+1)/(2n+1)·e²ⁿ·sin²ⁿ⁺¹B, in which the artanh of the
/// closed form is worked out; its seventh term is below 1e-16 of the first.
fn authalic_m(lat: i64) -> f64 {
    let sin = libm::sin((lat as f64 / NANO).to_radians());
    let t = E2 * sin * sin;
    let sum = t * (4.0 / 7.0 + t * (5.0 / 9.0 + t * (6.0 / 11.0 + t * (7.0 / 13.0))));
    A * (1.0 - E2) * sin * (1.0 + t * (2.0 / 3.0 + t * (3.0 / 5.0 + sum)))
}

/// Metres between two positions at most a few hundred metres apart.
pub(super) fn distance_m(a: Point, b: Point) -> f64 {
    let (per_lon, per_lat) = metres_per_degree(a.lat());
    libm::hypot((b.x - a.x) as f64 / NANO * per_lon, (b.y - a.y) as f64 / NANO * per_lat)
}

/// Twice the signed area of the triangle `o`, `a`, `b` in square nanodegrees, exactly: positive when it turns left.
pub(super) fn cross(o: Point, a: Point, b: Point) -> i128 {
    i128::from(a.x - o.x) * i128::from(b.y - o.y) - i128::from(a.y - o.y) * i128::from(b.x - o.x)
}

/// Twice the signed area of a ring in square nanodegrees, exactly: positive when it runs counter-clockwise.
pub(super) fn doubled_area(ring: &[Point]) -> i128 {
    let Some(&origin) = ring.first() else {
        return 0;
    };
    ring.windows(2).map(|edge| cross(origin, edge[0], edge[1])).sum()
}

/// Whether `point` lies within `ring` (exact; on the border either answer).
pub(super) fn contains(ring: &[Point], point: Point) -> bool {
    let mut inside = false;
    let mut a = ring.last().copied().unwrap_or(point);
    for &b in ring {
        if (a.y <= point.y) != (b.y <= point.y) && (cross(a, b, point) > 0) == (b.y > a.y) {
            inside = !inside;
        }
        a = b;
    }
    inside
}

/// Centre of gravity and area of a polygon.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    /// Longitude of the centre, degrees.
    pub lon: f64,
    /// Latitude of the centre, degrees.
    pub lat: f64,
    /// Official area (椭球面积) in m², to 1e-9 of itself.
    pub area_m2: f64,
}

/// Measures rings together: shells count, holes (clockwise) are taken off. Zero area gives the first position.
pub(super) fn measure<'a>(rings: impl IntoIterator<Item = &'a Ring>) -> Option<Measure> {
    let mut rings = rings.into_iter().peekable();
    let origin = *rings.peek()?.first()?;
    let base = authalic_m(origin.y);
    let (mut twice, mut east, mut north, mut area) = (0.0, 0.0, 0.0, 0.0);
    for ring in rings {
        let Some(&last) = ring.last() else { continue };
        let from_origin = |p: Point| ((p.x - origin.x) as f64, (p.y - origin.y) as f64, authalic_m(p.y) - base);
        let mut a = from_origin(last);
        for &p in ring {
            let b = from_origin(p);
            let c = a.0 * b.1 - b.0 * a.1;
            twice += c;
            area += a.0 * b.2 - b.0 * a.2;
            east += c * (a.0 + b.0);
            north += c * (a.1 + b.1);
            a = b;
        }
    }
    let share = if twice == 0.0 { 0.0 } else { 1.0 / (3.0 * twice) };
    let lon = (origin.x as f64 + east * share) / NANO;
    let lat = (origin.y as f64 + north * share) / NANO;
    Some(Measure { lon, lat, area_m2: area / 2.0 * (A / NANO).to_radians() })
}
