//! Patches with their findings, as they are asked for.

use super::{Service, ServiceError};
use crate::scope::Scope;
use crate::store::StoreError;
pub use crate::store::{Filter, PatchPosition, StoredPatch, VerdictFilter};
use tuban_engine::model::{Filing, FormerFinding};

impl Service {
    /// Patches with their findings, in the order of their places; of a survey that is there, where one is named.
    pub async fn patches(&self, filter: &Filter) -> Result<Vec<StoredPatch>, StoreError> {
        self.store.patches(filter).await
    }

    /// One patch with its finding, by the number by which people know it; outside of the scope there is none.
    pub async fn patch(&self, scope: &Scope, number: i64) -> Result<StoredPatch, StoreError> {
        self.store.patch(scope, number).await
    }

    /// What a patch's finding was before, the last one first: to who may see the patch. A county that the patch has left sees the findings of its own time, and where there
    /// are none, no patch.
    pub async fn former_findings(&self, scope: &Scope, number: i64) -> Result<Vec<FormerFinding>, StoreError> {
        let mut former = self.store.former_findings(number).await?;
        match self.store.patch(scope, number).await {
            Ok(_) => Ok(former),
            Err(gone @ StoreError::NotFound { .. }) => {
                former.retain(|former| !scope.is_all() && scope.has(former.finding.county_code.as_deref()));
                if former.is_empty() { Err(gone) } else { Ok(former) }
            }
            Err(error) => Err(error),
        }
    }

    /// Records verdicts that were invented for the demo city.
    pub async fn record_invented(&self, scope: &Scope, survey: i64, filings: &[Filing]) -> Result<(), ServiceError> {
        self.store.file_verdicts(scope, Some(survey), filings).await?;
        Ok(())
    }
}
