//! Ids of patches: as their issuer wrote them, made whole where a spreadsheet has put them into scientific notation, and stood in for where there is none.

use std::borrow::Cow;
use tuban_engine::model::{LONGEST_CODE, Words, is_too_long, shortened};

/// What stands in for the id of a patch that has none: its row, in a form that is no id. One that a file has in that form is none either (it came out of an
/// export of ours), so none ever meets that of another row.
#[must_use]
pub fn stand_in(row: u64) -> String {
    format!("第{row}行")
}

fn is_stand_in(id: &str) -> bool {
    let row = id.strip_prefix('第').and_then(|rest| rest.strip_suffix('行'));
    row.is_some_and(|row| !row.is_empty() && row.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An id by which no patch can be known.
#[derive(Debug, PartialEq, Eq)]
pub struct Unusable {
    /// A word for programs.
    pub code: &'static str,
    /// Why.
    pub reason: Words,
    /// The id, as far as it can be shown.
    pub shown: String,
}

/// The id that a field holds; none where it holds none.
///
/// # Errors
/// Where it is in scientific notation with fewer digits than the number has: which one was meant is not known. Where it is too long.
pub fn own(id: Cow<'_, str>) -> Result<Option<Cow<'_, str>>, Unusable> {
    if is_stand_in(&id) {
        return Ok(None);
    }
    if is_too_long(&id) {
        let reason = Words::new(
            format!("图斑编号超过 {LONGEST_CODE} 个字符，请检查字段对应是否有误"),
            format!("the patch id is longer than {LONGEST_CODE} characters; check which field it was taken from"),
        );
        return Err(Unusable { code: "id_too_long", reason, shown: shortened(&id).into_owned() });
    }
    match scientific(&id) {
        Scientific::Not => Ok(Some(id)),
        Scientific::Whole(digits) => Ok(Some(Cow::Owned(digits))),
        Scientific::Cut => {
            let reason = Words::new(
                format!("图斑编号“{id}”是科学计数法，末几位已经丢失（电子表格或双精度字段只存得下 15 位），请把编号存为文本后重新导出"),
                format!(
                    "the patch id “{id}” is in scientific notation and has lost its last digits (a spreadsheet or a field of doubles keeps 15); keep ids as text and export them again"
                ),
            );
            Err(Unusable { code: "lost_id", reason, shown: id.into_owned() })
        }
    }
}

/// The id of a patch in a survey whose ids are unique only within a county.
#[must_use]
pub fn within_county(county: &str, id: &str) -> String {
    format!("{county}-{id}")
}

/// What a text is in scientific notation.
#[derive(Debug, PartialEq, Eq)]
enum Scientific {
    /// Nothing.
    Not,
    /// This whole number, of which it has every digit.
    Whole(String),
    /// A number of which it does not have every digit, or that is not whole.
    Cut,
}

/// `3.71302000043e+11`. An id may be `12E5`: without a point or a sign it is no such number.
fn scientific(text: &str) -> Scientific {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Scientific::Not };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_one = whole.len() == 1 && are_digits(whole) && are_digits(decimals) && !power.is_empty() && power.len() <= 3 && are_digits(power);
    if !is_one || (decimals.is_empty() && power.len() == exponent.len()) {
        return Scientific::Not;
    }
    let power: usize = power.parse().unwrap_or(usize::MAX);
    let more = decimals.len().saturating_sub(power);
    let is_whole = decimals.bytes().rev().take(more).all(|byte| byte == b'0');
    if exponent.starts_with('-') || decimals.len() < power || !is_whole {
        return Scientific::Cut;
    }
    Scientific::Whole(format!("{whole}{}", &decimals[..power]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_too_long_is_no_id_and_is_shown_cut() {
        let id = "字".repeat(255);
        let unusable = own(id.as_str().into()).unwrap_err();
        assert_eq!((unusable.code, unusable.shown.chars().count()), ("id_too_long", 100));
        assert_eq!(own(id[3..].into()).unwrap().as_deref(), Some(&id[3..]));
    }

    #[test]
    fn scientific_notation_is_made_whole_where_no_digit_is_lost() {
        for (text, id) in [
            ("3.71302000043e+11", "371302000043"),
            ("3.71302000043E11", "371302000043"),
            ("3.713020000430e+11", "371302000043"),
            ("3.71302000043E+011", "371302000043"),
            ("371302000043", "371302000043"),
            ("12E5", "12E5"),
            ("3E5", "3E5"),
            ("A1.5e+3", "A1.5e+3"),
            ("兰山e1", "兰山e1"),
        ] {
            assert_eq!(own(text.into()).unwrap().as_deref(), Some(id), "{text}");
        }
        for text in ["3.71302E+11", "3.71302000043e+18", "3.71302000043e-11", "4E+11", "3.713020000435e+11"] {
            assert!(own(text.into()).unwrap_err().reason.zh.contains(text), "{text}");
        }
    }

    #[test]
    fn what_stands_in_is_no_id() {
        assert_eq!(own(stand_in(12).into()), Ok(None));
        for id in ["12", "第12行村", "第行", "#12"] {
            assert_eq!(own(id.into()).unwrap().as_deref(), Some(id));
        }
    }
}
