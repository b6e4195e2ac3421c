//! All of a store looked at: `tuban check-store`. Every row is read and held against its checksum, every survey against its root, and the database looks through
//! what it keeps for itself.

pub use super::carry::Vouched;
use super::carry::{End, Value, tables};
use super::{StoreError, checksum, end};
use futures_util::TryStreamExt;

/// What a table was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Rows for which nothing vouches: an older program wrote them, and they were given no checksum since.
    pub not_vouched_for: u64,
}

/// Reads all of the store of a URL; refuses it with the first damaged row. Progress is told by table and rows.
pub async fn check_store(url: &str, progress: &(dyn Fn(&'static str, u64) + Send + Sync)) -> Result<(Vec<Checked>, Option<Vouched>), StoreError> {
    let store = end(url, false).await?;
    Ok((check(&*store, progress).await?, store.vouched().await?))
}

/// Reads all of a store.
pub(super) async fn check(store: &dyn End, progress: &(dyn Fn(&'static str, u64) + Send + Sync)) -> Result<Vec<Checked>, StoreError> {
    let mut all = Vec::new();
    for table in tables() {
        let mut checked = Checked { table: table.name, rows: 0, not_vouched_for: 0 };
        let place = table.columns.iter().position(|(name, _)| *name == checksum::COLUMN);
        let mut rows = store.read(table, i64::MIN);
        while let Some(row) = rows.try_next().await? {
            checked.rows += 1;
            if place.is_some_and(|place| row.columns.get(place) == Some(&Value::Integer(None))) {
                checked.not_vouched_for += 1;
            }
            if checked.rows.is_multiple_of(5000) {
                progress(table.name, checked.rows);
            }
        }
        drop(rows);
        all.push(checked);
    }
    store.check_sums().await?;
    store.check_structure().await?;
    Ok(all)
}
