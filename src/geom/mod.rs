//! The kernel: degrees to the equal-area plane, what is wrong with an outline, and the area of what two outlines share.
//!
//! Pure, synchronous, deterministic. Knows no async, no SQL, no HTTP, and nothing of patches or layers.

mod crossing;
pub mod coverage;
pub mod crs;
pub mod outline;
pub mod overlay;
pub mod plane;
pub mod slabs;
pub mod validity;

pub use coverage::{Coverage, CoverageBuilder};
pub use crs::Crs;
pub use outline::{Bounds, Outline};
pub use overlay::Figure;
pub use plane::Plane;
pub use validity::{Checked, Defect, DefectKind, Unacceptable, check};
