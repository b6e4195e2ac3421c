//! What the findings of a survey say of it as a whole.

use tuban_engine::model::{Finding, Flag, NewSurvey, VerdictCounts, Words};

/// Sums over findings, taken in the order of the file: the same patches have the same sums, to the last bit.
#[derive(Debug, Default)]
pub struct Sums {
    /// How many there are.
    pub patches: u64,
    /// Of those, in no county.
    pub outside: u64,
    /// Of those, with a county code that cannot be understood.
    pub unreadable: u64,
    /// By automatic verdict.
    pub verdicts: VerdictCounts,
    /// Square metres.
    pub area_m2: f64,
    /// Farmland, square metres, as far as it is known.
    pub farmland_m2: f64,
    /// How many have unknown farmland.
    pub farmland_unknown: u64,
}

impl Sums {
    /// Counts one more.
    pub fn count(&mut self, finding: &Finding) {
        self.patches += 1;
        self.outside += u64::from(finding.flags.contains(&Flag::OutsideCounties));
        self.unreadable += u64::from(finding.flags.contains(&Flag::CountyCodeUnreadable));
        self.verdicts.count(finding.verdict);
        self.area_m2 += finding.areas.area_m2;
        self.farmland_m2 += finding.areas.farmland_m2;
        self.farmland_unknown += u64::from(finding.farmland_is_unknown());
    }

    /// Takes the place of the sums that a survey had.
    pub fn replace(&self, facts: &mut NewSurvey) {
        let said_before = outside_warning(facts.outside);
        facts.warnings.retain(|warning| Some(warning) != said_before.as_ref());
        facts.warnings.extend(outside_warning(self.outside));
        facts.outside = self.outside;
        facts.verdicts = self.verdicts;
        facts.area_m2 = self.area_m2;
        facts.farmland_m2 = self.farmland_m2;
        facts.farmland_unknown = self.farmland_unknown;
    }
}

/// What is said of a survey with so many county codes that cannot be understood.
pub fn unreadable_warning(unreadable: u64) -> Option<Words> {
    let words = || {
        Words::new(
            format!("{unreadable} 个图斑的行政区代码无法识别（应为 6 位数字或县名），已标记；所在县以行政区图层为准"),
            format!(
                "the county codes of {unreadable} patches cannot be understood (six digits, or the name of a county); they are flagged, and the layer of counties decides"
            ),
        )
    };
    (unreadable > 0).then(words)
}

/// What is said of a survey with so many patches in no county; the last of its warnings.
pub fn outside_warning(outside: u64) -> Option<Words> {
    let words = || Words::new(format!("{outside} 个图斑不在任何县内，已保留并标记"), format!("{outside} patches lie in no county; they are kept and flagged"));
    (outside > 0).then(words)
}
