//! CSV, RFC 4180 and what spreadsheets make of it: commas, tabs or semicolons. Blank rows count, so that a row has the number that a spreadsheet shows.

use super::{Cell, Gathering, Table};
use crate::formats::ReadError;

/// Reads a table.
pub(super) fn read(text: &str, choose: super::Choose<'_>) -> Result<Table, ReadError> {
    let mut rest = Rest { text, row: 0, delimiter: ',' };
    rest.delimiter = rest.find_delimiter();
    let mut gathering = Gathering::new(choose);
    while let Some(cells) = rest.next_row()? {
        gathering.row(rest.row, cells)?;
        if gathering.is_hopeless() {
            break;
        }
    }
    gathering.table()
}

/// What of a table is not read yet.
struct Rest<'t> {
    text: &'t str,
    /// Rows read.
    row: u64,
    delimiter: char,
}

impl Rest<'_> {
    /// The one that Excel was told in a first line `sep=;`, which is read, else the one that the first line with any has most of.
    fn find_delimiter(&mut self) -> char {
        let first = self.text.lines().next().unwrap_or_default();
        let mut told = first.strip_prefix("sep=").unwrap_or_default().chars();
        if let (Some(delimiter), None) = (told.next(), told.next()) {
            self.text = self.text.get(first.len()..).unwrap_or_default().trim_start_matches('\r');
            self.text = self.text.strip_prefix('\n').unwrap_or(self.text);
            self.row = 1;
            return delimiter;
        }
        let count = |line: &str, delimiter: char| {
            let mut quoted = false;
            line.chars()
                .filter(|one| {
                    quoted ^= *one == '"';
                    !quoted && *one == delimiter
                })
                .count()
        };
        let most = |line: &str| [',', '\t', ';', '，'].into_iter().rev().max_by_key(|delimiter| count(line, *delimiter)).filter(|most| count(line, *most) > 0);
        self.text.lines().find_map(most).unwrap_or(',')
    }

    /// The cells of the next row, blank or not.
    fn next_row(&mut self) -> Result<Option<Vec<Option<Cell>>>, ReadError> {
        if self.text.is_empty() {
            return Ok(None);
        }
        self.row += 1;
        let mut cells = Vec::new();
        loop {
            let (cell, ended) = self.next_cell()?;
            let cell = cell.trim();
            cells.push((!cell.is_empty()).then(|| Cell::Text(unquoted(cell).to_owned())));
            if ended {
                return Ok(Some(cells));
            }
        }
    }

    /// The text of the next cell, and whether the row ends with it.
    fn next_cell(&mut self) -> Result<(String, bool), ReadError> {
        let mut cell = String::new();
        if let Some(mut quoted) = self.text.trim_start_matches([' ']).strip_prefix('"') {
            loop {
                let Some(end) = quoted.find('"') else {
                    let row = self.row;
                    return Err(ReadError::refused(
                        "unclosed_quote",
                        format!("第 {row} 行有一个双引号没有闭合"),
                        format!("in row {row} a quotation mark is never closed"),
                    ));
                };
                cell.push_str(&quoted[..end]);
                quoted = &quoted[end + 1..];
                let Some(more) = quoted.strip_prefix('"') else { break };
                cell.push('"');
                quoted = more;
            }
            self.text = quoted;
        }
        let end = self.text.find([self.delimiter, '\n', '\r']).unwrap_or(self.text.len());
        cell.push_str(&self.text[..end]);
        self.text = &self.text[end..];
        if let Some(rest) = self.text.strip_prefix(self.delimiter) {
            self.text = rest;
            return Ok((cell, false));
        }
        self.text = self.text.strip_prefix("\r\n").or_else(|| self.text.strip_prefix(['\n', '\r'])).unwrap_or(self.text);
        Ok((cell, true))
    }
}

/// Without the apostrophe that our exports put before what a spreadsheet would run.
fn unquoted(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| matches!(crate::formats::writing::harmless(text), std::borrow::Cow::Owned(_))).unwrap_or(cell)
}
