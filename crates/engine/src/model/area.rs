//! Square metres inside, 亩 and 公顷 at the edge: summed unrounded, converted and rounded half-up once.

use serde::{Deserialize, Serialize};

/// An area as it is answered: square metres as summed, and 亩 rounded half-up to two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Area {
    /// Square metres, unrounded.
    pub m2: f64,
    /// 亩, two decimals.
    pub mu: f64,
}

impl Area {
    /// Square metres in one 亩: 10 000/15. (666.67, often seen, is 5 ppm off.)
    pub const M2_PER_MU: f64 = 10_000.0 / 15.0;

    /// An area of `m2` square metres.
    #[must_use]
    pub fn of_m2(m2: f64) -> Self {
        Self { m2, mu: round_half_up(m2 * 15.0 / 10_000.0, 2) }
    }
}

/// `value` rounded half-up (away from zero) to `decimals`.
///
/// The value is first read as a decimal of twelve significant digits, so that 1.005, which a double can only hold as
/// 1.00499999999999989…, becomes 1.01 as it does on paper, and so that the last bits of a long sum cannot turn a printed figure.
#[must_use]
pub fn round_half_up(value: f64, decimals: u32) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(decimals as i32);
    let scaled = format!("{:.11e}", value.abs() * scale).parse().unwrap_or(value.abs() * scale);
    ((scaled + 0.5_f64).floor() / scale).copysign(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up_as_on_paper() {
        // Oracle: Python's decimal.Decimal(str).quantize(ROUND_HALF_UP) on the literals.
        for (value, expected) in [(1.005, 1.01), (2.675, 2.68), (0.125, 0.13), (16.6158, 16.62), (-1.005, -1.01), (0.0, 0.0), (1.004_999, 1.0)] {
            assert_eq!(round_half_up(value, 2), expected, "{value}");
        }
    }

    #[test]
    fn a_mu_is_ten_thousand_fifteenths() {
        assert_eq!(Area::of_m2(20_000.0 / 3.0).mu, 10.0);
        assert_eq!(Area::of_m2(10_000.0).mu, 15.0);
    }
}
