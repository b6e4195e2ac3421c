//! What encoding a table's text is in: what people say, what the `.cpg` says, what the table's language id says, whether it is strictly UTF-8, and else
//! GB18030, of which GBK and GB 2312 are parts. A claim that the text itself disproves is passed over, and that is told.

use super::ReadError;
use encoding_rs::{Encoding, GB18030, UTF_8};
use tuban_engine::model::Words;

/// What was chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its label, e.g. `UTF-8`, `GBK`.
    pub label: &'static str,
    /// Why.
    pub why: Words,
}

/// What is known of a table's text before it is read.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The `.cpg` file's text.
    pub cpg: Option<String>,
    /// Byte 29 of the DBF.
    pub language: u8,
    /// Texts that are more than ASCII, blanks cut off.
    pub texts: Vec<Vec<u8>>,
}

/// Texts that must agree before UTF-8 is believed against a claim of another encoding: two Chinese characters in GBK pass for one of UTF-8 now and then.
const SURE: usize = 3;

impl Evidence {
    /// Weighs what is known.
    ///
    /// # Errors
    /// When people name an encoding that there is not.
    pub fn choose(&self, stated: Option<&str>) -> Result<Choice, ReadError> {
        if let Some(label) = stated {
            return Ok(choice(known(label)?, "按指定", "as stated"));
        }
        let utf8 = self.texts.iter().all(|text| is_utf8(text));
        let sure_utf8 = utf8 && self.texts.len() >= SURE;
        let cpg = self.cpg.as_deref().map(str::trim).filter(|cpg| !cpg.is_empty());
        let mut passed_over = String::new();
        let claims = [cpg.and_then(|cpg| Some((by_label(cpg)?, ".cpg"))), by_language(self.language).map(|encoding| (encoding, "DBF"))];
        for (encoding, source) in claims.into_iter().flatten() {
            let holds = if encoding == UTF_8 { utf8 } else { !sure_utf8 && self.texts.iter().all(|text| decodes(encoding, text)) };
            if holds {
                let (zh, en) = if source == ".cpg" {
                    ("按 .cpg 文件", "as the .cpg file says")
                } else {
                    ("按 DBF 语言标识", "as the language id of the DBF says")
                };
                return Ok(choice(encoding, &format!("{zh}{passed_over}"), en));
            }
            passed_over = format!("（{source} 写的是 {}，与内容不符，已不采用）", encoding.name());
        }
        if utf8 && !self.texts.is_empty() {
            return Ok(choice(UTF_8, &format!("内容是严格的 UTF-8{passed_over}"), "the text is strictly UTF-8"));
        }
        if self.texts.is_empty() {
            return Ok(choice(UTF_8, "只有 ASCII 字符", "the text is ASCII only"));
        }
        Ok(choice(GB18030, &format!("内容不是 UTF-8，按国标编码读取{passed_over}"), "the text is not UTF-8, so it is read by the Chinese national standard"))
    }
}

fn choice(encoding: &'static Encoding, zh: &str, en: &str) -> Choice {
    let label = if encoding == GB18030 { "GB18030" } else { encoding.name() };
    Choice { label, why: Words::new(zh, en) }
}

/// The encoding that people name.
///
/// # Errors
/// When there is none of that name.
pub fn known(label: &str) -> Result<&'static Encoding, ReadError> {
    by_label(label).ok_or_else(|| {
        ReadError::refused(
            "encoding",
            format!("没有“{label}”这种编码，可用 GBK、GB18030、UTF-8"),
            format!("“{label}” is no encoding that is known; use GBK, GB18030 or UTF-8"),
        )
    })
}

/// The encoding of a `.cpg` or of people. What Western programs write for want of anything better says nothing.
fn by_label(label: &str) -> Option<&'static Encoding> {
    let plain: String = label.trim().to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.as_str() {
        "936" | "cp936" | "ansi936" | "oem936" | "gbk" | "gb2312" | "eucgb" | "xgbk" | "windows936" => Some(encoding_rs::GBK),
        "gb18030" | "54936" | "cp54936" => Some(GB18030),
        "utf8" | "65001" | "cp65001" => Some(UTF_8),
        "big5" | "950" | "cp950" | "ansi950" => Some(encoding_rs::BIG5),
        _ => None,
    }
}

/// Language ids that Chinese `ArcGIS` writes.
fn by_language(language: u8) -> Option<&'static Encoding> {
    matches!(language, 0x4D | 0x7A | 0x57).then_some(encoding_rs::GBK)
}

/// Whether a text is UTF-8, but for a last character that the field's width may have cut.
fn is_utf8(text: &[u8]) -> bool {
    std::str::from_utf8(text).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn decodes(encoding: &'static Encoding, text: &[u8]) -> bool {
    let cut = text.len().saturating_sub(1);
    encoding
        .decode_without_bom_handling_and_without_replacement(text)
        .or_else(|| encoding.decode_without_bom_handling_and_without_replacement(&text[..cut]))
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(cpg: Option<&str>, language: u8, encoding: &'static Encoding, texts: &[&str]) -> Evidence {
        Evidence { cpg: cpg.map(str::to_owned), language, texts: texts.iter().map(|text| encoding.encode(text).0.into_owned()).collect() }
    }

    #[test]
    fn the_first_claim_that_the_text_bears_out_is_believed() {
        let words = ["未利用地", "兰山区", "耕地", "水浇地"];
        for (cpg, language, real, label) in [
            (Some("GBK"), 0, encoding_rs::GBK, "GBK"),
            (Some("UTF-8"), 0x4D, encoding_rs::GBK, "GBK"),
            (Some("UTF-8"), 0, encoding_rs::GBK, "GB18030"),
            (None, 0x4D, encoding_rs::GBK, "GBK"),
            (None, 0, encoding_rs::GBK, "GB18030"),
            (Some("ISO-8859-1"), 0x57, encoding_rs::GBK, "GBK"),
            (None, 0x57, UTF_8, "UTF-8"),
            (Some("936"), 0, UTF_8, "UTF-8"),
            (Some("nonsense"), 0, UTF_8, "UTF-8"),
            (Some("\u{FEFF}UTF-8"), 0, UTF_8, "UTF-8"),
        ] {
            assert_eq!(evidence(cpg, language, real, &words).choose(None).unwrap().label, label, "{cpg:?} {language:#x} {}", real.name());
        }
    }

    #[test]
    fn people_win_and_are_told_what_there_is() {
        let evidence = evidence(Some("UTF-8"), 0, UTF_8, &["耕地"]);
        assert_eq!(evidence.choose(Some("gbk")).unwrap().label, "GBK");
        assert!(evidence.choose(Some("klingon")).unwrap_err().words().zh.contains("GB18030"));
    }
}
