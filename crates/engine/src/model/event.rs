//! What became of surveys after they were stored: who did what, when and why.

use super::verdict::words;
use serde_json::{Map, Value};

words! {
    /// What became of a survey.
    Event {
        /// 撤回: it does not count any more, and can be restored for a while.
        Withdrawn = "withdrawn",
        /// 恢复: it counts again.
        Restored = "restored",
        /// 移期: it is of another period or level now.
        Moved = "moved",
        /// 被替换: another survey took its place; what is left of it is withdrawn.
        Replaced = "replaced",
        /// 替换: it took the place of others.
        Replaces = "replaces",
        /// 清除: it was withdrawn for so long that it was removed for good.
        Removed = "removed",
    }
}

/// By whom and why something is done; people need not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Who.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Something that became of a survey.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyEvent {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// What.
    pub event: Event,
    /// By whom and why.
    pub decision: Decision,
    /// What changed, by name: numbers of other surveys, periods before and after, counts.
    pub details: Map<String, Value>,
}
