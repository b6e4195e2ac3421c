//! A layer import as a job: its file comes out of the store to this node's disk, and is imported as from the command line; once, however often it is sent.

use crate::service::{
    Service, ServiceError,
    jobs::work::{Came, Claimed},
    layers::import::LayerFile,
};
use crate::store::{Job, JobOutcome};
use tuban_engine::model::{Progress, Stage};

impl Service {
    /// What was fetched is gone before anyone can hear that the import is over.
    pub(crate) async fn carry_out_layer_import(&self, claimed: Claimed<'_>) -> Result<Came, ServiceError> {
        if let Some(before) = self.done_before(claimed.job).await? {
            return Ok(Came::To(before));
        }
        let fetched = self.fetch(claimed.job).await?;
        let asked: LayerFile = claimed.parameters()?;
        let report = |done| (claimed.report)(Progress { stage: Stage::Reading, done, total: None });
        let taken = self.take_layer_in(&LayerFile { path: fetched.path().to_owned(), ..asked }, &report).await;
        drop(fetched);
        taken?.commit(Some(claimed.held)).await?;
        Ok(Came::Committed)
    }

    /// What the same request came to before, as long as that layer is there: a client that is answered that the database is away, after the file was queued all the
    /// same, sends it again. The parameters name the file by its SHA-256.
    async fn done_before(&self, job: &Job) -> Result<Option<JobOutcome>, ServiceError> {
        let layers = self.store.layers().await?;
        let jobs = self.store.jobs(u32::MAX).await?.into_iter();
        let same = jobs.filter(|other| other.id != job.id && (other.kind, &other.parameters) == (job.kind, &job.parameters));
        let is_there = |outcome: &JobOutcome| matches!(outcome, JobOutcome::Layer { id, .. } if layers.iter().any(|layer| layer.id == *id));
        Ok(same.filter_map(|other| other.outcome).find(is_there))
    }
}
