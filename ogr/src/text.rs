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

    /// The text of some bytes. Without an encoding each text is UTF-8 where it can be, else GB18030, of which GBK and GB 2312 are parts.
    pub fn read(self, bytes: &[u8]) -> Cow<'_, str> {
        match (self.0, std::str::from_utf8(bytes)) {
            (None, Ok(text)) => Cow::Borrowed(text),
            (encoding, _) => encoding.unwrap_or(GB18030).decode_without_bom_handling(bytes).0,
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
        assert_eq!(Text::new(Some("gbk")).read(&gbk[..3]), "耕\u{FFFD}");
    }
}
