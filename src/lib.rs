//! Tuban (图斑) tells what every change patch seen from space occupies, and why.
//!
//! The one direction that data flows in: bytes (`formats`) → patches (`tuban_engine::model`) →
//! findings (`tuban_engine`, measured by `tuban_geom`, stored by `service`) → ratios
//! (`tuban_engine::rollup`) → answers (`http`, `cli`). `docs/ARCHITECTURE.md` walks through it.

pub mod cli;
pub mod formats;
pub mod http;
pub mod scope;
pub mod service;
pub mod store;
pub mod tiles;
