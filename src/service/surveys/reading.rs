//! Surveys as they are asked for: their facts, what they refused, what became of them.

use crate::service::{Service, ServiceError};
use crate::store::StoreError;
pub use crate::store::Withdrawn;
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
    /// All surveys that count, newest period first.
    pub async fn surveys(&self) -> Result<Vec<Survey>, StoreError> {
        self.store.surveys().await
    }

    /// One survey that counts.
    pub async fn survey(&self, id: i64) -> Result<Survey, StoreError> {
        self.store.survey(id).await
    }

    /// Refused features of a survey with rows above `after`, at most `limit`.
    pub async fn rejects(&self, survey: i64, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        self.store.rejects(survey, after, limit).await
    }

    /// Surveys that do not count any more, the last one first.
    pub async fn withdrawn(&self) -> Result<Vec<Withdrawn>, StoreError> {
        self.store.withdrawn().await
    }

    /// Confirmed verdicts of the patches of a survey, whether it counts or not.
    pub async fn confirmed(&self, survey: i64) -> Result<u64, StoreError> {
        self.store.confirmed(survey).await
    }

    /// What became of a survey; also of one that was removed for good.
    pub async fn history(&self, survey: i64) -> Result<SurveyHistory, StoreError> {
        let events = self.store.history(survey).await?;
        if events.is_empty() {
            self.store.survey(survey).await?;
        }
        Ok(SurveyHistory { events, confirmed: self.store.confirmed(survey).await? })
    }

    /// Patches of a survey that share ground with others, with numbers above `after`, in the sums of these months.
    pub async fn overlaps(&self, survey: i64, range: Option<PeriodRange>, after: i64, limit: u32) -> Result<OverlapsPage, ServiceError> {
        self.store.survey(survey).await?;
        let patches = self.store.sharing().await?.get(&survey).copied().unwrap_or(0);
        let page = self.store.sharing_of(survey, after, limit).await?;
        let last = page.last().copied().filter(|_| page.len() == limit as usize);
        Ok(OverlapsPage { patches, taken_off: self.store.taken_off(&page, range).await?, last })
    }
}
