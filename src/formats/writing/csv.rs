//! CSV that Excel opens as it is: UTF-8 with a byte order mark, Chinese headings, and no cell that Excel would run.

use super::{Cell, FeatureWriter, Kind, Layout, WriteError};
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use tuban_geom::Outline;

/// A table being written.
pub(super) struct Table {
    out: csv::Writer<BufWriter<File>>,
    layout: Layout,
}

impl Table {
    pub fn begin(file: File, layout: &Layout) -> Result<Self, WriteError> {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all("\u{feff}".as_bytes())?;
        let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        out.write_record(layout.columns.iter().map(|column| column.chinese)).map_err(of_disk)?;
        Ok(Self { out, layout: layout.clone() })
    }
}

impl FeatureWriter for Table {
    fn push(&mut self, cells: &[Cell<'_>], _: &Outline) -> Result<(), WriteError> {
        let texts = cells.iter().zip(self.layout.columns).map(|(cell, column)| match cell {
            Cell::Nothing => Cow::Borrowed(""),
            Cell::Text(text) => harmless(text),
            Cell::Integer(number) => Cow::Owned(number.to_string()),
            Cell::Number(number) if column.kind == Kind::Mu => Cow::Owned(format!("{number:.2}")),
            Cell::Number(number) => Cow::Owned(format!("{number:.4}")),
        });
        Ok(self.out.write_record(texts.map(Cow::into_owned)).map_err(of_disk)?)
    }

    fn finish(self: Box<Self>) -> Result<File, WriteError> {
        let out = self.out.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(out.into_inner().map_err(std::io::IntoInnerError::into_error)?)
    }
}

/// What the disk said: the library's own conversion hides its kind.
fn of_disk(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// Text that a spreadsheet takes for text: a formula gets an apostrophe before it, and so does what a Chinese or Japanese one takes for a formula. What stands before
/// a formula and is not seen does not count: a spreadsheet may drop control characters, and calculate what follows.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let seen = text.trim_start_matches(is_unseen);
    let is_formula = seen.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) || text.starts_with(['\t', '\r', '\n']);
    if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Whether a character may be dropped, or shows as nothing: controls, blanks, and those that only say how others are to be shown.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        // Oracle: OWASP, “CSV Injection”: cells must not begin with = + - @ tab, carriage return or line feed, nor with the full-width forms of the first four.
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("371302-1"), "371302-1");
        assert_eq!(harmless(" 城东-1"), " 城东-1");
    }

    #[test]
    fn invisible_characters_before_a_formula_hide_it_from_no_check() {
        // Oracle: LibreOffice 7.4 drops U+0000 and calculates; the rest is every control of C0 and C1, and what Unicode has as Default_Ignorable_Code_Point.
        let controls = (0..0x20).chain(0x7F..0xA0).map(|code| char::from_u32(code).unwrap());
        let ignorable = "\u{ad}\u{34f}\u{200b}\u{200c}\u{200d}\u{200e}\u{202e}\u{2060}\u{2066}\u{feff}\u{fe0f}\u{e0001}\u{a0}\u{3000}\u{2028}";
        for unseen in controls.chain(ignorable.chars()) {
            for formula in ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r'] {
                for text in [format!("{unseen}{formula}1+1"), format!("{unseen}\0{unseen}{formula}1+1"), format!("{formula}{unseen}1+1")] {
                    let is_blank = matches!(formula, '\t' | '\r') && !text.starts_with(['\t', '\r', '\n']);
                    let expected = if is_blank { text.clone() } else { format!("'{text}") };
                    assert_eq!(harmless(&text), expected, "{text:?}");
                }
            }
        }
    }
}
