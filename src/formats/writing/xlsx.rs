//! XLSX: text is always text, areas are numbers, and rows go to disk as they come.

use super::{Cell, FeatureWriter, Kind, Layout, WriteError};
use crate::formats::ogr::Workshop;
use crate::geom::Outline;
use crate::land::Words;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use std::fs::File;

/// Rows of a sheet, the heading included: Excel's own limit.
const ROWS: u32 = 1_048_576;

/// A workbook of one sheet being written.
pub(super) struct Sheet {
    file: File,
    book: Workbook,
    layout: Layout,
    row: u32,
}

impl Sheet {
    pub fn begin(file: File, workshop: &Workshop, layout: &Layout) -> Result<Self, WriteError> {
        let mut book = Workbook::new();
        book.set_tempdir(&workshop.scratch).map_err(broken)?;
        let sheet = book.add_worksheet_with_constant_memory().map_err(broken)?;
        sheet.set_name(&layout.layer).map_err(broken)?;
        sheet.set_freeze_panes(1, 0).map_err(broken)?;
        let bold = Format::new().set_bold();
        for (index, column) in (0..).zip(layout.columns) {
            sheet.set_column_width(index, column.chinese.chars().count().max(6) as f64 * 2.0).map_err(broken)?;
            if let Some(shown) = shown_as(column.kind) {
                sheet.set_column_format(index, &Format::new().set_num_format(shown)).map_err(broken)?;
            }
            sheet.write_string_with_format(0, index, column.chinese, &bold).map_err(broken)?;
        }
        Ok(Self { file, book, layout: layout.clone(), row: 1 })
    }

    fn write(sheet: &mut Worksheet, row: u32, column: u16, kind: Kind, cell: &Cell<'_>) -> Result<(), XlsxError> {
        let shown = shown_as(kind).map(|shown| Format::new().set_num_format(shown));
        match (cell, shown) {
            (Cell::Nothing, _) => {}
            (Cell::Text(text), _) => drop(sheet.write_string(row, column, text.as_ref())?),
            (Cell::Integer(number), _) => drop(sheet.write_number(row, column, *number as f64)?),
            (Cell::Number(number), Some(shown)) => drop(sheet.write_number_with_format(row, column, *number, &shown)?),
            (Cell::Number(number), None) => drop(sheet.write_number(row, column, *number)?),
        }
        Ok(())
    }
}

/// How numbers of a kind are shown; their value is not rounded by it.
fn shown_as(kind: Kind) -> Option<&'static str> {
    matches!(kind, Kind::SquareMetres | Kind::Mu).then_some("0.00")
}

fn broken(error: XlsxError) -> WriteError {
    match error {
        XlsxError::IoError(error) => WriteError::Io(error),
        other => WriteError::Unacceptable {
            code: "not_for_xlsx",
            words: Words::new(format!("内容无法写入 XLSX（{other}），请改用 CSV"), format!("XLSX cannot hold this ({other}); use CSV")),
        },
    }
}

impl FeatureWriter for Sheet {
    fn push(&mut self, cells: &[Cell<'_>], _: &Outline) -> Result<(), WriteError> {
        if self.row == ROWS {
            let words = Words::new(
                "超过 Excel 一张表的 1 048 575 行，请分县、分期导出，或改用 CSV",
                "more than the 1 048 575 rows of an Excel sheet: export by county or month, or use CSV",
            );
            return Err(WriteError::Unacceptable { code: "too_many_rows", words });
        }
        let sheet = self.book.worksheet_from_index(0).map_err(broken)?;
        for ((index, column), cell) in (0..).zip(self.layout.columns).zip(cells) {
            Self::write(sheet, self.row, index, column.kind, cell).map_err(broken)?;
        }
        self.row += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<File, WriteError> {
        self.book.save_to_writer(&self.file).map_err(broken)?;
        Ok(self.file)
    }
}
