//! Jobs that wait for room on a disk which has none for writing that down either. Who waits for one of them is told from here.

use std::sync::{Mutex, PoisonError};
use tuban_engine::model::Lane;

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Every job of a lane: none can be claimed.
    Lane(Lane),
    /// A job that could not be given back.
    Job(String),
}

/// What waits and could not be written down.
#[derive(Debug, Default)]
pub(crate) struct Untold(Mutex<Vec<Waiting>>);

impl Untold {
    /// Notes whether this waits.
    pub fn note(&self, what: Waiting, waits: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| *one != what);
        if waits {
            all.push(what);
        }
    }

    /// Whether a job of that lane waits.
    pub fn has(&self, lane: Lane, job: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|one| match one {
            Waiting::Lane(of) => *of == lane,
            Waiting::Job(id) => id == job,
        })
    }
}
