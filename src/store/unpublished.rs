//! Unpublished rows: a long write is many short transactions, and one short one that makes all of it visible.
//!
//! 1. A writer registers itself (`unpublished`) and renews its heartbeat. Its survey or layer has a row from the beginning, with a mark that every read leaves out.
//! 2. Rows are written in portions, each a transaction of its own of some [`PORTION`]. A portion begins with the question whether the writer is still registered: a
//!    fencing token, because who was silent for too long may have been swept.
//! 3. Publishing removes the mark and the registration in one transaction. Only that one is flushed to the disk: it takes the portions before it along.
//! 4. Rows of a writer that was dropped are removed at once; those of a killed one by a sweep, when it was silent for longer than a lease. Both in portions.

use super::{LayerFeature, StoreError, SurveyKey};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tuban_engine::model::{Finding, Layer, LayerKind, NewSurvey, Patch, PatchIdSource, Survey, VerdictCounts};
use tuban_geom::Outline;

/// How long a portion writes before it commits.
const PORTION: Duration = Duration::from_millis(100);
/// Between two heartbeats of a writer.
pub(super) const BEAT: Duration = Duration::from_secs(5);
/// Lease: how long a writer may be silent before what it wrote may be removed.
pub const SILENT: Duration = Duration::from_secs(30);
/// Rows removed in one transaction.
pub(super) const REMOVED_AT_A_TIME: i64 = 1000;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A survey with its patches.
    Survey,
    /// A layer with its features.
    Layer,
    /// New findings of a survey.
    Findings,
    /// Nothing more: findings of a survey whose place was taken.
    Replaced,
}

impl What {
    /// As it is stored.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Survey => "survey",
            Self::Layer => "layer",
            Self::Findings => "findings",
            Self::Replaced => "replaced",
        }
    }

    /// As it was stored.
    pub(super) fn of(word: &str) -> Result<Self, StoreError> {
        let unknown = || StoreError::Damaged(format!("nothing that is written is called {word}"));
        [Self::Survey, Self::Layer, Self::Findings, Self::Replaced].into_iter().find(|what| what.word() == word).ok_or_else(unknown)
    }
}

/// The statements, which serve both databases.
pub(super) mod sql {
    /// Whether a writer is still registered.
    pub(crate) const IS_THERE: &str = "SELECT id FROM unpublished WHERE id = $1 AND alive_ms >= 0";
    /// Ends a registration.
    pub(crate) const END: &str = "DELETE FROM unpublished WHERE id = $1";
    /// Registers rows to be removed: what, and the survey's number.
    pub(crate) const TO_REMOVE: &str = "INSERT INTO unpublished (what, number, alive_ms) VALUES ($1, $2, -1) RETURNING id";
    /// Says that findings of a writer rest on a set.
    pub(crate) const RESTS_ON: &str = "INSERT INTO unpublished_set (unpublished, layer_set) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    /// A heartbeat: writer, now.
    pub(crate) const BEAT: &str = "UPDATE unpublished SET alive_ms = $2 WHERE id = $1 AND alive_ms >= 0";
    /// Writers that were last heard of before $1; or after $2, before the clock was set back.
    pub(crate) const SILENT: &str = "SELECT id, what, number FROM unpublished WHERE alive_ms <= $1 OR alive_ms > $2 ORDER BY id";
    /// From now on a writer that is still silent can write no more: writer, as above.
    pub(crate) const SILENCE: &str = "UPDATE unpublished SET alive_ms = -1 WHERE id = $1 AND (alive_ms <= $2 OR alive_ms > $3)";
    /// The survey of a writer that did not publish it.
    pub(crate) const REMOVE_SURVEY: &str = "DELETE FROM survey WHERE id = $1 AND withdrawn_ms = 0";
    /// The layer of a writer that did not publish it.
    pub(crate) const REMOVE_LAYER: &str = "DELETE FROM layer WHERE id = $1 AND created_ms = 0";
    /// Which surveys count, and when their findings were made.
    pub(crate) const COUNTING: &str = "SELECT id, judged_ms FROM survey WHERE withdrawn_ms IS NULL ORDER BY id";
    /// How often surveys were withdrawn, restored, moved or replaced.
    pub(crate) const EVENTS: &str = "SELECT count(*) FROM survey_event";
}

/// What stands for a survey until it is published.
pub(super) fn placeholder(id: i64, key: &SurveyKey) -> Survey {
    let facts = NewSurvey {
        name: String::new(),
        period: key.period,
        level: key.level,
        crs: String::new(),
        decimals: None,
        sha256: String::new(),
        upload_key: format!("unpublished {id}"),
        invented: false,
        patches: 0,
        repaired: 0,
        rejected: 0,
        outside: 0,
        patch_id_source: PatchIdSource::Row,
        fields: BTreeMap::new(),
        verdicts: VerdictCounts::default(),
        area_m2: 0.0,
        farmland_m2: 0.0,
        farmland_unknown: 0,
        warnings: Vec::new(),
    };
    Survey { id, created_ms: 0, judged_ms: 0, withdrawn_ms: Some(0), facts }
}

/// What stands for a layer until it is published.
pub(super) fn layer_placeholder(id: i64) -> Layer {
    Layer {
        id,
        kind: LayerKind::County,
        name: String::new(),
        effective: Date::MIN,
        crs: String::new(),
        decimals: None,
        sha256: String::new(),
        invented: false,
        features: 0,
        rejected: 0,
        vertices: 0,
        undated: None,
        created_ms: 0,
        classes: None,
        notes: Vec::new(),
    }
}

/// Which surveys count at a moment: to tell what was stored between a look at other surveys and the publication that relies on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) surveys: Vec<(i64, i64)>,
    pub(super) events: i64,
}

impl Moment {
    /// The surveys that came since an earlier moment, where that is all that happened.
    pub(super) fn came_since(&self, earlier: &Self) -> Option<Vec<i64>> {
        let (is, was) = (self.surveys.iter().collect::<BTreeSet<_>>(), earlier.surveys.iter().collect::<BTreeSet<_>>());
        (self.events == earlier.events && was.is_subset(&is)).then(|| is.difference(&was).map(|(survey, _)| *survey).collect())
    }
}

/// The pace of a portion.
pub(super) struct Pace(Instant);

impl Pace {
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether the portion has written for long enough.
    pub(super) fn is_over(&self) -> bool {
        self.0.elapsed() >= PORTION
    }

    /// The next rows for the portion; none where it is over, and then none is taken.
    pub(super) fn next<I: Iterator>(&self, rows: &mut I) -> Option<I::Item> {
        if self.is_over() { None } else { rows.next() }
    }
}

/// Rows collected until a portion is worth a transaction: with few rows each, the same pages of an index would be written again and again.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    rows: Vec<T>,
    bytes: usize,
    most: (usize, usize),
}

impl<T> Waiting<T> {
    /// Up to so many rows and bytes.
    pub(super) fn up_to(rows: usize, bytes: usize) -> Self {
        Self { rows: Vec::new(), bytes: 0, most: (rows, bytes) }
    }

    /// Adds some; answers whether there are enough now.
    pub(super) fn add(&mut self, rows: Vec<T>, bytes_of: impl Fn(&T) -> usize) -> bool {
        self.bytes += rows.iter().map(bytes_of).sum::<usize>();
        self.rows.extend(rows);
        self.rows.len() >= self.most.0 || self.bytes >= self.most.1
    }

    /// Takes all.
    pub(super) fn take(&mut self) -> Vec<T> {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }
}

/// About what a row of a patch takes.
pub(super) fn bytes_of_patch((patch, _): &(Patch, Finding)) -> usize {
    let outlines = [Some(&patch.degrees), patch.repaired.as_ref(), patch.source.as_ref()];
    patch.attributes.len() + outlines.into_iter().flatten().map(bytes_of_outline).sum::<usize>()
}

/// About what a row of a feature takes.
pub(super) fn bytes_of_feature(feature: &LayerFeature) -> usize {
    [Some(&feature.degrees), feature.repaired.as_ref(), feature.source.as_ref()].into_iter().flatten().map(bytes_of_outline).sum()
}

/// About what an outline takes.
fn bytes_of_outline(outline: &Outline) -> usize {
    size_of_val(outline.positions.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_that_is_over_takes_no_row() {
        let (begun, mut rows) = (Pace::begin(), 1..3);
        assert_eq!(begun.next(&mut rows), Some(1));
        let over = Pace(Instant::now().checked_sub(PORTION).unwrap());
        assert_eq!(over.next(&mut rows), None);
        assert_eq!(begun.next(&mut rows), Some(2));
    }
}
