//! Bytes to values.

pub mod json;
