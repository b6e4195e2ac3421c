//! The embedded store: one SQLite file, one connection that writes, a few that read.
//!
//! Write-ahead logging lets readers go on while a survey comes in; every write is one `BEGIN IMMEDIATE` transaction, and writers wait
//! for each other. Jobs are in a second file, which is not locked meanwhile. A writer that is dropped, also in the middle of a cancelled task, is rolled back before the next one begins.

mod bulk;
mod checksums;
mod ground;
mod intake;
mod jobs;
mod layers;
mod open;
mod patches;
mod rejudging;
mod replacing;
mod sets;
mod surveys;
mod transfer;
mod unpublished;
mod verdicts;
mod withdrawal;

use super::fail;
use super::{
    Fate, Filter, FindingsWriter, LayerFeature, LayerWriter, NewFiling, PatchMark, Signing, Store, StoreError, StoredPatch, Summed, SurveyKey, SurveyWriter,
    sql,
};
use crate::scope::Scope;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tuban_engine::model::{Days, FormerFinding, Layer, LayerSet, LeftOut, OnConflict, PeriodRange, Provenance, Reject, Survey, TakenOff};
use tuban_geom::Bounds;

/// An open transaction on the connection that writes; rolled back when dropped.
type Writing = sqlx::Transaction<'static, sqlx::Sqlite>;

/// What must not be there: what is not published, without a writer.
const WITHOUT_WRITER: &str = "
    SELECT (SELECT count(*) FROM survey WHERE withdrawn_ms = 0 AND id NOT IN (SELECT number FROM unpublished WHERE what = 'survey'))
         + (SELECT count(*) FROM layer WHERE created_ms = 0 AND id NOT IN (SELECT number FROM unpublished WHERE what = 'layer'))
         + (SELECT count(*) FROM survey JOIN finding ON finding.survey_id = survey.id AND finding.made <> survey.made
            WHERE NOT EXISTS (SELECT 1 FROM unpublished WHERE unpublished.id = finding.made OR (what = 'replaced' AND number = survey.id)))";

/// A [`Store`] in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pools: open::Pools,
    queue: jobs::Queue,
    /// Removals of what dropped writers wrote.
    removals: TaskTracker,
}

impl SqliteStore {
    /// Opens the database of `url` (`sqlite:path` or `sqlite://path`), creating the file, its folder and its tables where they are
    /// missing. Refuses a file that another program or a newer Tuban made, and an SQLite library with known corruption.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::open_for_transfer(url).await?;
        crate::store::carry::refuse_half_done(&store).await?;
        super::vouching::vouch(&store).await?;
        Ok(store)
    }

    /// Looks through the whole file for damage, as `tuban check-store` does: O(size of the file).
    pub async fn verify(&self) -> Result<(), StoreError> {
        super::checking::check(self, &|_, _| ()).await.map(drop)
    }

    /// Looks through what the database keeps for itself, and for rows that refer to nothing.
    async fn structure(&self) -> Result<(), StoreError> {
        let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&self.pools.readers).await?;
        if found != ["ok"] {
            return Err(StoreError::Damaged(found.join("; ")));
        }
        let orphans = sqlx::query("PRAGMA foreign_key_check").fetch_all(&self.pools.readers).await?.len() as i64;
        let orphans = orphans + sqlx::query_scalar::<_, i64>(WITHOUT_WRITER).fetch_one(&self.pools.readers).await?;
        let twice: i64 = sqlx::query_scalar(sql::TAKEN_TWICE).fetch_one(&self.pools.readers).await?;
        let orphans = orphans + twice;
        let missing: i64 = sqlx::query_scalar(sql::MISSING_ROWS).fetch_one(&self.pools.readers).await?;
        if missing > 0 {
            return Err(StoreError::Damaged(format!("surveys and layers are {missing} more or fewer than were stored")));
        }
        if orphans == 0 { Ok(()) } else { Err(StoreError::Damaged(format!("{orphans} rows refer to what is not there"))) }
    }

    /// Closes every connection, once what was dropped is removed, which folds the write-ahead log into the file. Open writers are waited for.
    pub async fn close(&self) {
        self.removals.close();
        self.removals.wait().await;
        self.pools.close().await;
        self.queue.close().await;
    }

    async fn begin(&self) -> Result<Writing, StoreError> {
        Ok(self.pools.writer.begin_with("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").await?)
    }
}

/// The number that the next row of `table` gets, above all that were ever given. Only within a transaction that writes is it still free
/// when it is used.
async fn next_id(transaction: &mut Writing, table: &str) -> Result<i64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = $1").bind(table).fetch_optional(&mut **transaction).await?;
    Ok(last.unwrap_or(0) + 1)
}

/// Commits a change to what is stored, and says so.
async fn publish(mut transaction: Writing) -> Result<(), StoreError> {
    sqlx::query(sql::PUBLISH).execute(&mut *transaction).await?;
    fail::point("change: before commit");
    transaction.commit().await?;
    fail::point("change: after commit");
    Ok(())
}

#[async_trait]
impl Store for SqliteStore {
    async fn revision(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(sql::REVISION).fetch_one(&self.pools.facts).await?)
    }

    fn folder(&self) -> Option<PathBuf> {
        Some(self.pools.folder())
    }

    async fn begin_layer(&self) -> Result<Box<dyn LayerWriter>, StoreError> {
        self.take_layer().await
    }

    async fn layers(&self) -> Result<Vec<Layer>, StoreError> {
        self.all_layers().await
    }

    async fn left_out(&self, layer: i64) -> Result<Vec<LeftOut>, StoreError> {
        self.what_is_left_out(layer).await
    }

    async fn remove_layer(&self, id: i64) -> Result<(), StoreError> {
        self.drop_layer(id).await
    }

    async fn each_feature(&self, layer: i64, sink: &mut (dyn FnMut(Vec<LayerFeature>) + Send)) -> Result<(), StoreError> {
        self.all_features(layer, sink).await
    }

    async fn features_within(&self, layer: i64, bounds: &Bounds, limit: u32) -> Result<Vec<LayerFeature>, StoreError> {
        self.some_features(layer, bounds, limit).await
    }

    async fn begin_survey(&self, key: SurveyKey, on_conflict: OnConflict) -> Result<Box<dyn SurveyWriter>, StoreError> {
        self.take_survey(key, on_conflict).await
    }

    async fn begin_reclassification(&self, survey: i64) -> Result<Box<dyn FindingsWriter>, StoreError> {
        self.rejudge(survey).await
    }

    async fn remove_unpublished(&self, silent_for: Duration) -> Result<u64, StoreError> {
        self.sweep(silent_for).await
    }

    async fn surveys(&self, scope: &Scope) -> Result<Vec<Survey>, StoreError> {
        self.all_surveys(scope).await
    }

    async fn survey(&self, scope: &Scope, id: i64) -> Result<Survey, StoreError> {
        self.survey_of(scope, id).await
    }

    async fn layer_sets(&self) -> Result<Vec<LayerSet>, StoreError> {
        self.all_layer_sets().await
    }

    async fn days_and_sets(&self, survey: i64) -> Result<Option<Vec<(Days, i64)>>, StoreError> {
        self.days_and_sets_of(survey).await
    }

    async fn former_findings(&self, patch: i64) -> Result<Vec<FormerFinding>, StoreError> {
        self.former_findings_of(patch).await
    }

    async fn provenance(&self, survey: i64) -> Result<Provenance, StoreError> {
        self.provenance_of(survey).await
    }

    async fn rejects(&self, survey: i64, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        self.rejects_of(survey, after, limit).await
    }

    async fn patches(&self, filter: &Filter) -> Result<Vec<StoredPatch>, StoreError> {
        self.some_patches(filter).await
    }

    async fn count_patches(&self, filter: &Filter) -> Result<u64, StoreError> {
        self.how_many_patches(filter).await
    }

    async fn patch(&self, scope: &Scope, id: i64) -> Result<StoredPatch, StoreError> {
        self.one_patch(scope, id).await
    }

    async fn patch_marks(&self, filter: &Filter, outlines: bool) -> Result<Vec<PatchMark>, StoreError> {
        self.some_marks(filter, outlines).await
    }

    async fn file(&self, scope: &Scope, filings: &[NewFiling], signing: Signing<'_>) -> Result<Vec<Fate>, StoreError> {
        self.file_all(scope, filings, signing).await
    }

    async fn summed(&self, scope: &Scope, range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        self.sums(scope, range).await
    }

    async fn taken_off(&self, scope: &Scope, patches: &[i64], range: Option<PeriodRange>) -> Result<BTreeMap<i64, TakenOff>, StoreError> {
        self.off(scope, patches, range).await
    }

    async fn sharing(&self, scope: &Scope) -> Result<BTreeMap<i64, u64>, StoreError> {
        self.sharing_by_survey(scope).await
    }

    async fn sharing_of(&self, scope: &Scope, survey: i64, after: i64, limit: u32) -> Result<Vec<i64>, StoreError> {
        self.sharing_in(scope, survey, after, limit).await
    }
}
