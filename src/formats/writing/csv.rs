//! CSV that Excel opens as it is: UTF-8 with a byte order mark, Chinese headings, and no cell that Excel would run.

use super::{Cell, FeatureWriter, Kind, Layout, WriteError};
use crate::geom::Outline;
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};

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

/// Text that a spreadsheet takes for text: a formula gets an apostrophe before it, and so does what a Chinese or Japanese one takes for a formula.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
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
    }
}
