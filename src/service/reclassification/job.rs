//! A re-classification as a job: as from the command line, with the end of the job in the same transaction as the findings.

use crate::service::{
    Service, ServiceError,
    jobs::work::{Came, Claimed},
    reclassification::Reclassification,
};

impl Service {
    pub(crate) async fn carry_out_reclassification(&self, claimed: Claimed<'_>) -> Result<Came, ServiceError> {
        let asked: Reclassification = claimed.parameters()?;
        let judged = self.judge_anew(&claimed.scope, &asked, claimed.report).await?;
        let survey = self.exchange(judged, Some(claimed.held)).await?;
        self.counts.findings.inc_by(survey.facts.patches);
        Ok(Came::Committed)
    }
}
