//! The atlas: an immutable snapshot of the layers in force, prepared for measuring, swapped whole when layers change.

use super::memory::{Memory, Taken};
use super::rule::Rule;
use crate::geom::{Bounds, Coverage, CoverageBuilder, Figure, Hit, Hits, Outline, Pieces, Plane};
use crate::land::{Areas, FeatureFacts, LayerKind, LayerUsed};
use smallvec::SmallVec;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// The layers in force.
#[derive(Debug)]
pub struct Atlas {
    plane: Plane,
    layers: Vec<AtlasLayer>,
    counties: Option<Bounds>,
    /// Whether a layer could not be read back.
    lost: AtomicBool,
}

/// One layer in force.
#[derive(Debug)]
struct AtlasLayer {
    used: LayerUsed,
    coverage: Coverage,
    /// What members say of the ground, each distinct text once.
    facts: Vec<FeatureFacts>,
    /// For each member, which of `facts`; empty for kinds that say nothing beyond where they are.
    fact_of: Vec<u32>,
    /// For each of `facts`, whether it is farmland.
    farmland: Vec<bool>,
    /// The memory its positions take.
    taken: Taken,
}

/// What a layer in force takes.
#[derive(Debug)]
pub struct Load<'a> {
    /// Which version.
    pub used: &'a LayerUsed,
    /// Vertices as prepared.
    pub vertices: u64,
    /// Bytes of positions in memory; 0 where they are read from disk as they are needed.
    pub memory_bytes: u64,
}

/// What a figure lies on, in the numbers of an atlas; see [`Atlas::fact`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// The areas.
    pub areas: Areas,
    /// By class, largest first.
    pub parcels: Shares,
    /// Area on any parcel, square metres.
    pub parcels_m2: f64,
    /// By county, largest first.
    pub counties: Shares,
    /// The approvals that cover some of it, in the order of their file.
    pub approvals: SmallVec<[u32; 4]>,
}

/// Of a figure, how much lies where a layer says something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// What it says: a number for [`Atlas::fact`].
    pub fact: u32,
    /// Square metres.
    pub area_m2: f64,
}

/// Shares of one figure; nearly always few enough to need no allocation.
pub type Shares = SmallVec<[Share; 4]>;

impl Atlas {
    /// An atlas without layers, in which only a patch's own area can be measured.
    #[must_use]
    pub fn empty(plane: Plane) -> Self {
        Self { plane, layers: Vec::new(), counties: None, lost: AtomicBool::new(false) }
    }

    /// The plane in which it measures.
    #[must_use]
    pub fn plane(&self) -> &Plane {
        &self.plane
    }

    /// Whether a layer of this kind is in force.
    #[must_use]
    pub fn has(&self, kind: LayerKind) -> bool {
        self.layer(kind).is_some()
    }

    /// The layer versions in force.
    #[must_use]
    pub fn used(&self) -> Vec<LayerUsed> {
        self.layers.iter().map(|layer| layer.used.clone()).collect()
    }

    /// The box around the counties in force, degrees.
    #[must_use]
    pub fn counties_bounds(&self) -> Option<&Bounds> {
        self.counties.as_ref()
    }

    /// Vertices of all layers as prepared.
    #[must_use]
    pub fn vertices(&self) -> u64 {
        self.layers.iter().map(|layer| layer.coverage.vertices()).sum()
    }

    /// What each layer in force takes.
    pub fn loads(&self) -> impl Iterator<Item = Load<'_>> {
        self.layers.iter().map(|layer| Load { used: &layer.used, vertices: layer.coverage.vertices(), memory_bytes: layer.taken.bytes() })
    }

    /// Whether a layer that lies outside memory could not be read back, so that the atlas must be made anew.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// The code and name of every county in force.
    pub fn counties(&self) -> impl Iterator<Item = &FeatureFacts> {
        self.layer(LayerKind::County).into_iter().flat_map(|layer| layer.facts.iter())
    }

    /// What a layer in force says of the ground, by the number that was measured.
    #[must_use]
    pub fn fact(&self, kind: LayerKind, fact: u32) -> &FeatureFacts {
        static NOTHING: FeatureFacts = FeatureFacts { code: String::new(), name: String::new() };
        self.layer(kind).and_then(|layer| layer.facts.get(fact as usize)).unwrap_or(&NOTHING)
    }

    /// Takes a layer in, in the place of one of the same kind.
    pub fn put(&mut self, used: LayerUsed, layer: PreparedLayer, rule: &Rule) {
        if used.kind == LayerKind::County {
            self.counties = Some(layer.bounds);
        }
        let PreparedLayer { coverage, facts, fact_of, taken, .. } = layer;
        let farmland = facts.iter().map(|fact| rule.is_farmland(&fact.code)).collect();
        self.layers.retain(|other| other.used.kind != used.kind);
        self.layers.push(AtlasLayer { used, coverage, facts, fact_of, farmland, taken });
        self.layers.sort_by_key(|layer| layer.used.kind);
    }

    fn layer(&self, kind: LayerKind) -> Option<&AtlasLayer> {
        self.layers.iter().find(|layer| layer.used.kind == kind)
    }

    /// Code of the county that holds a place of the plane.
    pub fn county_at(&self, at: [f64; 2]) -> io::Result<Option<&str>> {
        let Some(counties) = self.layer(LayerKind::County) else { return Ok(None) };
        let member = counties.coverage.member_at(at)?;
        Ok(member.map(|member| counties.facts[counties.fact(member) as usize].code.as_str()))
    }

    /// Whether an edge of any layer passes within `reach_m` metres of a place of the plane.
    pub fn has_edge_near(&self, at: [f64; 2], reach_m: f64) -> io::Result<bool> {
        for layer in &self.layers {
            if layer.coverage.has_edge_near(at, reach_m)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Measures a figure against every layer; one that is not in force counts as covering nothing. Fails only where positions that lie outside memory
    /// cannot be read back.
    pub fn measure(&self, figure: &Figure) -> io::Result<Measured> {
        self.measure_layers(figure).inspect_err(|_| self.lost.store(true, Ordering::Relaxed))
    }

    fn measure_layers(&self, figure: &Figure) -> io::Result<Measured> {
        let mut measured = Measured { areas: Areas { area_m2: figure.area_m2(), ..Areas::default() }, ..Measured::default() };
        let covered = |kind| self.layer(kind).map_or(Ok(0.0), |layer| layer.coverage.covered_m2(figure, &layer.coverage.hits(figure)?));
        measured.areas.basic_farmland_m2 = covered(LayerKind::BasicFarmland)?;
        measured.areas.red_line_m2 = covered(LayerKind::RedLine)?;
        measured.areas.urban_boundary_m2 = covered(LayerKind::UrbanBoundary)?;
        if let Some(counties) = self.layer(LayerKind::County) {
            measured.counties = counties.shares(figure, &counties.coverage.hits(figure)?)?;
        }
        let farmland = match self.layer(LayerKind::Farmland) {
            Some(layer) => Some((layer, layer.measure_parcels(figure, &mut measured)?)),
            None => None,
        };
        if let Some(approved) = self.layer(LayerKind::Approved) {
            approved.measure_approvals(figure, farmland, &mut measured)?;
        }
        Ok(measured)
    }
}

impl AtlasLayer {
    fn fact(&self, member: u32) -> u32 {
        self.fact_of.get(member as usize).copied().unwrap_or(0)
    }

    /// The figure's area by fact, largest first. Members of a layer that must tile may still overlap; then the sums are scaled to the union, so
    /// that no ground counts twice.
    fn shares(&self, figure: &Figure, hits: &[Hit]) -> io::Result<Shares> {
        let mut shares = Shares::new();
        for hit in hits {
            let fact = self.fact(hit.member);
            match shares.iter_mut().find(|share| share.fact == fact) {
                Some(share) => share.area_m2 += hit.area_m2,
                None => shares.push(Share { fact, area_m2: hit.area_m2 }),
            }
        }
        let sum: f64 = shares.iter().map(|share| share.area_m2).sum();
        let union = self.coverage.covered_m2(figure, hits)?;
        let scale = if sum > union && sum > 0.0 { union / sum } else { 1.0 };
        let code = |share: &Share| &self.facts[share.fact as usize].code;
        shares.sort_by(|a, b| b.area_m2.total_cmp(&a.area_m2).then_with(|| code(a).cmp(code(b))));
        shares.iter_mut().for_each(|share| share.area_m2 *= scale);
        Ok(shares)
    }

    /// Fills in parcels and farmland; returns the hits on farmland.
    fn measure_parcels(&self, figure: &Figure, measured: &mut Measured) -> io::Result<Hits> {
        let mut hits = self.coverage.hits(figure)?;
        measured.parcels = self.shares(figure, &hits)?;
        measured.parcels_m2 = self.coverage.covered_m2(figure, &hits)?;
        hits.retain(|hit| self.farmland[self.fact(hit.member) as usize]);
        let farmland = hits;
        measured.areas.farmland_m2 = self.coverage.covered_m2(figure, &farmland)?;
        Ok(farmland)
    }

    /// Fills in approvals, and the farmland they cover.
    fn measure_approvals(&self, figure: &Figure, farmland: Option<(&Self, Hits)>, measured: &mut Measured) -> io::Result<()> {
        let hits = self.coverage.hits(figure)?;
        let areas = &mut measured.areas;
        areas.approved_m2 = self.coverage.covered_m2(figure, &hits)?;
        for hit in &hits {
            let fact = self.fact(hit.member);
            if !measured.approvals.contains(&fact) {
                measured.approvals.push(fact);
            }
        }
        let Some((parcels, on_farmland)) = farmland else { return Ok(()) };
        // Where one of the two covers the whole patch, the other is the answer.
        areas.approved_farmland_m2 = if areas.approved_m2 >= areas.area_m2 {
            areas.farmland_m2
        } else if areas.farmland_m2 >= areas.area_m2 {
            areas.approved_m2
        } else {
            self.coverage.covered_by_both_m2(figure, &hits, &parcels.coverage, &on_farmland)?
        }
        .min(areas.farmland_m2)
        .min(areas.approved_m2);
        Ok(())
    }
}

/// Prepares one layer.
#[derive(Debug)]
pub struct LayerBuilder {
    kind: LayerKind,
    memory: Memory,
    taken: Taken,
    bounds: Bounds,
    coverage: CoverageBuilder,
    facts: Vec<FeatureFacts>,
    known: std::collections::HashMap<FeatureFacts, u32>,
    fact_of: Vec<u32>,
}

/// A layer ready to be put into an [`Atlas`]; nothing in it depends on the rule.
#[derive(Debug)]
pub struct PreparedLayer {
    pub(super) bounds: Bounds,
    pub(super) coverage: Coverage,
    pub(super) facts: Vec<FeatureFacts>,
    pub(super) fact_of: Vec<u32>,
    pub(super) taken: Taken,
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
            known: std::collections::HashMap::new(),
            fact_of: Vec::new(),
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
        let next = self.facts.len() as u32;
        let fact = if let Some(fact) = self.known.get(facts) {
            *fact
        } else {
            self.known.insert(facts.clone(), next);
            self.facts.push(facts.clone());
            next
        };
        self.fact_of.push(fact);
        self.append(pieces)
    }

    fn append(&mut self, pieces: &Pieces) -> io::Result<()> {
        if !self.coverage.is_shelved() && !self.taken.grow(pieces.positions_bytes()) {
            self.coverage.shelve(self.memory.shelf()?)?;
            self.taken = self.memory.none();
        }
        self.coverage.append(pieces)?;
        Ok(())
    }

    /// Indexes the layer.
    pub fn finish(self) -> io::Result<PreparedLayer> {
        Ok(PreparedLayer { bounds: self.bounds, coverage: self.coverage.finish()?, facts: self.facts, fact_of: self.fact_of, taken: self.taken })
    }
}

impl PreparedLayer {
    /// Pairs of features (by order) that share ground, with the square metres.
    pub fn overlaps(&self) -> impl Iterator<Item = ([u32; 2], f64)> + '_ {
        self.coverage.overlaps().iter().map(|overlap| (overlap.members, overlap.area_m2))
    }
}
