//! Patches with their findings, as they are asked for.

use super::{Service, ServiceError};
use crate::store::StoreError;
pub use crate::store::{PatchPosition, PatchQuery, StoredPatch, VerdictFilter};
use tuban_engine::model::{Filing, FormerFinding};

impl Service {
    /// Patches with their findings, in the order of their places; of a survey that is there, where one is named.
    pub async fn patches(&self, query: &PatchQuery) -> Result<Vec<StoredPatch>, StoreError> {
        self.store.patches(query).await
    }

    /// One patch with its finding, by the number by which people know it.
    pub async fn patch(&self, number: i64) -> Result<StoredPatch, StoreError> {
        self.store.patch(number).await
    }

    /// What a patch's finding was before, the last one first.
    pub async fn former_findings(&self, number: i64) -> Result<Vec<FormerFinding>, StoreError> {
        self.store.former_findings(number).await
    }

    /// Records verdicts that were invented for the demo city.
    pub async fn record_invented(&self, survey: i64, filings: &[Filing]) -> Result<(), ServiceError> {
        self.store.file_verdicts(Some(survey), filings).await?;
        Ok(())
    }
}
