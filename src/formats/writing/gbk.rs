//! Which characters GBK has: those of code page 936, which desktop systems and GDAL's converter mean by the name.
//!
//! The encoder at hand knows what GB 18030 has in two bytes: a hundred characters more, in names of people and places among them, and areas for private
//! use. Written in GBK they would be lost on the way with no more than a warning.

use encoding_rs::GBK;

/// Two-byte codes that only GB 18030 gives a meaning.
const LATER: [std::ops::RangeInclusive<u16>; 8] =
    [0xA6D9..=0xA6DF, 0xA6EC..=0xA6ED, 0xA6F3..=0xA6F3, 0xA8BC..=0xA8BC, 0xA8BF..=0xA8BF, 0xA989..=0xA995, 0xFE50..=0xFE7E, 0xFE80..=0xFEA0];

/// Bytes of a character in GBK; none where GBK does not have it.
pub(super) fn width(c: char) -> Option<usize> {
    if c.is_ascii() {
        return Some(1);
    }
    let private = '\u{E000}'..='\u{F8FF}';
    let mut text = [0; 4];
    let (bytes, _, lost) = GBK.encode(c.encode_utf8(&mut text));
    match bytes[..] {
        _ if lost || private.contains(&c) => None,
        [a, b] if LATER.iter().any(|codes| codes.contains(&u16::from_be_bytes([a, b]))) => None,
        _ => Some(bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: glibc's `iconv -f UTF-8 -t CP936` over all of Unicode, with which Python's codec `gbk` agrees but for the euro sign.
    #[test]
    fn it_has_what_code_page_936_has() {
        let beyond_ascii = ('\u{80}'..=char::MAX).filter(|c| width(*c).is_some());
        assert_eq!(beyond_ascii.clone().count(), 21_792);
        assert_eq!(beyond_ascii.map(|c| u64::from(u32::from(c))).sum::<u64>(), SUM);
        for (c, bytes) in
            [('a', Some(1)), ('€', Some(1)), ('耕', Some(2)), ('…', Some(2)), ('䶮', None), ('㑳', None), ('ḿ', None), ('𠮷', None), ('\u{E000}', None)]
        {
            assert_eq!(width(c), bytes, "{c}");
        }
    }

    /// Of the code points of those characters.
    const SUM: u64 = 653_249_414;
}
