//! A layer ready to be measured against, and how it is built feature by feature.

use crate::memory::{Memory, Taken};
use crate::model::{FeatureFacts, LayerKind, LeftOut, Standard};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use tuban_geom::{Bounds, Coverage, CoverageBuilder, Outline, Pieces};

/// Prepares one layer.
///
/// A layer of one parcel of paddy:
///
/// ```
/// use tuban_engine::atlas::LayerBuilder;
/// use tuban_engine::model::{FeatureFacts, LayerKind};
/// use tuban_engine::{memory::Memory, normalize::Intake};
/// use tuban_geom::{Crs, Outline, Pieces, Plane};
///
/// let ring = [[118.35, 35.05], [118.36, 35.05], [118.36, 35.06], [118.35, 35.06], [118.35, 35.05]];
/// let taken = Intake::new(Crs::CRS84, Plane::at(118.0, 35.0)).take(Outline::polygon(&[ring])).unwrap();
///
/// let memory = Memory::new(Memory::usual_budget(), std::env::temp_dir());
/// let mut layer = LayerBuilder::new(LayerKind::Farmland, &memory);
/// layer.push(&FeatureFacts::new("0101".to_owned(), "水田".to_owned()), &Pieces::of(&taken.region), &taken.degrees)?;
/// assert_eq!(layer.finish()?.overlaps().count(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct LayerBuilder {
    kind: LayerKind,
    memory: Memory,
    taken: Taken,
    bounds: Bounds,
    coverage: CoverageBuilder,
    facts: Vec<FeatureFacts>,
    known: HashMap<FeatureFacts, u32, foldhash::fast::RandomState>,
    fact_of: Vec<u32>,
    areas_m2: Vec<f64>,
    left_out: Vec<LeftOut>,
}

/// A layer ready to be put into an [`Atlas`]; nothing in it depends on the rule.
#[derive(Debug)]
pub struct PreparedLayer {
    pub(crate) bounds: Bounds,
    pub(crate) coverage: Coverage,
    pub(crate) facts: Vec<FeatureFacts>,
    pub(crate) fact_of: Vec<u32>,
    /// Of counties, the area of each of its facts, square metres.
    pub(crate) areas_m2: Vec<f64>,
    /// Features that were left out when it was prepared.
    pub(crate) left_out: Vec<LeftOut>,
    /// Features that were refused when its file was read.
    pub(crate) refused: Vec<LeftOut>,
    /// The standard that its class codes are of.
    pub(crate) classes: Option<Standard>,
    pub(crate) taken: Taken,
    /// Whether it could not be read back.
    pub(crate) lost: AtomicBool,
}

impl LayerBuilder {
    /// Starts a layer whose positions lie in this memory, as long as there is some.
    #[must_use]
    pub fn new(kind: LayerKind, memory: &Memory) -> Self {
        Self {
            kind,
            memory: memory.clone(),
            taken: memory.none(),
            bounds: Bounds::EMPTY,
            coverage: CoverageBuilder::default(),
            facts: Vec::new(),
            known: HashMap::default(),
            fact_of: Vec::new(),
            areas_m2: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// What the layer tells.
    #[must_use]
    pub fn kind(&self) -> LayerKind {
        self.kind
    }

    /// Appends a feature: its region in the atlas's plane, cut, and its outline in degrees.
    pub fn push(&mut self, facts: &FeatureFacts, pieces: &Pieces, degrees: &Outline) -> io::Result<()> {
        // Millions of parcels have a dozen classes; the bounds matter only for counties.
        match self.kind {
            LayerKind::County => self.bounds = self.bounds.union(&degrees.bounds()),
            LayerKind::Farmland | LayerKind::Approved => {}
            _ => return self.append(pieces),
        }
        let fact = self.number(facts);
        self.fact_of.push(fact);
        if self.kind == LayerKind::County {
            self.areas_m2.resize(self.facts.len(), 0.0);
            self.areas_m2[fact as usize] += pieces.area_m2();
        }
        self.append(pieces)
    }

    /// The number of what a feature says. A part of a county that does not say its name is called as its other parts are: else it would be a county of its own.
    fn number(&mut self, facts: &FeatureFacts) -> u32 {
        if let Some(fact) = self.known.get(facts) {
            return *fact;
        }
        let is_part = |one: &FeatureFacts| one.code == facts.code && (is_nameless(one) || is_nameless(facts));
        let whole = if self.kind == LayerKind::County { self.facts.iter().position(is_part) } else { None };
        let fact = if let Some(whole) = whole {
            let known = &mut self.facts[whole];
            if is_nameless(known) && !facts.name.is_empty() {
                known.name.clone_from(&facts.name);
            }
            whole as u32
        } else {
            self.facts.push(facts.clone());
            self.facts.len() as u32 - 1
        };
        self.known.insert(facts.clone(), fact);
        fact
    }

    fn append(&mut self, pieces: &Pieces) -> io::Result<()> {
        if !self.coverage.is_shelved() && !self.taken.grow(pieces.positions_bytes()) {
            self.coverage.shelve(self.memory.shelf()?)?;
            self.taken = self.memory.none();
        }
        self.coverage.append(pieces)?;
        Ok(())
    }

    /// Notes a feature that cannot be taken, though its file was.
    pub fn leave_out(&mut self, one: LeftOut) {
        self.left_out.push(one);
    }

    /// Indexes the layer, and puts its members in the order of the ground unless they lie outside memory already.
    pub fn finish(self) -> io::Result<PreparedLayer> {
        let Self { memory, bounds, facts, fact_of, areas_m2, left_out, mut taken, .. } = self;
        let coverage = self.coverage.finish()?;
        if coverage.is_shelved() {
            // Reading all of it back in another order would take many times as long where the system has no pages to spare.
            let (refused, lost) = (Vec::new(), AtomicBool::new(false));
            return Ok(PreparedLayer { bounds, coverage, facts, fact_of, areas_m2, left_out, refused, classes: None, taken, lost });
        }
        // For a moment all positions are there twice.
        let mut twice = memory.none();
        let shelf = if twice.grow(taken.bytes()) {
            None
        } else {
            taken = memory.none();
            Some(memory.shelf()?)
        };
        let (coverage, order) = coverage.along_a_curve(shelf)?;
        let fact_of = if fact_of.is_empty() { fact_of } else { order.iter().map(|member| fact_of[*member as usize]).collect() };
        let (refused, lost) = (Vec::new(), AtomicBool::new(false));
        Ok(PreparedLayer { bounds, coverage, facts, fact_of, areas_m2, left_out, refused, classes: None, taken, lost })
    }
}

/// Whether a county says no name of its own: none, or its code again.
fn is_nameless(county: &FeatureFacts) -> bool {
    county.name.is_empty() || county.name == county.code
}

impl PreparedLayer {
    /// Notes the features that were refused when the layer's file was read.
    #[must_use]
    pub fn without(self, refused: Vec<LeftOut>) -> Self {
        Self { refused, ..self }
    }

    /// Notes the standard that the layer's class codes are of.
    #[must_use]
    pub fn of_classes(self, classes: Option<Standard>) -> Self {
        Self { classes, ..self }
    }

    /// Features that were refused when its file was read.
    pub fn refused(&self) -> &[LeftOut] {
        &self.refused
    }

    /// Whether positions that lie outside memory could not be read back, so that it must be prepared again.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether there are more overlaps than are listed.
    pub fn has_more_overlaps(&self) -> bool {
        self.coverage.has_more_overlaps()
    }

    /// Pairs of features (by the order they came in) that share ground, with the square metres; of one feature the first few with later ones.
    pub fn overlaps(&self) -> impl Iterator<Item = ([u32; 2], f64)> + '_ {
        self.coverage.overlaps().iter().map(|overlap| (overlap.members, overlap.area_m2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::Intake;
    use tuban_geom::{Crs, Plane};

    #[test]
    fn parts_of_a_county_without_a_name_are_no_county_of_their_own() {
        let (memory, intake) = (Memory::new(Memory::usual_budget(), std::env::temp_dir()), Intake::new(Crs::CRS84, Plane::at(0.0, 0.0)));
        let parts = [("110101", ""), ("110101", "东城区"), ("110102", "西城区"), ("110101", "110101")];
        for first in 0..parts.len() {
            let mut builder = LayerBuilder::new(LayerKind::County, &memory);
            for k in 0..parts.len() {
                let ((code, name), west) = (parts[(first + k) % parts.len()], k as f64);
                let ring = [[west, 0.0], [west + 1.0, 0.0], [west + 1.0, 1.0], [west, 1.0], [west, 0.0]];
                let taken = intake.take(Outline::polygon(&[ring])).unwrap();
                builder.push(&FeatureFacts::new(code.to_owned(), name.to_owned()), &Pieces::of(&taken.region), &taken.degrees).unwrap();
            }
            let mut counties: Vec<_> = builder.finish().unwrap().facts.into_iter().map(|county| (county.code, county.name)).collect();
            counties.sort_unstable();
            assert_eq!(counties, [("110101".to_owned(), "东城区".to_owned()), ("110102".to_owned(), "西城区".to_owned())], "{first}");
        }
    }
}
