//! Rules from TOML: `[[rule]]` tables, or one rule alone as files had it when there was one version. Whatever makes no sense is refused with its line.

use super::{BUILT_IN, Rule, Rules, SurveyRule, Tolerance};
use crate::approval_kinds::{ApprovalKind, ApprovalKinds};
use crate::model::{Line, Reason};
use jiff::civil::Date;
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Spanned<Written>>,
}

/// A rule as it is written, with the places of what can be wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: Spanned<String>,
    effective: Spanned<Date>,
    farmland: Spanned<Vec<String>>,
    tolerance: WrittenTolerance,
    survey: WrittenSurvey,
    line: Vec<WrittenLine>,
    approval: Option<Vec<WrittenKind>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKind {
    names: Spanned<Vec<String>>,
    class: Spanned<String>,
    reason: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTolerance {
    cover_mu: Spanned<f64>,
    farmland_mu: Spanned<f64>,
    border_mu: Spanned<f64>,
    patch_share: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSurvey {
    outside_share: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLine {
    name: Spanned<String>,
    percent: Spanned<f64>,
}

/// What is wrong, and where in the text.
struct Fault(Range<usize>, String);

impl Rules {
    /// Reads rules from TOML; the error says which line is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        let written: Vec<Spanned<Written>> = if table.contains_key("rule") {
            toml::from_str::<File>(text).map_err(|error| error.to_string())?.rule
        } else {
            vec![Spanned::new(0..0, toml::from_str(text).map_err(|error| error.to_string())?)]
        };
        versions(written).map_err(|Fault(place, why)| format!("line {}: {why}", text[..place.start].matches('\n').count() + 1))
    }
}

/// Checks the versions one by one and among each other.
fn versions(written: Vec<Spanned<Written>>) -> Result<Rules, Fault> {
    let mut versions: Vec<Rule> = Vec::with_capacity(written.len());
    for written in written {
        let (place_of_version, place_of_day) = (written.get_ref().version.span(), written.get_ref().effective.span());
        let rule = rule(written.into_inner())?;
        if versions.iter().any(|other| other.version == rule.version) {
            return Err(Fault(place_of_version, format!("there is a version {} already", rule.version)));
        }
        if versions.iter().any(|other| other.effective == rule.effective) {
            return Err(Fault(place_of_day, format!("another version counts from {}, too", rule.effective)));
        }
        versions.push(rule);
    }
    if versions.is_empty() {
        return Err(Fault(0..0, "there is no rule".to_owned()));
    }
    versions.sort_by_key(|rule| rule.effective);
    Ok(Rules { versions })
}

fn rule(written: Written) -> Result<Rule, Fault> {
    let Written { version, effective, farmland, tolerance, survey, line, approval } = written;
    if version.get_ref().trim().is_empty() {
        return Err(Fault(version.span(), "a version has a name".to_owned()));
    }
    let is_code = |code: &String| code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit());
    if farmland.get_ref().is_empty() || !farmland.get_ref().iter().all(is_code) {
        return Err(Fault(farmland.span(), "farmland is a list of codes of four digits".to_owned()));
    }
    let patch_share = match tolerance.patch_share {
        Some(written) => share("patch_share", &written)?,
        None => built_in().map_or(1.0, |rule| rule.tolerance.patch_share),
    };
    let tolerance =
        Tolerance { cover_mu: mu(&tolerance.cover_mu)?, farmland_mu: mu(&tolerance.farmland_mu)?, border_mu: mu(&tolerance.border_mu)?, patch_share };
    let survey = SurveyRule { outside_share: share("outside_share", &survey.outside_share)? };
    let (version, effective, farmland, lines) = (version.into_inner(), effective.into_inner(), farmland.into_inner(), lines(line)?);
    let approvals = match approval {
        Some(written) => kinds(written)?,
        None => built_in().map(|rule| rule.approvals).unwrap_or_default(),
    };
    Ok(Rule { version, effective, farmland, tolerance, survey, lines, approvals })
}

/// The latest rule that is built in: it stands for what files from before rules had it do not say.
fn built_in() -> Option<Rule> {
    Rules::parse(BUILT_IN).map(|rules| rules.at(Date::MAX).clone()).ok()
}

/// Kinds of approvals, in their order.
fn kinds(written: Vec<WrittenKind>) -> Result<ApprovalKinds, Fault> {
    let mut kinds: Vec<ApprovalKind> = Vec::with_capacity(written.len());
    for WrittenKind { names, class, reason } in written {
        let is_new = |name: &String| !kinds.iter().any(|kind| kind.names.contains(name));
        if names.get_ref().is_empty() || !names.get_ref().iter().all(|name| !name.is_empty() && !name.contains(char::is_whitespace) && is_new(name)) {
            return Err(Fault(names.span(), "a kind of approval has names without blanks, which no other kind has".to_owned()));
        }
        let other = match (class.get_ref().as_str(), reason) {
            ("legal", None) => None,
            ("legal", Some(reason)) => return Err(Fault(reason.span(), "only a kind of class other has a reason".to_owned())),
            ("other", None) => Some(Reason::OtherUse),
            ("other", Some(reason)) => match reason.get_ref().parse::<Reason>() {
                Ok(word) if word.is_other_use() => Some(word),
                _ => return Err(Fault(reason.span(), "a reason is facility_agriculture, rural_road, temporary_use or other_use".to_owned())),
            },
            _ => return Err(Fault(class.span(), "a kind of approval is of class legal or other".to_owned())),
        };
        kinds.push(ApprovalKind { names: names.into_inner(), other });
    }
    Ok(ApprovalKinds(kinds))
}

fn share(name: &str, written: &Spanned<f64>) -> Result<f64, Fault> {
    let share = *written.get_ref();
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(Fault(written.span(), format!("{name} lies between 0 and 1"))) }
}

fn mu(written: &Spanned<f64>) -> Result<f64, Fault> {
    let mu = *written.get_ref();
    if (0.0..1e6).contains(&mu) { Ok(mu) } else { Err(Fault(written.span(), "tolerances are in 亩 and not negative".to_owned())) }
}

/// Lines, the lowest first.
fn lines(written: Vec<WrittenLine>) -> Result<Vec<Line>, Fault> {
    let mut lines: Vec<Line> = Vec::with_capacity(written.len());
    for WrittenLine { name, percent } in written {
        let at = *percent.get_ref();
        if !(at > 0.0 && at < 100.0) {
            return Err(Fault(percent.span(), "a line lies between 0 and 100 per cent".to_owned()));
        }
        if lines.iter().any(|other| other.name == *name.get_ref()) {
            return Err(Fault(name.span(), format!("there is a line {} already", name.get_ref())));
        }
        lines.push(Line { name: name.into_inner(), percent: at });
    }
    lines.sort_by(|a, b| a.percent.total_cmp(&b.percent));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule built in as files had it when there was one: without `[[rule]]`.
    fn alone() -> String {
        BUILT_IN.replacen("[[rule]]\n", "", 1).replace("[rule.", "[").replace("[[rule.", "[[")
    }

    #[test]
    fn a_file_of_one_rule_is_read_as_a_list_of_one() {
        assert_eq!(Rules::parse(&alone()).unwrap(), Rules::parse(BUILT_IN).unwrap());
    }

    #[test]
    fn a_file_from_before_kinds_of_approvals_has_those_built_in() {
        let (before, _) = BUILT_IN.split_once("[[rule.approval]]").unwrap();
        assert_eq!(Rules::parse(before).unwrap(), Rules::parse(BUILT_IN).unwrap());
        assert_eq!(Rules::parse(&BUILT_IN.replace("patch_share = 0.05\n", "")).unwrap(), Rules::parse(BUILT_IN).unwrap());
    }

    #[test]
    fn versions_come_by_day_whatever_their_order_in_the_file() {
        let later = BUILT_IN.replace("2022-01", "2023-11").replace("cover_mu = 0.001", "cover_mu = 0.002");
        let rules = Rules::parse(&format!("{later}\n{BUILT_IN}")).unwrap();
        assert_eq!(rules.versions.iter().map(|rule| rule.version.as_str()).collect::<Vec<_>>(), ["2022-01", "2023-11"]);
        let cover = |day: &str| rules.at(day.parse().unwrap()).tolerance.cover_mu;
        assert_eq!((cover("2023-10-31"), cover("2023-11-01")), (0.001, 0.002));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_line() {
        for (from, to, why) in [
            ("cover_mu = 0.001", "cover_mu = -1", "not negative"),
            ("border_mu = 0.01", "border_mu = nan", "not negative"),
            ("percent = 5.0", "percent = 500.0", "between 0 and 100"),
            ("outside_share = 0.5", "outside_share = 5", "between 0 and 1"),
            ("patch_share = 0.05", "patch_share = 5", "between 0 and 1"),
            ("farmland = [\"0101\"", "farmland = [\"101\"", "four digits"),
            ("name = \"accountability\"", "name = \"target\"", "already"),
            ("version = \"2022-01\"", "version = \"\"", "a name"),
            ("reason = \"rural_road\"", "reason = \"no_parcels\"", "a reason is"),
            ("\"乡村道路\"", "\"供地\"", "no other kind has"),
        ] {
            for text in [BUILT_IN.to_owned(), alone()] {
                assert!(text.contains(from), "{from}");
                let wrong = text.replacen(from, to, 1);
                let line = wrong.lines().collect::<Vec<_>>().iter().rposition(|line| line.contains(to)).unwrap() + 1;
                let error = Rules::parse(&wrong).unwrap_err();
                assert!(error.starts_with(&format!("line {line}: ")) && error.contains(why), "{to}: {error}");
            }
        }
        // The parser's own words have the line, too.
        for (from, to) in [("version = ", "verzion = "), ("effective = \"2022-01-01\"", "effective = \"2022-02-30\"")] {
            assert!(Rules::parse(&BUILT_IN.replacen(from, to, 1)).unwrap_err().contains("line "), "{to}");
        }
        let twice = format!("{BUILT_IN}\n{BUILT_IN}");
        assert!(Rules::parse(&twice).unwrap_err().contains("2022-01 already"));
        let same_day = format!("{BUILT_IN}\n{}", BUILT_IN.replacen("version = \"2022-01\"", "version = \"b\"", 1));
        assert!(Rules::parse(&same_day).unwrap_err().contains("2022-01-01, too"));
        assert!(Rules::parse("rule = []").unwrap_err().contains("no rule"));
    }
}
