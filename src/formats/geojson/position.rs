//! A position as nearly all files write it, `[105.123456789,35.123456789]` or `[ 105.123456789, 35.123456789 ]`: both numbers at once.
//!
//! 1. The bytes that are no digits are found by comparing 32 bytes at once: they must be a point, a comma, a point and the closing bracket, with at most one
//!    space after the opening bracket and the comma, and before the closing bracket.
//! 2. Each number is taken with its last digit at the end of 16 bytes; what stands before its point moves up by one, over the point.
//! 3. Digits are joined to pairs, fours and eights, those of both numbers together.
//! 4. Fifteen digits and their power of ten are exact doubles, so that one division rounds correctly (Clinger, "How to read floating point numbers
//!    accurately", 1990).

use crate::formats::json::POWERS;
use wide::{bytemuck, f64x4, i16x8, i32x8, u8x16, u8x32};

/// Bytes before the first number that must be there, and belong to whatever stands before it; the last is the bracket.
const BEFORE: usize = 16;
/// Bytes in which both numbers must end.
const WINDOW: usize = 32;
/// Digits of one number, at most: any more may not be an exact double.
const DIGITS: usize = 15;
/// From byte n on: sixteen bytes of which the last n are set.
static LAST: [u8; 32] = {
    let mut last = [0; 32];
    let mut at = 16;
    while at < 32 {
        last[at] = 0xFF;
        at += 1;
    }
    last
};

/// A position, and how it was written.
pub(super) struct Position {
    pub at: [f64; 2],
    /// The most decimals of its numbers.
    pub decimals: u8,
    /// Where the text goes on.
    pub end: usize,
}

/// Reads the position at `start`, with spaces or without; `None` where it is written in any other way, and at either end of the text.
#[inline]
pub(super) fn read<const SPACED: bool>(text: &[u8], start: usize) -> Option<Position> {
    let around: &[u8; BEFORE + WINDOW] = text.get((start + 1).checked_sub(BEFORE)?..)?.first_chunk()?;
    let window: &[u8; WINDOW] = around.last_chunk()?;
    let bytes = u8x32::new(*window);
    let digits = bytes - u8x32::splat(b'0');
    let digits = digits.min(u8x32::splat(9)).simd_eq(digits);
    let spaces = bytes.simd_eq(u8x32::splat(b' '));
    let mut others = !(if SPACED { digits | spaces } else { digits }).to_bitmask();
    let mut next = || {
        let at = others.trailing_zeros() as usize;
        others &= others.wrapping_sub(1);
        at
    };
    let [x_point, comma, y_point, bracket] = [next(), next(), next(), next()];
    let is = |at: usize, byte| window.get(at) == Some(&byte);
    if around[BEFORE - 1] != b'[' || !is(bracket, b']') || !is(x_point, b'.') || !is(comma, b',') || !is(y_point, b'.') {
        return None;
    }
    let (mut x, mut y, mut y_end) = (0, comma + 1, bracket);
    if SPACED {
        let at = |at: usize| usize::from(is(at, b' '));
        (x, y, y_end) = (at(0), comma + 1 + at(comma + 1), bracket - at(bracket - 1));
        let expected = (1 << x >> 1) | ((1 << y >> 1) & !(1 << comma)) | ((1 << y_end) & !(1 << bracket));
        if spaces.to_bitmask() & !(!0 << bracket) != expected {
            return None;
        }
    }
    let (x_whole, y_whole) = (x_point - x, y_point - y);
    let (x_decimals, y_decimals) = (comma - x_point - 1, y_end - y_point - 1);
    // No number begins with a point or ends with one, and 0 begins only what is less than 1.
    let complete = x_whole.min(x_decimals).min(y_whole).min(y_decimals) > 0;
    if !complete || x_whole + x_decimals > DIGITS || y_whole + y_decimals > DIGITS || is(x, b'0') && x_whole > 1 || is(y, b'0') && y_whole > 1 {
        return None;
    }
    let eights = fours(around, comma, x_whole + x_decimals, x_decimals)?;
    let more = fours(around, y_end, y_whole + y_decimals, y_decimals)?;
    let words = i16x8::from_i32x8_saturate(bytemuck::cast::<_, i32x8>([eights, more]));
    let [x_high, x_low, y_high, y_low] = f64x4::from_i32x4(words.dot(i16x8::new([10_000, 1, 10_000, 1, 10_000, 1, 10_000, 1]))).to_array();
    let at = [(x_high * 1e8 + x_low) / POWERS[x_decimals], (y_high * 1e8 + y_low) / POWERS[y_decimals]];
    Some(Position { at, decimals: x_decimals.max(y_decimals) as u8, end: start + 2 + bracket })
}

/// The digits of a number that ends at byte `end` of the window, joined by fours.
#[inline]
fn fours(around: &[u8; BEFORE + WINDOW], end: usize, digits: usize, decimals: usize) -> Option<wide::i32x4> {
    let load = |bytes: &[u8], at: usize| Some(u8x16::new(*bytes.get(at..)?.first_chunk()?));
    let mask = |last: usize| load(&LAST, last);
    let joined = mask(decimals)?.bitselect(load(around, end)?, load(around, end - 1)?);
    let joined = (joined - u8x16::splat(b'0')) & mask(digits)?;
    let bytes: i16x8 = bytemuck::cast(joined);
    let pairs: i16x8 = (bytes & i16x8::splat(0xFF)) * i16x8::splat(10) + (bytes >> 8_u32);
    Some(pairs.dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads `text` where it is surrounded by more than enough.
    fn surrounded(text: &str) -> Option<Position> {
        let whole = format!("{{\"type\":\"Feature\"{text},[118.1,35.1]]]}}{}", " ".repeat(WINDOW));
        let start = whole.find(text).unwrap();
        read::<false>(whole.as_bytes(), start)
            .or_else(|| read::<true>(whole.as_bytes(), start))
            .map(|position| Position { end: position.end - start, ..position })
    }

    #[test]
    fn plain_positions_are_read_and_others_left() {
        for (text, decimals) in [
            ("[118.123456789,35.1]", 9),
            ("[0.0,35.12]", 2),
            ("[39637104.0905283,3865123.25]", 7),
            ("[1.12345678901234,9.9]", 14),
            ("[ 118.12, 35.123456789 ]", 9),
            ("[118.1, 35.1]", 1),
            ("[ 0.1,0.1]", 1),
            ("[0.1,0.1 ]", 1),
        ] {
            let position = surrounded(text).unwrap();
            assert_eq!((position.end, position.decimals), (text.len(), decimals));
            assert_eq!(position.at, serde_json::from_str::<[f64; 2]>(text).unwrap());
        }
        for text in [
            "118.1,35.1]]",
            "[118.1,35.1}",
            "[118.1,35.1,9.5]",
            "[  118.1,35.1]",
            "[118.1 ,35.1]",
            "[118.1,  35.1]",
            "[118.1,35.1  ]",
            "[118.1,\n35.1]",
            "[1 18.1,35.1]",
            "[118. 1,35.1]",
            "[118.1,3 5.1]",
            "[ 118.1, 3 5.1 ]",
            "[ .1,35.1]",
            "[118.1, .1]",
            "[118.1,35. ]",
            "[ 01.1,35.1]",
            "[1.1, 035.1]",
            "[118,35.1]",
            "[118.1,35]",
            "[118.,35.1]",
            "[118.1,.1]",
            "[-118.1,35.1]",
            "[118.1e2,35.1]",
            "[01.1,35.1]",
            "[1.1,035.1]",
            "[1.1.1,35.1]",
            "[118:1,35.1]",
            "[118.1/35.1]",
            "[1.123456789012345,35.1]",
            "[118.1,35.12345678901234]",
            "[118.123456789012,35.12345678901234]",
        ] {
            assert!(surrounded(text).is_none(), "{text}");
        }
        // At the ends of a text there is too little to compare.
        assert!(read::<false>(b"[118.1,35.1]", 0).is_none());
        assert!(read::<true>(b"0123456789012345[118.1,35.1]", 16).is_none());
    }

    proptest! {
        #[test]
        fn any_position_of_fifteen_digits_is_the_nearest_double(
            x in "(0|[1-9][0-9]{0,7})\\.[0-9]{1,7}",
            y in "(0|[1-9][0-9]{0,3})\\.[0-9]{1,7}",
            [open, after, close]: [bool; 3],
        ) {
            let space = |there| if there { " " } else { "" };
            let text = format!("[{}{x},{}{y}{}]", space(open), space(after), space(close));
            let position = surrounded(&text).unwrap();
            // Oracle: the correctly rounded parser of Rust's standard library.
            prop_assert_eq!(position.at.map(f64::to_bits), [&x, &y].map(|number| number.parse::<f64>().unwrap().to_bits()));
            prop_assert_eq!(position.end, text.len());
            let decimals = [&x, &y].map(|number| number.split_once('.').unwrap().1.len());
            prop_assert_eq!(usize::from(position.decimals), decimals[0].max(decimals[1]));
        }

        #[test]
        fn whatever_is_read_is_a_position(text in r"\[[0-9., \]e-]{2,34}") {
            if let Some(position) = surrounded(&text) {
                let read = &text[..position.end.min(text.len())];
                let known: [f64; 2] = serde_json::from_str(read).unwrap();
                prop_assert_eq!(position.at.map(f64::to_bits), known.map(f64::to_bits));
            }
        }

        #[test]
        fn a_changed_byte_makes_another_position_or_none(at in 0_usize..28, byte: u8) {
            let mut text = *b"[118.807150233,34.718101619]";
            text[at] = byte;
            let Ok(text) = std::str::from_utf8(&text) else { return Ok(()) };
            let known = serde_json::from_str::<[f64; 2]>(text).ok();
            let read = surrounded(text).filter(|position| position.end == text.len());
            prop_assert!(read.is_none_or(|read| Some(read.at) == known));
        }
    }
}
