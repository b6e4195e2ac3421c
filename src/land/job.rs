//! Jobs: work that goes on after its request was answered, by whichever node takes it up.

use super::verdict::words;

words! {
    /// What a job does.
    JobKind {
        /// Takes a survey in.
        SurveyImport = "survey_import",
    }
}

words! {
    /// What has become of a job.
    JobState {
        /// Waiting for a node, or under way.
        Running = "running",
        /// Its survey is stored.
        Done = "done",
        /// It ended without one.
        Failed = "failed",
    }
}

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

impl Progress {
    /// How far a job is that has not begun.
    pub const NONE: Self = Self { stage: Stage::Reading, done: 0, total: None };
}
