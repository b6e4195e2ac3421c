//! Where a value ends: only quotes and brackets are looked at, 64 bytes at once.

use memchr::memchr2;
use wide::u8x64;

/// Bytes looked at together; a bit of a `u64` stands for each.
const BLOCK: usize = 64;
/// Every other bit, from the second on.
const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;

/// Where a value ends, found as its bytes come in.
pub(super) struct Extent {
    kind: Kind,
    /// The next byte to look at.
    pub at: usize,
}

enum Kind {
    /// Within an object only its own kind of bracket counts, and so in an array: the other kind must be balanced in it, or it is no JSON at all.
    Container(Container),
    String,
    Scalar,
}

#[derive(Clone, Copy)]
struct Container {
    open: u8,
    close: u8,
    /// Brackets that are open at the next byte.
    depth: usize,
    /// All bits where the next byte is within a string, else none. Backslashes count outside strings too: those are no JSON.
    in_string: u64,
    /// One where the next byte is escaped.
    escaped: u64,
}

impl Extent {
    /// The extent of the value that begins with `first` at byte `at`.
    pub fn new(first: u8, at: usize) -> Self {
        let container = |open, close| Self { kind: Kind::Container(Container { open, close, depth: 0, in_string: 0, escaped: 0 }), at };
        match first {
            b'{' => container(b'{', b'}'),
            b'[' => container(b'[', b']'),
            b'"' => Self { kind: Kind::String, at: at + 1 },
            _ => Self { kind: Kind::Scalar, at },
        }
    }

    /// Whether only what follows the value shows that it has ended.
    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar)
    }

    /// Goes on to the end of the value, or towards that of the bytes; true at the end of the value.
    pub fn advance(&mut self, bytes: &[u8]) -> bool {
        match &mut self.kind {
            Kind::Container(container) => loop {
                let rest = bytes.get(self.at..).unwrap_or_default();
                // What is not there yet is no bracket; the block is looked at again when it is.
                let (block, whole) = rest.first_chunk().map_or_else(|| (padded(rest), false), |block| (*block, true));
                let mut ahead = *container;
                if let Some(end) = ahead.pass(block) {
                    self.at += end;
                    return true;
                }
                if !whole {
                    return false;
                }
                *container = ahead;
                self.at += BLOCK;
            },
            Kind::String => loop {
                let rest = bytes.get(self.at..).unwrap_or_default();
                let Some(stop) = memchr2(b'"', b'\\', rest) else {
                    self.at = self.at.max(bytes.len());
                    return false;
                };
                if rest[stop] == b'"' {
                    self.at += stop + 1;
                    return true;
                }
                // The escaped byte may not have been read yet: going past the end is made good by what comes.
                self.at += stop + 2;
            },
            Kind::Scalar => {
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b':' | b'"' | b'[' | b'{' | b' ' | b'\t' | b'\n' | b'\r');
                let length = bytes[self.at..].iter().position(ends);
                self.at = length.map_or(bytes.len(), |length| self.at + length);
                length.is_some()
            }
        }
    }
}

impl Container {
    /// Passes over a block; where the container ends in it, tells after how many bytes.
    #[inline]
    fn pass(&mut self, block: [u8; BLOCK]) -> Option<usize> {
        let bytes = u8x64::new(block);
        let [quotes, backslashes, opens, closes] = [b'"', b'\\', self.open, self.close].map(|byte| bytes.simd_eq(u8x64::splat(byte)));
        // Coordinates: nothing here but digits and the other kind of bracket.
        if !(quotes | backslashes | opens | closes).any() {
            self.escaped = 0;
            return None;
        }
        let quotes = quotes.to_bitmask() & !self.escapes(backslashes.to_bitmask());
        let strings = parity(quotes) ^ self.in_string;
        self.in_string = (strings.cast_signed() >> 63).cast_unsigned();
        let (opens, closes) = (opens.to_bitmask() & !strings, closes.to_bitmask() & !strings);
        let mut left = closes;
        for passed in 1..=closes.count_ones() {
            let before = left.trailing_zeros();
            if self.depth + (opens & !(!0 << before)).count_ones() as usize == passed as usize {
                return Some(before as usize + 1);
            }
            left &= left - 1;
        }
        self.depth = self.depth + opens.count_ones() as usize - closes.count_ones() as usize;
        None
    }

    /// The bytes that a backslash before them escapes; in a row of backslashes every other one is escaped.
    #[inline]
    fn escapes(&mut self, backslashes: u64) -> u64 {
        if backslashes == 0 {
            return std::mem::take(&mut self.escaped);
        }
        // Adding to the odd bits carries through each row and shows whether it begins at an odd bit: simdjson's way (Langdale and Lemire, 2019, section 3.1.1).
        let free = backslashes & !self.escaped;
        let rows = ((free << 1) | ODD).wrapping_sub(free) ^ ODD;
        let escapes = rows ^ (backslashes | self.escaped);
        self.escaped = (rows & backslashes) >> 63;
        escapes
    }
}

/// Less than a block, with spaces after it.
#[cold]
fn padded(bytes: &[u8]) -> [u8; BLOCK] {
    let mut block = [b' '; BLOCK];
    block[..bytes.len()].copy_from_slice(bytes);
    block
}

/// For each bit, whether an odd number of bits is set up to it: between an opening quote and the closing one.
#[inline]
fn parity(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |bits, shift| bits ^ (bits << shift))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Oracle: the end of a value, byte by byte, after the definition.
    fn end_of(text: &[u8]) -> Option<usize> {
        // In ASCII a closing bracket comes two after its opening one.
        let (open, close) = (text[0], text[0] + 2);
        let (mut depth, mut in_string, mut escaped) = (0, false, false);
        for (at, byte) in text.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                byte if *byte == open => depth += 1,
                byte if *byte == close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(at + 1);
            }
        }
        None
    }

    proptest! {
        #[test]
        fn a_value_ends_where_its_brackets_close_however_its_bytes_come(
            text in r#"[{\[]([{}\[\]]|"([^"\\]|\\["\\n]){0,20}"|[0-9]{0,70}){0,60}"#,
            steps in prop::collection::vec(1_usize..150, 1..9),
        ) {
            let text = text.as_bytes();
            let mut extent = Extent::new(text[0], 0);
            let mut there = 0;
            let mut steps = steps.iter().cycle();
            let found = loop {
                there = (there + steps.next().unwrap()).min(text.len());
                if extent.advance(&text[..there]) {
                    break Some(extent.at);
                }
                if there == text.len() {
                    break None;
                }
            };
            prop_assert_eq!(found, end_of(text));
        }
    }
}
