//! What the service has done since it started, counted for monitoring.

use crate::service::{ServiceError, jobs::Imported};
use crate::store::StoreError;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

/// Imports of surveys and what they made; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Imports that ended, by how.
    pub imports: Family<Ended, Counter>,
    /// Imports under way.
    pub importing: Gauge,
    /// Findings made and stored.
    pub findings: Counter,
    /// Features refused in surveys that were stored.
    pub rejects: Counter,
}

/// How an import ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ended {
    /// `stored`, `was_there`, `refused`, `conflict`, `unavailable` (the database), `lost` (to another node) or `failed` (a defect of ours, or a failing disk).
    pub outcome: &'static str,
}

/// An import under way; it is none any more when this is dropped.
#[derive(Debug)]
pub(super) struct Importing<'a>(&'a Counts);

impl Counts {
    /// An import begins.
    pub(super) fn begin(&self) -> Importing<'_> {
        self.importing.inc();
        Importing(self)
    }
}

impl Importing<'_> {
    /// The import ended so.
    pub(super) fn end(self, outcome: &Result<Imported, ServiceError>) {
        self.0.imports.get_or_create(&Ended { outcome: word(outcome) }).inc();
        if let Ok(Imported { survey, was_there: false }) = outcome {
            self.0.findings.inc_by(survey.facts.patches);
            self.0.rejects.inc_by(survey.facts.rejected);
        }
    }
}

impl Drop for Importing<'_> {
    fn drop(&mut self) {
        self.0.importing.dec();
    }
}

fn word(outcome: &Result<Imported, ServiceError>) -> &'static str {
    match outcome {
        Ok(Imported { was_there: false, .. }) => "stored",
        Ok(_) => "was_there",
        Err(ServiceError::Refused(_)) => "refused",
        Err(ServiceError::Store(StoreError::Conflict { .. })) => "conflict",
        Err(ServiceError::Store(StoreError::Unavailable(_))) => "unavailable",
        Err(ServiceError::Store(StoreError::NoRoom(_))) => "no_room",
        Err(ServiceError::Store(StoreError::LeaseLost(_))) => "lost",
        Err(_) => "failed",
    }
}
