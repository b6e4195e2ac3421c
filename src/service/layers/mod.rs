//! Layers 图层: what patches are held against. A file becomes a version of a layer: its codes are understood, its approvals dated, what is missing from it is kept.
//!
//! [`import`] is the walk of a file; [`codes`] and those beside it read what one feature says; [`job`] is the same walk for a node that holds a job.

pub(crate) mod approval_facts;
pub mod class_codes;
pub mod codes;
pub mod county_codes;
pub(crate) mod county_overlaps;
pub(crate) mod first_seen;
pub mod import;
mod job;
pub mod left_out;
