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

/// Metres in a degree of longitude and of latitude at latitude `lat` (degrees) on the CGCS2000 ellipsoid.
pub(super) fn metres_per_degree(lat: f64) -> (f64, f64) {
    const A: f64 = 6_378_137.0;
    const F: f64 = 1.0 / 298.257_222_101;
    const E2: f64 = F * (2.0 - F);
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
    let Some(&origin) = ring.first() else { return 0 };
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
    /// Area in m² on the ellipsoid; off by less than a millionth for a shape below 10 km.
    pub area_m2: f64,
}

/// Measures rings together: shells count, holes (clockwise) are taken off. Zero area gives the first position.
pub(super) fn measure<'a>(rings: impl IntoIterator<Item = &'a Ring>) -> Option<Measure> {
    let mut rings = rings.into_iter().peekable();
    let origin = *rings.peek()?.first()?;
    let (mut twice, mut east, mut north) = (0.0, 0.0, 0.0);
    for ring in rings {
        let Some(&last) = ring.last() else { continue };
        let mut a = ((last.x - origin.x) as f64, (last.y - origin.y) as f64);
        for p in ring {
            let b = ((p.x - origin.x) as f64, (p.y - origin.y) as f64);
            let c = a.0 * b.1 - b.0 * a.1;
            twice += c;
            east += c * (a.0 + b.0);
            north += c * (a.1 + b.1);
            a = b;
        }
    }
    let share = if twice == 0.0 { 0.0 } else { 1.0 / (3.0 * twice) };
    let lon = (origin.x as f64 + east * share) / NANO;
    let lat = (origin.y as f64 + north * share) / NANO;
    let (per_lon, per_lat) = metres_per_degree(lat);
    Some(Measure { lon, lat, area_m2: twice / 2.0 / (NANO * NANO) * per_lon * per_lat })
}
