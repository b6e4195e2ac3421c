//! The equal-area plane of CGCS2000: where every area and every overlay is computed.
//!
//! Source: the third national land survey's rule for 椭球面积 (see docs/ARCHITECTURE.md, “Area”). Its per-edge trapezoids on the ellipsoid
//! sum to the plain shoelace in x = a·(λ−λ0), y = (q(B)−q(B0))/a, with edges straight between vertices in that plane.

use super::crs::push_steps;
use super::outline::Outline;
use super::twofold::Twofold;
use libm::{asin, atanh, cos, sin};

/// Semi-major axis of CGCS2000, metres.
pub const SEMI_MAJOR_M: f64 = 6_378_137.0;
/// Flattening of CGCS2000.
pub const FLATTENING: f64 = 1.0 / 298.257_222_101;
/// First eccentricity, squared.
pub const E2: f64 = FLATTENING * (2.0 - FLATTENING);
/// Semi-minor axis, squared, square metres.
const B2: f64 = SEMI_MAJOR_M * SEMI_MAJOR_M * (1.0 - E2);

/// Half-width in latitude, radians (about 4°), within which the series stands for the closed form.
const REACH: f64 = 0.07;
/// Terms of the series; the next one is below 1e-17 of the first.
const TERMS: usize = 14;

/// The plane with its origin at a longitude and latitude, so that coordinates near it are small and clean.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    lon0: f64,
    lat0: f64,
    /// y/(metre) as a polynomial in (B−B0)/REACH without constant term: `series[k]` belongs to power k+1.
    series: [f64; TERMS],
    /// q(B0)/a.
    y0: f64,
}

impl Plane {
    /// The plane around `lon0`, `lat0` (degrees).
    #[must_use]
    #[inline]
    pub fn at(lon0: f64, lat0: f64) -> Self {
        Self { lon0, lat0, series: series_about(lat0.to_radians()), y0: authalic_y(lat0.to_radians()) }
    }

    /// The plane for what is measured while nothing says where it lies: around the whole degree nearest to the national geodetic origin 大地原点
    /// (108°55′ E, 34°32′ N). That is the middle of the country and no city's, so that coordinates anywhere in it are below 3 500 km, where doubles are half a
    /// nanometre apart.
    #[must_use]
    pub fn national() -> Self {
        Self::at(109.0, 35.0)
    }

    /// The origin: longitude and latitude in degrees.
    #[must_use]
    #[inline]
    pub fn origin(&self) -> [f64; 2] {
        [self.lon0, self.lat0]
    }

    /// Degrees (longitude, latitude) to metres in the plane.
    #[must_use]
    #[inline]
    pub fn project(&self, [lon, lat]: [f64; 2]) -> [f64; 2] {
        let x = (lon - self.lon0) * (SEMI_MAJOR_M * std::f64::consts::PI / 180.0);
        let t = (lat - self.lat0) * (std::f64::consts::PI / 180.0 / REACH);
        if t.abs() > 1.0 {
            return [x, authalic_y(lat.to_radians()) - self.y0];
        }
        let y = self.series.iter().rev().fold(0.0, |sum, term| sum * t + term) * t;
        [x, y]
    }

    /// Metres in the plane to degrees (longitude, latitude).
    #[must_use]
    #[inline]
    pub fn unproject(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let lon = self.lon0 + (x / SEMI_MAJOR_M).to_degrees();
        let target = (y + self.y0).clamp(-authalic_y(std::f64::consts::FRAC_PI_2), authalic_y(std::f64::consts::FRAC_PI_2));
        let mut lat = asin(target / authalic_y(std::f64::consts::FRAC_PI_2));
        for _ in 0..8 {
            let step = (target - authalic_y(lat)) / authalic_slope(lat).max(1.0);
            lat += step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        [lon, lat.to_degrees()]
    }

    /// An outline in degrees with every edge cut, along its straight line in this plane, into steps not longer than `longest_m` there; `None` where
    /// that is too much. Vertices stay as they are, and neighbours stay neighbours.
    #[must_use]
    pub fn cut(&self, degrees: &Outline, longest_m: f64) -> Option<Outline> {
        let mut cut = Outline { part_ends: degrees.part_ends.clone(), multi: degrees.multi, ..Outline::default() };
        let mut between = Vec::new();
        for ring in 0..degrees.ring_ends.len() {
            let mut before: Option<[f64; 2]> = None;
            for at in degrees.ring(ring) {
                let here = self.project(*at);
                if let Some(before) = before.replace(here) {
                    between.clear();
                    if !push_steps(&mut between, before, here, longest_m) {
                        return None;
                    }
                    cut.positions.extend(between.iter().map(|at| self.unproject(*at)));
                }
                cut.positions.push(*at);
            }
            cut.end_ring();
        }
        Some(cut)
    }
}

/// q(B)/a in metres: half the zone area between equator and latitude `lat` (radians) per radian of longitude, over a.
fn authalic_y(lat: f64) -> f64 {
    let s = sin(lat);
    let e = E2.sqrt();
    B2 / 2.0 * (s / (1.0 - E2 * s * s) + atanh(e * s) / e) / SEMI_MAJOR_M
}

/// The derivative of [`authalic_y`] by latitude, metres a radian.
fn authalic_slope(lat: f64) -> f64 {
    let s = sin(lat);
    let w = 1.0 - E2 * s * s;
    B2 * cos(lat) / (w * w) / SEMI_MAJOR_M
}

/// The series of y about `lat0` in powers of (B−B0)/REACH: the slope is interpolated at Chebyshev nodes, where it is known to the last
/// bit, and integrated; subtracting two large values of the closed form would lose four digits instead.
fn series_about(lat0: f64) -> [f64; TERMS] {
    let n = TERMS as f64;
    let node = |j: usize| cos(std::f64::consts::PI * (j as f64 + 0.5) / n);
    let slopes: Vec<f64> = (0..TERMS).map(|j| authalic_slope(lat0 + REACH * node(j)) * REACH).collect();
    let chebyshev = |k: usize| -> f64 {
        let sum: f64 = (0..TERMS).map(|j| slopes[j] * cos(std::f64::consts::PI * k as f64 * (j as f64 + 0.5) / n)).sum();
        sum * if k == 0 { 1.0 } else { 2.0 } / n
    };
    // T(k) in powers of t, by T(k+1) = 2t·T(k) − T(k−1).
    let mut powers = [0.0; TERMS];
    let (mut before, mut now) = ([0.0; TERMS], [0.0; TERMS]);
    now[0] = 1.0;
    for k in 0..TERMS {
        let weight = chebyshev(k);
        for (power, term) in powers.iter_mut().zip(now) {
            *power += weight * term;
        }
        let mut next = [0.0; TERMS];
        for i in 0..TERMS {
            let doubled = if k == 0 { 1.0 } else { 2.0 };
            next[i] = if i > 0 { doubled * now[i - 1] } else { 0.0 } - before[i];
        }
        before = if k == 0 {
            let mut one = [0.0; TERMS];
            one[0] = 1.0;
            one
        } else {
            now
        };
        now = next;
    }
    for (k, power) in powers.iter_mut().enumerate() {
        *power /= k as f64 + 1.0;
    }
    powers
}

/// What of a ring's area its rounding may be before it is summed again with twice the digits: more than slivers of a thousandth of their length have.
const THIN: f64 = 1e-12;

/// Twice the signed area of a closed ring in the plane, square metres; positive when it runs counter-clockwise.
///
/// Measured from the ring's first position, so that the distance to the plane's origin costs no digits; and with twice the digits where the ring
/// is so thin that the sum cancels.
#[must_use]
#[inline]
pub fn twice_signed_area(ring: &[[f64; 2]]) -> f64 {
    let Some(&[x0, y0]) = ring.first() else { return 0.0 };
    let (mut sum, mut noise) = (0.0, 0.0);
    for pair in ring.windows(2) {
        let (ax, ay, bx, by) = (pair[0][0] - x0, pair[0][1] - y0, pair[1][0] - x0, pair[1][1] - y0);
        let (there, back) = (ax * by, bx * ay);
        sum += there - back;
        noise += there.abs() + back.abs();
    }
    if noise * (2.0 * f64::EPSILON) <= sum.abs() * THIN { sum } else { twice_signed_area_carefully(ring, [x0, y0]) }
}

fn twice_signed_area_carefully(ring: &[[f64; 2]], [x0, y0]: [f64; 2]) -> f64 {
    let sum = ring.windows(2).fold(Twofold::ZERO, |sum, pair| {
        let [ax, bx] = [pair[0][0], pair[1][0]].map(|x| Twofold::difference(x, x0));
        let [ay, by] = [pair[0][1], pair[1][1]].map(|y| Twofold::difference(y, y0));
        sum + (ax * by - bx * ay)
    });
    sum.rounded()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(ring: &[[f64; 2]]) -> f64 {
        let plane = Plane::at(ring[0][0].round(), ring[0][1].round());
        let ring: Vec<_> = ring.iter().map(|at| plane.project(*at)).collect();
        twice_signed_area(&ring).abs() / 2.0
    }

    /// Oracle: docs/ARCHITECTURE.md, “Area”: four rings computed edge by edge on the ellipsoid, to 1e-4 m².
    #[test]
    fn the_four_published_rings() {
        let rings: [(&[[f64; 2]], f64); 4] = [
            (&[[118.35, 35.05], [118.36, 35.05], [118.36, 35.06], [118.35, 35.06], [118.35, 35.05]], 1_012_087.260_1),
            (&[[118.35, 35.05], [118.3533, 35.0507], [118.3512, 35.0531], [118.35, 35.05]], 47_519.406_9),
            (&[[117.95, 35.25], [117.956, 35.25], [117.956, 35.252], [117.953, 35.252], [117.953, 35.256], [117.95, 35.256], [117.95, 35.25]], 242_322.581_0),
            (&[[118.495, 34.9], [118.505, 34.9], [118.505, 34.905], [118.495, 34.905], [118.495, 34.9]], 506_969.864_4),
        ];
        for (ring, expected) in rings {
            assert!((area(ring) - expected).abs() < 1e-4, "{} {expected}", area(ring));
        }
    }

    #[test]
    fn the_series_is_the_closed_form() {
        for lat0 in [-55.0, 0.0, 18.0, 35.0, 53.0, 80.0] {
            let plane = Plane::at(117.0, lat0);
            for step in -40..=40 {
                let lat = lat0 + f64::from(step) / 10.0;
                let closed = authalic_y(lat.to_radians()) - authalic_y(lat0.to_radians());
                assert!((plane.project([117.0, lat])[1] - closed).abs() < 4e-9, "{lat0} {lat}");
            }
        }
    }

    #[test]
    fn degrees_come_back() {
        let plane = Plane::at(118.0, 35.0);
        for at in [[118.3, 35.1], [117.4, 34.4], [119.2, 36.2], [80.0, 3.0]] {
            let back = plane.unproject(plane.project(at));
            assert!((back[0] - at[0]).abs() < 1e-12 && (back[1] - at[1]).abs() < 1e-12, "{at:?} {back:?}");
        }
    }
}
