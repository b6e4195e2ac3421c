//! What is noticed of a file's features on their way in, whichever door they come through and whatever they are read for: one place, so that no door keeps
//! silent about what another one says.

use super::{
    Refusal, RefusalKind,
    atlas::Atlas,
    gcj02::{Testimony, maybe_gcj02},
    reading::Reading,
    rule::Rule,
};
use crate::formats::few_decimals;
use crate::land::Words;

/// What was noticed so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Noticed {
    decimals: u8,
    with_z: u64,
    testimony: Testimony,
}

/// What is noticed of one feature, taken in or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notice {
    /// The most decimals that a coordinate is written with.
    pub decimals: u8,
    /// Whether heights were dropped.
    pub has_z: bool,
    /// What the layers say of a GCJ-02 offset here, while that is open.
    pub testimony: Testimony,
}

impl Noticed {
    /// Takes a feature's in.
    pub fn add(&mut self, notice: Notice) {
        self.decimals = self.decimals.max(notice.decimals);
        self.with_z += u64::from(notice.has_z);
        self.testimony.add(notice.testimony);
    }

    /// What people should know of the file, once all of it is read and so many of its features were taken in.
    pub fn words(&self, reading: &Reading, taken: u64) -> Vec<Words> {
        let mut words = reading.notes();
        words.extend(few_decimals(reading.crs(), self.decimals).filter(|_| taken > 0));
        if self.with_z > 0 {
            words.push(Words::new(
                format!("{} 个图形带有高程（Z/M），不采用", self.with_z),
                format!("{} outlines have heights (Z/M), which are dropped", self.with_z),
            ));
        }
        words
    }

    /// The question whether the file carries the offset of GCJ-02, where the layers make it likely.
    pub fn question(&self) -> Option<Refusal> {
        maybe_gcj02(&self.testimony)
    }
}

/// The refusal of a survey of which too much lies in no county in force.
pub(super) fn outside_counties(patches: u64, outside: u64, crs: &str, atlas: &Atlas, rule: &Rule) -> Option<Refusal> {
    atlas.counties_bounds()?;
    if rule.survey.allows_outside(outside, patches) {
        return None;
    }
    let words = Words::new(
        format!("{patches} 个图斑中有 {outside} 个不在现行行政区内，很可能是坐标系不对（当前按 {crs} 读取），未采用；请用 --crs（接口 crs=）指明坐标系"),
        format!(
            "{outside} of {patches} patches lie in no county in force, most likely for a wrong CRS (read as {crs}); nothing was taken; say the CRS with --crs (crs= over HTTP)"
        ),
    );
    Some(Refusal::new(RefusalKind::Unacceptable, "outside_counties", words))
}
