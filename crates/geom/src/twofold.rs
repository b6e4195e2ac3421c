//! Double-double arithmetic (Dekker, 1971): a double and what its rounding lost, about 31 digits at ten times the cost. For the few sums that
//! cancel so far that sixteen digits leave too few.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// The number `high + low`, |low| at most half the last bit of `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Twofold {
    high: f64,
    low: f64,
}

/// One rounding of a sum or product of these is below this part of it.
pub(super) const EPSILON: f64 = 4.0 * f64::EPSILON * f64::EPSILON;

impl Twofold {
    pub const ZERO: Self = Self { high: 0.0, low: 0.0 };

    /// `a` + `b`, exactly.
    fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let b_part = high - a;
        Self { high, low: (a - (high - b_part)) + (b - b_part) }
    }

    /// `a` − `b`, exactly.
    pub fn difference(a: f64, b: f64) -> Self {
        Self::sum(a, -b)
    }

    /// The number as a double.
    pub fn rounded(self) -> f64 {
        self.high
    }

    /// The number where it is below 0, else 0.
    pub fn negative_part(self) -> Self {
        if self.high < 0.0 { self } else { Self::ZERO }
    }

    pub fn abs(self) -> Self {
        if self.high < 0.0 { -self } else { self }
    }
}

impl From<f64> for Twofold {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Neg for Twofold {
    type Output = Self;
    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl Add for Twofold {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (high, low) = (Self::sum(self.high, other.high), Self::sum(self.low, other.low));
        let sum = Self::sum(high.high, high.low + low.high);
        Self::sum(sum.high, sum.low + low.low)
    }
}

impl Sub for Twofold {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Twofold {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let high = self.high * other.high;
        let low = self.high.mul_add(other.high, -high);
        Self::sum(high, low + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Twofold {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * Self::from(first);
        let second = rest.high / other.high;
        let rest = rest - other * Self::from(second);
        Self::sum(first, second) + Self::from(rest.high / other.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: by hand; what a double loses is in `low`.
    #[test]
    fn thirty_digits_are_kept() {
        let third = Twofold::from(1.0) / Twofold::from(3.0);
        let rest = third * Twofold::from(3.0) - Twofold::from(1.0);
        assert!(rest.rounded().abs() < 1e-31, "{rest:?}");
        let near_one = Twofold::sum(1.0, 1e-25);
        assert_eq!((near_one * near_one - Twofold::from(1.0)).rounded(), 2e-25);
        assert_eq!((near_one - Twofold::from(1.0)).rounded(), 1e-25);
        assert_eq!(Twofold::difference(1e8, 1e-12) + Twofold::difference(1e-12, 1e8), Twofold::ZERO);
    }
}
