//! An export as a job: written as for whoever waits for it, then kept in the database with the job, where every node reaches it.

use super::super::{
    Monitor, MonitorError,
    export::{CHANGED_MEANWHILE, Export, Exported},
    hexadecimal,
};
use super::{Came, Claimed};
use crate::land::{Progress, Stage};
use crate::store::{JobFile, JobOutcome};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Seek;

/// How often it is written where something is stored meanwhile. Nobody waits for the answer who could ask again.
const TIMES: u32 = 5;

impl Monitor {
    pub(super) async fn carry_out_export(&self, claimed: Claimed<'_>) -> Result<Came, MonitorError> {
        let Exported { file, name, media_type, features } = self.export_unchanged(&claimed).await?;
        (claimed.report)(Progress { stage: Stage::Storing, done: features, total: Some(features) });
        let hashed = tokio::task::spawn_blocking(move || hashed(file)).await.map_err(|error| MonitorError::Broken(error.to_string()))?;
        let (sha256, bytes, file) = hashed?;
        let made = JobFile { name, media_type: media_type.to_owned(), bytes, sha256, features };
        Ok(Came::ToFile(JobOutcome::File(made), file))
    }

    /// Writes the file, from the beginning where something was stored meanwhile.
    async fn export_unchanged(&self, claimed: &Claimed<'_>) -> Result<Exported, MonitorError> {
        let export: Export = claimed.parameters()?;
        let mut times = 1;
        loop {
            let total = self.features_of(&export).await?;
            let report = |done| (claimed.report)(Progress { stage: Stage::Writing, done, total: Some(total) });
            report(0);
            match self.export(&export, &report).await {
                Err(MonitorError::Refused(refusal)) if refusal.code == CHANGED_MEANWHILE && times < TIMES => times += 1,
                outcome => return outcome,
            }
        }
    }
}

/// SHA-256 in hexadecimal and bytes of a file, and the file at its beginning.
fn hashed(mut file: File) -> std::io::Result<(String, u64, File)> {
    let mut hash = Sha256::new();
    let bytes = std::io::copy(&mut file, &mut hash)?;
    file.rewind()?;
    Ok((hexadecimal(&hash.finalize()), bytes, file))
}
