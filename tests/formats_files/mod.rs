//! Surveys and layers as they really arrive. `docs/FORMATS.md` names these tests.

mod bounds;
mod detective;
mod exports;
mod geopackage;
mod hostile;
mod http;
pub(crate) mod kit;
mod reading;
mod rings;
mod same_survey;
mod worker;
mod writing;
