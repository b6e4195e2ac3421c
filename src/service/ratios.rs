//! The county table of some periods, with what its numbers rest on.

use crate::scope::Scope;
use crate::service::{Service, ServiceError};
use crate::store::{StoreError, Straddling, Summed};
use std::sync::Arc;
use tuban_engine::model::{Contradiction, CountyNames, FeatureFacts, LayerKind, Line, PeriodRange, Provenance, Tally};
use tuban_engine::rollup::roll_up;

/// The county table.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratios {
    /// The months summed.
    pub range: PeriodRange,
    /// Surveys that lie only partly in them, and so are not counted.
    pub straddling: Vec<Straddling>,
    /// By county code; patches in no county last.
    pub counties: Vec<Tally>,
    /// Their sum.
    pub city: Tally,
    /// Lines that the ratios are held against: those of the rule in force on the last day.
    pub lines: Vec<Line>,
    /// Layer versions and rules of the findings summed.
    pub provenance: Provenance,
    /// Confirmed verdicts that differ on shared ground.
    pub contradictions: Vec<Contradiction>,
}

/// Answers kept: more than the months and ranges that people ask for between two changes.
const KEPT: u64 = 1000;

/// Sums by who asks, what was asked for, and the revision at which: they hold until something is stored.
pub(super) type Sums = moka::future::Cache<(Scope, Option<PeriodRange>, i64), Arc<Summed>>;

/// An empty cache.
pub(super) fn sums() -> Sums {
    moka::future::Cache::new(KEPT)
}

impl Service {
    /// Sums up `range`, or the newest period with a survey. Every county in force has a row, also one without patches; a scope of counties has a row for each of its own, and
    /// their sum.
    pub async fn ratios(&self, scope: &Scope, range: Option<PeriodRange>) -> Result<Ratios, ServiceError> {
        let Summed { range, straddling, totals, provenance, contradictions } = &*self.summed(scope, range).await?;
        let mut totals = totals.clone();
        let counties = self.counties().await?;
        for county in counties.iter().filter(|county| scope.has(Some(&county.code))) {
            if !totals.iter().any(|one| one.county_code.as_deref() == Some(&county.code)) {
                totals.push(tuban_engine::model::Totals { county_code: Some(county.code.clone()), ..Default::default() });
            }
        }
        let names = CountyNames::of(&counties);
        let name_of = |code: &str| names.name_of(code).map(str::to_owned);
        let lines = self.rules.at(range.until.last_day()).lines.clone();
        let (counties, city) = roll_up(totals, &lines, name_of);
        let city = self.named(city);
        let (straddling, contradictions) = (straddling.clone(), contradictions.clone());
        Ok(Ratios { range: *range, straddling, counties, city, lines, provenance: self.together(provenance), contradictions })
    }

    /// The city's sum under the name that the city is configured to have.
    pub(super) fn named(&self, city: Tally) -> Tally {
        match &self.city {
            Some(name) => Tally { name: name.clone(), ..city },
            None => city,
        }
    }

    /// Adds up what was not added up since the last change. Requests that come meanwhile wait for the same answer.
    async fn summed(&self, scope: &Scope, range: Option<PeriodRange>) -> Result<Arc<Summed>, ServiceError> {
        let revision = self.store.revision().await?;
        let found = self.sums.try_get_with((scope.clone(), range, revision), async { Ok::<_, StoreError>(Arc::new(self.store.summed(scope, range).await?)) });
        match found.await {
            Ok(sums) => Ok(sums),
            // The error is everybody's who waited; each asks for one of its own.
            Err(_) => Ok(Arc::new(self.store.summed(scope, range).await?)),
        }
    }

    /// Layer versions and rules of several surveys, each once.
    pub(super) fn together(&self, surveys: &[Provenance]) -> Provenance {
        let mut together = Provenance::default();
        let mut rules: Vec<&str> = Vec::new();
        for survey in surveys {
            for layer in &survey.layers {
                if !together.layers.contains(layer) {
                    together.layers.push(layer.clone());
                }
            }
            if !rules.contains(&survey.rule.as_str()) {
                rules.push(&survey.rule);
            }
        }
        together.rule = if rules.is_empty() { self.rule().version.clone() } else { rules.join("、") };
        together
    }

    /// Names and codes of the counties in force; none where there is no layer of counties.
    pub async fn county_names(&self) -> Result<CountyNames, ServiceError> {
        Ok(CountyNames::of(&self.counties().await?))
    }

    /// Code and name of every county in force: from the atlas where that is loaded, else from the store.
    pub async fn counties(&self) -> Result<Vec<FeatureFacts>, ServiceError> {
        let atlas = self.atlas();
        if atlas.has(LayerKind::County) {
            return Ok(atlas.counties().cloned().collect());
        }
        let mut counties = Vec::new();
        let layers = self.layers().await?;
        if let Some((layer, _)) = layers.iter().find(|(layer, in_force)| *in_force && layer.kind == LayerKind::County) {
            self.store.each_feature(layer.id, &mut |features| counties.extend(features.into_iter().map(|feature| feature.facts))).await?;
        }
        Ok(counties)
    }
}
