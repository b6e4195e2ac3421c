//! Jobs: work that goes on after its request was answered, by whichever node takes it up.

use super::verdict::words;

words! {
    /// What a job does.
    JobKind {
        /// Takes a survey in.
        SurveyImport = "survey_import",
        /// Takes a layer in.
        LayerImport = "layer_import",
        /// Makes the findings of a survey again, from its stored patches.
        Reclassification = "reclassification",
        /// Writes findings or a layer to a file.
        Export = "export",
    }
}

words! {
    /// Where a job stands in line.
    Lane {
        /// Jobs that write to the store: a few at a time on each node, which take turns with short transactions.
        Writing = "writing",
        /// Jobs that only read from it: they wait for no job of another node and for none that writes.
        Reading = "reading",
    }
}

impl JobKind {
    /// Where jobs of this kind stand in line.
    #[must_use]
    pub fn lane(self) -> Lane {
        match self {
            Self::SurveyImport | Self::LayerImport | Self::Reclassification => Lane::Writing,
            Self::Export => Lane::Reading,
        }
    }
}

words! {
    /// What has become of a job.
    JobState {
        /// Waiting for a node, or under way.
        Running = "running",
        /// What it was for is there: a survey is stored or judged again, a file is written.
        Done = "done",
        /// It ended without that.
        Failed = "failed",
    }
}

words! {
    /// What a job is doing.
    Stage {
        /// Waiting for its turn, or opening what it is about.
        Reading = "reading",
        /// Overlaying and judging.
        Classifying = "classifying",
        /// Writing a file.
        Writing = "writing",
        /// Making what it was for visible, whole.
        Storing = "storing",
        /// Waiting until a full disk has room again.
        WaitingForRoom = "waiting_for_room",
    }
}

/// How far a job is.
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
