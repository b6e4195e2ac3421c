//! Numbers as JSON writes them, to the nearest double.

use super::{Fault, Wrong};

/// A number read from text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// The nearest double; infinite where the number is too large for one.
    pub value: f64,
    /// Decimals it was written with, after its exponent is taken into account.
    pub decimals: u8,
    /// Where it ends.
    pub end: usize,
}

/// 10⁰ to 10²², the powers of ten that a double holds exactly.
pub(in crate::formats) static POWERS: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

/// Reads the number that begins at `start`.
///
/// Digits are gathered into an integer; while that and the power of ten are exact doubles, one division rounds correctly (Clinger). Up to nineteen digits
/// a [`quotient`] of integers does. Anything longer, or with an exponent, goes to `fast_float2`. Nothing is checked of what follows the number.
#[inline]
pub fn number(bytes: &[u8], start: usize) -> Result<Number, Fault> {
    let mut at = start;
    let negative = bytes.get(at) == Some(&b'-');
    at += usize::from(negative);
    let whole = at;
    let mut mantissa = 0_u64;
    while let Some(digit) = digit(bytes, at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let mut digits = at - whole;
    if digits == 0 {
        return Err(no_number(bytes, at));
    }
    if digits > 1 && bytes[whole] == b'0' {
        return Err(Fault { at: whole, wrong: Wrong::Number });
    }
    let mut decimals = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let fraction = at;
        while let Some(eight) = eight_digits(bytes, at) {
            mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(eight);
            at += 8;
        }
        while let Some(digit) = digit(bytes, at) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
            at += 1;
        }
        decimals = at - fraction;
        digits += decimals;
        if decimals == 0 {
            return Err(no_number(bytes, at));
        }
    }
    if digits > 19 || decimals > 22 || matches!(bytes.get(at), Some(b'e' | b'E')) {
        return long_number(bytes, start, at, decimals);
    }
    let value = if mantissa <= 1 << 53 {
        mantissa as f64 / POWERS[decimals]
    } else {
        match quotient(mantissa, decimals) {
            Some(value) => value,
            None => return long_number(bytes, start, at, decimals),
        }
    };
    Ok(Number { value: if negative { -value } else { value }, decimals: decimals as u8, end: at })
}

#[inline]
fn digit(bytes: &[u8], at: usize) -> Option<u64> {
    let digit = bytes.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// The value of eight digits at once, where there are eight: each multiplication joins neighbours, to pairs, fours and eight.
#[inline]
fn eight_digits(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    let digits = eight ^ 0x3030_3030_3030_3030;
    if (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let even = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let odd = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    Some(even.wrapping_add(odd) >> 32)
}

/// For each power of ten p = 10^n from 10 to 10^19, b = floor(log2 p) and floor(2^(b+64) / p), which takes 64 bits. Nothing for 1.
static RECIPROCALS: [(u64, u32); 20] = {
    let mut reciprocals = [(0, 0); 20];
    let (mut power, mut decimals) = (10_u64, 1);
    while decimals < 20 {
        let bits = power.ilog2();
        reciprocals[decimals] = (((1_u128 << (bits + 64)) / power as u128) as u64, bits);
        decimals += 1;
        power = power.wrapping_mul(10);
    }
    reciprocals
};

/// The double nearest to `mantissa` / 10^`decimals`; `None` where this way cannot tell, one time in 700, and where it would take other powers.
///
/// The reciprocal is too small by less than one in 2^64, so that the leading 64 bits of the product are too small by less than 3: that decides how to round
/// the 53 of a double, unless what is cut off is so close to the middle between two.
#[inline]
fn quotient(mantissa: u64, decimals: usize) -> Option<f64> {
    let &(reciprocal, bits) = RECIPROCALS.get(decimals).filter(|_| decimals > 0 && mantissa > 0)?;
    let shift = mantissa.leading_zeros();
    let product = u128::from(mantissa << shift) * u128::from(reciprocal);
    let more = product.leading_zeros();
    let leading = (product >> (64 - more)) as u64;
    let cut_off = leading & 0x7FF;
    if (0x3FE..=0x400).contains(&cut_off) {
        return None;
    }
    let rounded = (leading >> 11) + u64::from(cut_off > 0x400);
    // From 2^-117 to 2^8: never near the limits of a double.
    let scale = f64::from_bits(u64::from(1023 + 11 - bits - shift - more) << 52);
    Some(rounded as f64 * scale)
}

/// The rest of a number whose digits do not fit, or that has an exponent.
#[cold]
fn long_number(bytes: &[u8], start: usize, mut at: usize, decimals: usize) -> Result<Number, Fault> {
    let mut exponent = 0_i64;
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        let down = bytes.get(at) == Some(&b'-');
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let first = at;
        while let Some(digit) = digit(bytes, at) {
            exponent = (exponent * 10 + digit as i64).min(100_000);
            at += 1;
        }
        if at == first {
            return Err(no_number(bytes, at));
        }
        exponent = if down { -exponent } else { exponent };
    }
    let value = fast_float2::parse(&bytes[start..at]).map_err(|_| Fault { at: start, wrong: Wrong::Number })?;
    let decimals = (decimals as i64 - exponent).clamp(0, 255) as u8;
    Ok(Number { value, decimals, end: at })
}

#[cold]
fn no_number(bytes: &[u8], at: usize) -> Fault {
    Fault { at, wrong: if at >= bytes.len() { Wrong::End } else { Wrong::Number } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_the_nearest_doubles() {
        // Oracle: the correctly rounded parser of Rust's standard library.
        for text in [
            "118.123456789",
            "-0.000000001",
            "9007199254740991",
            "9007199254740993",
            "0.1",
            "118.12345678901234567",
            "1234567890.12345678",
            "1e22",
            "1e23",
            "1.7976931348623157e308",
            "5e-324",
            "123456789012345678901234567890",
            "0.00000000000000000000001",
            "39637104.0905283",
            "35.00000000",
            "1.0",
            "-180",
            "9007199254740992.5",
            "900719925474099.25",
        ] {
            let number = number(text.as_bytes(), 0).unwrap();
            assert_eq!(number.value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
            assert_eq!(number.end, text.len());
        }
        assert_eq!(number(b"1e999", 0).unwrap().value, f64::INFINITY);
        assert_eq!(number(b"-1e999", 0).unwrap().value, f64::NEG_INFINITY);
        assert_eq!(number(b"1e99999999999999999999", 0).unwrap().value, f64::INFINITY);
    }

    #[test]
    fn decimals_are_counted() {
        for (text, decimals) in [("118", 0), ("118.5", 1), ("118.123456789", 9), ("1.18123456789e2", 9), ("118e-3", 3), ("1e5", 0), ("1e-999", 255)] {
            assert_eq!(number(text.as_bytes(), 0).unwrap().decimals, decimals, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_decimal_is_the_nearest_double(negative: bool, whole in 0_u64..10_000_000_000, fraction in "[0-9]{1,17}") {
            let text = format!("{}{whole}.{fraction},", if negative { "-" } else { "" });
            let digits = text.trim_end_matches(',');
            let number = number(text.as_bytes(), 0).unwrap();
            prop_assert_eq!(number.value.to_bits(), digits.parse::<f64>().unwrap().to_bits());
            prop_assert_eq!((number.end, usize::from(number.decimals)), (digits.len(), fraction.len()));
        }

        #[test]
        fn a_quotient_is_the_nearest_double(mantissa in 1_u64..10_000_000_000_000_000_000, shift in 0_u32..64, decimals in 1_usize..20) {
            let mantissa = (mantissa >> shift).max(1);
            if let Some(value) = quotient(mantissa, decimals) {
                prop_assert_eq!(value.to_bits(), format!("{mantissa}e-{decimals}").parse::<f64>().unwrap().to_bits());
            }
        }

        #[test]
        fn next_to_the_middle_between_two_doubles_it_is_the_nearest_all_the_same(double in 1_u64 << 52..1 << 53, off in -1_i64..=1, decimals in 0_usize..3) {
            // An odd number of halves, and its neighbours in the last digit that is written.
            let halves = (u128::from(double) * 2 + 1) * 10_u128.pow(decimals as u32 + 1) / 4;
            let digits = (halves as i128 + i128::from(off)).to_string();
            let (whole, fraction) = digits.split_at(digits.len() - decimals - 1);
            let text = format!("{whole}.{fraction}");
            prop_assert_eq!(number(text.as_bytes(), 0).unwrap().value.to_bits(), text.parse::<f64>().unwrap().to_bits());
        }
    }
}
