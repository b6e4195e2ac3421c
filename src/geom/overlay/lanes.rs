//! Four numbers at once, in safe code that the compiler turns into vector instructions.

#![allow(clippy::inline_always, reason = "an operation left as a call would undo what four lanes are for")]

use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// Numbers side by side.
pub(super) const LANES: usize = 4;

/// Four numbers side by side.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lanes(pub [f64; LANES]);

impl Lanes {
    /// The same number four times.
    #[inline(always)]
    pub(super) fn all(value: f64) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn zip(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self(std::array::from_fn(|lane| of(self.0[lane], other.0[lane])))
    }

    /// The larger ones. Nothing may be NaN: a comparison is one instruction, `f64::max` is five.
    #[inline(always)]
    pub(super) fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    /// The smaller ones. Nothing may be NaN.
    #[inline(always)]
    pub(super) fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    /// Without their signs.
    #[inline(always)]
    pub(super) fn abs(self) -> Self {
        Self(self.0.map(f64::abs))
    }

    /// Their sum, pairwise.
    #[inline(always)]
    pub(super) fn sum(self) -> f64 {
        (self.0[0] + self.0[1]) + (self.0[2] + self.0[3])
    }
}

impl Add for Lanes {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Lanes {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl Div for Lanes {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
}

impl AddAssign for Lanes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
