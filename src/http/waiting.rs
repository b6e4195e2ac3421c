//! Files that were looked at and may yet be taken in, so that they need not be sent twice: each waits under a token, for a while, on this node.

use super::{Client, Limits, Problem, spooled::Spooled};
use axum::http::StatusCode;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tuban_engine::model::Words;

/// How long a file waits: as long as somebody may think about it, or ask its sender.
const PATIENCE: Duration = Duration::from_mins(30);

/// The files that wait.
#[derive(Debug)]
pub struct Waiting {
    limits: Limits,
    files: Mutex<HashMap<String, Waits>>,
}

/// A file that waits, and whose it is.
#[derive(Debug)]
struct Waits {
    file: Arc<Spooled>,
    client: Client,
}

/// How much of the disk they may take together, as uploads of the largest size.
const LARGEST: u64 = 4;

impl Waiting {
    /// Nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, files: Mutex::default() }
    }

    /// That one more file of this client may wait.
    pub fn has_room(&self, client: Client) -> Result<(), Problem> {
        let each = self.limits.waiting_each;
        if of_client(&self.files(), client) < each {
            return Ok(());
        }
        let words = Words::new(
            format!("您已有 {each} 个查看过的文件在服务器上等候，请先入库，或过半小时再试"),
            format!("{each} files of yours that were looked at wait here; take them in, or try again in half an hour"),
        );
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_waiting", words))
    }

    /// Lets a file wait; `None` where there is no room, which costs nothing but sending it again.
    pub fn put(self: &Arc<Self>, client: Client, file: &Arc<Spooled>) -> Option<String> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        let token = crate::service::hexadecimal(&bytes);
        {
            let mut files = self.files();
            let taken: u64 = files.values().map(|waits| waits.file.bytes).sum();
            let is_full = files.len() >= self.limits.waiting_all || of_client(&files, client) >= self.limits.waiting_each;
            if is_full || taken + file.bytes > LARGEST * self.limits.upload_bytes {
                return None;
            }
            files.insert(token.clone(), Waits { file: Arc::clone(file), client });
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
        self.files().get(token).map(|waits| Arc::clone(&waits.file)).ok_or_else(|| {
            let words = Words::new(
                "文件已不在服务器上等候（超过半小时、已入库或服务重启过），请重新上传",
                "the file no longer waits here (half an hour has passed, it was taken in, or the service started anew); send it again",
            );
            Problem { parameter: Some("from".to_owned()), ..Problem::new(StatusCode::NOT_FOUND, "not_waiting", words) }
        })
    }

    /// Deletes the file that waits under a token, once its last reader is done.
    pub fn forget(&self, token: &str) {
        self.files().remove(token);
    }

    fn files(&self) -> MutexGuard<'_, HashMap<String, Waits>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_client(files: &HashMap<String, Waits>, client: Client) -> usize {
    files.values().filter(|waits| waits.client == client).count()
}
