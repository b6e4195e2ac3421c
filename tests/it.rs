//! The one integration binary; its tree mirrors what is tested.
#![allow(clippy::pedantic, clippy::type_complexity, clippy::cloned_ref_to_slice_refs, reason = "a test should read like a sentence")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may die; clippy.toml allows it in test functions only, not in what they share"
)]

mod api;
mod app;
mod builders;
mod cli;
mod cluster;
mod formats_files;
mod fuzz;
mod kernel;
mod store;
