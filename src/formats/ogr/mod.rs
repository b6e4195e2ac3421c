//! Formats that GDAL reads: each file is given to a process of its own, `tuban-ogr`, which is confined and may die without harm.
//!
//! GDAL is not linked here: its SQLite and ours would share symbols, and it reads what strangers send. The other half of the agreement is the package `ogr/`.

mod agreement;
mod batch;
mod pipes;
mod worker;
mod workshop;

pub use agreement::{Confinement, LayerHeader};
pub(super) use agreement::{NewField, WriteWish};
pub use worker::Worker;
pub(super) use workshop::Folder;
pub use workshop::Workshop;

use super::{FeatureBatch, FeatureSource, Head, ReadError};
use crate::geom::Crs;
use batch::Batch;
use worker::Frame;

/// A layer being read.
pub struct Reader {
    worker: Worker,
    head: Head,
    crs: Crs,
    row: u64,
    /// More features than can be: a count may be stale, but not by so much.
    most: u64,
    ended: bool,
}

impl Reader {
    /// A reader of the layer that `worker` streams, of which it said how many features it has.
    #[must_use]
    pub fn new(worker: Worker, head: Head, crs: Crs, announced: u64) -> Self {
        Self { worker, head, crs, row: 1, most: announced.saturating_mul(10).saturating_add(100_000), ended: false }
    }
}

impl FeatureSource for Reader {
    fn head(&self) -> &Head {
        &self.head
    }

    fn crs(&self) -> Crs {
        self.crs
    }

    fn next_batch(&mut self) -> Result<Option<Box<dyn FeatureBatch>>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        match self.worker.next()? {
            Frame::Batch(bytes) => {
                let batch = Batch::new(bytes, self.row, self.crs.is_degrees())?;
                self.row += batch.len() as u64;
                if self.row > self.most {
                    return Err(worker::flood());
                }
                self.head.bent |= batch.any_bent();
                self.head.garbled += batch.garbled();
                self.worker.straightened(batch.bent_bytes());
                Ok(Some(Box::new(batch)))
            }
            Frame::End => {
                self.ended = true;
                Ok(None)
            }
            Frame::Header(_) => Err(batch::nonsense()),
        }
    }

    fn bytes_read(&self) -> u64 {
        self.worker.bytes()
    }
}
