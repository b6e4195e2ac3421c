//! A re-classification as a job: as from the command line, with the end of the job in the same transaction as the findings.

use super::super::{Monitor, MonitorError, reclassification::Reclassification};
use super::{Came, Claimed};

impl Monitor {
    pub(super) async fn carry_out_reclassification(&self, claimed: Claimed<'_>) -> Result<Came, MonitorError> {
        let asked: Reclassification = claimed.parameters()?;
        let judged = self.judge_anew(&asked, claimed.report).await?;
        let survey = self.exchange(judged, Some(claimed.held)).await?;
        self.counts.findings.inc_by(survey.facts.patches);
        Ok(Came::Committed)
    }
}
