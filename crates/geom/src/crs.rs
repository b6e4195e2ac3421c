//! Coordinate reference systems: the few that land files of China come in, each to degrees and back.
//!
//! Positions are always x, y: longitude before latitude, easting before northing, whatever order an authority prints.

use super::Outline;
use super::plane::{FLATTENING, SEMI_MAJOR_M};
use proj4rs::{Proj, errors, transform};
use std::{fmt, sync::OnceLock};

/// Longest edge that may stay straight when a projected outline is computed with, in units of the projection (metres).
pub const LONGEST_EDGE_M: f64 = 70.0;
/// Positions that one outline may have after densifying: some 280 000 km of border. It stops a few hostile zigzags from eating all memory.
const MOST_POSITIONS: usize = 4_000_000;
/// First and last 3-degree zone of the EPSG register.
pub(super) const ZONES: std::ops::RangeInclusive<u8> = 25..=45;
/// Half the width and height of the square that web maps show, metres.
const WEB_HALF_M: f64 = 20_037_508.342_789_25;
/// No northing is larger: the quarter meridian of CGCS2000, rounded up.
const QUARTER_MERIDIAN_M: f64 = 10_002_000.0;

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

    /// What [`parse`](Self::parse) understands, for people.
    pub const UNDERSTOOD: &str = "EPSG:4490, EPSG:4326, OGC:CRS84, EPSG:3857, EPSG:4513–4533 (CGCS2000 3-degree Gauss–Krüger, zones 25–45) and EPSG:4534–4554 (the same without zone in the easting)";

    /// The CRS of an EPSG code.
    #[must_use]
    pub fn from_epsg(code: u32) -> Option<Self> {
        match code {
            4490 => Some(Self::Geographic(Degrees::Cgcs2000)),
            4326 => Some(Self::Geographic(Degrees::Wgs84)),
            3857 | 900_913 => Some(Self::WebMercator),
            4513..=4533 => Some(Self::GaussKruger { zone: (code - 4488) as u8, prefixed: true }),
            4534..=4554 => Some(Self::GaussKruger { zone: (code - 4509) as u8, prefixed: false }),
            _ => None,
        }
    }

    /// Its EPSG code; CRS84 has none and answers that of WGS 84, which is the same in longitude and latitude.
    #[must_use]
    pub fn epsg(self) -> u32 {
        match self {
            Self::Geographic(Degrees::Cgcs2000) => 4490,
            Self::Geographic(Degrees::Wgs84 | Degrees::Crs84) => 4326,
            Self::WebMercator => 3857,
            Self::GaussKruger { zone, prefixed } => u32::from(zone) + if prefixed { 4488 } else { 4509 },
        }
    }

    /// Reads a name: `EPSG:4527`, `4527`, the URN and URL forms, and what Esri calls the same thing.
    pub fn parse(name: &str) -> Result<Self, UnknownCrs> {
        let lower = name.trim().to_lowercase();
        authority(&lower).or_else(|| by_title(&lower)).ok_or_else(|| UnknownCrs { name: name.trim().to_owned() })
    }

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

    /// A position to degrees (longitude, latitude); `None` where it is not finite or lies outside the CRS's ground: the globe, the square of
    /// web maps, 500 km on either side of a central meridian.
    #[must_use]
    #[inline]
    pub fn to_degrees(self, at: [f64; 2]) -> Option<[f64; 2]> {
        let mut one = [at];
        (self.reaches(at) && self.unproject(&mut one)).then_some(one[0])
    }

    /// Degrees (longitude, latitude) to a position; `None` as for [`to_degrees`](Self::to_degrees).
    #[must_use]
    pub fn from_degrees(self, degrees: [f64; 2]) -> Option<[f64; 2]> {
        if !Self::CRS84.reaches(degrees) {
            return None;
        }
        let at = match self {
            Self::Geographic(_) => degrees,
            Self::WebMercator => {
                let y = SEMI_MAJOR_M * libm::atanh(libm::sin(degrees[1].to_radians()));
                [degrees[0] * (WEB_HALF_M / 180.0), y]
            }
            Self::GaussKruger { zone, prefixed } => {
                let mut one = [degrees.map(f64::to_radians)];
                transform::transform(longlat()?, gauss_kruger(zone)?, &mut Positions(&mut one)).ok()?;
                [one[0][0] + false_easting(zone, prefixed), one[0][1]]
            }
        };
        self.reaches(at).then_some(at)
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

    /// An outline to degrees for computation: in a projected CRS edges longer than [`LONGEST_EDGE_M`] are first cut into equal steps, because
    /// they were drawn straight there and are not straight in degrees. In degrees the outline is taken as it is.
    ///
    /// An edge is cut at the same positions, to the last bit, whichever way it is walked: neighbours stay neighbours.
    pub fn outline_to_degrees_dense(self, outline: &Outline) -> Result<Outline, Unplaced> {
        let degrees = self.outline_to_degrees(outline)?;
        Ok(self.densify(outline, &degrees)?.unwrap_or(degrees))
    }

    /// The same where `degrees` is what [`outline_to_degrees`](Self::outline_to_degrees) made of `outline`; `None` where there is nothing to cut. Only
    /// what lies between the vertices is projected.
    pub fn densify(self, outline: &Outline, degrees: &Outline) -> Result<Option<Outline>, Unplaced> {
        if self.is_degrees() {
            return Ok(None);
        }
        // Positions to come between, and for each vertex how many of them precede it.
        let (mut between, mut before) = (Vec::new(), Vec::with_capacity(outline.positions.len()));
        for ring in 0..outline.ring_ends.len() {
            let positions = outline.ring(ring);
            for (vertex, at) in positions.iter().enumerate() {
                if vertex > 0 && !push_steps(&mut between, positions[vertex - 1], *at, LONGEST_EDGE_M) {
                    let (part, ring) = outline.place_of(ring);
                    return Err(Unplaced { part: outline.multi.then_some(part), ring, vertex: vertex as u32 });
                }
                before.push(between.len());
            }
        }
        if between.is_empty() {
            return Ok(None);
        }
        if !self.unproject(&mut between) {
            return Err(Unplaced::of(outline, 0));
        }
        let mut dense = Outline {
            positions: Vec::with_capacity(degrees.positions.len() + between.len()),
            ring_ends: Vec::new(),
            part_ends: outline.part_ends.clone(),
            multi: outline.multi,
        };
        let (mut from, mut taken) = (0, 0);
        for end in &outline.ring_ends {
            for vertex in from..*end as usize {
                dense.positions.extend_from_slice(&between[taken..before[vertex]]);
                dense.positions.push(degrees.positions[vertex]);
                taken = before[vertex];
            }
            from = *end as usize;
            dense.end_ring();
        }
        Ok(Some(dense))
    }

    /// How many positions come between the vertices of an outline where its long edges are cut, so that they can be counted before they are made.
    #[must_use]
    pub fn steps_between(self, outline: &Outline) -> u64 {
        if self.is_degrees() {
            return 0;
        }
        let length = |edge: &[[f64; 2]]| ((edge[1][0] - edge[0][0]).powi(2) + (edge[1][1] - edge[0][1]).powi(2)).sqrt();
        let steps = |edge: &[[f64; 2]]| (length(edge) / LONGEST_EDGE_M).ceil() as u64;
        (0..outline.ring_ends.len()).flat_map(|ring| outline.ring(ring).windows(2)).fold(0, |sum, edge| sum.saturating_add(steps(edge).saturating_sub(1)))
    }

    /// Whether the position lies on the ground of this CRS. NaN does not.
    pub(super) fn reaches(self, [x, y]: [f64; 2]) -> bool {
        match self {
            Self::Geographic(_) => x.abs() <= 180.0 && y.abs() <= 90.0,
            Self::WebMercator => x.abs() <= WEB_HALF_M && y.abs() <= WEB_HALF_M,
            Self::GaussKruger { zone, prefixed } => (x - false_easting(zone, prefixed)).abs() < 500_000.0 && y.abs() <= QUARTER_MERIDIAN_M,
        }
    }

    /// Positions within reach to degrees, in place; false where the projection failed.
    fn unproject(self, positions: &mut [[f64; 2]]) -> bool {
        match self {
            Self::Geographic(_) => true,
            Self::WebMercator => {
                for at in positions {
                    *at = [at[0] * (180.0 / WEB_HALF_M), libm::atan(libm::sinh(at[1] / SEMI_MAJOR_M)).to_degrees()];
                }
                true
            }
            Self::GaussKruger { zone, prefixed } => {
                let (Some(from), Some(to)) = (gauss_kruger(zone), longlat()) else { return false };
                let false_easting = false_easting(zone, prefixed);
                for at in &mut *positions {
                    at[0] -= false_easting;
                }
                let done = transform::transform(from, to, &mut Positions(positions)).is_ok();
                for at in positions {
                    *at = at.map(f64::to_degrees);
                }
                done
            }
        }
    }
}

impl fmt::Display for Crs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Geographic(Degrees::Cgcs2000) => f.write_str("EPSG:4490"),
            Self::Geographic(Degrees::Wgs84) => f.write_str("EPSG:4326"),
            Self::Geographic(Degrees::Crs84) => f.write_str("OGC:CRS84"),
            Self::WebMercator => f.write_str("EPSG:3857"),
            Self::GaussKruger { zone, prefixed } => write!(f, "EPSG:{}", u32::from(zone) + if prefixed { 4488 } else { 4509 }),
        }
    }
}

impl std::str::FromStr for Crs {
    type Err = UnknownCrs;
    fn from_str(name: &str) -> Result<Self, UnknownCrs> {
        Self::parse(name)
    }
}

impl TryFrom<String> for Crs {
    type Error = UnknownCrs;
    fn try_from(name: String) -> Result<Self, UnknownCrs> {
        Self::parse(&name)
    }
}

impl From<Crs> for String {
    fn from(crs: Crs) -> Self {
        crs.to_string()
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

/// A lower-case name that cites an authority and a code.
fn authority(name: &str) -> Option<Crs> {
    const EPSG: [&str; 5] = ["epsg:", "urn:ogc:def:crs:epsg:", "urn:x-ogc:def:crs:epsg:", "www.opengis.net/def/crs/epsg/", "www.opengis.net/gml/srs/epsg.xml#"];
    const OGC: [&str; 4] = ["ogc:", "urn:ogc:def:crs:ogc:", "urn:x-ogc:def:crs:ogc:", "www.opengis.net/def/crs/ogc/"];
    let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    // Between authority and code there may be a version: `EPSG::4490`, `EPSG:9.9.1:4490`, `EPSG/0/4490`.
    let code_after = |prefixes: &[&str]| prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).and_then(|rest| rest.rsplit([':', '/']).next());
    if code_after(&OGC) == Some("crs84") {
        return Some(Crs::CRS84);
    }
    let code = code_after(&EPSG).unwrap_or(name);
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Crs::from_epsg(code.parse().ok()?)
}

/// A lower-case title, as EPSG and Esri print it: `CGCS2000 / 3-degree Gauss-Kruger zone 39`, `CGCS2000_3_Degree_GK_CM_117E`.
fn by_title(name: &str) -> Option<Crs> {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    match letters.as_str() {
        "cgcs2000" | "gcschinageodeticcoordinatesystem2000" | "chinageodeticcoordinatesystem2000" | "国家2000" | "2000国家大地坐标系" => {
            return Some(Crs::Geographic(Degrees::Cgcs2000));
        }
        "wgs84" | "gcswgs1984" => return Some(Crs::Geographic(Degrees::Wgs84)),
        "crs84" => return Some(Crs::CRS84),
        _ => {}
    }
    let rest = letters.strip_prefix("cgcs20003degree")?;
    let rest = rest.strip_prefix("gk").or_else(|| rest.strip_prefix("gausskruger")).or_else(|| rest.strip_prefix("gausskrüger"))?;
    let (zone, prefixed): (u32, bool) = if let Some(meridian) = rest.strip_prefix("cm") {
        let meridian: u32 = meridian.strip_suffix('e')?.parse().ok()?;
        (meridian.is_multiple_of(3).then_some(meridian / 3)?, false)
    } else {
        (rest.strip_prefix("zone")?.parse().ok()?, true)
    };
    let zone = u8::try_from(zone).ok().filter(|zone| ZONES.contains(zone))?;
    Some(Crs::GaussKruger { zone, prefixed })
}

/// What is added to the distance from the central meridian.
fn false_easting(zone: u8, prefixed: bool) -> f64 {
    500_000.0 + if prefixed { f64::from(zone) * 1_000_000.0 } else { 0.0 }
}

/// Pushes what lies between `from` and `to`, both excluded, in equal steps not longer than `longest`; false where that is too much.
pub(super) fn push_steps(positions: &mut Vec<[f64; 2]>, from: [f64; 2], to: [f64; 2], longest: f64) -> bool {
    let length = libm::hypot(to[0] - from[0], to[1] - from[1]);
    let steps = (length / longest).ceil().max(1.0) as usize;
    if positions.len() + steps > MOST_POSITIONS {
        return false;
    }
    // Always measured from the same end, so that both neighbours of an edge get the same bits.
    let backwards = to < from;
    let (low, high) = if backwards { (to, from) } else { (from, to) };
    for step in 1..steps {
        let share = if backwards { steps - step } else { step } as f64 / steps as f64;
        positions.push([low[0] + (high[0] - low[0]) * share, low[1] + (high[1] - low[1]) * share]);
    }
    true
}

/// The projection of a zone, easting from its central meridian; built once. `etmerc` is Poder and Engsager's transverse Mercator, which PROJ
/// takes for `tmerc` as well; by this name it cannot become the Evenden–Snyder approximation.
fn gauss_kruger(zone: u8) -> Option<&'static Proj> {
    static BUILT: [OnceLock<Option<Proj>>; 21] = [const { OnceLock::new() }; 21];
    let cell = BUILT.get(usize::from(zone.checked_sub(*ZONES.start())?))?;
    cell.get_or_init(|| Proj::from_proj_string(&format!("+proj=etmerc +lat_0=0 +lon_0={} +k=1 +x_0=0 +y_0=0 {}", u32::from(zone) * 3, ellipsoid())).ok())
        .as_ref()
}

/// Degrees on the same ellipsoid; built once.
fn longlat() -> Option<&'static Proj> {
    static BUILT: OnceLock<Option<Proj>> = OnceLock::new();
    BUILT.get_or_init(|| Proj::from_proj_string(&format!("+proj=longlat {}", ellipsoid())).ok()).as_ref()
}

fn ellipsoid() -> String {
    format!("+a={SEMI_MAJOR_M} +rf={} +units=m +no_defs", 1.0 / FLATTENING)
}

/// Positions in metres or radians, as proj4rs visits them.
struct Positions<'a>(&'a mut [[f64; 2]]);

impl transform::Transform for Positions<'_> {
    fn transform_coordinates<F: transform::TransformClosure>(&mut self, f: &mut F) -> errors::Result<()> {
        for at in &mut *self.0 {
            let (x, y, _) = f(at[0], at[1], 0.0)?;
            *at = [x, y];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crs(name: &str) -> Crs {
        name.parse().unwrap()
    }

    /// Oracle: PROJ 9.1.1 through GDAL 3.6.2, `gdaltransform -s_srs OGC:CRS84 -t_srs EPSG:N`: CRS, degrees, metres.
    const PROJ: [(&str, [f64; 2], [f64; 2]); 18] = [
        ("4527", [117.0, 35.0], [39_500_000.0, 3_874_592.901_589_18]),
        ("4527", [118.5, 34.9], [39_637_104.090_528_3, 3_864_525.898_009_87]),
        ("4527", [117.95, 35.25], [39_586_460.500_507_6, 3_902_742.329_207_49]),
        ("4527", [120.0, 35.0], [39_773_907.659_404_8, 3_878_708.174_808_9]),
        ("4527", [114.0, 35.0], [39_226_092.340_595_2, 3_878_708.174_808_9]),
        ("4527", [119.9999, 55.0], [39_691_946.016_691_8, 6_101_348.089_757_16]),
        ("4527", [118.5, 34.4], [39_637_930.002_194_5, 3_809_052.030_731_67]),
        ("4527", [117.4, 36.2], [39_535_974.279_832_6, 4_007_809.006_840_41]),
        ("4527", [119.2, 34.4], [39_702_307.034_345_6, 3_810_226.828_034_09]),
        ("4527", [114.0, 53.5], [39_300_949.395_860_4, 5_934_456.505_463_08]),
        ("4527", [120.0, 20.0], [39_814_051.941_210_7, 2_215_180.098_297_19]),
        ("4527", [120.0, 0.01], [39_834_112.196_736_1, 1_107.270_468_105_98]),
        ("4528", [117.0, 35.0], [40_226_092.340_595_2, 3_878_708.174_808_9]),
        ("4528", [118.5, 34.9], [40_362_895.909_471_7, 3_864_525.898_009_87]),
        ("4528", [117.95, 35.25], [40_313_416.817_360_3, 3_904_255.556_879_96]),
        ("4528", [120.0, 35.0], [40_500_000.0, 3_874_592.901_589_18]),
        ("4528", [119.9999, 55.0], [40_499_993.600_587_1, 6_097_230.313_004_51]),
        ("4548", [118.5, 34.9], [637_104.090_528_3, 3_864_525.898_009_87]),
    ];

    #[test]
    fn gauss_kruger_is_as_proj_has_it_within_a_micrometre() {
        for (name, degrees, metres) in PROJ {
            let at = crs(name).from_degrees(degrees).unwrap();
            assert!((at[0] - metres[0]).abs() < 1e-6 && (at[1] - metres[1]).abs() < 1e-6, "{name} {degrees:?}: {at:?}");
            let back = crs(name).to_degrees(metres).unwrap();
            assert!((back[0] - degrees[0]).abs() < 2e-11 && (back[1] - degrees[1]).abs() < 2e-11, "{name} {metres:?}: {back:?}");
        }
    }

    #[test]
    fn metres_become_the_degrees_that_proj_has() {
        // Oracle: PROJ 9.1.1 through GDAL 3.6.2, `gdaltransform -s_srs EPSG:N -t_srs OGC:CRS84`.
        for (name, at, degrees) in [
            ("4513", [25_500_000.0, 4_500_000.0], [75.0, 40.634_640_678_787_3]),
            ("4513", [25_400_000.5, 4_100_000.25], [73.876_192_912_905_2, 37.026_119_381_554]),
            ("4533", [45_550_000.0, 5_300_000.0], [135.667_853_817_633, 47.832_324_805_274_8]),
            ("4527", [39_300_000.0, 6_000_000.0], [113.943_213_912_033, 54.087_697_619_074]),
            ("4527", [39_834_000.0, 20_000.0], [119.999_008_280_675, 0.180_624_502_840_296]),
            ("3857", [13_191_232.33, 4_150_000.5], [118.498_856_184_106, 34.897_794_614_253_6]),
            ("3857", [-20_037_508.0, 20_037_508.0], [-179.999_996_920_672, 85.051_128_514_163]),
        ] {
            let got = crs(name).to_degrees(at).unwrap();
            assert!((got[0] - degrees[0]).abs() < 2e-12 && (got[1] - degrees[1]).abs() < 2e-12, "{name} {got:?}");
            let back = crs(name).from_degrees(degrees).unwrap();
            assert!((back[0] - at[0]).abs() < 1e-6 && (back[1] - at[1]).abs() < 1e-6, "{name} {back:?}");
        }
    }

    #[test]
    fn every_code_reads_back_as_itself() {
        for code in [4490, 4326, 3857].into_iter().chain(4513..=4554) {
            assert_eq!(crs(&code.to_string()).to_string(), format!("EPSG:{code}"));
        }
        assert_eq!(crs("EPSG:4527"), Crs::GaussKruger { zone: 39, prefixed: true });
        assert_eq!(crs("EPSG:4549"), Crs::GaussKruger { zone: 40, prefixed: false });
        assert_eq!(Crs::CRS84.to_string().parse(), Ok(Crs::CRS84));
    }

    #[test]
    fn one_crs_has_many_names() {
        for (names, expected) in [
            (
                "EPSG:4490|epsg:4490|4490|urn:ogc:def:crs:EPSG::4490|urn:ogc:def:crs:EPSG:9.9.1:4490|urn:x-ogc:def:crs:EPSG:4490|http://www.opengis.net/def/crs/EPSG/0/4490|http://www.opengis.net/gml/srs/epsg.xml#4490|CGCS2000| GCS_China_Geodetic_Coordinate_System_2000 ",
                "EPSG:4490",
            ),
            ("urn:ogc:def:crs:OGC:1.3:CRS84|OGC:CRS84|CRS84|urn:ogc:def:crs:OGC::CRS84|https://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84"),
            ("WGS 84|WGS84|GCS_WGS_1984", "EPSG:4326"),
            ("CGCS2000_3_Degree_GK_Zone_39|CGCS2000 / 3-degree Gauss-Kruger zone 39", "EPSG:4527"),
            ("CGCS2000_3_Degree_GK_CM_117E|CGCS2000 / 3-degree Gauss-Kruger CM 117E", "EPSG:4548"),
        ] {
            for name in names.split('|') {
                assert_eq!(crs(name).to_string(), expected, "{name}");
            }
        }
    }

    #[test]
    fn an_unknown_name_is_told_what_is_known() {
        for name in [
            "",
            "EPSG:",
            "EPSG:4512",
            "EPSG:4555",
            "EPSG:2364",
            "EPSG:99999999999",
            "EPSG:-1",
            "Beijing 1954",
            "CGCS2000_3_Degree_GK_Zone_46",
            "CGCS2000_3_Degree_GK_CM_118E",
            "urn:ogc:def:crs:OGC:1.3:CRS83",
            "local",
        ] {
            let error = Crs::parse(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("EPSG:4513–4533"), "{error}");
        }
    }

    #[test]
    fn positions_off_the_ground_have_no_degrees() {
        for (name, at) in [
            ("4490", [180.1, 35.0]),
            ("4490", [118.0, 90.1]),
            ("4490", [f64::NAN, 35.0]),
            ("4490", [118.0, f64::INFINITY]),
            ("4527", [118.0, 35.0]),
            ("4527", [637_104.0, 3_864_525.0]),
            ("4527", [40_362_895.0, 3_864_525.0]),
            ("4548", [39_637_104.0, 3_864_525.0]),
            ("4548", [f64::NAN, 3_864_525.0]),
            ("4548", [637_104.0, 1e308]),
            ("3857", [2.1e7, 0.0]),
        ] {
            assert_eq!(crs(name).to_degrees(at), None, "{name} {at:?}");
        }
        assert_eq!(crs("4527").from_degrees([126.0, 35.0]), None);
        assert_eq!(crs("4527").from_degrees([f64::NAN, 35.0]), None);
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

    #[test]
    fn long_edges_are_cut_and_short_ones_are_not() {
        let outline = Outline::polygon(&[[[500_000.0, 3_900_000.0], [500_140.0, 3_900_000.0], [500_140.0, 3_900_070.0], [500_000.0, 3_900_000.0]]]);
        let dense = crs("4548").outline_to_degrees_dense(&outline).unwrap();
        // 140 m are two steps, 70 m are one, 156.5 m are three.
        assert_eq!(dense.ring_ends, [4 + 1 + 2]);
        assert_eq!(dense.positions[1], crs("4548").to_degrees([500_070.0, 3_900_000.0]).unwrap());
        let in_degrees = Outline::polygon(&[[[117.0, 35.0], [118.0, 35.0], [118.0, 36.0], [117.0, 35.0]]]);
        assert_eq!(crs("4490").outline_to_degrees_dense(&in_degrees).unwrap(), in_degrees);
    }

    #[test]
    fn neighbours_cut_their_border_at_the_same_bits() {
        let (a, b) = ([500_000.3, 3_900_000.7], [500_911.1, 3_900_333.9]);
        let there = crs("4548").outline_to_degrees_dense(&Outline::polygon(&[[a, b]])).unwrap();
        let mut back = crs("4548").outline_to_degrees_dense(&Outline::polygon(&[[b, a]])).unwrap();
        back.positions.reverse();
        assert_eq!(there.positions, back.positions);
    }

    #[test]
    fn a_zigzag_longer_than_any_border_is_refused() {
        let zigzag: Vec<[f64; 2]> = (0..1000).map(|i| [500_000.0, f64::from(i % 2) * 1e7]).collect();
        assert!(crs("4548").outline_to_degrees_dense(&Outline::polygon(&[zigzag])).is_err());
    }
}
