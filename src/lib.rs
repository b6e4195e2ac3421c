//! Tuban (图斑) tells what every change patch seen from space occupies, and why.
//!
//! The rooms, and the one direction data flows through them: bytes (`formats`) → patches (`land`) → findings (`monitor`,
//! measured by `geom`) → tallies (`monitor::rollup`) → answers (`http`, `cli`). `docs/ARCHITECTURE.md` walks the house.

pub mod cli;
pub mod demo;
pub mod formats;
pub mod http;
pub mod land;
pub mod monitor;
pub mod store;
pub mod tiles;
