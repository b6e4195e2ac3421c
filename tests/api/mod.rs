//! The HTTP interface, one module a resource; what bad input gets is in `refusals`.

mod patches;
mod ratios;
mod surveys;

use crate::app;
