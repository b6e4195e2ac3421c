//! The kernel: degrees to the equal-area plane, what is wrong with an outline, and the area of what two outlines share.
//!
//! Pure, synchronous, deterministic. Knows no async, no SQL, no HTTP, and nothing of patches or layers.

pub mod crs;
pub mod looks;
pub mod outline;
pub mod plane;
pub mod validity;

pub use crs::{Crs, Unplaced};
pub use looks::Contradiction;
pub use outline::{Bounds, Outline};
pub use plane::Plane;
pub use validity::{Defect, DefectKind};
