//! The digits of whole numbers in a DBF that are too long for a double. GDAL reads columns of nineteen digits and more as doubles, which keep sixteen of them;
//! ids of patches are such numbers, and the table has them as text.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A table.
pub struct Digits {
    table: File,
    head_bytes: u64,
    row_bytes: u64,
    /// Name of each field, and where in a row it lies.
    fields: Vec<(Vec<u8>, std::ops::Range<usize>)>,
}

impl Digits {
    /// The table beside a `.shp`; none where there is none that can be understood.
    pub fn beside(shapes: &Path) -> Option<Self> {
        let table = File::open(shapes.with_extension("dbf")).ok()?;
        let mut head = [0; 32];
        table.read_exact_at(&mut head, 0).ok()?;
        let (head_bytes, row_bytes) = (u16::from_le_bytes([head[8], head[9]]), u16::from_le_bytes([head[10], head[11]]));
        let mut rest = vec![0; usize::from(head_bytes).checked_sub(32)?];
        table.read_exact_at(&mut rest, 32).ok()?;
        let (mut fields, mut at) = (Vec::new(), 1);
        for field in rest.chunks_exact(32).take_while(|field| field[0] != 0x0D) {
            let name = field[..11].split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
            let width = usize::from(field[16]);
            fields.push((name, at..at + width));
            at += width;
        }
        (at <= usize::from(row_bytes)).then_some(Self { table, head_bytes: head_bytes.into(), row_bytes: row_bytes.into(), fields })
    }

    /// The whole number in field number `field`, called `name`, of row number `row`, from 0: its digits, where it is one.
    pub fn whole(&self, row: i64, field: usize, name: &[u8]) -> Option<String> {
        let (own, at) = self.fields.get(field)?;
        // Blanks after a name are GDAL's to cut.
        if own.trim_ascii_end() != name.trim_ascii_end() {
            return None;
        }
        let start = self.head_bytes + u64::try_from(row).ok()?.checked_mul(self.row_bytes)? + at.start as u64;
        let mut text = vec![0; at.len()];
        self.table.read_exact_at(&mut text, start).ok()?;
        whole(std::str::from_utf8(&text).ok()?.trim_matches(['\0', ' ']))
    }
}

/// The digits of a whole number, without decimals that are none.
fn whole(text: &str) -> Option<String> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.strip_prefix('+').unwrap_or(text)), |digits| ("-", digits));
    let (digits, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let is = |text: &str, digit: fn(&u8) -> bool| text.as_bytes().iter().all(digit);
    (!digits.is_empty() && is(digits, u8::is_ascii_digit) && is(decimals, |digit| *digit == b'0')).then(|| format!("{sign}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_keep_all_their_digits() {
        for (text, digits) in [
            ("3713020000430000001", Some("3713020000430000001")),
            ("37130200004300000001.000", Some("37130200004300000001")),
            ("-9007199254740993", Some("-9007199254740993")),
            ("+9007199254740993", Some("9007199254740993")),
            ("9007199254740993.5", None),
            ("3.71302e+18", None),
            ("", None),
            ("*******************", None),
        ] {
            assert_eq!(whole(text).as_deref(), digits, "{text}");
        }
    }
}
