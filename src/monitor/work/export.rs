//! An export as a job: written as for whoever waits for it, then kept in the database with the job, where every node reaches it.

use super::super::{Monitor, MonitorError, export::Export, hexadecimal};
use super::{Came, Claimed};
use crate::land::{Progress, Stage};
use crate::store::{JobFile, JobOutcome};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Seek;

impl Monitor {
    pub(super) async fn carry_out_export(&self, claimed: Claimed<'_>) -> Result<Came, MonitorError> {
        let export: Export = claimed.parameters()?;
        let exported = self.export(&export).await?;
        (claimed.report)(Progress { stage: Stage::Storing, done: exported.features, total: Some(exported.features) });
        let (sha256, bytes, file) =
            tokio::task::spawn_blocking(move || hashed(exported.file)).await.map_err(|error| MonitorError::Broken(error.to_string()))??;
        let file_made = JobFile { name: exported.name, media_type: exported.media_type.to_owned(), bytes, sha256, features: exported.features };
        Ok(Came::ToFile(JobOutcome::File(file_made), file))
    }
}

/// SHA-256 in hexadecimal and bytes of a file, and the file at its beginning.
fn hashed(mut file: File) -> std::io::Result<(String, u64, File)> {
    let mut hash = Sha256::new();
    let bytes = std::io::copy(&mut file, &mut hash)?;
    file.rewind()?;
    Ok((hexadecimal(&hash.finalize()), bytes, file))
}
