//! The atlas: an immutable snapshot of the layers in force, prepared for measuring, swapped whole when layers change.

mod approvals;
mod prepared;

use crate::model::{Areas, FeatureFacts, LayerKind, LayerUsed, LeftOut};
use crate::{classes::is_farmland, rule::Rule};
use approvals::Approval;
pub use approvals::ApprovalMarks;
use jiff::civil::Date;
pub use prepared::{LayerBuilder, PreparedLayer};
use smallvec::SmallVec;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tuban_geom::{Bounds, Drawn, Figure, Hits, Plane, Written, parts, sum_m2};

/// The layers in force.
#[derive(Debug)]
pub struct Atlas {
    plane: Plane,
    layers: Vec<AtlasLayer>,
    counties: Option<Bounds>,
    /// Boxes, in the plane, of what is in the file of a layer and not in the layer; nearly always none.
    missing: Vec<(LayerKind, Bounds)>,
}

/// One layer in force.
#[derive(Debug)]
struct AtlasLayer {
    used: LayerUsed,
    /// How its file wrote it.
    written: Written,
    /// Shared with other atlases that hold the same version in the same plane.
    prepared: Arc<PreparedLayer>,
    /// For each of its facts, whether it is farmland.
    farmland: Vec<bool>,
    /// Of approvals, for each of its facts, what it says of its day and use.
    approvals: Vec<Approval>,
    /// Of counties, their area together, square metres.
    area_m2: f64,
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
    /// The approvals that cover some of it, each once; none that had ended.
    pub approvals: SmallVec<[u32; 4]>,
    /// Whether something that was left out of a layer may lie here.
    pub lacks_members: bool,
    /// What else there is to say of approvals.
    pub marks: ApprovalMarks,
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

/// Vertices above which a figure is measured in parts: all of its edges would be held against all edges near it, and it may be as large as a county.
const WHOLE: usize = 256;

/// The hits of each part of a figure.
type PartHits = SmallVec<[Hits; 1]>;

impl Atlas {
    /// An atlas without layers, in which only a patch's own area can be measured.
    #[must_use]
    pub fn empty(plane: Plane) -> Self {
        Self { plane, layers: Vec::new(), counties: None, missing: Vec::new() }
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
        self.layers.iter().map(|layer| layer.prepared.coverage.vertices()).sum()
    }

    /// What each layer in force takes.
    pub fn loads(&self) -> impl Iterator<Item = Load<'_>> {
        self.layers.iter().map(|layer| Load { used: &layer.used, vertices: layer.prepared.coverage.vertices(), memory_bytes: layer.prepared.taken.bytes() })
    }

    /// Features of a layer that had to be left out when it was loaded, though they were taken in.
    #[must_use]
    pub fn left_out(&self, layer: i64) -> &[LeftOut] {
        self.layers.iter().find(|one| one.used.id == layer).map_or(&[], |layer| &layer.prepared.left_out)
    }

    /// Whether a layer that lies outside memory could not be read back, so that the atlas must be built again.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.layers.iter().any(|layer| layer.prepared.is_lost())
    }

    /// The code and name of every county in force.
    pub fn counties(&self) -> impl Iterator<Item = &FeatureFacts> {
        self.layer(LayerKind::County).into_iter().flat_map(|layer| layer.prepared.facts.iter())
    }

    /// Whether what was measured is more than this share of a county's area, or of all counties'. Never where no counties are in force.
    #[must_use]
    pub fn is_more_than(&self, share: f64, measured: &Measured) -> bool {
        let Some(counties) = self.layer(LayerKind::County) else { return false };
        let areas_m2 = &counties.prepared.areas_m2;
        let of_county = |county: &Share| areas_m2.get(county.fact as usize).is_some_and(|area_m2| county.area_m2 > share * area_m2);
        measured.counties.iter().any(of_county) || measured.areas.area_m2 > share * counties.area_m2
    }

    /// What a layer in force says of the ground, by the number that was measured.
    #[must_use]
    pub fn fact(&self, kind: LayerKind, fact: u32) -> &FeatureFacts {
        static NOTHING: FeatureFacts = FeatureFacts::new(String::new(), String::new());
        self.layer(kind).and_then(|layer| layer.prepared.facts.get(fact as usize)).unwrap_or(&NOTHING)
    }

    /// A layer in force, with how its file wrote it.
    #[must_use]
    pub fn drawn(&self, kind: LayerKind) -> Option<Drawn<'_>> {
        self.layer(kind).map(|layer| Drawn { coverage: &layer.prepared.coverage, written: layer.written })
    }

    /// Notes that a layer could not be read back, where that is so.
    pub(super) fn note_loss<T>(&self, read: io::Result<T>) -> io::Result<T> {
        read.inspect_err(|_| self.layers.iter().for_each(|layer| layer.prepared.lost.store(true, Ordering::Relaxed)))
    }

    /// Takes a layer in, in the place of one of the same kind; `written` is how its file wrote it.
    pub fn put(&mut self, used: LayerUsed, written: Written, prepared: Arc<PreparedLayer>, rule: &Rule) {
        if used.kind == LayerKind::County {
            self.counties = Some(prepared.bounds);
        }
        self.missing.retain(|(kind, _)| *kind != used.kind);
        let missing = prepared.left_out.iter().chain(&prepared.refused).map(|one| (used.kind, in_plane(&self.plane, one)));
        self.missing.extend(missing);
        let farmland = prepared.facts.iter().map(|fact| is_farmland(prepared.classes, rule, &fact.code)).collect();
        let approvals = if used.kind == LayerKind::Approved {
            // A file of the command line counts from no day, unless one is given.
            let effective = used.effective.parse().ok();
            prepared.facts.iter().map(|fact| Approval::of(fact, effective, &rule.approvals)).collect()
        } else {
            Vec::new()
        };
        self.layers.retain(|other| other.used.kind != used.kind);
        let area_m2 = sum_m2(prepared.areas_m2.iter().copied());
        self.layers.push(AtlasLayer { used, written, prepared, farmland, approvals, area_m2 });
        self.layers.sort_by_key(|layer| layer.used.kind);
    }

    fn layer(&self, kind: LayerKind) -> Option<&AtlasLayer> {
        self.layers.iter().find(|layer| layer.used.kind == kind)
    }

    /// Code of the county that holds a place of the plane.
    pub fn county_at(&self, at: [f64; 2]) -> io::Result<Option<&str>> {
        let Some(counties) = self.layer(LayerKind::County) else { return Ok(None) };
        let member = counties.prepared.coverage.member_at(at)?;
        Ok(member.map(|member| counties.prepared.facts[counties.fact(member) as usize].code.as_str()))
    }

    /// Whether an edge of any layer passes within `reach_m` metres of a place of the plane.
    pub fn has_edge_near(&self, at: [f64; 2], reach_m: f64) -> io::Result<bool> {
        for layer in &self.layers {
            if layer.prepared.coverage.has_edge_near(at, reach_m)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Measures a figure against every layer, approvals as they stood on the day of the after-image; a layer that is not in force counts as covering nothing.
    /// Fails only where positions that lie outside memory cannot be read back.
    pub fn measure(&self, figure: &Figure, after: Date) -> io::Result<Measured> {
        self.note_loss(self.measure_layers(figure, after))
    }

    fn measure_layers(&self, figure: &Figure, after: Date) -> io::Result<Measured> {
        let mut measured = if figure.region().vertices() <= WHOLE {
            self.measure_parts(std::slice::from_ref(figure), figure.area_m2(), after)?
        } else {
            self.measure_parts(&parts(figure.region()), figure.area_m2(), after)?
        };
        measured.lacks_members = self.missing.iter().any(|(_, missing)| missing.touches(figure.bounds()));
        Ok(measured)
    }

    /// Measures a figure of which these are the parts.
    fn measure_parts(&self, parts: &[Figure], area_m2: f64, after: Date) -> io::Result<Measured> {
        let mut measured = Measured { areas: Areas { area_m2, ..Areas::default() }, ..Measured::default() };
        let covered = |kind| self.layer(kind).map_or(Ok(0.0), |layer| layer.covered_m2(parts, &layer.hits(parts)?, area_m2));
        measured.areas.basic_farmland_m2 = covered(LayerKind::BasicFarmland)?;
        measured.areas.red_line_m2 = covered(LayerKind::RedLine)?;
        measured.areas.urban_boundary_m2 = covered(LayerKind::UrbanBoundary)?;
        if let Some(counties) = self.layer(LayerKind::County) {
            let hits = counties.hits(parts)?;
            measured.counties = counties.shares(&hits, counties.covered_m2(parts, &hits, area_m2)?);
        }
        let farmland = match self.layer(LayerKind::Farmland) {
            Some(layer) => Some((layer, layer.measure_parcels(parts, &mut measured)?)),
            None => None,
        };
        if let Some(approved) = self.layer(LayerKind::Approved) {
            approved.measure_approvals(parts, farmland, after, &mut measured)?;
        }
        Ok(measured)
    }
}

/// The box of a feature that is missing, in the plane: all of it where that is not known. Both axes of the plane grow with those of the box.
fn in_plane(plane: &Plane, missing: &LeftOut) -> Bounds {
    let Some(Bounds { min, max }) = missing.bounds else { return Bounds { min: [f64::NEG_INFINITY; 2], max: [f64::INFINITY; 2] } };
    Bounds { min: plane.project(min), max: plane.project(max) }
}

impl AtlasLayer {
    fn fact(&self, member: u32) -> u32 {
        self.prepared.fact_of.get(member as usize).copied().unwrap_or(0)
    }

    fn hits(&self, parts: &[Figure]) -> io::Result<PartHits> {
        // Not collected through an iterator of results, which would move each of them about.
        let mut hits = PartHits::new();
        for part in parts {
            hits.push(self.prepared.coverage.hits(part)?);
        }
        Ok(hits)
    }

    /// What these hits cover, each place once; at most `area_m2`.
    fn covered_m2(&self, parts: &[Figure], hits: &PartHits, area_m2: f64) -> io::Result<f64> {
        let covered = parts.iter().zip(hits).map(|(part, hits)| self.prepared.coverage.covered_m2(part, hits));
        Ok(covered.sum::<io::Result<f64>>()?.min(area_m2))
    }

    /// The figure's area by fact, largest first. Members of a layer that must tile may still overlap; then the sums are scaled to their union, so
    /// that no ground counts twice.
    fn shares(&self, hits: &PartHits, union_m2: f64) -> Shares {
        if let [hits] = &hits[..]
            && let [hit] = hits[..]
        {
            return std::iter::once(Share { fact: self.fact(hit.member), area_m2: hit.area_m2.min(union_m2) }).collect();
        }
        let mut areas: SmallVec<[Share; 8]> = hits.iter().flatten().map(|hit| Share { fact: self.fact(hit.member), area_m2: hit.area_m2 }).collect();
        areas.sort_unstable_by(|a, b| a.fact.cmp(&b.fact).then(a.area_m2.total_cmp(&b.area_m2)));
        let mut shares = Shares::new();
        for share in areas {
            match shares.last_mut() {
                Some(last) if last.fact == share.fact => last.area_m2 += share.area_m2,
                _ => shares.push(share),
            }
        }
        // Facts are numbered as the layer has them; their words decide, so that the order of its features does not.
        let fact = |share: &Share| &self.prepared.facts[share.fact as usize];
        shares.sort_by(|a, b| b.area_m2.total_cmp(&a.area_m2).then_with(|| (&fact(a).code, &fact(a).name).cmp(&(&fact(b).code, &fact(b).name))));
        let sum = sum_m2(shares.iter().map(|share| share.area_m2));
        let scale = if sum > union_m2 && sum > 0.0 { union_m2 / sum } else { 1.0 };
        shares.iter_mut().for_each(|share| share.area_m2 *= scale);
        shares
    }

    /// Fills in parcels and farmland; returns the hits on farmland.
    fn measure_parcels(&self, parts: &[Figure], measured: &mut Measured) -> io::Result<PartHits> {
        let (mut hits, area_m2) = (self.hits(parts)?, measured.areas.area_m2);
        measured.parcels_m2 = self.covered_m2(parts, &hits, area_m2)?;
        measured.parcels = self.shares(&hits, measured.parcels_m2);
        hits.iter_mut().for_each(|hits| hits.retain(|hit| self.farmland[self.fact(hit.member) as usize]));
        measured.areas.farmland_m2 = self.covered_m2(parts, &hits, area_m2)?;
        Ok(hits)
    }
}
