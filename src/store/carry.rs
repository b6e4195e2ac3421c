//! A database as a sequence of rows, table by table: what a copy, a look through all, and the first checksums go by.

use super::StoreError;
use super::tables::{
    FILING, FINDING, FINDING_HISTORY, LAYER, LAYER_FEATURE, LAYER_LEFT_OUT, LAYER_SET, LAYER_SET_LAYER, PATCH, PATCH_OUTLINE, REJECT, SHARED_GROUND, SURVEY,
    SURVEY_EVENT, SURVEY_SET, Table,
};
use async_trait::async_trait;
use futures_util::stream::BoxStream;

/// Small, and what the others refer to.
pub(super) const FIRST: [&Table; 7] = [&LAYER, &LAYER_LEFT_OUT, &LAYER_SET, &LAYER_SET_LAYER, &SURVEY, &SURVEY_SET, &SURVEY_EVENT];
/// What grows, each table after those it refers to.
pub(super) const THEN: [&Table; 8] = [&LAYER_FEATURE, &PATCH, &PATCH_OUTLINE, &FINDING, &FILING, &SHARED_GROUND, &REJECT, &FINDING_HISTORY];

/// A column's value, as either database gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// May be NULL.
    Integer(Option<i64>),
    /// May be NULL.
    Double(Option<f64>),
    /// May be NULL.
    Text(Option<String>),
    /// May be NULL.
    Bytes(Option<Vec<u8>>),
}

/// A row: the county of the patch it belongs to where it belongs to one, and its columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Carried {
    /// '' where no county answers for the patch.
    pub(super) county: String,
    /// In the order of the table.
    pub(super) columns: Vec<Value>,
}

/// Numbers that no table of [`FIRST`] and [`THEN`] holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counters {
    /// How often what is stored has changed.
    pub(super) revision: i64,
    /// Table and the last number given in it, by name.
    pub(super) given: Vec<(String, i64)>,
}

/// The queue of an end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queued {
    /// Jobs that are known, over or not.
    pub(super) known: i64,
    /// Jobs that are not over.
    pub(super) unfinished: i64,
}

/// One end of the way.
#[async_trait]
pub(super) trait End: Send + Sync {
    /// The mark left by a copy that is not done, where there is one.
    async fn mark(&self) -> Result<Option<String>, StoreError>;
    /// See [`Counters`].
    async fn counters(&self) -> Result<Counters, StoreError>;
    /// Its jobs, which are not carried over.
    async fn queued(&self) -> Result<Queued, StoreError>;
    /// Imports that are not published, once those that were killed are removed: they are not carried over either.
    async fn under_way(&self) -> Result<i64, StoreError>;
    /// The highest key in a table, 0 where it is empty.
    async fn last(&self, table: &Table) -> Result<i64, StoreError>;
    /// The rows of a table with keys above `after`, in the order of their keys.
    fn read(&self, table: &'static Table, after: i64) -> BoxStream<'_, Result<Carried, StoreError>>;
    /// Refuses surveys that sum to something else than what was stored.
    async fn check_sums(&self) -> Result<(), StoreError>;
    /// Looks through what the database keeps for itself, and for rows that belong to nothing.
    async fn check_structure(&self) -> Result<(), StoreError>;
    /// What was vouched for at an upgrade, once that is done.
    async fn vouched(&self) -> Result<Option<Vouched>, StoreError>;
    /// Says that it is done.
    async fn set_vouched(&self, vouched: Vouched) -> Result<(), StoreError>;
    /// Gives these rows their checksums.
    async fn vouch(&self, table: &'static Table, rows: &[Carried], checksums: &[i64]) -> Result<(), StoreError>;
    /// Gives surveys that have none their sums.
    async fn vouch_for_sums(&self) -> Result<(), StoreError>;
    /// Begins a copy: the mark, the counters and these tables, in one transaction.
    async fn begin_copy(&self, mark: &str, counters: &Counters, tables: &[(&'static Table, Vec<Carried>)]) -> Result<(), StoreError>;
    /// Appends a portion, in one transaction.
    async fn append(&self, table: &'static Table, rows: &[Carried]) -> Result<(), StoreError>;
    /// Removes the mark, and sees to numbers that the database gives itself.
    async fn finish_copy(&self) -> Result<(), StoreError>;
}

/// Rows that were vouched for at an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// How many.
    pub rows: u64,
    /// When, milliseconds since 1970.
    pub done_ms: i64,
}

/// Refuses a database that was not copied whole.
pub(super) async fn refuse_half_done(target: &dyn End) -> Result<(), StoreError> {
    match target.mark().await? {
        Some(_) => Err(StoreError::refused("a copy into this database was not finished; run the same tuban migrate again")),
        None => Ok(()),
    }
}

/// The tables in the order in which they are read.
pub(super) fn tables() -> impl Iterator<Item = &'static Table> {
    FIRST.into_iter().chain(THEN)
}
