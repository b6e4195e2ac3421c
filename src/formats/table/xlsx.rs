//! XLSX. The archive is held against bounds first, by what it says and by what really comes out of it: calamine has none and keeps shared strings whole.

use super::{Cell, Gathering, Table};
use crate::formats::ReadError;
use calamine::{DataRef, Reader, SheetVisible, Xlsx, XlsxError};
use std::io::{Cursor, Read};

/// Parts of a workbook.
const PARTS: usize = 1000;
/// Bytes of one part, unpacked.
const PART_BYTES: u64 = 64 << 20;
/// Bytes of all parts, unpacked.
const ALL_BYTES: u64 = 256 << 20;
/// Beyond so many bytes, all parts may be [`RATIO`] times as long as the archive is.
const FREE_BYTES: u64 = 16 << 20;
const RATIO: u64 = 250;
/// Elements of the shared strings: each string has one at least, and takes memory however short it is.
const STRINGS: usize = 4_000_000;

/// Reads the first sheet that has the heading.
pub(super) fn read(bytes: &[u8], choose: super::Choose<'_>) -> Result<Table, ReadError> {
    within_bounds(bytes)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|why| broken(&why))?;
    let visible = |sheet: &&calamine::Sheet| sheet.visible == SheetVisible::Visible;
    let names: Vec<String> = book.sheets_metadata().iter().filter(visible).map(|sheet| sheet.name.clone()).collect();
    let mut first = None;
    for name in names {
        match read_sheet(&mut book, &name, choose) {
            // A chart is no table.
            Err(ReadError::Refused(refusal)) if refusal.code == "no_heading" => _ = first.get_or_insert(ReadError::Refused(refusal)),
            outcome => return outcome,
        }
    }
    Err(first.unwrap_or_else(|| ReadError::refused("not_a_table", "工作簿里没有可见的工作表", "the workbook has no visible sheet")))
}

fn read_sheet(book: &mut Xlsx<Cursor<&[u8]>>, name: &str, choose: super::Choose<'_>) -> Result<Table, ReadError> {
    let mut gathering = Gathering::new(choose);
    let mut cells = match book.worksheet_cells_reader(name) {
        Err(XlsxError::NotAWorksheet(_)) => return gathering.table(),
        outcome => outcome.map_err(|why| broken(&why))?,
    };
    let (mut at, mut row) = (0, Vec::new());
    while let Some(cell) = cells.next_cell().map_err(|why| broken(&why))? {
        let (number, column) = cell.get_position();
        if number < at {
            return Err(ReadError::refused("not_a_table", "工作表的行次序颠倒，文件已损坏", "rows of the sheet are out of order: the file is damaged"));
        }
        if number > at {
            gathering.row(u64::from(at) + 1, std::mem::take(&mut row))?;
            at = number;
            if gathering.is_hopeless() {
                break;
            }
        }
        put(&mut row, column as usize, value(cell.get_value()));
    }
    gathering.row(u64::from(at) + 1, row)?;
    gathering.table()
}

/// Columns of a sheet: Excel's own limit.
const COLUMNS: usize = 16_384;

fn put(row: &mut Vec<Option<Cell>>, column: usize, cell: Option<Cell>) {
    if cell.is_none() || column >= COLUMNS {
        return;
    }
    if row.len() <= column {
        row.resize(column + 1, None);
    }
    row[column] = cell;
}

fn value(value: &DataRef<'_>) -> Option<Cell> {
    let text = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(|text| Cell::Text(text.to_owned()));
    match value {
        DataRef::Empty => None,
        DataRef::String(string) => text(string),
        DataRef::SharedString(string) => text(string),
        DataRef::Int(number) => Some(Cell::Number(*number as f64)),
        DataRef::Float(number) => Some(Cell::Number(*number)),
        DataRef::Bool(yes) => text(if *yes { "是" } else { "否" }),
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => Some(Cell::Odd("日期 / a date".to_owned())),
        DataRef::Error(error) => Some(Cell::Odd(error.to_string())),
    }
}

fn within_bounds(bytes: &[u8]) -> Result<(), ReadError> {
    let broken = |why: &dyn std::fmt::Display| broken(why);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|why| broken(&why))?;
    if archive.len() > PARTS {
        return Err(too_much());
    }
    let (mut all, mut part) = (0, Vec::new());
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|why| broken(&why))?;
        let strings = entry.name().is_ok_and(|name| name.ends_with("sharedStrings.xml"));
        if entry.size() > PART_BYTES {
            return Err(too_much());
        }
        part.clear();
        entry.take(PART_BYTES + 1).read_to_end(&mut part).map_err(|why| broken(&why))?;
        all += part.len() as u64;
        let allowed = FREE_BYTES.max(RATIO.saturating_mul(bytes.len() as u64)).min(ALL_BYTES);
        let too_many_strings = strings && memchr::memchr_iter(b'<', &part).take(STRINGS + 1).count() > STRINGS;
        if part.len() as u64 > PART_BYTES || all > allowed || too_many_strings {
            return Err(too_much());
        }
    }
    Ok(())
}

fn too_much() -> ReadError {
    ReadError::refused(
        "table_too_large",
        "工作簿解压后过大（单个部件上限 64 MiB），请分县上传，或另存为 CSV",
        "the workbook is too large once unpacked (64 MiB a part): send it county by county, or save it as CSV",
    )
}

fn broken(why: &dyn std::fmt::Display) -> ReadError {
    ReadError::refused("not_a_table", format!("工作簿无法读取：{why}"), format!("the workbook cannot be read: {why}"))
}
