//! Layer sets in hand: what patches of a time are judged by, loaded. That of today is always in hand; others are loaded as they are needed, one at a time, and share with
//! it whatever versions they have in common.

use crate::service::{Service, ServiceError, prepare, reading::origin, used, written};
use crate::store::fail;
use jiff::civil::Date;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tuban_engine::atlas::{Atlas, PreparedLayer};
use tuban_engine::choosing::{Choice, Choosing, Since};
use tuban_engine::model::{Days, Layer, LayerKind, LayerSet, Provenance, today};
use tuban_engine::rule::{Rule, Tolerance};
use tuban_engine::snapshot;
use tuban_geom::Plane;

/// All layer versions and rules, as of one moment.
#[derive(Debug)]
pub struct Versions {
    revision: i64,
    today: Date,
    layers: Vec<Layer>,
    rules: Vec<Rule>,
    /// How to choose among them.
    pub choosing: Choosing,
}

impl Versions {
    /// The layers of a choice, by kind, and the version of its rule.
    #[must_use]
    pub fn provenance(&self, choice: Choice) -> Provenance {
        Provenance { layers: self.layers_of(choice).map(used).collect(), rule: self.rule(choice).version.clone() }
    }

    /// What a patch of these days rests on.
    #[must_use]
    pub fn provenance_at(&self, days: &Days) -> Provenance {
        self.provenance(self.choosing.at(days))
    }

    /// The choice for what is there now.
    #[must_use]
    pub fn now(&self) -> Choice {
        self.choosing.at(&days_of(self.today))
    }

    /// All of them in words: where one is another, so are these.
    pub(super) fn words(&self) -> String {
        let layers = self.layers.iter().map(|layer| format!("{} {} {} {} {}\n", layer.id, layer.kind, layer.effective, layer.created_ms, layer.sha256));
        format!("{}{:?} {:?}", layers.collect::<String>(), self.rules, self.provenance(self.now()))
    }

    /// Numbers of all layers.
    #[must_use]
    pub fn layer_ids(&self) -> Vec<i64> {
        self.layers.iter().map(|layer| layer.id).collect()
    }

    fn rule(&self, choice: Choice) -> &Rule {
        &self.rules[self.choosing.rule(choice)]
    }

    fn layers_of(&self, choice: Choice) -> impl Iterator<Item = &Layer> {
        self.choosing.versions(choice).filter_map(|version| self.layers.iter().find(|layer| layer.id == version.id))
    }
}

/// Both images of one day.
pub(super) fn days_of(day: Date) -> Days {
    Days { before: day, after: day, unclear: false }
}

/// A layer set, loaded.
#[derive(Debug)]
pub struct Standing {
    /// Its layer versions and its rule.
    pub provenance: Provenance,
    /// The layers.
    pub atlas: Arc<Atlas>,
    /// The rule.
    pub rule: Rule,
    /// The days from which the layers count.
    pub since: Since,
}

impl Standing {
    /// Nothing but a rule: patches have their own areas, measured in that plane, and lie nowhere.
    #[must_use]
    pub fn nowhere(rule: Rule, plane: Plane) -> Self {
        let choosing = Choosing::new([], std::slice::from_ref(&rule), today());
        let since = choosing.since(choosing.at(&days_of(today())));
        let provenance = Provenance { layers: Vec::new(), rule: rule.version.clone() };
        Self { provenance, atlas: Arc::new(Atlas::empty(plane)), rule, since }
    }

    /// Whether it is what that provenance names, and can be read.
    fn is(&self, provenance: &Provenance) -> bool {
        self.provenance == *provenance && !self.atlas.is_lost()
    }
}

/// A version and the origin of the plane that it is prepared in.
type Place = (i64, [u64; 2]);

/// What is shared between sets, as long as any of them holds it, and what was looked up.
#[derive(Debug, Default)]
pub(super) struct Shelved {
    prepared: Mutex<HashMap<Place, Weak<PreparedLayer>>>,
    versions: Mutex<Option<Arc<Versions>>>,
    /// Sets as they are stored, by number.
    sets: Mutex<BTreeMap<i64, Arc<LayerSet>>>,
    /// The set that was asked for last besides that of today.
    other: Mutex<Option<Arc<Standing>>>,
}

impl Service {
    /// All versions there are; asked for again only where something was stored since.
    pub async fn versions(&self) -> Result<Arc<Versions>, ServiceError> {
        let (revision, today) = (self.store.revision().await?, today());
        let known = lock(&self.shelved.versions).clone();
        if let Some(known) = known.filter(|known| (known.revision, known.today) == (revision, today)) {
            return Ok(known);
        }
        let layers = self.store.layers().await?;
        let rules = self.rules.versions().to_vec();
        let choosing = Choosing::new(layers.iter().map(Into::into), &rules, today);
        let versions = Arc::new(Versions { revision, today, layers, rules, choosing });
        *lock(&self.shelved.versions) = Some(Arc::clone(&versions));
        Ok(versions)
    }

    /// The tolerances that findings were held against: those of the rule that they name; where that is not known here, of the one in force today.
    #[must_use]
    pub fn tolerance_of(&self, provenance: &Provenance) -> Tolerance {
        self.rules.named(&provenance.rule).unwrap_or_else(|| self.rule()).tolerance.clone()
    }

    /// The stored set with that number, on which findings rest; of what was stored without one, that nothing is known.
    pub async fn layer_set(&self, id: i64) -> Result<Arc<LayerSet>, ServiceError> {
        if let Some(known) = lock(&self.shelved.sets).get(&id) {
            return Ok(Arc::clone(known));
        }
        let stored = self.store.layer_sets().await?;
        let mut sets = lock(&self.shelved.sets);
        *sets = stored.into_iter().map(|set| (set.id, Arc::new(set))).collect();
        Ok(sets.get(&id).map(Arc::clone).unwrap_or_default())
    }

    /// What a patch of these days is judged by, loaded and true to what is stored now; of all but today's the one asked for last stays loaded.
    pub async fn standing_at(&self, days: &Days) -> Result<Arc<Standing>, ServiceError> {
        let versions = self.versions().await?;
        let choice = versions.choosing.at(days);
        if choice == versions.now() {
            self.refresh_atlas().await?;
            return Ok(self.standing());
        }
        let standing = self.stand(&versions, choice).await?;
        *lock(&self.shelved.other) = Some(Arc::clone(&standing));
        Ok(standing)
    }

    /// A choice, loaded.
    pub(super) async fn stand(&self, versions: &Versions, choice: Choice) -> Result<Arc<Standing>, ServiceError> {
        let provenance = versions.provenance(choice);
        if provenance.layers.is_empty() {
            // What is stored without layers keeps its plane; what is in hand is for what is not stored.
            let plane = self.plane_of(&provenance, versions).await?;
            return Ok(Arc::new(Standing::nowhere(versions.rule(choice).clone(), plane)));
        }
        let known = || [Some(self.standing()), lock(&self.shelved.other).clone()].into_iter().flatten().find(|standing| standing.is(&provenance));
        if let Some(known) = known() {
            return Ok(known);
        }
        let _alone = self.refreshing.lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        // Of those besides today's one at a time is in memory.
        *lock(&self.shelved.other) = None;
        self.load(versions, choice).await
    }

    /// Loads a choice: its layers from where they are held already, from their snapshots, or from the store.
    pub(super) async fn load(&self, versions: &Versions, choice: Choice) -> Result<Arc<Standing>, ServiceError> {
        let (provenance, rule) = (versions.provenance(choice), versions.rule(choice).clone());
        let plane = self.plane_of(&provenance, versions).await?;
        let mut atlas = Atlas::empty(plane.clone());
        for layer in versions.layers_of(choice) {
            atlas.put(used(layer), written(layer), self.prepared(layer, &plane).await?, &rule);
        }
        Ok(Arc::new(Standing { provenance, atlas: Arc::new(atlas), rule, since: versions.choosing.since(choice) }))
    }

    /// What findings of a stored set were made from, loaded: layers that findings rest on cannot have been removed.
    pub(super) async fn atlas_of(&self, set: &LayerSet, versions: &Versions) -> Result<Atlas, ServiceError> {
        let rule = self.rules.named(&set.provenance.rule).unwrap_or_else(|| self.rule());
        let plane = self.plane_of(&set.provenance, versions).await?;
        let mut atlas = Atlas::empty(plane.clone());
        for used in &set.provenance.layers {
            if let Some(layer) = versions.layers.iter().find(|layer| layer.id == used.id) {
                atlas.put(used.clone(), written(layer), self.prepared(layer, &plane).await?, rule);
            }
        }
        Ok(atlas)
    }

    /// The plane of a set. One that is stored keeps its own; a new one takes that of the first set with the same parcels, else with the same first layer, so that what
    /// is measured again is the same to the last bit, whatever layers came meanwhile; else it is worked out from its first layer. Without any layer it is the national one.
    async fn plane_of(&self, provenance: &Provenance, versions: &Versions) -> Result<Plane, ServiceError> {
        let kin = self.kin_of(provenance).await?;
        if let Some([lon, lat]) = kin.as_ref().and_then(|set| set.origin) {
            return Ok(Plane::at(lon, lat));
        }
        // A set of an older program has the plane of its first layer.
        let first = kin.as_ref().and_then(|set| begins(&set.provenance)).or_else(|| begins(provenance));
        let in_hand = self.standing();
        if kin.is_none() && begins(&in_hand.provenance) == first {
            return Ok(in_hand.atlas.plane().clone());
        }
        match versions.layers.iter().find(|layer| Some(layer.id) == first) {
            Some(layer) => origin::of_layer(&*self.store, layer).await,
            None => Ok(Plane::national()),
        }
    }

    /// The stored set whose plane a set takes.
    async fn kin_of(&self, provenance: &Provenance) -> Result<Option<LayerSet>, ServiceError> {
        let sets = self.store.layer_sets().await?;
        let parcels = |set: &Provenance| set.of(LayerKind::Farmland).map(|layer| layer.id);
        let kin = sets.iter().find(|set| set.provenance == *provenance);
        let kin = kin.or_else(|| sets.iter().find(|set| parcels(&set.provenance).is_some() && parcels(&set.provenance) == parcels(provenance)));
        Ok(kin.or_else(|| sets.iter().find(|set| begins(&set.provenance) == begins(provenance))).cloned())
    }

    /// Whether nothing says yet where a set lies: it has no layers, and what was stored without any has no plane.
    pub(super) async fn is_unplaced(&self, provenance: &Provenance) -> Result<bool, ServiceError> {
        Ok(provenance.layers.is_empty() && self.kin_of(provenance).await?.is_none_or(|set| set.origin.is_none()))
    }

    async fn prepared(&self, layer: &Layer, plane: &Plane) -> Result<Arc<PreparedLayer>, ServiceError> {
        let place = (layer.id, plane.origin().map(f64::to_bits));
        let held = lock(&self.shelved.prepared).get(&place).and_then(Weak::upgrade);
        if let Some(held) = held.filter(|held| !held.is_lost()) {
            return Ok(held);
        }
        let snapshots = self.spool.with_extension("layers");
        let known = tokio::task::block_in_place(|| snapshot::read(&snapshots, layer, plane, &self.memory));
        let prepared = if let Some(known) = known {
            known
        } else {
            let prepared = prepare(&*self.store, layer, plane, &self.memory).await?;
            tokio::task::block_in_place(|| snapshot::write(&snapshots, layer, plane, &prepared, fail::point));
            prepared
        };
        let prepared = Arc::new(prepared.without(self.store.left_out(layer.id).await?).of_classes(layer.classes));
        let mut shared = lock(&self.shelved.prepared);
        shared.retain(|_, held| held.strong_count() > 0);
        shared.insert(place, Arc::downgrade(&prepared));
        Ok(prepared)
    }
}

/// The first layer of a set, by which its plane was chosen.
fn begins(set: &Provenance) -> Option<i64> {
    set.layers.first().map(|layer| layer.id)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
