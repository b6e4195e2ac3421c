//! Files that were looked at and may yet be taken in, so that they need not be sent twice: each waits under a token, for a while, on this node.

use super::{Problem, upload::Spooled};
use crate::land::Words;
use axum::http::StatusCode;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a file waits: as long as somebody may think about it, or ask whoever sent it.
const PATIENCE: Duration = Duration::from_mins(30);

/// The files that wait.
#[derive(Debug)]
pub struct Waiting {
    /// How much of the disk they may take together, bytes.
    most_bytes: u64,
    files: Mutex<HashMap<String, Arc<Spooled>>>,
}

impl Waiting {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(most_bytes: u64) -> Self {
        Self { most_bytes, files: Mutex::default() }
    }

    /// Lets a file wait; `None` where there is no room, which costs nothing but sending it again.
    pub fn put(self: &Arc<Self>, file: &Arc<Spooled>) -> Option<String> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        let token = crate::monitor::hexadecimal(&bytes);
        {
            let mut files = self.files();
            let taken: u64 = files.values().map(|file| file.bytes).sum();
            if taken + file.bytes > self.most_bytes {
                return None;
            }
            files.insert(token.clone(), Arc::clone(file));
        }
        let (waiting, forgotten) = (Arc::downgrade(self), token.clone());
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            if let Some(waiting) = waiting.upgrade() {
                waiting.forget(&forgotten);
            }
        });
        Some(token)
    }

    /// The file that waits under a token.
    pub fn get(&self, token: &str) -> Result<Arc<Spooled>, Problem> {
        self.files().get(token).cloned().ok_or_else(|| {
            let words = Words::new(
                "文件已不在服务器上等候（超过半小时、已入库或服务重启过），请重新上传",
                "the file no longer waits here (half an hour has passed, it was taken in, or the service started anew); send it again",
            );
            Problem { parameter: Some("from".to_owned()), ..Problem::new(StatusCode::NOT_FOUND, "not_waiting", words) }
        })
    }

    /// Deletes the file that waits under a token, once nobody reads it any more.
    pub fn forget(&self, token: &str) {
        self.files().remove(token);
    }

    fn files(&self) -> MutexGuard<'_, HashMap<String, Arc<Spooled>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
