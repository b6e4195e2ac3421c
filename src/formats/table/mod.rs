//! Tables that people fill in: CSV in any of the encodings that Chinese spreadsheets write, or XLSX. Rows have the numbers that a spreadsheet shows.

mod csv;
mod text;
mod xlsx;

use super::ReadError;

/// A cell with something in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text, blanks around it cut off.
    Text(String),
    /// A number, as a workbook keeps it.
    Number(f64),
    /// What is neither: a date, or the error that a formula came to, as it is shown.
    Odd(String),
}

/// A row with something in it, below the heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its number in the spreadsheet, from 1.
    pub number: u64,
    /// The cells of the columns chosen, in their order.
    pub cells: Vec<Option<Cell>>,
    /// Whether something stands to the right of the last heading.
    pub beyond: bool,
}

/// A table, as far as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The heading, one text a column.
    pub heading: Vec<String>,
    /// Rows that are not blank.
    pub rows: Vec<Row>,
}

/// Finds the columns wanted among the texts of a row, if it is the heading.
pub type Choose<'a> = &'a dyn Fn(&[String]) -> Option<Vec<usize>>;

/// Rows that may stand above the heading: a title, a unit, a date.
const ABOVE: usize = 10;
/// Cells kept of a table.
const CELLS: usize = 200_000;

/// Reads a table whose heading is the first row that `choose` takes for one.
///
/// # Errors
/// When it is no table, holds more than is kept, or none of its first rows is the heading: `no_heading`, which names what stands there.
pub fn read(bytes: &[u8], choose: Choose<'_>) -> Result<Table, ReadError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return xlsx::read(bytes, choose);
    }
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(ReadError::refused(
            "old_excel",
            "这是旧版 Excel（.xls）或加密的工作簿，请另存为 .xlsx（不加密）或 CSV",
            "this is an old Excel file (.xls) or an encrypted workbook: save it as .xlsx without a password, or as CSV",
        ));
    }
    csv::read(&text::decode(bytes)?, choose)
}

/// Rows on their way into a table.
struct Gathering<'c> {
    choose: Choose<'c>,
    found: Option<(Vec<String>, Vec<usize>)>,
    above: Vec<Vec<String>>,
    rows: Vec<Row>,
    cells: usize,
}

impl<'c> Gathering<'c> {
    fn new(choose: Choose<'c>) -> Self {
        Self { choose, found: None, above: Vec::new(), rows: Vec::new(), cells: 0 }
    }

    /// Takes the cells of the next row that has any.
    fn row(&mut self, number: u64, cells: Vec<Option<Cell>>) -> Result<(), ReadError> {
        if cells.iter().all(Option::is_none) {
            return Ok(());
        }
        let Some((heading, columns)) = &self.found else {
            if self.above.len() < ABOVE {
                let texts: Vec<String> = cells.into_iter().map(heading_text).collect();
                self.found = (self.choose)(&texts).map(|columns| (texts.clone(), columns));
                self.above.push(texts);
            }
            return Ok(());
        };
        let beyond = cells.iter().skip(heading.len()).any(Option::is_some);
        let mut cells = cells;
        let cells: Vec<Option<Cell>> = columns.iter().map(|column| cells.get_mut(*column).and_then(Option::take)).collect();
        self.cells += cells.iter().flatten().count();
        if self.cells > CELLS {
            return Err(ReadError::refused(
                "table_too_large",
                format!("表格内容超过 {CELLS} 个单元格，请分县上传"),
                format!("the table has more than {CELLS} cells with content; send it county by county"),
            ));
        }
        if beyond || cells.iter().any(Option::is_some) {
            self.rows.push(Row { number, cells, beyond });
        }
        Ok(())
    }

    /// Whether none of the first rows was the heading.
    fn is_hopeless(&self) -> bool {
        self.found.is_none() && self.above.len() == ABOVE
    }

    fn table(self) -> Result<Table, ReadError> {
        if let Some((heading, _)) = self.found {
            return Ok(Table { heading, rows: self.rows });
        }
        // The widest row is most like a heading.
        let seen = self.above.into_iter().max_by_key(|texts| texts.iter().filter(|text| !text.is_empty()).count()).unwrap_or_default();
        let seen = seen.into_iter().filter(|text| !text.is_empty()).take(40).collect::<Vec<_>>().join("、");
        Err(ReadError::refused("no_heading", seen.clone(), seen))
    }
}

fn heading_text(cell: Option<Cell>) -> String {
    match cell {
        Some(Cell::Text(text) | Cell::Odd(text)) => text,
        Some(Cell::Number(number)) => number.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
