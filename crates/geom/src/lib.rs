//! The geometry kernel: coordinate systems, the equal-area plane, the checks of an outline, the
//! area that two outlines share, and the WKB codec.
//!
//! Pure, synchronous and deterministic: no async, files, SQL or HTTP, and nothing of patches or
//! layers. `tests/borders.rs` checks that no dependency brings them in.
//!
//! An outline in degrees is projected, checked, and has its official area on the ellipsoid:
//!
//! ```
//! use tuban_geom::{Outline, Plane, check_in};
//!
//! let ring = [[118.35, 35.05], [118.36, 35.05], [118.36, 35.06], [118.35, 35.06], [118.35, 35.05]];
//! let plane = Plane::at(118.0, 35.0);
//! let checked = check_in(&Outline::polygon(&[ring]), |at| plane.project(at)).unwrap();
//! assert!(checked.defects.is_empty());
//! // Oracle: docs/ARCHITECTURE.md, “Area”.
//! assert_eq!(format!("{:.4}", checked.region.area_m2()), "1012087.2601");
//! ```
//!
//! # Modules
//!
//! Of the data:
//!
//! | module | by its usual name |
//! | --- | --- |
//! | [`outline`] | polygon or multi-polygon as given, and bounding boxes |
//! | [`region`] | valid polygon: closed rings, oriented |
//! | [`wkb`] | well-known binary, ISO 13249-3 |
//! | [`interop`] | conversion to and from `geo-types` |
//!
//! Of coordinates:
//!
//! | module | by its usual name |
//! | --- | --- |
//! | [`crs`] | coordinate reference systems: names, Gauss–Krüger and web Mercator projections, densification |
//! | [`plane`] | Lambert cylindrical equal-area projection on CGCS2000 |
//! | `gcj02` | the GCJ-02 offset of China's web maps |
//! | `looks` | CRS detection from coordinates |
//!
//! Of one outline:
//!
//! | module | by its usual name |
//! | --- | --- |
//! | [`validity`] | polygon validation and repair |
//! | `crossing` | segment intersection and point in polygon, by exact predicates |
//! | `corners` | vertex set comparison |
//!
//! Of several:
//!
//! | module | by its usual name |
//! | --- | --- |
//! | [`overlay`] | area of the intersection of two polygons, by a sum over pairs of edges |
//! | [`slabs`] | sweep line: area of any boolean combination |
//! | `arrangement` | planar arrangement: the atoms of overlapping polygons |
//! | `twofold` | double-double arithmetic |
//! | [`coverage`] | polygon index: a prepared layer under a packed R-tree |
//! | `curve` | Hilbert curve |
//! | [`edges`] | error bounds of areas, from projected edges and rounded coordinates |

mod arrangement;
mod corners;
pub mod coverage;
mod crossing;
pub mod crs;
mod curve;
pub mod edges;
mod gcj02;
pub mod interop;
mod looks;
pub mod outline;
pub mod overlay;
pub mod plane;
pub mod region;
pub mod slabs;
mod twofold;
pub mod validity;
pub mod wkb;

pub use arrangement::{Atom, atoms};
pub use coverage::{Coverage, CoverageBuilder, Hit, Hits, Pieces, Shelf, clip_ring, parts, sum_m2};
pub use crossing::lies_in;
pub use crs::{Crs, UnknownCrs, Unplaced};
use curve::Curve;
pub use edges::{Doubt, Drawn, Window, Written};
pub use gcj02::{add_gcj02, remove_gcj02};
pub use looks::{Contradiction, typical};
pub use outline::{Bounds, Outline};
pub use overlay::Figure;
pub use plane::{Plane, twice_signed_area};
pub use region::Region;
pub use validity::{Checked, Defect, DefectKind, Dispute, Fault, Unacceptable, check, check_in, check_rings, check_rings_in, dispute, unite};
