//! Imports under way, and how far they are. Kept in memory: what a job leaves behind is the survey, in the store, whole or not at all.

use super::MonitorError;
use crate::land::{Survey, words};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

words! {
    /// What an import is doing.
    Stage {
        /// Waiting for its turn or reading the file.
        Reading = "reading",
        /// Overlaying and judging.
        Classifying = "classifying",
        /// Making it visible, whole.
        Storing = "storing",
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Features done.
    pub done: u64,
    /// Features in all, once that is known.
    pub total: Option<u64>,
}

/// What became of an import: the survey, and whether it was stored before.
pub type Outcome = Result<Imported, Arc<MonitorError>>;

/// A survey in the store after an import.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The survey.
    pub survey: Survey,
    /// True when the very same file was already there, so that nothing was stored.
    pub was_there: bool,
}

/// An import, as people see it.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its number.
    pub id: String,
    /// How far it is.
    pub progress: Progress,
    /// What became of it, once it is over.
    pub outcome: Option<Outcome>,
}

/// All imports of this process, the finished ones among the last thousand included.
#[derive(Debug, Default)]
pub struct Jobs {
    known: Mutex<VecDeque<watch::Receiver<Job>>>,
}

/// Jobs remembered.
const REMEMBERED: usize = 1000;

impl Jobs {
    /// A new job, and the sender by which it reports.
    pub fn open(&self) -> (watch::Receiver<Job>, watch::Sender<Job>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let number = known.back().map_or(0, |last| last.borrow().id.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(0)) + 1;
        let id = format!("{:x}-{number}", jiff::Timestamp::now().as_millisecond());
        let (sender, receiver) = watch::channel(Job { id, progress: Progress { stage: Stage::Reading, done: 0, total: None }, outcome: None });
        known.push_back(receiver.clone());
        if known.len() > REMEMBERED {
            known.pop_front();
        }
        (receiver, sender)
    }

    /// The job with this number.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<watch::Receiver<Job>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|job| job.borrow().id == id).cloned()
    }
}
