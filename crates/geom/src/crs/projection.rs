//! From each CRS to degrees and back: transverse Mercator (Gauss–Krüger, by Poder and Engsager's series) and spherical Mercator, on CGCS2000's ellipsoid.

use super::{Crs, ZONES};
use crate::plane::{FLATTENING, SEMI_MAJOR_M};
use proj4rs::{Proj, errors, transform};
use std::sync::OnceLock;

/// Half the width and height of the square that web maps show, metres.
const WEB_HALF_M: f64 = 20_037_508.342_789_25;
/// No northing is larger: the quarter meridian of CGCS2000, rounded up.
const QUARTER_MERIDIAN_M: f64 = 10_002_000.0;

impl Crs {
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

    /// Whether the position lies on the ground of this CRS. NaN does not.
    pub(crate) fn reaches(self, [x, y]: [f64; 2]) -> bool {
        match self {
            Self::Geographic(_) => x.abs() <= 180.0 && y.abs() <= 90.0,
            Self::WebMercator => x.abs() <= WEB_HALF_M && y.abs() <= WEB_HALF_M,
            Self::GaussKruger { zone, prefixed } => (x - false_easting(zone, prefixed)).abs() < 500_000.0 && y.abs() <= QUARTER_MERIDIAN_M,
        }
    }

    /// Positions within reach to degrees, in place; false where the projection failed.
    pub(super) fn unproject(self, positions: &mut [[f64; 2]]) -> bool {
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

/// What is added to the distance from the central meridian.
fn false_easting(zone: u8, prefixed: bool) -> f64 {
    500_000.0 + if prefixed { f64::from(zone) * 1_000_000.0 } else { 0.0 }
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
}
