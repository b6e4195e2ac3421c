//! A strict cursor over JSON text (RFC 8259): it reads what it is asked for and checks every byte that it passes over.
//!
//! Text is UTF-8 already, which is checked once for a whole batch; a fault tells the byte and the reason.

mod number;

use std::borrow::Cow;
use tuban_engine::model::Words;
use wide::u8x16;

pub(super) use number::POWERS;
pub use number::{Number, number};

/// Arrays and objects may be nested this deep; deeper ones are refused, not recursed into.
pub const DEEPEST: u32 = 64;

/// What is wrong with JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It ends too early.
    End,
    /// This byte stands where something else must.
    Unexpected(u8),
    /// A number that is none: `01`, `+1`, `.5`, `1.`.
    Number,
    /// An escape that is none, or half a surrogate pair.
    Escape,
    /// A control character within a string.
    Control,
    /// Nested deeper than [`DEEPEST`].
    TooDeep,
}

/// Where JSON text is wrong, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Byte, from 0.
    pub at: usize,
    /// How.
    pub wrong: Wrong,
}

impl Wrong {
    /// The reason, for people.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::End => Words::new("内容不完整", "the text ends too early"),
            Self::Unexpected(byte) => {
                let seen = if byte.is_ascii_graphic() { format!("“{}”", byte as char) } else { format!("0x{byte:02X}") };
                let (zh, en) = match byte {
                    b'N' | b'I' => ("；JSON 中没有 NaN 和 Infinity", "; JSON has no NaN and no Infinity"),
                    _ => ("", ""),
                };
                Words::new(format!("此处不应出现 {seen}{zh}"), format!("{seen} must not stand here{en}"))
            }
            Self::Number => Words::new("数字写法不合 JSON 规范", "a number is not written as JSON has it"),
            Self::Escape => Words::new("字符串中的转义不合法", "an escape in a string is not valid"),
            Self::Control => Words::new("字符串中有控制字符", "a control character stands in a string"),
            Self::TooDeep => Words::new(format!("嵌套超过 {DEEPEST} 层"), format!("nested deeper than {DEEPEST} levels")),
        }
    }
}

/// A string as it stands in the text, without its quotes.
#[derive(Debug, Clone, Copy)]
pub struct RawText<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> RawText<'a> {
    /// What the string says. Its escapes were checked when it was read.
    #[must_use]
    #[inline]
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// A place in JSON text.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

#[allow(clippy::inline_always, reason = "inlined, the cursor is held in registers: in memory each byte it passes over costs a store and a load")]
impl<'a> Cursor<'a> {
    /// At the beginning of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self::beginning(text, text.len())
    }

    /// At the beginning of `text`, of which the first `length` bytes are to be one value. Quotes and brackets must have shown that no value goes on beyond
    /// them: what follows may be looked at, many bytes at once, but is not read.
    #[must_use]
    pub fn beginning(text: &'a str, length: usize) -> Self {
        Self { text, at: 0, end: length }
    }

    /// The byte it stands at.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes to a byte, which must be one that it stood at before or the end of something read.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// How many bytes are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// All of the text.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The text, as it stands, of what `read` passes over.
    #[inline(always)]
    pub fn verbatim(&mut self, read: impl FnOnce(&mut Self) -> Result<(), Fault>) -> Result<&'a str, Fault> {
        self.peek();
        let start = self.at;
        read(self)?;
        Ok(&self.text[start..self.at])
    }

    /// The next byte that is not white space, which it then stands at.
    #[inline(always)]
    pub fn peek(&mut self) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if byte > b' ' {
            return Some(byte);
        }
        self.at = after_space(self.text.as_bytes(), self.at);
        self.text.as_bytes().get(self.at).copied()
    }

    /// The fault of what stands here.
    #[must_use]
    pub fn fault_here(&self) -> Fault {
        Fault { at: self.at, wrong: self.text.as_bytes().get(self.at).map_or(Wrong::End, |byte| Wrong::Unexpected(*byte)) }
    }

    /// Passes over one byte, after white space.
    #[inline(always)]
    pub fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(self.fault_here());
        }
        self.at += 1;
        Ok(())
    }

    /// Passes over white space to the end.
    pub fn expect_end(&mut self) -> Result<(), Fault> {
        self.peek();
        if self.left() > 0 { Err(self.fault_here()) } else { Ok(()) }
    }

    /// Reads a string.
    #[inline(always)]
    pub fn string(&mut self) -> Result<RawText<'a>, Fault> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.after_plain_characters() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at = after_escape(self.text.as_bytes(), self.at)?;
                }
                Some(_) => return Err(Fault { at: self.at, wrong: Wrong::Control }),
                None => return Err(Fault { at: self.at, wrong: Wrong::End }),
            }
        }
        let raw = &self.text[start..self.at];
        self.at += 1;
        Ok(RawText { raw, escaped })
    }

    /// Passes over characters of a string that stand for themselves, sixteen bytes at once; the byte after them.
    #[inline(always)]
    fn after_plain_characters(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(window) = bytes.get(self.at..)?.first_chunk::<16>() {
            let window = u8x16::new(*window);
            let controls = window.min(u8x16::splat(0x1F)).simd_eq(window);
            let stops = controls | window.simd_eq(u8x16::splat(b'"')) | window.simd_eq(u8x16::splat(b'\\'));
            let plain = stops.to_bitmask().trailing_zeros();
            if plain < 16 {
                self.at += plain as usize;
                return bytes.get(self.at).copied();
            }
            self.at += 16;
        }
        self.at += bytes.get(self.at..)?.iter().take_while(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\')).count();
        bytes.get(self.at).copied()
    }

    /// Reads an object: `member` is called with each key, stands at the value and must pass over it.
    #[inline(always)]
    pub fn members(&mut self, mut member: impl FnMut(&mut Self, RawText<'a>) -> Result<(), Fault>) -> Result<(), Fault> {
        self.expect(b'{')?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        // One of its own, which can be held in registers.
        let mut within = self.clone();
        loop {
            let key = within.string()?;
            within.expect(b':')?;
            within.peek();
            member(&mut within, key)?;
            match within.peek() {
                Some(b',') => within.at += 1,
                Some(b'}') => {
                    self.at = within.at + 1;
                    return Ok(());
                }
                _ => return Err(within.fault_here()),
            }
            // A comma must be followed by a key.
            within.peek();
        }
    }

    /// Passes over any value, checking it, and gives its text as it stands.
    #[inline(always)]
    pub fn value(&mut self) -> Result<&'a str, Fault> {
        let first = self.peek();
        let start = self.at;
        if matches!(first, Some(b'{' | b'[')) {
            let mut within = self.clone();
            within.container()?;
            self.at = within.at;
        } else {
            self.scalar()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// Passes over an array or an object. Iterative: nesting cannot overflow the stack.
    fn container(&mut self) -> Result<(), Fault> {
        // One bit for every open container, the innermost lowest: 1 for objects.
        let (mut open, mut depth) = (0_u64, 0_u32);
        loop {
            // A value begins here; containers that are not empty are entered.
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    self.at += 1;
                    let object = bracket == b'{';
                    if self.peek() == Some(if object { b'}' } else { b']' }) {
                        self.at += 1;
                    } else {
                        if depth == DEEPEST {
                            return Err(Fault { at: self.at, wrong: Wrong::TooDeep });
                        }
                        open = open << 1 | u64::from(object);
                        depth += 1;
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // A value ended here; so may any number of containers.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let object = open & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => self.at += 1,
                    Some(b']') if !object => self.at += 1,
                    _ => return Err(self.fault_here()),
                }
                open >>= 1;
                depth -= 1;
            }
        }
    }

    /// A value as plain text: a string decoded; a number without the `.0` that some programs give whole ones; anything else as it stands; `None` for null.
    #[inline(always)]
    pub fn plain(&mut self) -> Result<Option<Cow<'a, str>>, Fault> {
        Ok(match self.peek() {
            Some(b'"') => Some(self.string()?.decode()),
            Some(b'n') => {
                self.scalar()?;
                None
            }
            _ => {
                let text = self.value()?;
                Some(Cow::Borrowed(text.strip_suffix(".0").unwrap_or(text)))
            }
        })
    }

    #[inline(always)]
    fn key(&mut self) -> Result<(), Fault> {
        self.string()?;
        self.expect(b':')
    }

    /// Passes over a string, number, true, false or null.
    #[inline(always)]
    fn scalar(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => {
                self.at = number(self.text.as_bytes(), self.at)?.end;
                Ok(())
            }
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.fault_here()),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), Fault> {
        self.at = after_literal(self.text.as_bytes(), self.at, word)?;
        Ok(())
    }
}

// What follows is apart from the cursor and not inlined, so that the cursor need not be in memory for it.

/// Passes over white space.
#[inline(never)]
fn after_space(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

fn after_literal(bytes: &[u8], mut at: usize, word: &str) -> Result<usize, Fault> {
    for byte in word.bytes() {
        if bytes.get(at) != Some(&byte) {
            return Err(Fault { at, wrong: bytes.get(at).map_or(Wrong::End, |byte| Wrong::Unexpected(*byte)) });
        }
        at += 1;
    }
    Ok(at)
}

/// Passes over an escape. Half a surrogate pair is no character, and refused.
#[cold]
fn after_escape(bytes: &[u8], at: usize) -> Result<usize, Fault> {
    let rest = &bytes[at..];
    let wrong = |wrong| Err(Fault { at, wrong });
    let length = match rest.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
        Some(b'u') => match hex4(rest) {
            Some(0xD800..=0xDBFF) => match rest.get(6..).and_then(hex4) {
                Some(0xDC00..=0xDFFF) => 12,
                None if rest.len() < 12 => return wrong(Wrong::End),
                _ => return wrong(Wrong::Escape),
            },
            Some(0xDC00..=0xDFFF) => return wrong(Wrong::Escape),
            Some(_) => 6,
            None if rest.len() < 6 => return wrong(Wrong::End),
            None => return wrong(Wrong::Escape),
        },
        Some(_) => return wrong(Wrong::Escape),
        None => return wrong(Wrong::End),
    };
    Ok(at + length)
}

/// The four hexadecimal digits after `\u`.
fn hex4(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}

#[cold]
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest.as_bytes()[at..];
        let (character, length) = match escape.get(1) {
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(b'u') => {
                let high = hex4(escape).unwrap_or(0xFFFD);
                match escape.get(6..).and_then(hex4) {
                    Some(low @ 0xDC00..=0xDFFF) if (0xD800..0xDC00).contains(&high) => {
                        (char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)).unwrap_or('\u{fffd}'), 12)
                    }
                    _ => (char::from_u32(high).unwrap_or('\u{fffd}'), 6),
                }
            }
            Some(byte) => (char::from(*byte), 2),
            None => ('\\', 1),
        };
        text.push(character);
        rest = rest.get(at + length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(text: &str) -> Result<&str, Fault> {
        let mut cursor = Cursor::new(text);
        let value = cursor.value()?;
        cursor.expect_end()?;
        Ok(value)
    }

    #[test]
    fn what_json_is_passes_verbatim() {
        for text in ["null", "true", "false", "0", "-0", "1e5", "-1.25E-7", "\"\"", "[]", "{}", r#"{"a":[1,{"b":[[],{}]},"\u00e9\ud83d\ude00\n"],"c":null}"#] {
            assert_eq!(whole(text), Ok(text));
            assert_eq!(whole(&format!(" \t\r\n{text} ")), Ok(text));
        }
    }

    #[test]
    fn what_json_is_not_is_refused_at_its_byte() {
        use Wrong::{Control, End, Escape, Number, Unexpected};
        for (text, at, wrong) in [
            ("", 0, End),
            ("NaN", 0, Unexpected(b'N')),
            ("nan", 1, Unexpected(b'a')),
            ("-Infinity", 1, Number),
            ("+1", 0, Unexpected(b'+')),
            ("01", 0, Number),
            ("1.", 2, End),
            ("1.x", 2, Number),
            (".5", 0, Unexpected(b'.')),
            ("1e", 2, End),
            ("1e+", 3, End),
            ("0x10", 1, Unexpected(b'x')),
            ("[1,]", 3, Unexpected(b']')),
            ("[1 2]", 3, Unexpected(b'2')),
            ("[1}", 2, Unexpected(b'}')),
            ("{\"a\":1,}", 7, Unexpected(b'}')),
            ("{a:1}", 1, Unexpected(b'a')),
            ("{\"a\" 1}", 5, Unexpected(b'1')),
            ("{1:1}", 1, Unexpected(b'1')),
            ("'a'", 0, Unexpected(b'\'')),
            ("\"a", 2, End),
            ("\"a\nb\"", 2, Control),
            (r#""\x""#, 1, Escape),
            (r#""\u12g4""#, 1, Escape),
            (r#""\u12"#, 1, End),
            (r#""\ud800""#, 1, End),
            (r#""\ud800\n    ""#, 1, Escape),
            (r#""\udc00""#, 1, Escape),
            ("tru", 3, End),
            ("trux", 3, Unexpected(b'x')),
            ("// no\n1", 0, Unexpected(b'/')),
        ] {
            assert_eq!(whole(text), Err(Fault { at, wrong }), "{text}");
        }
    }

    #[test]
    fn a_hundred_thousand_nested_arrays_are_refused_and_nothing_overflows() {
        for deep in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
            assert_eq!(whole(&deep).unwrap_err().wrong, Wrong::TooDeep);
        }
        let deepest = "[".repeat(64) + "1" + &"]".repeat(64);
        assert!(whole(&deepest).is_ok());
        assert_eq!(whole(&format!("[{deepest}]")).unwrap_err().wrong, Wrong::TooDeep);
    }

    #[test]
    fn strings_say_what_they_say() {
        for (text, said) in [(r#""兰山区""#, "兰山区"), (r#""a\"\\\/\b\f\n\r\t\u5170é\ud83d\ude00z""#, "a\"\\/\u{8}\u{c}\n\r\t兰é😀z"), (r#""""#, "")]
        {
            assert_eq!(Cursor::new(text).string().unwrap().decode(), said);
        }
        assert!(matches!(Cursor::new("\"plain\"").string().unwrap().decode(), Cow::Borrowed("plain")));
    }

    proptest! {
        #[test]
        fn whatever_passes_here_passes_serde_json_too(text in r#"[\[\]{}:, "\\0-9a-cenu.+\-tr]{0,24}"#) {
            if whole(&text).is_ok() {
                prop_assert!(serde_json::from_str::<Box<serde_json::value::RawValue>>(&text).is_ok(), "{}", text);
            } else if !text.contains("\\u") {
                prop_assert!(serde_json::from_str::<Box<serde_json::value::RawValue>>(&text).is_err(), "{}", text);
            }
        }
    }
}
