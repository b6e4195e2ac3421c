//! Which patches of a survey have their new finding: what either database sees to before the findings that were there are gone.

use super::StoreError;

/// The patches of a survey that have their new finding so far.
pub(super) struct Rejudged {
    /// The survey.
    pub(super) survey: i64,
    /// The highest number among them.
    last: i64,
    count: i64,
}

impl Rejudged {
    /// None yet.
    pub(super) fn none(survey: i64) -> Self {
        Self { survey, last: i64::MIN, count: 0 }
    }

    /// Takes note of some more, `known` of which are the survey's. Because numbers go up, none is there twice.
    pub(super) fn take(&mut self, patches: &[i64], known: usize) -> Result<(), StoreError> {
        for patch in patches {
            if *patch <= self.last {
                return Err(StoreError::refused(format!("patch {patch} was judged anew after patch {}", self.last)));
            }
            self.last = *patch;
        }
        if known != patches.len() {
            return Err(StoreError::refused(format!("{} of {} patches are not of survey {}", patches.len() - known, patches.len(), self.survey)));
        }
        self.count += patches.len() as i64;
        Ok(())
    }

    /// How many have one, which must be all `patches` of the survey.
    pub(super) fn whole(&self, patches: i64) -> Result<u64, StoreError> {
        let Self { survey, count, .. } = self;
        if *count == patches {
            Ok(*count as u64)
        } else {
            Err(StoreError::refused(format!("{count} of the {patches} patches of survey {survey} were judged anew")))
        }
    }
}
