//! This database as one end of a transfer.

use super::copy::Copy;
use super::{PostgresStore, Writing, checksums, jobs::Queue, open};
use crate::store::carry::{Carried, Counters, End, Queued};
use crate::store::tables::Table;
use crate::store::{SILENT, StoreError, carry::Vouched, fail, jobs, sql, values::Values, vouching};
use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use sqlx::AssertSqlSafe;
use tokio_util::task::TaskTracker;

impl PostgresStore {
    /// Like [`open`](Self::open), also where a transfer into it was not finished.
    pub(crate) async fn open_for_transfer(url: &str) -> Result<Self, StoreError> {
        let (pools, watching) = open::open(url).await?;
        Ok(Self { queue: Queue::new(pools.clone()), pools, watching, removals: TaskTracker::new() })
    }
}

fn copy_of(table: &Table, rows: &[Carried]) -> Result<Copy, StoreError> {
    let mut copy = if table.by_county { Copy::by_county(table) } else { Copy::new(table) };
    for row in rows {
        copy.row();
        if table.by_county {
            copy.text(row.county.as_str())?;
        }
        row.put(&mut copy)?;
    }
    Ok(copy)
}

#[async_trait]
impl End for PostgresStore {
    async fn mark(&self) -> Result<Option<String>, StoreError> {
        let there: bool = sqlx::query_scalar("SELECT to_regclass('transfer') IS NOT NULL").fetch_one(&self.pools.sums).await?;
        Ok(if there { sqlx::query_scalar("SELECT mark FROM transfer").fetch_optional(&self.pools.sums).await? } else { None })
    }

    async fn counters(&self) -> Result<Counters, StoreError> {
        let revision = sqlx::query_scalar(sql::REVISION).fetch_one(&self.pools.sums).await?;
        let given = sqlx::query_as("SELECT name, seq FROM given ORDER BY name").fetch_all(&self.pools.sums).await?;
        Ok(Counters { revision, given })
    }

    async fn queued(&self) -> Result<Queued, StoreError> {
        let (known, unfinished) = sqlx::query_as(jobs::sql::COUNT).fetch_one(&self.pools.sums).await?;
        Ok(Queued { known, unfinished })
    }

    async fn under_way(&self) -> Result<i64, StoreError> {
        self.sweep(SILENT).await?;
        Ok(sqlx::query_scalar("SELECT count(*) FROM unpublished").fetch_one(&self.pools.sums).await?)
    }

    async fn last(&self, table: &Table) -> Result<i64, StoreError> {
        let sql = format!("SELECT coalesce(max({}), 0) FROM {}", table.number(), table.name);
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pools.sums).await?)
    }

    fn read(&self, table: &'static Table, after: i64) -> BoxStream<'_, Result<Carried, StoreError>> {
        let county = if table.by_county { ", county AS of_county" } else { "" };
        let sql =
            format!("SELECT {}{county} FROM {} WHERE {} > $1{} ORDER BY {}", table.names(), table.name, table.number(), sql::that_count(table), table.order());
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(after).fetch(&self.pools.sums);
        rows.map(|row| Carried::of(&row?, table, table.by_county)).boxed()
    }

    async fn check_sums(&self) -> Result<(), StoreError> {
        let mut connection = self.pools.sums.acquire().await?;
        checksums::compare_all(&mut connection).await
    }

    async fn check_structure(&self) -> Result<(), StoreError> {
        self.structure().await
    }

    async fn vouched(&self) -> Result<Option<Vouched>, StoreError> {
        let (rows, done_ms): (i64, Option<i64>) = sqlx::query_as(vouching::sql::DONE).fetch_one(&self.pools.sums).await?;
        Ok(done_ms.map(|done_ms| Vouched { rows: rows as u64, done_ms }))
    }

    async fn set_vouched(&self, vouched: Vouched) -> Result<(), StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        sqlx::query(vouching::sql::SET_DONE).bind(vouched.rows as i64).bind(vouched.done_ms).execute(writing.connection()).await?;
        writing.commit().await
    }

    async fn vouch(&self, table: &'static Table, rows: &[Carried], checksums: &[i64]) -> Result<(), StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let of = |place: usize| rows.iter().map(|row| vouching::key(row, table).nth(place).unwrap_or(0)).collect::<Vec<_>>();
        let (first, second) = (of(0), of(1));
        let keys: Vec<String> =
            table.columns.iter().take(table.key).zip(["first", "second"]).map(|((name, _), key)| format!("{}.{name} = given.{key}", table.name)).collect();
        let update = format!(
            "UPDATE {} SET checksum = given.sum FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS given (first, second, sum) WHERE {}",
            table.name,
            keys.join(" AND ")
        );
        sqlx::query(AssertSqlSafe(update)).bind(first).bind(second).bind(checksums).execute(writing.connection()).await?;
        writing.commit().await
    }

    async fn vouch_for_sums(&self) -> Result<(), StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let surveys: Vec<i64> = sqlx::query_scalar(vouching::sql::WITHOUT_SUMS).fetch_all(writing.connection()).await?;
        for survey in surveys {
            let sums = checksums::sums_of(writing.connection(), survey).await?;
            checksums::set_sums(writing.connection(), survey, &sums).await?;
        }
        writing.commit().await
    }

    async fn begin_copy(&self, mark: &str, counters: &Counters, tables: &[(&'static Table, Vec<Carried>)]) -> Result<(), StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        sqlx::raw_sql("CREATE TABLE transfer (mark TEXT NOT NULL)").execute(writing.connection()).await?;
        sqlx::query("INSERT INTO transfer (mark) VALUES ($1)").bind(mark).execute(writing.connection()).await?;
        sqlx::query("UPDATE revision SET number = $1").bind(counters.revision).execute(writing.connection()).await?;
        for (name, last) in &counters.given {
            writing.gave(name, *last).await?;
        }
        for (table, rows) in tables {
            copy_of(table, rows)?.send(&mut writing).await?;
        }
        fail::point("copy: before the first commit");
        writing.commit().await
    }

    async fn append(&self, table: &'static Table, rows: &[Carried]) -> Result<(), StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        copy_of(table, rows)?.send(&mut writing).await?;
        fail::point("copy: before a commit");
        writing.commit().await
    }

    async fn finish_copy(&self) -> Result<(), StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        sqlx::raw_sql("SELECT setval(pg_get_serial_sequence('reject', 'id'), max(id)) FROM reject HAVING count(*) > 0; DROP TABLE transfer; ANALYZE")
            .execute(writing.connection())
            .await?;
        fail::point("copy: before the last commit");
        writing.commit().await
    }
}
