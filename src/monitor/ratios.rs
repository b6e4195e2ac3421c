//! The county table of some months, with what its numbers rest on.

use super::{Monitor, MonitorError, rollup::roll_up};
use crate::land::{FeatureFacts, LayerKind, Period, PeriodRange, Provenance, Tally};

/// The county table.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratios {
    /// The months summed.
    pub range: PeriodRange,
    /// By county code; patches in no county last.
    pub counties: Vec<Tally>,
    /// Their sum.
    pub city: Tally,
    /// Layer versions and rules of the findings summed.
    pub provenance: Provenance,
}

impl Monitor {
    /// Sums up `range`, or the newest month with a survey. Every county in force has a row, also one without patches.
    pub async fn ratios(&self, range: Option<PeriodRange>) -> Result<Ratios, MonitorError> {
        let surveys = self.store.surveys().await?;
        let newest = surveys.iter().map(|survey| survey.facts.period).max();
        let newest = newest.unwrap_or_else(Period::current);
        let range = range.unwrap_or(PeriodRange { from: newest, until: newest });
        let mut totals = self.store.totals(range).await?;
        let counties = self.counties().await?;
        for county in &counties {
            if !totals.iter().any(|one| one.county_code.as_deref() == Some(&county.code)) {
                totals.push(crate::land::Totals { county_code: Some(county.code.clone()), ..Default::default() });
            }
        }
        let name_of = |code: &str| counties.iter().find(|county| county.code == code && !county.name.is_empty()).map(|county| county.name.clone());
        let (counties, city) = roll_up(totals, &self.rule.lines, name_of);
        let mut provenance = Provenance::default();
        let mut rules: Vec<String> = Vec::new();
        for survey in surveys.iter().filter(|survey| (range.from..=range.until).contains(&survey.facts.period)) {
            let one = self.store.provenance(survey.id).await?;
            for layer in one.layers {
                if !provenance.layers.contains(&layer) {
                    provenance.layers.push(layer);
                }
            }
            if !rules.contains(&one.rule) {
                rules.push(one.rule);
            }
        }
        provenance.rule = if rules.is_empty() { self.rule.version.clone() } else { rules.join("、") };
        Ok(Ratios { range, counties, city, provenance })
    }

    /// Code and name of every county in force.
    pub(super) async fn counties(&self) -> Result<Vec<FeatureFacts>, MonitorError> {
        let mut counties = Vec::new();
        let layers = self.layers().await?;
        if let Some((layer, _)) = layers.iter().find(|(layer, in_force)| *in_force && layer.kind == LayerKind::County) {
            self.store.each_feature(layer.id, &mut |features| counties.extend(features.into_iter().map(|feature| feature.facts))).await?;
        }
        Ok(counties)
    }
}
