//! Surveys as they are asked for: their facts, what they refused, what became of them.

use crate::scope::Scope;
use crate::service::{Service, ServiceError, error::for_all_only};
pub use crate::store::Withdrawn;
use crate::store::{StoreError, Thing};
use std::collections::BTreeMap;
use tuban_engine::model::{PeriodRange, Reject, Survey, SurveyEvent, TakenOff};

/// What became of a survey.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyHistory {
    /// In order.
    pub events: Vec<SurveyEvent>,
    /// Confirmed verdicts of its patches.
    pub confirmed: u64,
}

/// Patches of a survey that share ground with others, some at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlapsPage {
    /// How many there are in all.
    pub patches: u64,
    /// By number: what is taken off each, and whom it shares ground with.
    pub taken_off: BTreeMap<i64, TakenOff>,
    /// The number of the last one, where there may be more.
    pub last: Option<i64>,
}

impl Service {
    /// All surveys that count, newest period first; a scope of counties sees those with patches of its own, as sums over these.
    pub async fn surveys(&self, scope: &Scope) -> Result<Vec<Survey>, StoreError> {
        self.store.surveys(scope).await
    }

    /// One survey that counts, as the scope sees it.
    pub async fn survey(&self, scope: &Scope, id: i64) -> Result<Survey, StoreError> {
        self.store.survey(scope, id).await
    }

    /// Refused features of a survey with rows above `after`, at most `limit`; for *all* only.
    pub async fn rejects(&self, scope: &Scope, survey: i64, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        as_a_whole(scope, survey)?;
        self.store.rejects(survey, after, limit).await
    }

    /// Surveys that do not count any more, the last one first; for *all* only.
    pub async fn withdrawn(&self, scope: &Scope) -> Result<Vec<Withdrawn>, ServiceError> {
        for_all_only(scope)?;
        Ok(self.store.withdrawn().await?)
    }

    /// Confirmed verdicts of the patches of a survey, whether it counts or not; for *all* only.
    pub async fn confirmed(&self, scope: &Scope, survey: i64) -> Result<u64, StoreError> {
        as_a_whole(scope, survey)?;
        self.store.confirmed(survey).await
    }

    /// What became of a survey; also of one that was removed for good. For *all* only.
    pub async fn history(&self, scope: &Scope, survey: i64) -> Result<SurveyHistory, StoreError> {
        as_a_whole(scope, survey)?;
        let events = self.store.history(survey).await?;
        if events.is_empty() {
            self.store.survey(scope, survey).await?;
        }
        Ok(SurveyHistory { events, confirmed: self.store.confirmed(survey).await? })
    }

    /// The scope's patches of a survey that share ground with others, with numbers above `after`, in the sums of these months.
    pub async fn overlaps(&self, scope: &Scope, survey: i64, range: Option<PeriodRange>, after: i64, limit: u32) -> Result<OverlapsPage, ServiceError> {
        self.store.survey(scope, survey).await?;
        let patches = self.store.sharing(scope).await?.get(&survey).copied().unwrap_or(0);
        let page = self.store.sharing_of(scope, survey, after, limit).await?;
        let last = page.last().copied().filter(|_| page.len() == limit as usize);
        Ok(OverlapsPage { patches, taken_off: self.store.taken_off(scope, &page, range).await?, last })
    }
}

/// What is told of a survey as a whole is for *all* only: for others there is none.
fn as_a_whole(scope: &Scope, survey: i64) -> Result<(), StoreError> {
    if scope.is_all() { Ok(()) } else { Err(StoreError::NotFound { what: Thing::Survey, key: survey.to_string() }) }
}
