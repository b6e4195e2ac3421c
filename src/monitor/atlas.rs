//! The atlas: an immutable snapshot of the layers in force, prepared for measuring, swapped whole when layers change.

use super::rule::Rule;
use crate::geom::{Bounds, Coverage, CoverageBuilder, Figure, Hit, Outline, Pieces, Plane};
use crate::land::{Areas, CountyShare, FeatureFacts, LayerKind, LayerUsed, ParcelShare};

/// The layers in force.
#[derive(Debug)]
pub struct Atlas {
    plane: Plane,
    layers: Vec<AtlasLayer>,
    counties: Option<Bounds>,
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
}

/// What a figure lies on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// The areas.
    pub areas: Areas,
    /// By class, largest first.
    pub parcels: Vec<ParcelShare>,
    /// Area on any parcel, square metres.
    pub parcels_m2: f64,
    /// By county, largest first.
    pub counties: Vec<CountyShare>,
    /// Numbers of the approvals that cover some of it, in the order of their file.
    pub approvals: Vec<String>,
}

impl Atlas {
    /// An atlas without layers, in which only a patch's own area can be measured.
    #[must_use]
    pub fn empty(plane: Plane) -> Self {
        Self { plane, layers: Vec::new(), counties: None }
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

    /// The code and name of every county in force.
    pub fn counties(&self) -> impl Iterator<Item = &FeatureFacts> {
        self.layer(LayerKind::County).into_iter().flat_map(|layer| layer.facts.iter())
    }

    /// Takes a layer in, in the place of one of the same kind.
    pub fn put(&mut self, used: LayerUsed, layer: PreparedLayer, rule: &Rule) {
        if used.kind == LayerKind::County {
            self.counties = Some(layer.bounds);
        }
        let PreparedLayer { coverage, facts, fact_of, .. } = layer;
        let farmland = facts.iter().map(|fact| rule.is_farmland(&fact.code)).collect();
        self.layers.retain(|other| other.used.kind != used.kind);
        self.layers.push(AtlasLayer { used, coverage, facts, fact_of, farmland });
        self.layers.sort_by_key(|layer| layer.used.kind);
    }

    fn layer(&self, kind: LayerKind) -> Option<&AtlasLayer> {
        self.layers.iter().find(|layer| layer.used.kind == kind)
    }

    /// Code of the county that holds a place of the plane.
    #[must_use]
    pub fn county_at(&self, at: [f64; 2]) -> Option<&str> {
        let counties = self.layer(LayerKind::County)?;
        let member = counties.coverage.member_at(at)?;
        Some(counties.facts[counties.fact(member)].code.as_str())
    }

    /// Whether an edge of any layer passes within `reach_m` metres of a place of the plane.
    #[must_use]
    pub fn has_edge_near(&self, at: [f64; 2], reach_m: f64) -> bool {
        self.layers.iter().any(|layer| layer.coverage.has_edge_near(at, reach_m))
    }

    /// Measures a figure against every layer. Never fails; a layer that is not in force counts as covering nothing.
    #[must_use]
    pub fn measure(&self, figure: &Figure) -> Measured {
        let mut measured = Measured { areas: Areas { area_m2: figure.area_m2(), ..Areas::default() }, ..Measured::default() };
        let covered = |kind| self.layer(kind).map_or(0.0, |layer| layer.coverage.covered_m2(figure, &layer.coverage.hits(figure)));
        measured.areas.basic_farmland_m2 = covered(LayerKind::BasicFarmland);
        measured.areas.red_line_m2 = covered(LayerKind::RedLine);
        measured.areas.urban_boundary_m2 = covered(LayerKind::UrbanBoundary);
        if let Some(counties) = self.layer(LayerKind::County) {
            measured.counties = counties
                .shares(figure, &counties.coverage.hits(figure))
                .map(|(fact, area_m2)| CountyShare { code: fact.code.clone(), name: fact.name.clone(), area_m2 })
                .collect();
        }
        let farmland = self.layer(LayerKind::Farmland).map(|layer| (layer, layer.measure_parcels(figure, &mut measured)));
        if let Some(approved) = self.layer(LayerKind::Approved) {
            approved.measure_approvals(figure, farmland, &mut measured);
        }
        measured
    }
}

impl AtlasLayer {
    fn fact(&self, member: u32) -> usize {
        self.fact_of.get(member as usize).map_or(0, |fact| *fact as usize)
    }

    /// The figure's area by fact, largest first. Members of a layer that must tile may still overlap; then the sums are scaled to the union, so
    /// that no ground counts twice.
    fn shares<'a>(&'a self, figure: &Figure, hits: &[Hit]) -> impl Iterator<Item = (&'a FeatureFacts, f64)> + use<'a> {
        let mut shares: Vec<(usize, f64)> = Vec::new();
        for hit in hits {
            let fact = self.fact(hit.member);
            match shares.iter_mut().find(|(known, _)| *known == fact) {
                Some((_, area)) => *area += hit.area_m2,
                None => shares.push((fact, hit.area_m2)),
            }
        }
        let sum: f64 = shares.iter().map(|(_, area)| area).sum();
        let union = self.coverage.covered_m2(figure, hits);
        let scale = if sum > union && sum > 0.0 { union / sum } else { 1.0 };
        shares.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| self.facts[a.0].code.cmp(&self.facts[b.0].code)));
        shares.into_iter().map(move |(fact, area)| (&self.facts[fact], area * scale))
    }

    /// Fills in parcels and farmland; returns the hits on farmland.
    fn measure_parcels(&self, figure: &Figure, measured: &mut Measured) -> Vec<Hit> {
        let hits = self.coverage.hits(figure);
        measured.parcels =
            self.shares(figure, &hits).map(|(fact, area_m2)| ParcelShare { dlbm: fact.code.clone(), dlmc: fact.name.clone(), area_m2 }).collect();
        measured.parcels_m2 = self.coverage.covered_m2(figure, &hits);
        let farmland: Vec<Hit> = hits.into_iter().filter(|hit| self.farmland[self.fact(hit.member)]).collect();
        measured.areas.farmland_m2 = self.coverage.covered_m2(figure, &farmland);
        farmland
    }

    /// Fills in approvals, and the farmland they cover.
    fn measure_approvals(&self, figure: &Figure, farmland: Option<(&Self, Vec<Hit>)>, measured: &mut Measured) {
        let hits = self.coverage.hits(figure);
        let areas = &mut measured.areas;
        areas.approved_m2 = self.coverage.covered_m2(figure, &hits);
        for hit in &hits {
            let number = &self.facts[self.fact(hit.member)].code;
            if !measured.approvals.contains(number) {
                measured.approvals.push(number.clone());
            }
        }
        let Some((parcels, on_farmland)) = farmland else { return };
        // Where one of the two covers the whole patch, the other is the answer.
        areas.approved_farmland_m2 = if areas.approved_m2 >= areas.area_m2 {
            areas.farmland_m2
        } else if areas.farmland_m2 >= areas.area_m2 {
            areas.approved_m2
        } else {
            parcels.coverage.covered_by_both_m2(figure, &on_farmland, &self.coverage, &hits)
        }
        .min(areas.farmland_m2)
        .min(areas.approved_m2);
    }
}

/// Prepares one layer.
#[derive(Debug)]
pub struct LayerBuilder {
    kind: LayerKind,
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
}

impl LayerBuilder {
    /// Starts a layer.
    #[must_use]
    pub fn new(kind: LayerKind) -> Self {
        Self {
            kind,
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
    pub fn push(&mut self, facts: &FeatureFacts, pieces: &Pieces, degrees: &Outline) {
        // Millions of parcels have a dozen classes; the bounds matter only for counties.
        match self.kind {
            LayerKind::County => self.bounds = self.bounds.union(&degrees.bounds()),
            LayerKind::Farmland | LayerKind::Approved => {}
            _ => {
                self.coverage.append(pieces);
                return;
            }
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
        self.coverage.append(pieces);
    }

    /// Indexes the layer.
    #[must_use]
    pub fn finish(self) -> PreparedLayer {
        PreparedLayer { bounds: self.bounds, coverage: self.coverage.finish(), facts: self.facts, fact_of: self.fact_of }
    }
}

impl PreparedLayer {
    /// Pairs of features (by order) that share ground, with the square metres.
    pub fn overlaps(&self) -> impl Iterator<Item = ([u32; 2], f64)> + '_ {
        self.coverage.overlaps().iter().map(|overlap| (overlap.members, overlap.area_m2))
    }
}
