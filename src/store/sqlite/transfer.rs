//! This database as one end of a transfer.

use super::bulk::{Arguments, Insert, ROWS};
use super::{SqliteStore, Writing, checksums, jobs::Queue, open};
use crate::store::carry::{Carried, Counters, End, Queued};
use crate::store::tables::{NUMBERED, Table};
use crate::store::{SILENT, StoreError, carry::Vouched, fail, sql, vouching};
use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use sqlx::AssertSqlSafe;
use tokio_util::task::TaskTracker;

impl SqliteStore {
    /// Like [`open`](Self::open), also where a transfer into it was not finished.
    pub(crate) async fn open_for_transfer(url: &str) -> Result<Self, StoreError> {
        let pools = open::open(url).await?;
        Ok(Self { pools, queue: Queue::new(open::open_jobs(url).await?), removals: TaskTracker::new() })
    }
}

async fn insert(transaction: &mut Writing, table: &Table, rows: &[Carried]) -> Result<(), StoreError> {
    let insert = Insert::new(table);
    for rows in rows.chunks(ROWS) {
        let mut arguments = Arguments::default();
        rows.iter().try_for_each(|row| row.put(&mut arguments))?;
        insert.execute(transaction, rows.len(), arguments).await?;
    }
    Ok(())
}

#[async_trait]
impl End for SqliteStore {
    async fn mark(&self) -> Result<Option<String>, StoreError> {
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'transfer'").fetch_one(&self.pools.readers).await?;
        Ok(if there > 0 { sqlx::query_scalar("SELECT mark FROM transfer").fetch_optional(&self.pools.readers).await? } else { None })
    }

    async fn counters(&self) -> Result<Counters, StoreError> {
        let revision = sqlx::query_scalar(sql::REVISION).fetch_one(&self.pools.readers).await?;
        let mut given = Vec::new();
        for name in NUMBERED {
            let last: Option<i64> =
                sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = $1").bind(name).fetch_optional(&self.pools.readers).await?;
            given.push((name.to_owned(), last.unwrap_or(0)));
        }
        Ok(Counters { revision, given })
    }

    async fn queued(&self) -> Result<Queued, StoreError> {
        let (known, unfinished) = self.queue.counted().await?;
        Ok(Queued { known, unfinished })
    }

    async fn under_way(&self) -> Result<i64, StoreError> {
        self.sweep(SILENT).await?;
        Ok(sqlx::query_scalar("SELECT count(*) FROM unpublished").fetch_one(&self.pools.readers).await?)
    }

    async fn last(&self, table: &Table) -> Result<i64, StoreError> {
        let sql = format!("SELECT coalesce(max({}), 0) FROM {}", table.number(), table.name);
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pools.readers).await?)
    }

    fn read(&self, table: &'static Table, after: i64) -> BoxStream<'_, Result<Carried, StoreError>> {
        let county = if table.by_county {
            format!(
                ", coalesce((SELECT found.county_code FROM finding AS found JOIN survey ON survey.id = found.survey_id AND survey.made = found.made \
                 WHERE found.patch = {}.{}), '') AS of_county",
                table.name,
                table.number()
            )
        } else {
            String::new()
        };
        let sql =
            format!("SELECT {}{county} FROM {} WHERE {} > $1{} ORDER BY {}", table.names(), table.name, table.number(), sql::that_count(table), table.order());
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(after).fetch(&self.pools.readers);
        rows.map(|row| Carried::of(&row?, table, table.by_county)).boxed()
    }

    async fn check_sums(&self) -> Result<(), StoreError> {
        let mut connection = self.pools.readers.acquire().await?;
        checksums::compare_all(&mut connection).await
    }

    async fn check_structure(&self) -> Result<(), StoreError> {
        self.structure().await
    }

    async fn vouched(&self) -> Result<Option<Vouched>, StoreError> {
        let (rows, done_ms): (i64, Option<i64>) = sqlx::query_as(vouching::sql::DONE).fetch_one(&self.pools.readers).await?;
        Ok(done_ms.map(|done_ms| Vouched { rows: rows as u64, done_ms }))
    }

    async fn set_vouched(&self, vouched: Vouched) -> Result<(), StoreError> {
        sqlx::query(vouching::sql::SET_DONE).bind(vouched.rows as i64).bind(vouched.done_ms).execute(&self.pools.writer).await?;
        Ok(())
    }

    async fn vouch(&self, table: &'static Table, rows: &[Carried], checksums: &[i64]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let keys: Vec<String> = table.columns.iter().take(table.key).zip(2..).map(|((name, _), place)| format!("{name} = ${place}")).collect();
        let update = format!("UPDATE {} SET checksum = $1 WHERE {}", table.name, keys.join(" AND "));
        for (row, checksum) in rows.iter().zip(checksums) {
            let mut query = sqlx::query(AssertSqlSafe(update.as_str())).bind(checksum);
            for number in vouching::key(row, table) {
                query = query.bind(number);
            }
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn vouch_for_sums(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let surveys: Vec<i64> = sqlx::query_scalar(vouching::sql::WITHOUT_SUMS).fetch_all(&mut *transaction).await?;
        for survey in surveys {
            let sums = checksums::sums_of(&mut transaction, survey).await?;
            checksums::set_sums(&mut transaction, survey, &sums).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn begin_copy(&self, mark: &str, counters: &Counters, tables: &[(&'static Table, Vec<Carried>)]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("CREATE TABLE transfer (mark TEXT NOT NULL) STRICT").execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO transfer (mark) VALUES ($1)").bind(mark).execute(&mut *transaction).await?;
        sqlx::query("UPDATE revision SET number = $1").bind(counters.revision).execute(&mut *transaction).await?;
        for (table, rows) in tables {
            insert(&mut transaction, table, rows).await?;
        }
        for (name, last) in &counters.given {
            sqlx::query("DELETE FROM sqlite_sequence WHERE name = $1").bind(name).execute(&mut *transaction).await?;
            sqlx::query("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)").bind(name).bind(last).execute(&mut *transaction).await?;
        }
        fail::point("copy: before the first commit");
        Ok(transaction.commit().await?)
    }

    async fn append(&self, table: &'static Table, rows: &[Carried]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        insert(&mut transaction, table, rows).await?;
        fail::point("copy: before a commit");
        Ok(transaction.commit().await?)
    }

    async fn finish_copy(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DROP TABLE transfer").execute(&mut *transaction).await?;
        fail::point("copy: before the last commit");
        Ok(transaction.commit().await?)
    }
}
