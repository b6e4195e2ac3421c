//! A survey import as a job: its file comes out of the store to this node's disk, and is imported as from the command line.

use crate::scope::Scope;
use crate::service::{
    Service, ServiceError,
    error::for_all_only,
    jobs::{
        Imported, Quota,
        work::{Came, Claimed},
    },
    surveys::import::SurveyFile,
};
use crate::store::JobOutcome;
use tuban_engine::model::JobKind;

impl Service {
    /// Queues the import of a survey, with its file; answers the job's id. For *all* only.
    pub async fn queue_survey_import(&self, scope: &Scope, file: &SurveyFile, quota: &Quota) -> Result<String, ServiceError> {
        for_all_only(scope)?;
        let mut bytes = tokio::fs::File::open(&file.path).await?;
        self.queue(scope, JobKind::SurveyImport, file, quota, &mut bytes).await
    }

    pub(crate) async fn carry_out_survey_import(&self, claimed: Claimed<'_>) -> Result<Came, ServiceError> {
        let importing = self.counts.begin();
        let outcome = self.import_fetched(&claimed).await;
        importing.end(&outcome);
        Ok(match outcome? {
            Imported { was_there: false, .. } => Came::Committed,
            Imported { survey, was_there: true } => Came::To(JobOutcome::Survey { id: survey.id, was_there: true }),
        })
    }

    /// Fetches the file and imports it. What was fetched is gone before anyone can hear that the import is over.
    async fn import_fetched(&self, claimed: &Claimed<'_>) -> Result<Imported, ServiceError> {
        let fetched = self.fetch(claimed.job).await?;
        let asked: SurveyFile = claimed.parameters()?;
        let taken = self.take_in(&SurveyFile { path: fetched.path().to_owned(), ..asked }, claimed.report).await;
        drop(fetched);
        self.make_visible(taken?, Some(claimed.held)).await
    }
}
