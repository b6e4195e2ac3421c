//! The root of a survey: what its findings and confirmed verdicts sum to, by county, stored in the same commit as they are. Every sum over months is compared with it.
//!
//! A change adds what it changes, and does not sum everything again: a damaged row would be vouched for by the sum over it.
//!
//! 1. A writer of findings adds each finding as one without a verdict ([`Sums::add`]).
//! 2. Where patches have verdicts, or get others, the rows of [`totals`](super::totals) of these patches alone are taken off as they were, and added as they are.
//! 3. The sums of months are rows of the same statement over all patches: equal, or something is damaged.

use super::totals::{County, Exact};
use super::{StoreError, columns::Columns};
use crate::scope::Scope;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tuban_engine::model::Finding;

/// Patches and exact areas of one county: what a row of [`totals`](super::totals) holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct OfCounty {
    patches: [i64; 4],
    areas: [Exact; 10],
}

/// A county as it is stored: its code (empty: patches in no county), patches, and areas in units of 2⁻⁶⁰ m² as decimal text, since they have more than 64 bits.
#[derive(Serialize, Deserialize)]
struct Stored(String, [i64; 4], [String; 10]);

/// What a survey sums to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sums(BTreeMap<String, OfCounty>);

impl Sums {
    /// The patch of a finding, without a verdict.
    pub(super) fn add(&mut self, finding: &Finding) {
        let mut county = County::default();
        county.add_pending(finding);
        self.count(finding.county_code.as_deref(), &county, 1);
    }

    /// Takes off the rows `before` of a survey, and adds the rows `after`.
    pub(super) fn exchange<C: Columns>(&mut self, survey: i64, before: &[C], after: &[C]) -> Result<(), StoreError> {
        for (rows, times) in [(after, 1), (before, -1)] {
            for row in rows.iter().filter(|row| row.integer("survey_id").is_ok_and(|of| of == survey)) {
                self.add_row(row, times)?;
            }
        }
        Ok(())
    }

    fn add_row(&mut self, row: &impl Columns, times: i64) -> Result<(), StoreError> {
        let county = County::of(row)?;
        self.count(county.code.as_deref(), &county, times);
        Ok(())
    }

    fn count(&mut self, code: Option<&str>, county: &County, times: i64) {
        let code = code.unwrap_or_default();
        if !self.0.contains_key(code) {
            self.0.insert(code.to_owned(), OfCounty::default());
        }
        let Some(sums) = self.0.get_mut(code) else { return };
        for (sum, class) in sums.patches.iter_mut().zip(&county.classes) {
            *sum += times * class.patches as i64;
        }
        let areas = county.classes.iter().flat_map(|class| [class.area, class.farmland]);
        for (sum, area) in sums.areas.iter_mut().zip(areas.chain([county.automatic_legal_farmland, county.automatic_illegal_farmland])) {
            if times > 0 { *sum += area } else { *sum -= area }
        }
        if *sums == OfCounty::default() {
            self.0.remove(code);
        }
    }

    /// Those of the scope's counties.
    fn within(mut self, scope: &Scope) -> Self {
        self.0.retain(|code, _| scope.has((!code.is_empty()).then_some(code.as_str())));
        self
    }

    /// As text, for the column `sums` of a survey.
    pub(super) fn to_text(&self) -> Result<String, StoreError> {
        let stored = |(code, sums): (&String, &OfCounty)| Stored(code.clone(), sums.patches, sums.areas.map(|area| area.units().to_string()));
        super::bind::to_json(&self.0.iter().map(stored).collect::<Vec<_>>())
    }

    /// As it was stored.
    pub(super) fn from_text(text: &str) -> Result<Self, StoreError> {
        let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("sums of a survey: {error}"));
        let stored: Vec<Stored> = serde_json::from_str(text).map_err(|error| damaged(&error))?;
        let mut sums = BTreeMap::new();
        for Stored(code, patches, texts) in stored {
            let mut areas = [Exact::default(); 10];
            for (area, text) in areas.iter_mut().zip(&texts) {
                *area = Exact::of_units(text.parse().map_err(|error| damaged(&error))?);
            }
            sums.insert(code, OfCounty { patches, areas });
        }
        Ok(Self(sums))
    }
}

/// Refuses rows of surveys, each with its number as `survey_id`, that sum to something else than was stored: numbers, and sums as text.
pub(super) fn compare(stored: &[(i64, String)], rows: &[impl Columns]) -> Result<(), StoreError> {
    compare_as(stored, rows, |stored| stored)
}

/// Likewise, of rows of the scope's counties.
pub(super) fn compare_within(stored: &[(i64, String)], rows: &[impl Columns], scope: &Scope) -> Result<(), StoreError> {
    compare_as(stored, rows, |stored| stored.within(scope))
}

fn compare_as(stored: &[(i64, String)], rows: &[impl Columns], seen: impl Fn(Sums) -> Sums) -> Result<(), StoreError> {
    let mut found: BTreeMap<i64, Sums> = BTreeMap::new();
    for row in rows {
        found.entry(row.integer("survey_id")?).or_default().add_row(row, 1)?;
    }
    for (survey, text) in stored {
        if seen(Sums::from_text(text)?) != found.remove(survey).unwrap_or_default() {
            return Err(StoreError::Damaged(format!("the findings or verdicts of survey {survey} do not sum to what was stored")));
        }
    }
    Ok(())
}

/// Refuses rows of patches of unknown farmland, each with its survey, that are not as many as these surveys have, of which `surveys` has the rows.
pub(super) fn compare_unknown<C: Columns>(of: &[i64], surveys: &[&C], unknown: &[C]) -> Result<(), StoreError> {
    let mut found: BTreeMap<i64, u64> = BTreeMap::new();
    for row in unknown {
        *found.entry(row.integer("survey_id")?).or_default() += row.count("farmland_unknown")?;
    }
    for survey in surveys {
        let id = survey.integer("id")?;
        if of.contains(&id) && survey.maybe_text("sums")?.is_some() && survey.count("farmland_unknown")? != found.remove(&id).unwrap_or(0) {
            return Err(StoreError::Damaged(format!("patches of unknown farmland of survey {id} are not as many as were stored")));
        }
    }
    Ok(())
}
