//! The store for many: a PostgreSQL database with PostGIS, which several nodes may share.
//!
//! It keeps the promise of the embedded store by the same means: every write is one transaction, one writer at a time over all nodes
//! ([`writing`]), and readers see what is committed. What the tables look like and why: `migrations/postgres/0001_first.sql`.

mod bulk;
mod checksums;
mod copy;
mod ground;
mod hosts;
mod intake;
mod jobs;
mod layers;
mod open;
mod patches;
mod pools;
mod rejudging;
mod replacing;
mod sets;
mod stalled;
mod surveys;
pub(super) mod text;
mod transfer;
mod unpublished;
mod verdicts;
mod watch;
mod withdrawal;
mod writing;

use super::{
    Fate, Filter, FindingsWriter, LayerFeature, LayerWriter, NewFiling, PatchMark, Signing, Store, StoreError, StoredPatch, Summed, SurveyKey, SurveyWriter,
    sql,
};
use crate::scope::Scope;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tuban_engine::model::{Days, FormerFinding, Layer, LayerSet, LeftOut, OnConflict, PeriodRange, Provenance, Reject, Survey, TakenOff};
use tuban_geom::Bounds;
use writing::Writing;

/// A [`Store`] in a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pools: pools::Pools,
    queue: jobs::Queue,
    watching: pools::Watching,
    /// Removals of what dropped writers wrote.
    removals: TaskTracker,
}

/// What must not be there: parts of patches without the patch, patches without their parts, in another partition or without their survey; what is not published without a writer.
const ORPHANS: &str = "
    SELECT (SELECT count(*) FROM patch FULL JOIN patch_outline part ON part.patch = patch.id AND part.county = patch.county
            WHERE patch.id IS NULL OR part.patch IS NULL)
         + (SELECT count(*) FROM survey JOIN finding ON finding.survey_id = survey.id AND finding.made <> survey.made
            WHERE NOT EXISTS (SELECT 1 FROM unpublished WHERE unpublished.id = finding.made OR (what = 'replaced' AND number = survey.id)))
         + (SELECT count(*) FROM finding LEFT JOIN survey ON survey.id = finding.survey_id WHERE survey.id IS NULL)
         + (SELECT count(*) FROM patch FULL JOIN (SELECT finding.* FROM finding JOIN survey ON survey.id = finding.survey_id AND survey.made = finding.made) part
                ON part.patch = patch.id AND part.county = patch.county
            WHERE patch.id IS NULL OR part.patch IS NULL OR part.survey_id <> patch.survey_id OR coalesce(part.county_code, '') <> part.county)
         + (SELECT count(*) FROM filing part LEFT JOIN patch ON part.patch = patch.id AND part.county = patch.county WHERE patch.id IS NULL)
         + (SELECT count(*) FROM shared_ground part LEFT JOIN patch ON part.patch = patch.id AND part.survey_id = patch.survey_id WHERE patch.id IS NULL)
         + (SELECT count(*) FROM patch LEFT JOIN survey ON survey.id = patch.survey_id WHERE survey.id IS NULL)
         + (SELECT count(*) FROM survey WHERE withdrawn_ms = 0 AND id NOT IN (SELECT number FROM unpublished WHERE what = 'survey'))
         + (SELECT count(*) FROM layer WHERE created_ms = 0 AND id NOT IN (SELECT number FROM unpublished WHERE what = 'layer'))
         + (SELECT count(*) FROM layer_feature LEFT JOIN layer ON layer.id = layer_id WHERE layer.id IS NULL)
         + (SELECT count(*) - count(DISTINCT id) FROM patch)";

/// Whether `url` names a PostgreSQL database.
pub(super) fn is_url(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

impl PostgresStore {
    /// Opens the database of `url` (`postgres://USER@HOST/NAME`, or several hosts, of which one takes writes), making the tables where it is empty. Refuses a database that another
    /// program made, and a schema older or newer than this program's.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::open_for_transfer(url).await?;
        crate::store::carry::refuse_half_done(&store).await?;
        super::vouching::vouch(&store).await?;
        Ok(store)
    }

    /// Brings the tables of an older Tuban up to this one, or makes them where there are none. No node may be running.
    pub async fn upgrade(url: &str) -> Result<(), StoreError> {
        open::upgrade(url).await?;
        let store = Self::open_for_transfer(url).await?;
        super::vouching::vouch(&store).await?;
        store.close().await;
        Ok(())
    }

    /// Looks through the whole database for damage, as `tuban check-store` does: O(size of the database).
    pub async fn verify(&self) -> Result<(), StoreError> {
        super::checking::check(self, &|_, _| ()).await.map(drop)
    }

    /// Looks for rows that belong to nothing.
    async fn structure(&self) -> Result<(), StoreError> {
        let missing: i64 = sqlx::query_scalar(sql::MISSING_ROWS).fetch_one(&self.pools.sums).await?;
        if missing > 0 {
            return Err(StoreError::Damaged(format!("surveys and layers are {missing} more or fewer than were stored")));
        }
        let twice: i64 = sqlx::query_scalar(sql::TAKEN_TWICE).fetch_one(&self.pools.sums).await?;
        let orphans: i64 = twice + sqlx::query_scalar::<_, i64>(ORPHANS).fetch_one(&self.pools.sums).await?;
        if orphans == 0 { Ok(()) } else { Err(StoreError::Damaged(format!("{orphans} rows belong to nothing"))) }
    }

    /// Closes every connection, once what was dropped is removed. Open writers are waited for.
    pub async fn close(&self) {
        self.removals.close();
        self.removals.wait().await;
        self.watching.end();
        self.queue.end();
        self.pools.close().await;
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn page_checksums(&self) -> Result<Option<bool>, StoreError> {
        let told = async { Ok(sqlx::query_scalar::<_, String>("SHOW data_checksums").fetch_one(&self.pools.facts).await?) };
        Ok(Some(self.pools.lost.soon(told).await? == "on"))
    }

    async fn revision(&self) -> Result<i64, StoreError> {
        let revision = async { Ok(sqlx::query_scalar(sql::REVISION).fetch_one(&self.pools.facts).await?) };
        self.pools.lost.soon(revision).await
    }

    async fn begin_layer(&self) -> Result<Box<dyn LayerWriter>, StoreError> {
        self.take_layer().await
    }

    async fn layers(&self) -> Result<Vec<Layer>, StoreError> {
        self.pools.lost.soon(self.all_layers()).await
    }

    async fn left_out(&self, layer: i64) -> Result<Vec<LeftOut>, StoreError> {
        self.pools.lost.soon(self.what_is_left_out(layer)).await
    }

    async fn remove_layer(&self, id: i64) -> Result<(), StoreError> {
        self.pools.lost.soon(self.drop_layer(id)).await
    }

    async fn each_feature(&self, layer: i64, sink: &mut (dyn FnMut(Vec<LayerFeature>) + Send)) -> Result<(), StoreError> {
        self.pools.lost.unless(self.all_features(layer, sink)).await
    }

    async fn features_within(&self, layer: i64, bounds: &Bounds, limit: u32) -> Result<Vec<LayerFeature>, StoreError> {
        self.pools.lost.soon(self.some_features(layer, bounds, limit)).await
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
        self.pools.lost.soon(self.all_surveys(scope)).await
    }

    async fn survey(&self, scope: &Scope, id: i64) -> Result<Survey, StoreError> {
        self.pools.lost.soon(self.survey_of(scope, id)).await
    }

    async fn layer_sets(&self) -> Result<Vec<LayerSet>, StoreError> {
        self.pools.lost.soon(self.all_layer_sets()).await
    }

    async fn days_and_sets(&self, survey: i64) -> Result<Option<Vec<(Days, i64)>>, StoreError> {
        self.pools.lost.soon(self.days_and_sets_of(survey)).await
    }

    async fn former_findings(&self, patch: i64) -> Result<Vec<FormerFinding>, StoreError> {
        self.pools.lost.soon(self.former_findings_of(patch)).await
    }

    async fn provenance(&self, survey: i64) -> Result<Provenance, StoreError> {
        self.pools.lost.soon(self.provenance_of(survey)).await
    }

    async fn rejects(&self, survey: i64, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        self.pools.lost.soon(self.rejects_of(survey, after, limit)).await
    }

    async fn patches(&self, filter: &Filter) -> Result<Vec<StoredPatch>, StoreError> {
        self.pools.lost.soon(self.some_patches(filter)).await
    }

    async fn count_patches(&self, filter: &Filter) -> Result<u64, StoreError> {
        self.pools.lost.soon(self.how_many_patches(filter)).await
    }

    async fn patch(&self, scope: &Scope, id: i64) -> Result<StoredPatch, StoreError> {
        self.pools.lost.soon(self.one_patch(scope, id)).await
    }

    async fn patch_marks(&self, filter: &Filter, outlines: bool) -> Result<Vec<PatchMark>, StoreError> {
        self.pools.lost.soon(self.some_marks(filter, outlines)).await
    }

    async fn file(&self, scope: &Scope, filings: &[NewFiling], signing: Signing<'_>) -> Result<Vec<Fate>, StoreError> {
        self.pools.lost.soon(self.file_all(scope, filings, signing)).await
    }

    async fn summed(&self, scope: &Scope, range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        self.pools.lost.soon(self.sums(scope, range)).await
    }

    async fn taken_off(&self, scope: &Scope, patches: &[i64], range: Option<PeriodRange>) -> Result<BTreeMap<i64, TakenOff>, StoreError> {
        self.pools.lost.soon(self.off(scope, patches, range)).await
    }

    async fn sharing(&self, scope: &Scope) -> Result<BTreeMap<i64, u64>, StoreError> {
        self.pools.lost.soon(self.sharing_by_survey(scope)).await
    }

    async fn sharing_of(&self, scope: &Scope, survey: i64, after: i64, limit: u32) -> Result<Vec<i64>, StoreError> {
        self.pools.lost.soon(self.sharing_in(scope, survey, after, limit)).await
    }
}
