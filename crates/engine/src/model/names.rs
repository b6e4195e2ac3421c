//! How long codes and names may be. A code is what something is known by, so one that is too long is refused: cut, two could become one. A name is for people, so it
//! is cut, and that is said.

use std::borrow::Cow;

/// Characters of an id or a code: what a column of text of a DBF holds.
pub const LONGEST_CODE: usize = 254;
/// Characters of a name.
pub const LONGEST_NAME: usize = 100;

/// Whether an id or a code is longer than one may be.
#[must_use]
pub fn is_too_long(code: &str) -> bool {
    code.len() > LONGEST_CODE && code.chars().nth(LONGEST_CODE).is_some()
}

/// The name, with an ellipsis in the place of what is too long of it.
#[must_use]
pub fn shortened(name: &str) -> Cow<'_, str> {
    if name.len() <= LONGEST_NAME || name.chars().nth(LONGEST_NAME).is_none() {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().take(LONGEST_NAME - 1).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_between_characters_and_codes_are_not_cut() {
        for (letter, count, kept) in [("字", 100, 100), ("字", 101, 99), ("a", 100, 100), ("a", 3000, 99), ("𠮷", 3000, 99)] {
            let name = letter.repeat(count);
            let cut = shortened(&name);
            assert_eq!((cut.chars().filter(|c| *c != '…').count(), cut.ends_with('…')), (kept, kept < count), "{letter} {count}");
        }
        assert!(!is_too_long(&"字".repeat(254)) && is_too_long(&"字".repeat(255)) && is_too_long(&"a".repeat(255)));
    }
}
