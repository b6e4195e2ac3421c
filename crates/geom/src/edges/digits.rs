//! What is lost where coordinates are written with few decimals.

use crate::Crs;

/// Decimals with which coordinates are no longer few: of a degree, and of a metre.
const ENOUGH: [u8; 2] = [8, 3];
/// Fewest decimals of a degree that are taken for rounding: what is written with fewer was drawn on round numbers, and is doubted no further than these.
const FEWEST: u8 = 5;
/// Metres of a degree of latitude, rounded up.
const DEGREE_M: f64 = 111_700.0;

/// How a file writes its coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The CRS in which its edges are straight.
    pub crs: Crs,
    /// The most decimals that its coordinates have; `None` where they were not counted.
    pub decimals: Option<u8>,
}

impl Written {
    /// Half the last digit of its coordinates, metres; 0 where they have enough.
    #[must_use]
    pub fn half_digit_m(self) -> f64 {
        let degrees = self.crs.is_degrees();
        match self.decimals {
            Some(decimals) if decimals < ENOUGH[usize::from(!degrees)] => {
                let decimals = if degrees { decimals.max(FEWEST) } else { decimals };
                0.5 * 10_f64.powi(-i32::from(decimals)) * if degrees { DEGREE_M } else { 1.0 }
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: by hand; half of 1e-6 degrees, of a centimetre, of a metre.
    #[test]
    fn the_last_digit_counts_half() {
        let half = |decimals: Option<u8>, name: &str| Written { crs: name.parse().unwrap(), decimals }.half_digit_m();
        assert!((half(Some(6), "4490") - 0.055_85).abs() < 1e-9);
        assert_eq!(half(Some(2), "4490"), half(Some(5), "4490"));
        assert_eq!([half(Some(8), "4490"), half(None, "4490"), half(Some(3), "4548")], [0.0; 3]);
        assert_eq!([half(Some(2), "4548"), half(Some(0), "4548")], [0.005, 0.5]);
    }
}
