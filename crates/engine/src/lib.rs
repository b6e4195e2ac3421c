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
