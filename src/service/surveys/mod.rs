//! Surveys 监测批次: a file of patches becomes patches with findings, published at once.
//!
//! [`import`] is the walk of a file; [`judging`] makes a finding of one feature; [`withdrawal`] takes
//! a survey back; [`job`] is the same walk for a node that holds a job.

pub(crate) mod ids;
pub mod import;
mod job;
pub(crate) mod judging;
pub(crate) mod patch_id;
pub mod reading;
pub(crate) mod sums;
pub mod upload;
pub mod withdrawal;
