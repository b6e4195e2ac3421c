//! Whether the findings of a survey rest on what the days of its patches choose now, and where not, why.

use crate::scope::Scope;
use crate::service::{Service, ServiceError, standing::Versions};
use crate::store::Filter;
use std::collections::{BTreeMap, BTreeSet};
use tuban_engine::model::{Days, LayerKind, LayerSet, LayerUsed, Provenance};

/// What the findings of a survey rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// The layer versions and rules of all its sets.
    pub provenance: Provenance,
    /// Why a re-classification might change something; nothing where its findings rest on what the days of its patches choose.
    pub outdated: Vec<Outdated>,
}

/// What another choice would be made of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outdated {
    /// A layer version in the place of another.
    Layer {
        /// Its kind.
        kind: LayerKind,
        /// What findings rest on.
        was: Option<LayerUsed>,
        /// What the days of their patches choose now.
        is: Option<LayerUsed>,
    },
    /// A rule in the place of another.
    Rule {
        /// The version that findings were made by.
        was: String,
        /// The one that the days of their patches choose now.
        is: String,
    },
}

/// Patches read at a time.
const PAGE: u32 = 500;

impl Service {
    /// What the findings of a survey rest on, and whether that is what the days of its patches choose.
    pub async fn basis(&self, scope: &Scope, survey: i64) -> Result<Basis, ServiceError> {
        self.store.survey(scope, survey).await?;
        let provenance = if scope.is_all() { self.store.provenance(survey).await? } else { self.own_provenance(scope, survey).await? };
        let versions = self.versions().await?;
        Ok(Basis { provenance, outdated: self.why_outdated(scope, survey, &versions).await? })
    }

    /// Surveys whose findings do not rest on what the days of their patches choose, the oldest first, and why.
    pub async fn outdated(&self, scope: &Scope) -> Result<Vec<(i64, Vec<Outdated>)>, ServiceError> {
        let versions = self.versions().await?;
        let mut outdated = Vec::new();
        for survey in self.store.surveys(scope).await?.iter().rev() {
            let why = self.why_outdated(scope, survey.id, &versions).await?;
            if !why.is_empty() {
                outdated.push((survey.id, why));
            }
        }
        Ok(outdated)
    }

    async fn why_outdated(&self, scope: &Scope, survey: i64, versions: &Versions) -> Result<Vec<Outdated>, ServiceError> {
        let sets: BTreeMap<i64, LayerSet> = self.store.layer_sets().await?.into_iter().map(|set| (set.id, set)).collect();
        let nothing = Provenance::default();
        let mut why = Vec::new();
        for (days, set) in self.days_and_sets(scope, survey).await? {
            let was = sets.get(&set).map_or(&nothing, |set| &set.provenance);
            compare(was, &versions.provenance_at(&days), &mut why);
        }
        Ok(why)
    }

    /// What the findings of the scope's patches rest on.
    async fn own_provenance(&self, scope: &Scope, survey: i64) -> Result<Provenance, ServiceError> {
        let mut own = BTreeSet::new();
        for (_, set) in self.days_and_sets(scope, survey).await? {
            own.insert(set);
        }
        let mut all = Vec::new();
        for set in own {
            all.push(self.layer_set(set).await?.provenance.clone());
        }
        Ok(self.together(&all))
    }

    /// The days of the scope's patches of a survey, each with the set that findings of such patches rest on, once.
    async fn days_and_sets(&self, scope: &Scope, survey: i64) -> Result<Vec<(Days, i64)>, ServiceError> {
        if scope.is_all()
            && let Some(known) = self.store.days_and_sets(survey).await?
        {
            return Ok(known);
        }
        // Patches of an older program do not say their days in a column, and a county has few of them.
        let (mut found, mut filter) = (Vec::new(), Filter { survey: Some(survey), limit: PAGE, ..Filter::of(scope.clone()) });
        loop {
            let page = self.store.patches(&filter).await?;
            let Some(last) = page.last() else { return Ok(found) };
            filter.after = last.place();
            for stored in page {
                let one = (Days { unclear: false, ..stored.patch.days }, stored.finding.layer_set);
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
    }
}

/// Adds what differs, each difference once.
fn compare(was: &Provenance, is: &Provenance, why: &mut Vec<Outdated>) {
    let id = |layer: Option<&LayerUsed>| layer.map(|layer| layer.id);
    let layers = LayerKind::ALL.iter().filter(|kind| id(was.of(**kind)) != id(is.of(**kind)));
    let mut found: Vec<Outdated> = layers.map(|kind| Outdated::Layer { kind: *kind, was: was.of(*kind).cloned(), is: is.of(*kind).cloned() }).collect();
    if was.rule != is.rule {
        found.push(Outdated::Rule { was: was.rule.clone(), is: is.rule.clone() });
    }
    for one in found {
        if !why.contains(&one) {
            why.push(one);
        }
    }
}
