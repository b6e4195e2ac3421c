//! A survey import as a job: its file comes out of the store to this node's disk, and is imported as from the command line.

use crate::service::{
    Service, ServiceError,
    jobs::{
        Imported,
        work::{Came, Claimed},
    },
    surveys::import::SurveyFile,
};
use crate::store::JobOutcome;

impl Service {
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
