//! Full-width letters, digits and signs, as Chinese input methods write them, in their narrow form.

use std::borrow::Cow;

/// The narrow form of a character; itself where it has none.
#[must_use]
pub fn narrow(one: char) -> char {
    match one {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(one) - 0xfee0).unwrap_or(one),
        _ => one,
    }
}

/// A code as it was meant: narrow, without blanks, in capital letters, and without the decimals that a spreadsheet adds to a number.
#[must_use]
pub fn tidy_code(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let plain: String = text.chars().map(narrow).filter(|one| !one.is_whitespace()).flat_map(char::to_uppercase).collect();
    match plain.split_once('.') {
        Some((whole, decimals)) if !decimals.is_empty() && decimals.bytes().all(|digit| digit == b'0') => Cow::Owned(whole.to_owned()),
        _ => Cow::Owned(plain),
    }
}
