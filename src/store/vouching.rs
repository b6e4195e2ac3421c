//! Rows of a program that knew no checksums are given theirs once, after the upgrade. From then on damage to them is found; what was damaged before is not.

use super::carry::{Carried, End, Value, Vouched, tables};
use super::checksum;
use super::columns::Columns;
use super::tables::Table;
use super::{StoreError, values};
use futures_util::{StreamExt, TryStreamExt};

/// Rows vouched for in one transaction.
const PORTION: usize = 2000;

/// The statements, which serve both databases.
pub(super) mod sql {
    /// What was done: rows, and when.
    pub(crate) const DONE: &str = "SELECT rows, done_ms FROM vouching";
    /// Says that it is done: rows, and when.
    pub(crate) const SET_DONE: &str = "UPDATE vouching SET rows = $1, done_ms = $2";
    /// Surveys without sums.
    pub(crate) const WITHOUT_SUMS: &str = "SELECT id FROM survey WHERE sums IS NULL ORDER BY id";
}

/// Gives every row that has none its checksum, and every survey its sums; nothing where that was done before.
pub(super) async fn vouch(store: &dyn End) -> Result<(), StoreError> {
    if store.vouched().await?.is_some() {
        return Ok(());
    }
    let mut all = 0;
    for table in tables().filter(|table| checksum::is_summed(table)) {
        let mut portions = store.read(table, i64::MIN).try_filter(|row| std::future::ready(lacks(row, table))).try_chunks(PORTION);
        while let Some(portion) = portions.next().await {
            let portion = portion.map_err(|stopped| stopped.1)?;
            let checksums = portion.iter().map(|row| checksum::of_row(&Named { table, row }, table, |name| name)).collect::<Result<Vec<_>, _>>()?;
            store.vouch(table, &portion, &checksums).await?;
            all += portion.len() as u64;
        }
    }
    store.vouch_for_sums().await?;
    store.set_vouched(Vouched { rows: all, done_ms: values::now_ms() }).await?;
    if all > 0 {
        tracing::warn!(rows = all, "rows of an older program were given checksums: damage from now on is found, damage from before is not known");
    }
    Ok(())
}

fn lacks(row: &Carried, table: &Table) -> bool {
    let place = table.columns.iter().position(|(name, _)| *name == checksum::COLUMN);
    place.is_some_and(|place| row.columns.get(place) == Some(&Value::Integer(None)))
}

/// A row that was read for a transfer, by the names of its columns.
struct Named<'r> {
    table: &'r Table,
    row: &'r Carried,
}

impl Named<'_> {
    fn value(&self, column: &str) -> Result<&Value, StoreError> {
        let place = self.table.columns.iter().position(|(name, _)| *name == column);
        place.and_then(|place| self.row.columns.get(place)).ok_or_else(|| StoreError::Damaged(format!("{column} is missing")))
    }
}

fn another_kind(column: &str) -> StoreError {
    StoreError::Damaged(format!("{column} is of another kind"))
}

impl Columns for Named<'_> {
    fn maybe_integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        if let Value::Integer(value) = self.value(column)? { Ok(*value) } else { Err(another_kind(column)) }
    }

    fn maybe_double(&self, column: &str) -> Result<Option<f64>, StoreError> {
        if let Value::Double(value) = self.value(column)? { Ok(*value) } else { Err(another_kind(column)) }
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        if let Value::Text(value) = self.value(column)? { Ok(value.clone()) } else { Err(another_kind(column)) }
    }

    fn maybe_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        if let Value::Bytes(value) = self.value(column)? { Ok(value.as_deref()) } else { Err(another_kind(column)) }
    }
}

/// The numbers of the key of a row.
pub(super) fn key<'r>(row: &'r Carried, table: &Table) -> impl Iterator<Item = i64> + 'r {
    row.columns.iter().take(table.key).map(|value| if let Value::Integer(Some(number)) = value { *number } else { 0 })
}
