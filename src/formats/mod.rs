//! Bytes to values: files of features, read in batches whatever their format.
//!
//! A [`FeatureSource`] runs on one thread and only cuts a file into [`FeatureBatch`]es; many threads then read features out of them. A new
//! format brings its own pair of the two and one line in [`Arrival::open`]; the service does not change.
//!
//! Knows no store, no HTTP, and nothing of what a feature will be held against.

mod adopting;
mod archive;
mod arrival;
mod bounds;
mod crs_text;
mod encoding;
mod error;
mod feature;
mod field_names;
mod fields;
mod foreign;
pub mod geojson;
pub mod json;
mod land_txt;
mod narrow;
pub mod ogr;
mod placing;
mod prj;
mod shapefile;
mod sniff;
pub mod table;
pub mod wkb;
mod wkt;
pub mod writing;

pub use adopting::companions;
pub use arrival::{Arrival, Gcj02, Layer, Stated};
pub use bounds::{Bounds as FeatureBounds, Held, Room};
pub use crs_text::{NamedCrs, why_not};
pub use encoding::Choice as EncodingChoice;
pub use error::ReadError;
pub use feature::{Fault, FaultKind, RawFeature, Values};
pub use fields::{Field, FieldMap, Wanted};
pub use narrow::{narrow, tidy_code};
pub use placing::{contradiction_words, few_decimals};

use std::collections::BTreeSet;
use tuban_engine::model::Words;
use tuban_geom::Crs;

/// What a file says of itself, as far as it has been read: members may follow the features.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Head {
    /// The CRS it names.
    pub crs: Option<Crs>,
    /// The name it gives itself.
    pub name: Option<String>,
    /// True when it says that its features are invented.
    pub invented: bool,
    /// What people should know of how it was read.
    pub notes: Vec<Words>,
    /// True when arcs were straightened.
    pub bent: bool,
    /// Rows with text that its encoding cannot be, so far.
    pub garbled: u64,
    /// Whether its rings are told to be shells or holes by the direction they run in.
    pub by_direction: bool,
}

/// A file being read, batch by batch.
pub trait FeatureSource: Send {
    /// What the file says of itself; complete once [`next_batch`](Self::next_batch) has answered `None`.
    fn head(&self) -> &Head;

    /// The CRS that its positions are taken to be in: the one forced, else the file's, else its format's default.
    fn crs(&self) -> Crs;

    /// The next features, in the file's order; `None` after the last. Bounded in memory whatever the size of the file.
    ///
    /// # Errors
    /// When the file cannot be read on. [`ReadError::CrsAfterFeatures`] says that everything read so far was placed wrongly: open the file again
    /// with that CRS forced, and forget what was read. After an error there is nothing more to read.
    fn next_batch(&mut self) -> Result<Option<Box<dyn FeatureBatch>>, ReadError>;

    /// Bytes of the file read so far.
    fn bytes_read(&self) -> u64;
}

/// Some consecutive features of a file, to be read by whichever thread has time.
pub trait FeatureBatch: Send + Sync {
    /// Row of the first feature, from 1.
    fn first_row(&self) -> u64;

    /// How many features.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory or file they are, roughly.
    fn bytes(&self) -> usize;

    /// How many vertices they have at the most.
    fn most_vertices(&self) -> u64;

    /// Names of the fields that the first `sample` features have.
    ///
    /// # Errors
    /// As [`feature`](Self::feature).
    fn keys(&self, sample: usize) -> Result<BTreeSet<String>, ReadError>;

    /// Feature number `index` of the batch, from 0.
    ///
    /// # Errors
    /// When the file is broken there. A feature that is well written but no land is no error: see [`RawFeature::geometry`].
    fn feature<'a>(&'a self, index: usize, fields: &FieldMap) -> Result<RawFeature<'a>, ReadError>;
}
