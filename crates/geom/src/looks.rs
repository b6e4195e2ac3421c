//! What positions look like, against the CRS they are said to be in: the wrong zone, swapped axes, metres taken for degrees.
//!
//! Only numbers are looked at. The words for people, and the fix, are the formats' affair.

use super::crs::ZONES;
use super::{Bounds, Crs};

/// Where land files of this service can lie, degrees: China with its seas.
const CHINA: Bounds = Bounds { min: [73.0, 3.0], max: [136.0, 54.0] };

/// Why positions cannot be what they are said to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Contradiction {
    /// Some position is NaN or infinite.
    NotFinite,
    /// Right in this CRS once x and y change places.
    SwappedAxes,
    /// They fit another CRS.
    LooksLike {
        /// The one.
        crs: Crs,
        /// Whether x and y must change places, too.
        swapped: bool,
    },
    /// Six-digit eastings: the zone cannot be read from them.
    LacksZone {
        /// The zones that put them where they belong; more than one where that cannot be told.
        candidates: Vec<Crs>,
        /// Whether x and y must change places, too.
        swapped: bool,
    },
    /// Eight-digit eastings of a 6-degree zone.
    SixDegreeZone {
        /// 13 to 23.
        zone: u8,
        /// Whether x and y must change places, too.
        swapped: bool,
    },
    /// Within the CRS's reach, but nowhere near the counties in force.
    Elsewhere {
        /// Where, degrees.
        at: Bounds,
    },
    /// Nothing that is known.
    OutOfRange {
        /// The numbers.
        at: Bounds,
    },
}

impl Contradiction {
    /// The CRS that would put the positions where they belong as they are written; none where their axes must change places first.
    #[must_use]
    pub fn candidates(&self) -> &[Crs] {
        match self {
            Self::LooksLike { crs, swapped: false } => std::slice::from_ref(crs),
            Self::LacksZone { candidates, swapped: false } => candidates,
            _ => &[],
        }
    }

    /// Whether the file cannot be read this way; else it is only odd.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::Elsewhere { .. })
    }
}

/// The box around the middle four fifths of a sample, axis by axis, so that a few broken features do not speak for a file. NaN counts as large.
#[must_use]
pub fn typical(sample: &[[f64; 2]]) -> Bounds {
    let mut bounds = Bounds::EMPTY;
    if sample.is_empty() {
        return bounds;
    }
    let spare = sample.len() / 10;
    for axis in 0..2 {
        let mut values: Vec<f64> = sample.iter().map(|at| if at[axis].is_nan() { f64::INFINITY } else { at[axis] }).collect();
        values.sort_unstable_by(f64::total_cmp);
        bounds.min[axis] = values[spare];
        bounds.max[axis] = values[values.len() - 1 - spare];
    }
    bounds
}

impl Crs {
    /// Why positions in `bounds` cannot be in this CRS, with the likeliest cause; `None` where nothing speaks against it.
    ///
    /// `known` is the box of the counties in force, in degrees. Without it, anywhere the CRS reaches is believed, unless it is outside China and
    /// another reading is inside. A reading is held to be right when it touches `known`, or China. Pass [`typical`] bounds of a sample.
    #[must_use]
    pub fn contradiction(self, bounds: &Bounds, known: Option<&Bounds>) -> Option<Contradiction> {
        if bounds.is_empty() {
            return None;
        }
        if !bounds.min.into_iter().chain(bounds.max).all(f64::is_finite) {
            return Some(Contradiction::NotFinite);
        }
        let home = known.unwrap_or(&CHINA);
        if self.fits(bounds, home) {
            return None;
        }
        if self.fits(&swap(bounds), home) {
            return Some(Contradiction::SwappedAxes);
        }
        if let Some(likely) = [false, true].into_iter().find_map(|swapped| self.likely(bounds, swapped, home)) {
            return Some(likely);
        }
        match self.bounds_to_degrees(bounds) {
            Some(at) => known.map(|_| Contradiction::Elsewhere { at }),
            None => Some(Contradiction::OutOfRange { at: *bounds }),
        }
    }

    /// Another reading of the same numbers that puts them at home.
    fn likely(self, bounds: &Bounds, swapped: bool, home: &Bounds) -> Option<Contradiction> {
        let bounds = if swapped { swap(bounds) } else { *bounds };
        let named = ZONES.map(|zone| Self::GaussKruger { zone, prefixed: true });
        let degrees = Self::from_epsg(4490).into_iter();
        if let Some(crs) = degrees.chain(named).chain([Self::WebMercator]).find(|crs| *crs != self && crs.fits(&bounds, home)) {
            return Some(Contradiction::LooksLike { crs, swapped });
        }
        let million = (bounds.min[0] / 1e6).floor();
        let within = Bounds { min: [bounds.min[0] - million * 1e6, bounds.min[1]], max: [bounds.max[0] - million * 1e6, bounds.max[1]] };
        // Six-degree zone NN has the central meridian of 3-degree zone 2·NN−1.
        if (13.0..=23.0).contains(&million) && (Self::GaussKruger { zone: 2 * million as u8 - 1, prefixed: false }).fits(&within, home) {
            return Some(Contradiction::SixDegreeZone { zone: million as u8, swapped });
        }
        let candidates: Vec<Self> = ZONES.map(|zone| Self::GaussKruger { zone, prefixed: false }).filter(|crs| crs.fits(&bounds, home)).collect();
        match candidates[..] {
            [] => None,
            [crs] if crs != self => Some(Contradiction::LooksLike { crs, swapped }),
            _ => Some(Contradiction::LacksZone { candidates, swapped }),
        }
    }

    /// Whether the whole box is within reach and some of it at home.
    fn fits(self, bounds: &Bounds, home: &Bounds) -> bool {
        self.bounds_to_degrees(bounds).is_some_and(|degrees| degrees.touches(home))
    }

    fn bounds_to_degrees(self, bounds: &Bounds) -> Option<Bounds> {
        let Bounds { min: [left, low], max: [right, high] } = *bounds;
        let mut degrees = Bounds::EMPTY;
        for corner in [[left, low], [right, low], [right, high], [left, high]] {
            degrees.extend(self.to_degrees(corner)?);
        }
        Some(degrees)
    }
}

/// The box with x and y in each other's place.
fn swap(bounds: &Bounds) -> Bounds {
    let turn = |[x, y]: [f64; 2]| [y, x];
    Bounds { min: turn(bounds.min), max: turn(bounds.max) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CITY: Bounds = Bounds { min: [117.4, 34.4], max: [119.2, 36.2] };

    fn crs(name: &str) -> Crs {
        name.parse().unwrap()
    }

    /// The box of a few kilometres around a place.
    fn around([x, y]: [f64; 2], half: f64) -> Bounds {
        Bounds { min: [x - half, y - half], max: [x + half, y + half] }
    }

    fn near(name: &str, degrees: [f64; 2]) -> Bounds {
        let crs = crs(name);
        around(crs.from_degrees(degrees).unwrap(), if crs.is_degrees() { 0.05 } else { 5_000.0 })
    }

    #[test]
    fn what_is_right_is_not_contradicted() {
        for name in ["4490", "4326", "CRS84", "3857", "4527", "4528", "4548", "4549"] {
            for known in [None, Some(&CITY)] {
                assert_eq!(crs(name).contradiction(&near(name, [118.3, 35.1]), known), None, "{name}");
            }
        }
        assert_eq!(crs("4490").contradiction(&Bounds::EMPTY, Some(&CITY)), None);
    }

    #[test]
    fn metres_said_to_be_degrees_are_recognised_with_their_zone() {
        for (real, known) in [("4527", None), ("4527", Some(&CITY)), ("4528", None), ("3857", None), ("3857", Some(&CITY))] {
            assert_eq!(
                crs("4490").contradiction(&near(real, [118.3, 35.1]), known),
                Some(Contradiction::LooksLike { crs: crs(real), swapped: false }),
                "{real}"
            );
        }
    }

    #[test]
    fn six_digit_eastings_name_the_zones_that_lead_home() {
        let found = crs("4490").contradiction(&near("4548", [118.3, 35.1]), Some(&CITY));
        assert_eq!(found, Some(Contradiction::LooksLike { crs: crs("4548"), swapped: false }));
        // On the central meridian of one zone, wide as the city: other zones put it in another city.
        let Some(Contradiction::LacksZone { candidates, swapped: false }) = crs("4490").contradiction(&near("4548", [118.3, 35.1]), None) else { panic!() };
        assert!(candidates.contains(&crs("4548")) && candidates.len() > 10);
    }

    #[test]
    fn the_surveyors_order_north_before_east_is_recognised() {
        let found = crs("4490").contradiction(&swap(&near("4527", [118.3, 35.1])), Some(&CITY));
        assert_eq!(found, Some(Contradiction::LooksLike { crs: crs("4527"), swapped: true }));
        assert_eq!(crs("4527").contradiction(&swap(&near("4527", [118.3, 35.1])), None), Some(Contradiction::SwappedAxes));
    }

    #[test]
    fn latitude_before_longitude_is_recognised() {
        for known in [None, Some(&CITY)] {
            assert_eq!(crs("4490").contradiction(&swap(&near("4490", [118.3, 35.1])), known), Some(Contradiction::SwappedAxes));
        }
        // In the far west both orders are on the globe.
        assert_eq!(crs("4490").contradiction(&swap(&near("4490", [76.0, 39.4])), None), Some(Contradiction::SwappedAxes));
    }

    #[test]
    fn degrees_said_to_be_metres_are_recognised() {
        for name in ["4527", "4548", "3857"] {
            assert_eq!(
                crs(name).contradiction(&near("4490", [118.3, 35.1]), Some(&CITY)),
                Some(Contradiction::LooksLike { crs: crs("4490"), swapped: false }),
                "{name}"
            );
        }
    }

    #[test]
    fn the_wrong_zone_is_recognised() {
        assert_eq!(crs("4527").contradiction(&near("4528", [118.3, 35.1]), None), Some(Contradiction::LooksLike { crs: crs("4528"), swapped: false }));
        assert_eq!(crs("4548").contradiction(&near("4527", [118.3, 35.1]), None), Some(Contradiction::LooksLike { crs: crs("4527"), swapped: false }));
        assert_eq!(crs("4527").contradiction(&near("4548", [118.3, 35.1]), Some(&CITY)), Some(Contradiction::LooksLike { crs: crs("4548"), swapped: false }));
        // Nothing but the place tells zone 39 from zone 40 here.
        assert_eq!(crs("4549").contradiction(&near("4548", [118.3, 35.1]), Some(&CITY)), Some(Contradiction::LooksLike { crs: crs("4548"), swapped: false }));
    }

    #[test]
    fn six_degree_zones_are_told_apart() {
        // Oracle: the 6-degree zone 20 has the central meridian 117° E, as 3-degree zone 39.
        let mut bounds = near("4548", [118.3, 35.1]);
        bounds.min[0] += 2e7;
        bounds.max[0] += 2e7;
        assert_eq!(crs("4490").contradiction(&bounds, Some(&CITY)), Some(Contradiction::SixDegreeZone { zone: 20, swapped: false }));
    }

    #[test]
    fn nonsense_is_only_out_of_range() {
        for at in [[1e308, 35.0], [500.0, 500.0], [-1e7, -1e7]] {
            assert_eq!(crs("4490").contradiction(&around(at, 0.0), Some(&CITY)), Some(Contradiction::OutOfRange { at: around(at, 0.0) }));
        }
        assert_eq!(crs("4490").contradiction(&around([f64::NAN, 35.0], 0.0), None), Some(Contradiction::NotFinite));
        assert_eq!(crs("4490").contradiction(&Bounds { min: [1.0, 1.0], max: [f64::INFINITY, 1.0] }, None), Some(Contradiction::NotFinite));
    }

    #[test]
    fn another_city_is_odd_but_possible() {
        let found = crs("4490").contradiction(&near("4490", [104.0, 30.6]), Some(&CITY)).unwrap();
        assert!(matches!(found, Contradiction::Elsewhere { .. }) && !found.is_certain());
        assert_eq!(crs("4490").contradiction(&near("4490", [104.0, 30.6]), None), None);
        assert_eq!(crs("4490").contradiction(&near("4490", [2.3, 48.8]), None), None, "another continent, and no better reading");
    }

    #[test]
    fn a_few_broken_positions_do_not_speak_for_a_file() {
        let mut sample = vec![[118.3, 35.1]; 20];
        sample.extend([[f64::NAN, 1e308], [35.1, 118.3]]);
        assert_eq!(crs("4490").contradiction(&typical(&sample), Some(&CITY)), None);
        assert!(typical(&[]).is_empty());
        assert_eq!(typical(&[[1.0, 2.0]]), around([1.0, 2.0], 0.0));
        assert_eq!(crs("4490").contradiction(&typical(&[[f64::NAN; 2]; 3]), None), Some(Contradiction::NotFinite));
    }
}
