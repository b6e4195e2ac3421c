//! Re-classification of one stored patch. Pure; called from every core.
//!
//! What was measured when its survey came in is measured again, as it was then: where the file was in a projection, from the outline in that.

use crate::service::{ServiceError, standing::Standing};
use crate::store::StoreError;
use tuban_engine::model::{Days, Finding, Patch};
use tuban_engine::{
    choosing::{Choice, Choosing, Since},
    classify::classify,
    normalize::Intake,
};
use tuban_geom::{Figure, Written};

/// The patches that a set in hand is for.
#[derive(Debug, Clone, Copy)]
pub struct InHand<'a> {
    /// How the set of a patch is chosen.
    pub choosing: &'a Choosing,
    /// What is in hand.
    pub choice: Choice,
    /// The days from which its layers count.
    pub since: Since,
    /// Its number in the store.
    pub layer_set: i64,
}

impl<'a> InHand<'a> {
    /// Those of a set that is in hand, under its number in the store.
    #[must_use]
    pub fn of(choosing: &'a Choosing, choice: Choice, standing: &Standing, layer_set: i64) -> Self {
        Self { choosing, choice, since: standing.since, layer_set }
    }

    /// Whether a patch of these days is one of them.
    #[must_use]
    pub fn holds(&self, days: &Days) -> bool {
        self.choosing.at(days) == self.choice
    }

    /// A finding, with what it rests on.
    #[must_use]
    pub fn complete(&self, mut finding: Finding, days: &Days) -> Finding {
        finding.flags.extend(self.since.flags(days));
        Finding { layer_set: self.layer_set, ..finding }
    }
}

/// Everything that the patches of a survey are judged by.
pub struct Rejudge<'a> {
    standing: &'a Standing,
    in_hand: InHand<'a>,
    intake: Intake,
    written: Written,
}

impl<'a> Rejudge<'a> {
    /// A judge of the patches of a survey whose file was written like this.
    #[must_use]
    pub fn new(standing: &'a Standing, in_hand: InHand<'a>, written: Written) -> Self {
        Self { standing, in_hand, intake: Intake::new(written.crs, standing.atlas.plane().clone()), written }
    }

    /// What a patch of these days is to be judged by.
    #[must_use]
    pub fn choice(&self, days: &Days) -> Choice {
        self.in_hand.choosing.at(days)
    }

    /// The finding of the patch with that number; nothing where the set in hand is not for it.
    pub fn finding(&self, id: i64, patch: &Patch) -> Result<Option<Finding>, ServiceError> {
        if !self.in_hand.holds(&patch.days) {
            return Ok(None);
        }
        let damaged = || StoreError::Damaged(format!("patch {id} no longer passes the check it passed on import"));
        let mut taken = self.intake.again(patch.clone()).map_err(|_| damaged())?;
        let figure = Figure::new(std::mem::take(&mut taken.region));
        let (standing, drawn) = (self.standing, taken.as_drawn(self.written));
        let finding = classify(&standing.atlas, &standing.rule, &figure, drawn, patch.days.after, patch.stated_county.as_deref())?;
        Ok(Some(self.in_hand.complete(finding, &patch.days)))
    }
}
