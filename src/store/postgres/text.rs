//! Text as PostgreSQL can hold it: everything but U+0000, which a file may well bring.
//!
//! U+10FFFE, a noncharacter that no text interchanges, introduces what stands for another: `U+10FFFE 0` is U+0000, `U+10FFFE 1` is
//! U+10FFFE itself. Equality is kept, so that what is searched for is found.

use std::borrow::Cow;

const MARK: char = '\u{10FFFE}';

/// The text as it is stored.
pub(crate) fn write(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', MARK]) { Cow::Owned(text.replace(MARK, "\u{10FFFE}1").replace('\0', "\u{10FFFE}0")) } else { Cow::Borrowed(text) }
}

/// The text that was stored.
pub(crate) fn read(stored: &str) -> String {
    if stored.contains(MARK) { stored.replace("\u{10FFFE}0", "\0").replace("\u{10FFFE}1", "\u{10FFFE}") } else { stored.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_reads_back_and_holds_no_zero(text in "[\u{0}\u{10FFFE}01a图]{0,12}") {
            let stored = write(&text);
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(read(&stored), text);
        }
    }
}
