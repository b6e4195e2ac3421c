//! Checksums of rows: xxh3 over the columns in the order of their table, written with the row and held against it whenever it is read.
//!
//! The encoding is canonical, so that both databases, and a row that was carried from one to the other, have one checksum: each value is a byte for its kind, its
//! length where it has one, and its bytes, little-endian. What databases do not keep is left out: the sign of a zero. The key of a patch and the number that it
//! took over are added by XOR, since a survey that replaces another takes numbers and verdicts over: SQL then corrects the checksum ([`exclusive_or`]) without
//! reading the row.
//!
//! It is there for failing disks and memory, not against malice: who can write a row can write its checksum.

use super::StoreError;
use super::bind::Values;
use super::columns::Columns;
use super::tables::{self, Kind, Table};
use twox_hash::XxHash3_64;

/// The column it is kept in.
pub(super) const COLUMN: &str = "checksum";
/// The column of a survey's root, which is no part of its row's checksum: every filing changes it.
const SUMS: &str = "sums";
/// The column of the number that a patch took over.
const NUMBER: &str = "number";

/// Bytes that most rows have room in.
const ROW: usize = 1024;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const DOUBLE: u8 = 2;
const TEXT: u8 = 3;
const BYTES: u8 = 4;

/// A row on its way to its checksum: hashed at once, since the state of a stream costs more than most rows.
struct Sum(Vec<u8>);

impl Sum {
    fn of(table: &str) -> Self {
        let mut bytes = Vec::with_capacity(ROW);
        bytes.extend_from_slice(table.as_bytes());
        Self(bytes)
    }

    fn value(&mut self, kind: u8, bytes: Option<&[u8]>) {
        match bytes {
            None => self.0.push(NULL),
            Some(bytes) => {
                self.0.push(kind);
                self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                self.0.extend_from_slice(bytes);
            }
        }
    }

    fn integer(&mut self, value: Option<i64>) {
        self.value(INTEGER, value.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }

    /// SQLite keeps −0 as 0.
    fn double(&mut self, value: Option<f64>) {
        self.value(DOUBLE, value.map(|value| (value + 0.0).to_bits().to_le_bytes()).as_ref().map(<[u8; 8]>::as_slice));
    }

    fn finish(&self) -> i64 {
        XxHash3_64::oneshot(&self.0) as i64
    }
}

/// Writes the columns of a row through, and behind them their checksum.
pub(super) struct Summing<'v, V> {
    values: &'v mut V,
    sum: Sum,
    /// The next column.
    place: usize,
    key: Option<usize>,
    number: Option<usize>,
    added: Added,
}

/// What is added to a checksum by XOR.
#[derive(Default)]
struct Added {
    key: i64,
    number: Option<i64>,
}

impl Added {
    fn all(&self) -> i64 {
        self.key ^ self.number.map_or(0, |number| of_number(self.key, number))
    }
}

/// What the number that a patch took over adds to its checksum.
pub(super) fn of_number(key: i64, number: i64) -> i64 {
    (key ^ number).rotate_left(32)
}

impl<'v, V: Values> Summing<'v, V> {
    /// A row of that table.
    pub(super) fn new(values: &'v mut V, table: &Table) -> Self {
        Self { values, sum: Sum::of(table.name), place: 0, key: place_of_key(table), number: place_of_number(table), added: Added::default() }
    }

    /// The checksum, the last column.
    pub(super) fn end(self) -> Result<(), StoreError> {
        self.values.integer(self.sum.finish() ^ self.added.all())
    }

    /// Whether the next column is hashed.
    fn counts(&mut self) -> bool {
        self.place += 1;
        let place = Some(self.place - 1);
        self.key != place && self.number != place
    }
}

impl<V: Values> Values for Summing<'_, V> {
    fn integer(&mut self, value: impl Into<Option<i64>>) -> Result<(), StoreError> {
        let value = value.into();
        if self.key == Some(self.place) {
            self.added.key = value.unwrap_or(0);
        }
        if self.number == Some(self.place) {
            self.added.number = value;
        }
        if self.counts() {
            self.sum.integer(value);
        }
        self.values.integer(value)
    }

    fn double(&mut self, value: impl Into<Option<f64>>) -> Result<(), StoreError> {
        let value = value.into();
        if self.counts() {
            self.sum.double(value);
        }
        self.values.double(value)
    }

    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>) -> Result<(), StoreError> {
        let value = value.into();
        if self.counts() {
            self.sum.value(TEXT, value.map(str::as_bytes));
        }
        self.values.text(value)
    }

    fn bytes(&mut self, value: impl Into<Option<Vec<u8>>>) -> Result<(), StoreError> {
        let value = value.into();
        if self.counts() {
            self.sum.value(BYTES, value.as_deref());
        }
        self.values.bytes(value)
    }
}

/// The place of the patch's key among the columns of a table, which is not hashed.
fn place_of_key(table: &Table) -> Option<usize> {
    let key = if table.name == tables::PATCH.name { "id" } else { "patch" };
    table.columns.iter().position(|(name, _)| *name == key)
}

/// The place of the number that a patch took over, which is not hashed either.
fn place_of_number(table: &Table) -> Option<usize> {
    table.columns.iter().position(|(name, _)| table.name == tables::PATCH.name && *name == NUMBER)
}

/// A checksum XOR what changed, in SQL. SQLite has no XOR.
pub(super) fn exclusive_or(checksum: &str, difference: &str) -> String {
    format!("(({checksum} | {difference}) & ~({checksum} & {difference}))")
}

/// Whether a table has checksums.
pub(super) fn is_summed(table: &Table) -> bool {
    table.columns.iter().any(|(name, _)| *name == COLUMN)
}

/// The checksum that a row should have. `named` tells under what name a column of the table was selected.
pub(super) fn of_row(row: &impl Columns, table: &Table, named: impl Fn(&'static str) -> &'static str) -> Result<i64, StoreError> {
    let (mut sum, key, number, mut added) = (Sum::of(table.name), place_of_key(table), place_of_number(table), Added::default());
    for (place, (column, kind)) in table.columns.iter().enumerate() {
        let name = named(column);
        if key == Some(place) {
            added.key = row.maybe_integer(name)?.unwrap_or(0);
            continue;
        }
        if number == Some(place) {
            added.number = row.maybe_integer(name)?;
            continue;
        }
        if [COLUMN, SUMS].contains(column) {
            continue;
        }
        match kind {
            Kind::Integer => sum.integer(row.maybe_integer(name)?),
            Kind::Double => sum.double(row.maybe_double(name)?),
            Kind::Text => sum.value(TEXT, row.maybe_text(name)?.as_deref().map(str::as_bytes)),
            Kind::Bytes => sum.value(BYTES, row.maybe_bytes(name)?),
        }
    }
    Ok(sum.finish() ^ added.all())
}

/// Holds a row against its checksum; one that has none is passed: an older program wrote it.
pub(super) fn check(row: &impl Columns, table: &Table, named: impl Fn(&'static str) -> &'static str) -> Result<(), StoreError> {
    if !is_summed(table) {
        return Ok(());
    }
    let Some(written) = row.maybe_integer(named(COLUMN))? else { return Ok(()) };
    if of_row(row, table, &named)? == written {
        return Ok(());
    }
    let number = row.maybe_integer(named(table.number()))?.unwrap_or(0);
    Err(StoreError::Damaged(format!("row {number} of table {} is not as it was written", table.name)))
}

/// Of a row that was selected under the table's own names.
pub(super) fn check_plain(row: &impl Columns, table: &Table) -> Result<(), StoreError> {
    check(row, table, |name| name)
}

/// Numbers and checksums of patches that were changed, of rows of `patch`; those that had none keep none.
pub(super) fn of_patches(changed: &[impl Columns]) -> Result<Vec<(i64, i64)>, StoreError> {
    let vouched = |row: &&_| Columns::maybe_integer(*row, COLUMN).is_ok_and(|checksum| checksum.is_some());
    changed.iter().filter(vouched).map(|row| Ok((row.integer("id")?, of_row(row, &tables::PATCH, |name| name)?))).collect()
}
