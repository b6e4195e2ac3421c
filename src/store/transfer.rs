//! From one store to another, whole: `tuban migrate`.
//!
//! 1. The target must be empty, or the half-done copy of this very source: the mark of the source is left in the target first. Jobs are not carried over,
//!    so in the source all must be over.
//! 2. Layers and surveys go over in one transaction with that mark; then the tables that grow, in the order of their keys, a portion a
//!    transaction. After a kill the highest key in the target says where to go on.
//! 3. Every table is read on both sides and compared by count and SHA-256; only then is the mark removed. A target without the mark that holds the very same
//!    is a copy that was done: who was killed between the two is told so.
//!
//! While the mark is there, no program opens the target. The source must not be written to meanwhile: its mark would no longer be the same.

use super::carry::{Carried, End, FIRST, THEN, Value, tables};
use super::checksum;
use super::columns::Columns;
use super::tables::{Kind, Table};
use super::values::Values;
use super::{StoreError, end};
use futures_util::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

/// Rows of one transaction.
const PORTION: usize = 5000;
/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The table.
    pub table: &'static str,
    /// Whether it is being compared, not copied.
    pub comparing: bool,
    /// Rows so far, in this run.
    pub rows: u64,
}

/// What a table was found to hold on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its rows, hexadecimal.
    pub sha256: String,
}

/// Copies everything from the database of one URL to that of another, and compares. Answers what each table holds.
pub async fn transfer(from: &str, to: &str, progress: &(dyn Fn(Progress) + Send + Sync)) -> Result<Vec<Compared>, StoreError> {
    if from == to {
        return Err(StoreError::refused("source and target are the same database"));
    }
    let (source, target) = (end(from, false).await?, end(to, true).await?);
    if source.mark().await?.is_some() {
        return Err(StoreError::refused("the source is itself a copy that was not finished"));
    }
    if begin(source.as_ref(), target.as_ref()).await? == Begun::BeforeItWasDone {
        return compare_all(source.as_ref(), target.as_ref(), progress).await.map_err(|error| match error {
            StoreError::Damaged(_) => not_empty(),
            other => other,
        });
    }
    for table in THEN {
        copy(source.as_ref(), target.as_ref(), table, progress).await?;
    }
    let compared = compare_all(source.as_ref(), target.as_ref(), progress).await?;
    target.finish_copy().await?;
    Ok(compared)
}

/// Where a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// Now, or by a run that was stopped.
    NotDone,
    /// The target says it is as far as the source, and has no mark: unless another filled it, a run before this one copied everything.
    BeforeItWasDone,
}

fn not_empty() -> StoreError {
    StoreError::refused("the target is not empty; begin with an empty target")
}

async fn begin(source: &dyn End, target: &dyn End) -> Result<Begun, StoreError> {
    let waiting = source.queued().await?.unfinished;
    if waiting > 0 {
        return Err(StoreError::refused(format!(
            "the source has {waiting} jobs that are not over, and jobs are not moved: let tuban serve finish them (GET /api/jobs), stop it, and begin again"
        )));
    }
    let writing = source.under_way().await?;
    if writing > 0 {
        return Err(StoreError::refused(format!(
            "{writing} imports are being written to the source, or were until a moment ago: wait for their end, and half a minute where they were killed, and begin again"
        )));
    }
    let counters = source.counters().await?;
    let (mut tables, mut digest) = (Vec::new(), Sha256::new());
    digest.update(format!("{counters:?}"));
    for table in FIRST {
        let rows: Vec<Carried> = source.read(table, 0).try_collect().await?;
        for row in &rows {
            row.add_to(&mut digest);
        }
        tables.push((table, rows));
    }
    let mark = hexadecimal(digest);
    if let Some(there) = target.mark().await? {
        return if there == mark {
            Ok(Begun::NotDone)
        } else {
            Err(StoreError::refused("the target holds a half-done copy of another source, or the source has changed since; begin with an empty target"))
        };
    }
    match target.counters().await?.revision {
        // What its jobs tell of, or will store, would get the numbers of what is copied.
        0 if target.queued().await?.known > 0 => Err(StoreError::refused("the target is not empty: there are jobs in it; begin with an empty target")),
        0 => target.begin_copy(&mark, &counters, &tables).await.map(|()| Begun::NotDone),
        revision if revision == counters.revision => Ok(Begun::BeforeItWasDone),
        _ => Err(not_empty()),
    }
}

async fn copy(source: &dyn End, target: &dyn End, table: &'static Table, progress: &(dyn Fn(Progress) + Send + Sync)) -> Result<(), StoreError> {
    let mut portions = source.read(table, target.last(table).await?).try_chunks(PORTION);
    let mut rows = 0;
    while let Some(portion) = portions.next().await {
        let portion = portion.map_err(|stopped| stopped.1)?;
        target.append(table, &portion).await?;
        rows += portion.len() as u64;
        progress(Progress { table: table.name, comparing: false, rows });
    }
    Ok(())
}

async fn compare_all(source: &dyn End, target: &dyn End, progress: &(dyn Fn(Progress) + Send + Sync)) -> Result<Vec<Compared>, StoreError> {
    let mut compared = Vec::new();
    for table in tables() {
        compared.push(compare(source, target, table, progress).await?);
    }
    Ok(compared)
}

async fn compare(source: &dyn End, target: &dyn End, table: &'static Table, progress: &(dyn Fn(Progress) + Send + Sync)) -> Result<Compared, StoreError> {
    let (here, there) = tokio::try_join!(sum(source, table), sum(target, table))?;
    progress(Progress { table: table.name, comparing: true, rows: here.rows });
    if here == there {
        return Ok(here);
    }
    Err(StoreError::Damaged(format!("table {} differs after copying: {} rows here, {} there", table.name, here.rows, there.rows)))
}

async fn sum(end: &dyn End, table: &'static Table) -> Result<Compared, StoreError> {
    let (mut rows, mut digest, mut stream) = (0, Sha256::new(), end.read(table, 0));
    while let Some(row) = stream.try_next().await? {
        row.add_to(&mut digest);
        rows += 1;
    }
    Ok(Compared { table: table.name, rows, sha256: hexadecimal(digest) })
}

fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

impl Carried {
    /// The row that a database answered; its county in `of_county`, where that was selected.
    pub(super) fn of(row: &impl Columns, table: &Table, of_county: bool) -> Result<Self, StoreError> {
        let county = if of_county { row.text("of_county")? } else { String::new() };
        let column = |(name, kind): &(&str, Kind)| -> Result<Value, StoreError> {
            Ok(match kind {
                Kind::Integer => Value::Integer(row.maybe_integer(name)?),
                Kind::Double => Value::Double(row.maybe_double(name)?),
                Kind::Text => Value::Text(row.maybe_text(name)?),
                Kind::Bytes => Value::Bytes(row.maybe_bytes(name)?.map(<[u8]>::to_vec)),
            })
        };
        checksum::check_plain(row, table)?;
        Ok(Self { county, columns: table.columns.iter().map(column).collect::<Result<_, _>>()? })
    }

    /// Its columns, in order.
    pub(super) fn put(&self, values: &mut impl Values) -> Result<(), StoreError> {
        self.columns.iter().try_for_each(|value| match value {
            Value::Integer(value) => values.integer(*value),
            Value::Double(value) => values.double(*value),
            Value::Text(value) => values.text(value.as_deref()),
            Value::Bytes(value) => values.bytes(value.clone()),
        })
    }

    /// Every value with its length before it, so that no two rows sum to the same.
    fn add_to(&self, digest: &mut Sha256) {
        field(digest, Some(self.county.as_bytes()));
        for value in &self.columns {
            match value {
                Value::Integer(value) => field(digest, value.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice)),
                Value::Double(value) => field(digest, value.map(|double| double.to_bits().to_le_bytes()).as_ref().map(<[u8; 8]>::as_slice)),
                Value::Text(value) => field(digest, value.as_deref().map(str::as_bytes)),
                Value::Bytes(value) => field(digest, value.as_deref()),
            }
        }
    }
}

fn field(digest: &mut Sha256, bytes: Option<&[u8]>) {
    digest.update(bytes.map_or(-1, |bytes| bytes.len() as i64).to_le_bytes());
    digest.update(bytes.unwrap_or_default());
}
