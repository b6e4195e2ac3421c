//! The GCJ-02 offset: what China's web maps add to longitude and latitude, some hundred metres that change from place to place.
//!
//! The formula was never issued; it is the one that the open libraries publish and agree on. It answers degrees and is good to a centimetre.

use std::f64::consts::PI;

/// The ellipsoid the formula is written for (Krasovsky 1940), metres.
const SEMI_MAJOR_M: f64 = 6_378_245.0;
/// Its first eccentricity, squared.
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;
/// Rounds of the inverse: the offset changes by less than four metres in a thousand, so each is some three hundred times closer than the one before.
const ROUNDS: usize = 5;

/// Where GCJ-02 puts a place: degrees (longitude, latitude) to degrees.
#[must_use]
pub fn add_gcj02(at: [f64; 2]) -> [f64; 2] {
    let [east, north] = offset(at);
    [at[0] + east, at[1] + north]
}

/// The place that GCJ-02 puts there: the inverse of [`add_gcj02`], by iteration.
#[must_use]
pub fn remove_gcj02(shifted: [f64; 2]) -> [f64; 2] {
    let mut at = shifted;
    for _ in 0..ROUNDS {
        let [east, north] = offset(at);
        at = [shifted[0] - east, shifted[1] - north];
    }
    at
}

/// What is added at a place, degrees.
fn offset([lon, lat]: [f64; 2]) -> [f64; 2] {
    let (x, y) = (lon - 105.0, lat - 35.0);
    let root = libm::sqrt(x.abs());
    // Waves of 1/6, 1/3, 1, 3, 12 and 30 units' length; each line is one of the published sums.
    let wave = |along: f64, of: [(f64, f64); 2]| of.iter().map(|(height, rate)| height * libm::sin(along * rate * PI)).sum::<f64>() * 2.0 / 3.0;
    let ripple = wave(x, [(20.0, 6.0), (20.0, 2.0)]);
    let north_m = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + ripple
        + wave(y, [(20.0, 1.0), (40.0, 1.0 / 3.0)])
        + wave(y, [(160.0, 1.0 / 12.0), (320.0, 1.0 / 30.0)]);
    let east_m = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + ripple
        + wave(x, [(20.0, 1.0), (40.0, 1.0 / 3.0)])
        + wave(x, [(150.0, 1.0 / 12.0), (300.0, 1.0 / 30.0)]);
    let (sin, cos) = libm::sincos(lat.to_radians());
    let flat = 1.0 - ECCENTRICITY_2 * sin * sin;
    let meridian_m = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_2) / (flat * libm::sqrt(flat));
    let parallel_m = SEMI_MAJOR_M / libm::sqrt(flat) * cos;
    [(east_m / parallel_m).to_degrees(), (north_m / meridian_m).to_degrees()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_put_where_the_published_formula_puts_it() {
        // Oracles: the first is what coordtransform, eviltransform and hutool print for 天安门; the others come from a script of the same published
        // formula in Python, term by term.
        for (at, expected) in [
            ([116.404, 39.915], [116.410_244_499_169_38, 39.916_404_281_501_64]),
            ([118.35, 35.05], [118.355_737_763_881, 35.049_536_248_043]),
            ([117.0, 34.5], [117.005_611_380_345, 34.498_836_133_539]),
            ([119.2, 36.2], [119.205_739_323_479, 36.200_151_518_662]),
            ([76.0, 39.4], [76.002_986_768_850, 39.400_232_826_347]),
        ] {
            let got = add_gcj02(at);
            assert!((got[0] - expected[0]).abs() < 1e-11 && (got[1] - expected[1]).abs() < 1e-11, "{at:?}: {got:?}");
        }
    }

    #[test]
    fn what_was_added_comes_off_again_to_a_micrometre() {
        for column in 0..60 {
            for row in 0..60 {
                let at = [117.4 + f64::from(column) * 0.0307, 34.4 + f64::from(row) * 0.0307];
                let back = remove_gcj02(add_gcj02(at));
                assert!((back[0] - at[0]).abs() < 1e-11 && (back[1] - at[1]).abs() < 1e-11, "{at:?}: {back:?}");
            }
        }
    }
}
