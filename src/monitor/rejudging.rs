//! From a stored patch to its finding, made anew. Pure; called from every core.
//!
//! What was measured when its survey came in is measured again, as it was then: where the file was in a projection, from the outline in that.

use super::{
    MonitorError,
    atlas::Atlas,
    classify::classify,
    intake::Intake,
    rounds::{Placed, by_place},
    rule::Rule,
};
use crate::geom::{Crs, Figure, Region};
use crate::land::Finding;
use crate::store::{StoreError, StoredPatch};
use rayon::prelude::*;

/// Everything that the patches of a survey are judged by.
pub struct Rejudge<'a> {
    atlas: &'a Atlas,
    rule: &'a Rule,
    intake: Intake,
}

/// A patch taken in again.
struct Candidate {
    id: i64,
    stated_county: Option<String>,
    region: Region,
}

impl<'a> Rejudge<'a> {
    /// A judge of the patches of a survey whose file was in `crs`.
    #[must_use]
    pub fn new(atlas: &'a Atlas, rule: &'a Rule, crs: Crs) -> Self {
        Self { atlas, rule, intake: Intake { crs, shifted: false, plane: atlas.plane().clone() } }
    }

    /// The findings of a round of patches, by their numbers and in their order.
    pub fn round(&self, pages: Vec<Vec<StoredPatch>>) -> Result<Vec<(i64, Finding)>, MonitorError> {
        let take_in = |page: Vec<StoredPatch>| page.into_iter().map(|stored| self.take_in(stored)).collect();
        let placed = pages.into_par_iter().map(take_in).collect::<Result<Vec<Vec<_>>, MonitorError>>()?;
        by_place(placed, &|candidate: Candidate| {
            let Candidate { id, stated_county, region } = candidate;
            Ok((id, classify(self.atlas, self.rule, &Figure::new(region), stated_county.as_deref())?))
        })
    }

    fn take_in(&self, stored: StoredPatch) -> Result<Placed<Candidate>, MonitorError> {
        let StoredPatch { id, mut patch, .. } = stored;
        let stated_county = patch.stated_county.take();
        let damaged = || StoreError::Damaged(format!("patch {id} no longer passes the check it passed on import"));
        let taken = self.intake.again(patch).map_err(|_| damaged())?;
        Ok(Placed { at: taken.place(), one: Box::new(Candidate { id, stated_county, region: taken.region }) })
    }
}
