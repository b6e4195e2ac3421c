//! XLSX (ISO/IEC 29500): a ZIP of a few fixed parts and one sheet, whose rows go to disk as they come. Text is always text, areas are numbers.
//!
//! Written here because `rust_xlsxwriter` panics where the disk is full, and keeps every row on the disk twice.

use super::{Cell, Column, FeatureWriter, Kind, Layout, WriteError, of_zip};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use tuban_engine::model::Words;
use tuban_geom::Outline;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Rows of a sheet, the heading included: Excel's own limit.
const ROWS: u32 = 1_048_576;
/// Characters of a cell: Excel's own limit.
const LETTERS: usize = 32_767;
/// Bytes of the sheet's part: what a ZIP holds without the extensions that not every reader has.
const SHEET_BYTES: u64 = u32::MAX as u64 - (1 << 20);

/// The parts that are the same in every book.
const PARTS: [(&str, &str); 4] = [
    (
        "[Content_Types].xml",
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
    ),
    (
        "xl/styles.xml",
        r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="2" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>"#,
    ),
];
const PROLOGUE: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;

/// Places in the styles part.
#[derive(Debug, Clone, Copy)]
enum Style {
    Plain = 0,
    Bold = 1,
    /// Shown as 0.00; the value is not rounded by it.
    TwoDecimals = 2,
}

impl Style {
    fn of(kind: Kind) -> Self {
        if matches!(kind, Kind::SquareMetres | Kind::Mu) { Self::TwoDecimals } else { Self::Plain }
    }
}

/// A workbook of one sheet being written.
pub(super) struct Sheet {
    book: ZipWriter<File>,
    columns: &'static [Column],
    /// The next row, from 1.
    row: u32,
    bytes: u64,
    text: String,
}

impl Sheet {
    pub fn begin(file: File, layout: &Layout) -> Result<Self, WriteError> {
        let mut book = ZipWriter::new(file);
        for (name, part) in PARTS {
            begin_part(&mut book, name)?;
            book.write_all(part.as_bytes())?;
        }
        begin_part(&mut book, "xl/workbook.xml")?;
        let mut text = String::new();
        escape(&layout.layer, &mut text);
        write!(
            book,
            r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="{text}" sheetId="1" r:id="rId1"/></sheets></workbook>"#
        )?;
        begin_part(&mut book, "xl/worksheets/sheet1.xml")?;
        let mut sheet = Self { book, columns: layout.columns, row: 1, bytes: 0, text: String::new() };
        sheet.head();
        sheet.flush()?;
        Ok(sheet)
    }

    /// What stands before the rows, and the row of the headings, which stays in sight.
    fn head(&mut self) {
        self.text.push_str(concat!(
            r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">"#,
            r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>"#
        ));
        for (number, column) in (1..).zip(self.columns) {
            let (width, style) = (column.chinese.chars().count().max(6) * 2, Style::of(column.kind) as u8);
            let _ = write!(self.text, r#"<col min="{number}" max="{number}" width="{width}" style="{style}" customWidth="1"/>"#);
        }
        self.text.push_str("</cols><sheetData>");
        self.begin_row();
        for (place, column) in self.columns.iter().enumerate() {
            self.text_cell(place, Style::Bold, column.chinese);
        }
        self.end_row();
    }

    fn begin_row(&mut self) {
        let _ = write!(self.text, r#"<row r="{}">"#, self.row);
    }

    fn end_row(&mut self) {
        self.text.push_str("</row>");
        self.row += 1;
    }

    fn open_cell(&mut self, place: usize, style: Style) {
        let (row, style) = (self.row, style as u8);
        let _ = write!(self.text, r#"<c r="{}{row}" s="{style}""#, letters(place));
    }

    fn text_cell(&mut self, place: usize, style: Style, value: &str) {
        self.open_cell(place, style);
        self.text.push_str(r#" t="inlineStr"><is><t xml:space="preserve">"#);
        escape(value, &mut self.text);
        self.text.push_str("</t></is></c>");
    }

    fn number_cell(&mut self, place: usize, style: Style, value: f64) {
        self.open_cell(place, style);
        let _ = write!(self.text, "><v>{value}</v></c>");
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        self.bytes += self.text.len() as u64;
        self.book.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }
}

fn begin_part(book: &mut ZipWriter<File>, name: &str) -> Result<(), WriteError> {
    book.start_file(name, SimpleFileOptions::default()).map_err(of_zip)?;
    Ok(book.write_all(PROLOGUE.as_bytes())?)
}

/// The name of a column: A to Z, then AA.
fn letters(place: usize) -> String {
    let last = char::from(b'A' + (place % 26) as u8);
    if place < 26 { last.to_string() } else { letters(place / 26 - 1) + &last.to_string() }
}

/// Appends text as XML has it. What XML cannot hold stands as `_xHHHH_`, and so does the underscore of text that looks like that (ISO/IEC 29500-1, 22.9.2.19).
fn escape(text: &str, out: &mut String) {
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(c),
            '_' if is_escape(&text.as_bytes()[at..]) => out.push_str("_x005F_"),
            c if c.is_control() && c < ' ' || ('\u{FFFE}'..='\u{FFFF}').contains(&c) => {
                let _ = write!(out, "_x{:04X}_", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// Whether bytes begin with `_xHHHH_`.
fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'_', b'x', digits @ .., ] if digits.get(..4).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) && digits.get(4) == Some(&b'_'))
}

fn unacceptable(code: &'static str, words: Words) -> WriteError {
    WriteError::Unacceptable { code, words }
}

impl FeatureWriter for Sheet {
    fn push(&mut self, cells: &[Cell<'_>], _: &Outline) -> Result<(), WriteError> {
        if self.row > ROWS || self.bytes > SHEET_BYTES {
            let words = Words::new(
                "超过 Excel 一张表的 1 048 575 行或 4 GB，请分县、分期导出，或改用 CSV",
                "more than the 1 048 575 rows or 4 GB of an Excel sheet: export by county or month, or use CSV",
            );
            return Err(unacceptable("too_many_rows", words));
        }
        self.begin_row();
        for (place, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            match cell {
                Cell::Nothing => {}
                Cell::Text(text) if text.encode_utf16().count() > LETTERS => {
                    let words = Words::new(
                        format!("“{}”一格超过 Excel 的 32 767 个字符，请改用 CSV", column.chinese),
                        format!("a cell of “{}” has more than Excel's 32 767 characters; use CSV", column.key),
                    );
                    return Err(unacceptable("not_for_xlsx", words));
                }
                Cell::Text(text) => self.text_cell(place, Style::of(column.kind), text),
                Cell::Integer(number) => self.number_cell(place, Style::Plain, *number as f64),
                Cell::Number(number) => self.number_cell(place, Style::of(column.kind), *number),
            }
        }
        self.end_row();
        self.flush()
    }

    fn finish(mut self: Box<Self>) -> Result<File, WriteError> {
        self.text.push_str("</sheetData></worksheet>");
        self.flush()?;
        Ok(self.book.finish().map_err(of_zip)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: ISO/IEC 29500-1, 22.9.2.19 (`ST_Xstring`), and the names that Excel shows.
    #[test]
    fn columns_have_their_names_and_text_is_kept_whatever_it_holds() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(letters), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
        let mut text = String::new();
        escape("a<b>&\"c\"\u{0}_x0041_ _x41_\u{FFFF}图", &mut text);
        assert_eq!(text, "a&lt;b&gt;&amp;&quot;c&quot;_x0000__x005F_x0041_ _x41__xFFFF_图");
    }
}
