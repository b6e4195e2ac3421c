//! What some counties have of what is stored, where that is more than a page of patches: of each survey its own patches, and of the sums what these rest on.
//!
//! A scope of counties is not *all* made narrower afterwards: the statements below ask for its findings alone. What is put together here is which of the rows that belong to
//! surveys as a whole (facts, provenance) go with them.

use super::columns::Columns;
use super::once::{self, Claim};
use super::totals::{self, Exact};
use super::{StoreError, Summed, rows, sums};
use crate::scope::Scope;
use std::collections::BTreeSet;
use tuban_engine::model::{NewSurvey, Period, PeriodRange, Provenance, Survey, VerdictCounts};

/// Surveys that count, each with the sets of its findings in some counties: the list $1.
pub(super) const SETS_OF_LIST: &str = "
    SELECT DISTINCT finding.survey_id, finding.layer_set FROM survey CROSS JOIN finding ON finding.survey_id = survey.id AND finding.made = survey.made
    WHERE withdrawn_ms IS NULL AND finding.county_code IN (SELECT value FROM json_each($1))";
/// Likewise: the array $1.
pub(super) const SETS_OF_COUNTIES: &str = "
    SELECT DISTINCT finding.survey_id, finding.layer_set FROM survey JOIN finding ON finding.survey_id = survey.id AND finding.made = survey.made
    WHERE withdrawn_ms IS NULL AND finding.county = ANY($1)";

/// Surveys with a finding in some counties, and the sets that these findings rest on.
pub(super) struct Resting {
    surveys: BTreeSet<i64>,
    sets: BTreeSet<(i64, i64)>,
}

impl Resting {
    /// Rows of [`SETS_OF_LIST`] or [`SETS_OF_COUNTIES`].
    pub(super) fn read(found: Vec<(i64, Option<i64>)>) -> Self {
        let surveys = found.iter().map(|(survey, _)| *survey).collect();
        Self { surveys, sets: found.into_iter().filter_map(|(survey, set)| Some((survey, set?))).collect() }
    }

    /// The newest period of them, where the rows of all surveys come newest period first.
    pub(super) fn newest<C: Columns>(&self, all: &[&C]) -> Result<Option<Period>, StoreError> {
        for row in all {
            if self.surveys.contains(&row.integer("id")?) {
                return Ok(Some(row.period()?));
            }
        }
        Ok(None)
    }

    /// Of rows of [`PROVENANCES`](super::sql::PROVENANCES), what these findings rest on.
    pub(super) fn provenances<C: Columns>(&self, rows: Vec<C>) -> Result<Vec<Provenance>, StoreError> {
        let mut own = Vec::new();
        for row in rows {
            let (survey, set) = (row.integer("survey")?, row.maybe_integer("id")?);
            if set.is_some_and(|set| self.sets.contains(&(survey, set))) {
                own.push(row);
            }
        }
        rows::provenances(&own)
    }
}

/// What was found of some months, in rows: sums by survey and county, patches of unknown farmland, what surveys rest on, those that straddle, claims to shared ground; and
/// what surveys were said to sum to.
pub(super) struct Found<C> {
    pub rows: Vec<C>,
    pub unknown: Vec<C>,
    pub surveys: Vec<C>,
    pub straddling: Vec<C>,
    pub claims: Vec<C>,
    pub stored: Vec<(i64, String)>,
}

/// The sums of the scope's counties, with what their findings rest on.
pub(super) fn summed<C: Columns>(scope: &Scope, range: PeriodRange, resting: &Resting, found: Found<C>) -> Result<Summed, StoreError> {
    let Found { rows, unknown, surveys, straddling, claims, stored } = found;
    sums::compare_within(&stored, &rows, scope)?;
    let claims = claims.iter().map(Claim::read).collect::<Result<Vec<_>, _>>()?;
    let mut counties = totals::read(&rows, &unknown)?;
    let contradictions = once::take_off(&mut counties, &claims, scope);
    let straddling = straddling.iter().map(rows::straddling).filter(|one| one.as_ref().map_or(true, |one| resting.surveys.contains(&one.survey)));
    let straddling = straddling.collect::<Result<_, _>>()?;
    Ok(Summed { range, straddling, totals: totals::rounded(counties), provenance: resting.provenances(surveys)?, contradictions })
}

/// A survey as the counties of `row` see it, a row of [`own!`](super::totals): sums over their own patches, and nothing of what was refused or noticed of the file as a whole.
fn narrowed(survey: Survey, row: &impl Columns) -> Result<Survey, StoreError> {
    let verdicts = VerdictCounts {
        legal: row.count("legal")?,
        suspected_illegal: row.count("suspected_illegal")?,
        other: row.count("other")?,
        doubtful: row.count("doubtful")?,
    };
    let facts = NewSurvey {
        patches: row.count("patches")?,
        repaired: row.count("repaired")?,
        rejected: 0,
        outside: 0,
        verdicts,
        area_m2: Exact::read(row, "area_m2")?.m2(),
        farmland_m2: Exact::read(row, "farmland_m2")?.m2(),
        farmland_unknown: row.count("farmland_unknown")?,
        warnings: Vec::new(),
        ..survey.facts
    };
    Ok(Survey { facts, ..survey })
}

/// Those of the surveys that have a row in `own`, as its counties see them, in the order that they have.
pub(super) fn seen(surveys: Vec<Survey>, own: &[impl Columns]) -> Result<Vec<Survey>, StoreError> {
    let mut seen = Vec::new();
    for survey in surveys {
        for row in own {
            if row.integer("survey_id")? == survey.id {
                seen.push(narrowed(survey, row)?);
                break;
            }
        }
    }
    Ok(seen)
}
