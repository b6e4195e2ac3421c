//! The rule: tolerances, farmland classes and lines, as data with a version.

use crate::land::{Area, Line};
use serde::Deserialize;
use std::path::Path;

/// What findings and ratios are judged by.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its version, named by every finding.
    pub version: String,
    /// The day from which it counts, `YYYY-MM-DD`.
    pub effective: jiff::civil::Date,
    /// DLBM codes that are farmland.
    pub farmland: Vec<String>,
    /// Tolerances.
    pub tolerance: Tolerance,
    /// What makes a survey acceptable.
    pub survey: SurveyRule,
    /// Lines a ratio is held against, lowest first.
    #[serde(rename = "line")]
    pub lines: Vec<Line>,
}

/// Tolerances, in 亩.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Area outside approvals up to which a patch counts as covered.
    pub cover_mu: f64,
    /// Farmland outside approvals up to which it does not count.
    pub farmland_mu: f64,
    /// Ground in a second county from which a patch crosses the border.
    pub border_mu: f64,
}

/// What makes a survey acceptable.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Reads a rule from TOML; the error says which line is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rule: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let tolerances = [rule.tolerance.cover_mu, rule.tolerance.farmland_mu, rule.tolerance.border_mu];
        if tolerances.iter().any(|mu| !(0.0..1e6).contains(mu)) {
            return Err("tolerances are in 亩 and not negative".into());
        }
        if rule.lines.iter().any(|line| !(line.percent > 0.0 && line.percent < 100.0)) {
            return Err("a line lies between 0 and 100 per cent".into());
        }
        if !(0.0..=1.0).contains(&rule.survey.outside_share) {
            return Err("outside_share lies between 0 and 1".into());
        }
        rule.lines.sort_by(|a, b| a.percent.total_cmp(&b.percent));
        Ok(rule)
    }

    /// The rule in `path`, or the one built in.
    pub fn load(path: Option<&Path>) -> Result<Self, String> {
        match path {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| error.to_string())
                .and_then(|text| Self::parse(&text))
                .map_err(|error| format!("{}: {error}", path.display())),
            None => Self::parse(include_str!("../../rules/default.toml")),
        }
    }

    /// Whether a class code is farmland.
    #[must_use]
    pub fn is_farmland(&self, dlbm: &str) -> bool {
        self.farmland.iter().any(|code| code == dlbm)
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
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused() {
        let text = include_str!("../../rules/default.toml");
        for (from, to) in [
            ("cover_mu = 0.001", "cover_mu = -1"),
            ("percent = 5.0", "percent = 500.0"),
            ("outside_share = 0.5", "outside_share = 5"),
            ("version = ", "verzion = "),
        ] {
            assert!(Rule::parse(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
