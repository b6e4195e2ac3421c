//! The HTTP interface, one module a resource; what bad input gets is in `refusals`.

mod approvals;
mod bounds;
mod cancelling;
mod check;
mod codes;
mod edge;
mod exports;
mod fairness;
mod jobs;
mod layer_sets;
mod layers;
mod left_out;
mod long_names;
mod memory;
mod nodes;
mod openapi;
mod origin;
mod patches;
mod questions;
mod ratios;
mod reclassification;
mod refusals;
mod scope;
mod second_city;
mod seen;
mod shared_ground;
mod stores;
mod surveys;
mod tiles;
mod too_large;
mod unknown_farmland;
mod verdicts;
mod withdrawals;

use crate::app;
