//! Everything that a finding needs, and nothing that serves it.
//!
//! A patch's outline is [normalized](normalize) into a checked region of the equal-area plane,
//! measured against the layers of an [`atlas`], [classified](classify) by a [`rule`] and
//! [explained](explain); findings are [rolled up](rollup) to ratios. Stored layers are
//! [prepared](prepare) for that once and kept as [snapshots](snapshot).
//!
//! Synchronous and deterministic: no async, SQL or HTTP, and no reader of files. The only files
//! are the engine's own: snapshots, and positions of layers that [`memory`] has no room for.
//! `tests/borders.rs` checks that no dependency brings the rest in.
//!
//! A patch on the western half of a parcel of paddy, with no approval:
//!
//! ```
//! use jiff::civil::date;
//! use std::sync::Arc;
//! use tuban_engine::atlas::{Atlas, LayerBuilder};
//! use tuban_engine::model::{AutomaticVerdict, FeatureFacts, LayerKind, LayerUsed, Reason};
//! use tuban_engine::{classify::classify, memory::Memory, normalize::Intake, rule::Rule};
//! use tuban_geom::{Crs, Figure, Outline, Pieces, Plane, Written};
//!
//! let box_of = |west: f64, east: f64| {
//!     let (south, north) = (35.0, 35.001);
//!     Outline::polygon(&[[[west, south], [east, south], [east, north], [west, north], [west, south]]])
//! };
//! let (rule, plane) = (Rule::load(None).unwrap(), Plane::at(118.0, 35.0));
//! let normalizer = Intake::new(Crs::CRS84, plane.clone());
//! let written = Written { crs: Crs::CRS84, decimals: None };
//!
//! // Layers are prepared once, and measured against from every core.
//! let memory = Memory::new(Memory::usual_budget(), std::env::temp_dir());
//! let paddy = (FeatureFacts::new("0101".to_owned(), "水田".to_owned()), box_of(118.0, 118.001));
//! let mut atlas = Atlas::empty(plane);
//! for (kind, features) in [(LayerKind::Farmland, vec![paddy]), (LayerKind::Approved, vec![])] {
//!     let mut layer = LayerBuilder::new(kind, &memory);
//!     for (facts, outline) in features {
//!         let taken = normalizer.take(outline).unwrap();
//!         layer.push(&facts, &Pieces::of(&taken.region), &taken.degrees)?;
//!     }
//!     let used = LayerUsed { id: 1, kind, name: String::new(), effective: "2021-01-01".to_owned() };
//!     atlas.put(used, written, Arc::new(layer.finish()?), &rule);
//! }
//!
//! let taken = normalizer.take(box_of(118.0, 118.0005)).unwrap();
//! let figure = Figure::new(taken.region.clone());
//! let finding = classify(&atlas, &rule, &figure, taken.as_drawn(written), date(2022, 4, 30), None)?;
//! assert_eq!(finding.verdict, AutomaticVerdict::SuspectedIllegal);
//! assert_eq!(finding.reason, Reason::UnapprovedFarmland);
//! assert_eq!(finding.areas.farmland_m2, finding.areas.area_m2);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Modules
//!
//! In the order in which a patch meets them:
//!
//! | module | by its usual name |
//! | --- | --- |
//! | [`model`] | domain model: surveys, patches, layers, findings, verdicts |
//! | [`normalize`] | reprojection, validation and repair of polygons on input |
//! | [`choosing`] | temporal lookup: the layer versions and the rule of a patch's own time |
//! | [`rule`] | versioned configuration: tolerances, farmland classes, lines |
//! | [`classes`], [`approval_kinds`] | code lists: land-use classes (DLBM), kinds of approval |
//! | [`atlas`] | spatial overlay of a patch with the layers in force |
//! | [`edges`] | error bounds of areas near a tolerance |
//! | [`classify`] | decision rules: from areas to a verdict |
//! | [`explain`] | natural-language explanation of a finding |
//! | [`rollup`] | aggregation: sums, ratios, lines and levers |
//!
//! And what prepares for that:
//!
//! | module | by its usual name |
//! | --- | --- |
//! | [`prepare`] | indexing of a stored layer |
//! | [`snapshot`] | on-disk cache of indexed layers, with a checksum |
//! | [`memory`] | memory budget and spill files |
//! | [`ordered`] | parallel pipeline with ordered output and bounded memory |
//! | [`gcj02_evidence`] | detection of the GCJ-02 offset |

pub mod approval_kinds;
pub mod atlas;
pub mod choosing;
pub mod classes;
pub mod classify;
pub mod edges;
pub mod explain;
pub mod gcj02_evidence;
pub mod memory;
pub mod model;
pub mod normalize;
pub mod ordered;
pub mod prepare;
pub mod rollup;
pub mod rule;
pub mod snapshot;
