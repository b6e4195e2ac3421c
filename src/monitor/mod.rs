//! What the service knows how to do: from bytes to findings, from findings to tallies. `http` and `cli` call it.

pub mod atlas;
pub mod classify;
pub mod explain;
pub mod rollup;
pub mod rule;
