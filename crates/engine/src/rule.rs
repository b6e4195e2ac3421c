//! The rule: tolerances, farmland classes and lines, as data with versions, each with the day from which it counts.

mod reading;

use crate::approval_kinds::ApprovalKinds;
use crate::model::{Area, Line, today};
use jiff::civil::Date;
use std::path::Path;

/// The rules that are built in.
const BUILT_IN: &str = include_str!("../../../rules/default.toml");

/// What findings and ratios are judged by: one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its version, named by every finding.
    pub version: String,
    /// The day from which it counts.
    pub effective: Date,
    /// DLBM codes that are farmland.
    pub farmland: Vec<String>,
    /// Tolerances.
    pub tolerance: Tolerance,
    /// What makes a survey acceptable.
    pub survey: SurveyRule,
    /// Lines a ratio is held against, lowest first.
    pub lines: Vec<Line>,
    /// Kinds of approvals, those for other uses in the order of determination.
    pub approvals: ApprovalKinds,
}

/// Tolerances, in 亩, and a share.
#[derive(Debug, Clone, PartialEq)]
pub struct Tolerance {
    /// Area outside approvals up to which a patch counts as covered.
    pub cover_mu: f64,
    /// Farmland outside approvals up to which it does not count.
    pub farmland_mu: f64,
    /// Ground in a second county from which a patch crosses the border.
    pub border_mu: f64,
    /// Share of a county's area, or of all counties', above which a patch is doubtful, 0 to 1.
    pub patch_share: f64,
}

/// What makes a survey acceptable.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyRule {
    /// Share of its patches in no county above which a survey is refused, 0 to 1.
    pub outside_share: f64,
}

impl SurveyRule {
    /// Whether so many of a survey's patches may lie in no county.
    #[must_use]
    pub fn allows_outside(&self, outside: u64, patches: u64) -> bool {
        outside as f64 / patches.max(1) as f64 <= self.outside_share
    }
}

impl Tolerance {
    /// [`cover_mu`](Self::cover_mu) in square metres.
    #[must_use]
    pub fn cover_m2(&self) -> f64 {
        self.cover_mu * Area::M2_PER_MU
    }

    /// [`farmland_mu`](Self::farmland_mu) in square metres.
    #[must_use]
    pub fn farmland_m2(&self) -> f64 {
        self.farmland_mu * Area::M2_PER_MU
    }

    /// [`border_mu`](Self::border_mu) in square metres.
    #[must_use]
    pub fn border_m2(&self) -> f64 {
        self.border_mu * Area::M2_PER_MU
    }
}

impl Rule {
    /// The rule of `path` that is in force today, or of those built in.
    pub fn load(path: Option<&Path>) -> Result<Self, String> {
        Ok(Rules::load(path)?.at(today()).clone())
    }

    /// Whether a class code is farmland.
    #[must_use]
    pub fn is_farmland(&self, dlbm: &str) -> bool {
        self.farmland.iter().any(|code| code == dlbm)
    }
}

/// Versions of the rule, each with the day from which it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// By that day, the earliest first; never empty.
    versions: Vec<Rule>,
}

impl Rules {
    /// The version in force on a day: the one with the latest effective day that is not after it; the earliest where all are later.
    #[must_use]
    pub fn at(&self, day: Date) -> &Rule {
        let later = self.versions.partition_point(|rule| rule.effective <= day);
        &self.versions[later.saturating_sub(1)]
    }

    /// The version of that name, where there is one.
    #[must_use]
    pub fn named(&self, version: &str) -> Option<&Rule> {
        self.versions.iter().find(|rule| rule.version == version)
    }

    /// All versions, the earliest first.
    #[must_use]
    pub fn versions(&self) -> &[Rule] {
        &self.versions
    }

    /// The rules in `path`, or those built in. The error names the file and the line.
    pub fn load(path: Option<&Path>) -> Result<Self, String> {
        match path {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| error.to_string())
                .and_then(|text| Self::parse(&text))
                .map_err(|error| format!("{}: {error}", path.display())),
            None => Self::parse(BUILT_IN),
        }
    }
}

impl From<Rule> for Rules {
    fn from(rule: Rule) -> Self {
        Self { versions: vec![rule] }
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_built_in_is_the_one_of_the_field() {
        let rule = Rule::load(None).unwrap();
        assert!(["0101", "0102", "0103"].iter().all(|code| rule.is_farmland(code)));
        assert!(!["1202", "1203", "1006", "0101K", "101", "0201"].iter().any(|code| rule.is_farmland(code)));
        assert_eq!(rule.lines.iter().map(|line| line.percent).collect::<Vec<_>>(), [5.0, 15.0]);
        assert_eq!(rule.tolerance.cover_m2(), 10_000.0 / 15.0 * 0.001);
        assert_eq!(rule.version, "2022-01");
    }

    #[test]
    fn the_version_in_force_is_the_latest_that_counts_by_then() {
        let at = |effective: &str| Rule { version: effective.to_owned(), effective: effective.parse().unwrap(), ..Rule::load(None).unwrap() };
        let rules = Rules { versions: vec![at("2020-01-01"), at("2022-01-01"), at("2023-11-06")] };
        for (day, expected) in [
            ("2019-12-31", "2020-01-01"),
            ("2020-01-01", "2020-01-01"),
            ("2021-12-31", "2020-01-01"),
            ("2022-01-01", "2022-01-01"),
            ("2023-11-05", "2022-01-01"),
            ("2023-11-06", "2023-11-06"),
            ("2999-12-31", "2023-11-06"),
        ] {
            assert_eq!(rules.at(day.parse().unwrap()).version, expected, "{day}");
        }
        assert_eq!(rules.named("2022-01-01").map(|rule| rule.effective), "2022-01-01".parse().ok());
        assert_eq!(rules.named("2024"), None);
    }
}
