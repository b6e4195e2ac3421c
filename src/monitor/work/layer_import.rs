//! A layer import as a job: its file comes out of the store to this node's disk, and is imported as from the command line.

use super::super::{Monitor, MonitorError, layer_import::LayerFile};
use super::{Came, Claimed};
use crate::land::{Progress, Stage};

impl Monitor {
    /// What was fetched is gone before anyone can hear that the import is over.
    pub(super) async fn carry_out_layer_import(&self, claimed: Claimed<'_>) -> Result<Came, MonitorError> {
        let fetched = self.fetch(claimed.job).await?;
        let asked: LayerFile = claimed.parameters()?;
        let report = |done| (claimed.report)(Progress { stage: Stage::Reading, done, total: None });
        let taken = self.take_layer_in(&LayerFile { path: fetched.path().to_owned(), ..asked }, &report).await;
        drop(fetched);
        taken?.commit(Some(claimed.held)).await?;
        Ok(Came::Committed)
    }
}
