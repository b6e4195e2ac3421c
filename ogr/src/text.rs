//! Text of files to UTF-8.

use encoding_rs::{Encoding, GB18030};
use std::borrow::Cow;

/// How text is read.
#[derive(Clone, Copy)]
pub struct Text(Option<&'static Encoding>);

impl Text {
    /// By the label of an encoding; an unknown one counts as none.
    pub fn new(label: Option<&str>) -> Self {
        Self(label.and_then(|label| Encoding::for_label(label.as_bytes())))
    }

    /// The text of some bytes, as far as it can be read.
    pub fn read(self, bytes: &[u8]) -> Cow<'_, str> {
        self.decode(bytes).0
    }

    /// The text of some bytes, and whether something of it could not be read. Without an encoding each text is UTF-8 where it can be, else GB18030, of which
    /// GBK and GB 2312 are parts.
    pub fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        match (self.0, std::str::from_utf8(bytes)) {
            (None, Ok(text)) => (Cow::Borrowed(text), false),
            (encoding, _) => encoding.unwrap_or(GB18030).decode_without_bom_handling(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_told_and_else_as_what_it_can_be() {
        // Oracle: Python, '耕地'.encode('gbk').
        let gbk = b"\xb8\xfb\xb5\xd8";
        assert_eq!(Text::new(Some("gbk")).read(gbk), "耕地");
        assert_eq!(Text::new(None).read(gbk), "耕地");
        assert_eq!(Text::new(None).read("耕地".as_bytes()), "耕地");
        // A field of fixed width may end in the middle of a character.
        assert_eq!(Text::new(Some("gbk")).decode(&gbk[..3]), ("耕\u{FFFD}".into(), true));
        assert!(Text::new(Some("utf-8")).decode(gbk).1);
        assert_eq!(Text::new(Some("gbk")).decode(gbk), ("耕地".into(), false));
    }
}
