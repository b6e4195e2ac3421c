//! Names of fields as people gave them, from the bytes that a file has: a table's name may end after ten bytes in the middle of a character, and two names that
//! differ only after that become one.

use super::fields::HEADINGS;
use encoding_rs::{Encoding, GB18030, UTF_8};
use std::collections::HashSet;

/// Bytes that the beginning of a character may have: of UTF-8 three of four, of GB18030 as many.
const MOST_CUT: usize = 3;

/// The names, in order, no two of them the same: text in the encoding of that label, else UTF-8 where it can be and GB18030.
///
/// A name that was cut in the middle of a character is the heading of ours that it is the beginning of, where that is the only one and no other name was cut to the
/// same; else what is whole of it.
pub fn told_apart(names: &[Vec<u8>], label: Option<&str>) -> Vec<String> {
    let mut seen = HashSet::new();
    names
        .iter()
        .enumerate()
        .map(|(at, raw)| {
            let raw = raw.trim_ascii_end();
            let is_shared = || names.iter().enumerate().any(|(other, theirs)| other != at && is_cut_alike(raw, theirs.trim_ascii_end()));
            let name = name(raw, label, is_shared);
            let numbered = (2..).map(|number| format!("{name}_{number}"));
            let own = std::iter::once(name.clone()).chain(numbered).find(|name| !seen.contains(name)).unwrap_or(name);
            seen.insert(own.clone());
            own
        })
        .collect()
}

fn name(raw: &[u8], label: Option<&str>, is_shared: impl Fn() -> bool) -> String {
    let stated = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    let encoding = stated.unwrap_or(if cut(UTF_8, raw).is_some() { UTF_8 } else { GB18030 });
    match cut(encoding, raw) {
        Some((whole, 0)) => whole,
        Some((whole, _)) => {
            let mut begun = HEADINGS.iter().filter(|heading| encoding.encode(heading).0.starts_with(raw));
            match (begun.next(), begun.next()) {
                (Some(only), None) if !is_shared() => (*only).to_owned(),
                _ => whole,
            }
        }
        None => {
            let (stem, number) = unnumbered(raw);
            let whole = cut(encoding, stem).filter(|_| !number.is_empty()).map(|(whole, _)| whole + &String::from_utf8_lossy(number));
            whole.unwrap_or_else(|| encoding.decode_without_bom_handling(raw).0.into_owned())
        }
    }
}

/// Whether another name was cut to what this one was: it is the same bytes, or as many of them as the number that a writer put behind them left room for.
fn is_cut_alike(raw: &[u8], other: &[u8]) -> bool {
    let (stem, number) = unnumbered(other);
    raw == other || !number.is_empty() && stem.len() + number.len() >= raw.len() && raw.starts_with(stem)
}

/// A name without the `_1` that writers put behind one that they had cut to what another has, and that.
pub fn unnumbered(raw: &[u8]) -> (&[u8], &[u8]) {
    let stem = raw.iter().rposition(|byte| *byte == b'_').filter(|at| *at + 1 < raw.len() && raw[at + 1..].iter().all(u8::is_ascii_digit));
    raw.split_at(stem.unwrap_or(raw.len()))
}

/// What of a text is whole, and how many bytes of a character that was cut follow; none where it is not in that encoding.
fn cut(encoding: &'static Encoding, raw: &[u8]) -> Option<(String, usize)> {
    (0..=MOST_CUT.min(raw.len().saturating_sub(1))).find_map(|cut| {
        let whole = encoding.decode_without_bom_handling_and_without_replacement(&raw[..raw.len() - cut])?;
        Some((whole.into_owned(), cut))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_after_ten(names: &[&str], encoding: &'static Encoding) -> Vec<Vec<u8>> {
        names.iter().map(|name| encoding.encode(name).0.iter().take(10).copied().collect()).collect()
    }

    #[test]
    fn names_cut_in_the_middle_of_a_character_are_told_apart() {
        let headings = ["行政区代码", "行政区名称", "图斑编号", "备注"];
        assert_eq!(told_apart(&cut_after_ten(&headings, UTF_8), Some("UTF-8")), headings);
        assert_eq!(told_apart(&cut_after_ten(&headings, UTF_8), None), headings);
        // Not ours: what is whole of them, and a number where that is one.
        assert_eq!(told_apart(&cut_after_ten(&["农户姓名一", "农户姓名二"], UTF_8), Some("UTF-8")), ["农户姓", "农户姓_2"]);
        // In GBK five characters fit: what was cut before the sixth cannot be told from a name that is whole.
        assert_eq!(told_apart(&cut_after_ten(&["农户的姓名一", "农户的姓名二"], encoding_rs::GBK), Some("GBK")), ["农户的姓名", "农户的姓名_2"]);
        // As GDAL writes the second one. Oracle: its DBF, by xxd.
        assert_eq!(told_apart(&[b"\xe5\x86\x9c\xe6\x88\xb7\xe5\xa7_1".to_vec()], Some("UTF-8")), ["农户_1"]);
        // Two that begin with the same ten bytes: which of them is meant is unknown.
        let alike = told_apart(&cut_after_ten(&["监测图斑面积", "监测图斑编号", "备注"], UTF_8), Some("UTF-8"));
        assert_eq!(alike, ["监测图", "监测图_2", "备注"]);
        let numbered = told_apart(&[b"\xe7\x9b\x91\xe6\xb5\x8b\xe5\x9b\xbe\xe6".to_vec(), b"\xe7\x9b\x91\xe6\xb5\x8b\xe5\x9b_1".to_vec()], Some("UTF-8"));
        assert_eq!(numbered, ["监测图", "监测_1"]);
        assert_eq!(told_apart(&[b"A".to_vec(), b"A  ".to_vec(), b"A_2".to_vec(), Vec::new()], None), ["A", "A_2", "A_2_2", ""]);
    }
}
