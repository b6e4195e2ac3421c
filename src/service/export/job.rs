//! An export as a job: written as for a request that waits for it, then kept in the database with the job, where every node reaches it.

use crate::service::{
    Service, ServiceError,
    export::{CHANGED_MEANWHILE, Export, Exported},
    hexadecimal,
    jobs::work::{Came, Claimed},
};
use crate::store::{JobFile, JobOutcome};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Seek;
use tuban_engine::model::{Progress, Stage};

/// How often it is written where something is stored meanwhile. No client waits for the answer and could ask again.
const TIMES: u32 = 5;

impl Service {
    pub(crate) async fn carry_out_export(&self, claimed: Claimed<'_>) -> Result<Came, ServiceError> {
        let export: Export = claimed.parameters()?;
        let Exported { file, name, media_type, features } = unchanged(|| self.export_telling(&export, &claimed)).await?;
        (claimed.report)(Progress { stage: Stage::Storing, done: features, total: Some(features) });
        let hashed = tokio::task::spawn_blocking(move || hashed(file)).await.map_err(|error| ServiceError::Broken(error.to_string()))?;
        let (sha256, bytes, file) = hashed?;
        let made = JobFile { name, media_type: media_type.to_owned(), bytes, sha256, features };
        Ok(Came::ToFile(JobOutcome::File(made), file))
    }

    async fn export_telling(&self, export: &Export, claimed: &Claimed<'_>) -> Result<Exported, ServiceError> {
        let total = self.features_of(&claimed.scope, export).await?;
        let report = |done| (claimed.report)(Progress { stage: Stage::Writing, done, total: Some(total) });
        report(0);
        self.export(&claimed.scope, export, &report).await
    }
}

/// Starts again where something was stored meanwhile.
async fn unchanged<T, F: Future<Output = Result<T, ServiceError>>>(attempt: impl Fn() -> F) -> Result<T, ServiceError> {
    for _ in 1..TIMES {
        match attempt().await {
            Err(ServiceError::Refused(refusal)) if refusal.code == CHANGED_MEANWHILE => {}
            outcome => return outcome,
        }
    }
    attempt().await
}

/// SHA-256 in hexadecimal and bytes of a file, and the file at its beginning.
fn hashed(mut file: File) -> std::io::Result<(String, u64, File)> {
    let mut hash = Sha256::new();
    let bytes = std::io::copy(&mut file, &mut hash)?;
    file.rewind()?;
    Ok((hexadecimal(&hash.finalize()), bytes, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Refusal, RefusalKind};
    use std::cell::Cell;
    use tuban_engine::model::Words;

    fn refusal(code: &'static str) -> ServiceError {
        Refusal::new(RefusalKind::Unavailable, code, Words::new("", "")).into()
    }

    #[tokio::test]
    async fn an_export_is_repeated_a_few_times_where_something_is_stored_meanwhile() {
        for (refused, expected) in [(0, Some(1)), (1, Some(2)), (TIMES - 1, Some(TIMES)), (TIMES, None)] {
            let attempts = Cell::new(0);
            let outcome = unchanged(async || {
                attempts.update(|count| count + 1);
                if attempts.get() <= refused { Err(refusal(CHANGED_MEANWHILE)) } else { Ok(attempts.get()) }
            });
            assert_eq!(outcome.await.ok(), expected, "{refused} times");
            assert_eq!(attempts.get(), expected.unwrap_or(TIMES));
        }
        let attempts = Cell::new(0);
        let other = unchanged(async || {
            attempts.update(|count| count + 1);
            Err::<(), _>(refusal("no_ogr"))
        });
        assert!(other.await.is_err() && attempts.get() == 1, "nothing else is mended by beginning anew");
    }
}
