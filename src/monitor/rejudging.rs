//! From a stored patch to its finding, made anew. Pure; called from every core.
//!
//! What was measured when its survey came in is measured again, as it was then: where the file was in a projection, from the outline in that.

use super::{MonitorError, atlas::Atlas, classify::classify, intake::Intake, rule::Rule};
use crate::geom::{Figure, Written};
use crate::land::{Finding, Flag};
use crate::store::{StoreError, StoredPatch};

/// Everything that the patches of a survey are judged by.
pub struct Rejudge<'a> {
    atlas: &'a Atlas,
    rule: &'a Rule,
    intake: Intake,
    written: Written,
}

impl<'a> Rejudge<'a> {
    /// A judge of the patches of a survey whose file was written like this.
    #[must_use]
    pub fn new(atlas: &'a Atlas, rule: &'a Rule, written: Written) -> Self {
        Self { atlas, rule, intake: Intake::new(written.crs, atlas.plane().clone()), written }
    }

    /// The findings of some patches, by their numbers and in their order.
    pub fn page(&self, page: Vec<StoredPatch>) -> Result<Vec<(i64, Finding)>, MonitorError> {
        page.into_iter().map(|stored| self.finding(stored)).collect()
    }

    fn finding(&self, stored: StoredPatch) -> Result<(i64, Finding), MonitorError> {
        let StoredPatch { id, mut patch, .. } = stored;
        let (stated_county, days) = (patch.stated_county.take(), patch.days);
        let damaged = || StoreError::Damaged(format!("patch {id} no longer passes the check it passed on import"));
        let mut taken = self.intake.again(patch).map_err(|_| damaged())?;
        let figure = Figure::new(std::mem::take(&mut taken.region));
        let mut finding = classify(self.atlas, self.rule, &figure, taken.as_drawn(self.written), days.after, stated_county.as_deref())?;
        finding.flags.extend(days.unclear.then_some(Flag::DatesUnclear));
        Ok((id, finding))
    }
}
