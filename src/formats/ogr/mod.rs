//! Formats that GDAL reads: each file is given to a process of its own, `tuban-ogr`, which is confined and may die without harm.
//!
//! GDAL is not linked here: its SQLite and ours would share symbols, and it reads what strangers send. `tuban_ogr_protocol` is what the two say to each other.

mod batch;
mod gdal_words;
mod pace;
mod pipes;
mod worker;
mod workshop;

pub(super) use gdal_words::unreadable;
pub use tuban_ogr_protocol::{Confinement, Fault, LayerHeader};
pub use worker::Worker;
pub(crate) use workshop::Folder;
pub use workshop::Workshop;

use super::{FeatureBatch, FeatureBounds, FeatureSource, Head, ReadError, shapefile};
use batch::Batch;
use std::path::PathBuf;
use tuban_geom::Crs;
use tuban_ogr_protocol::Sent;
use worker::Frame;

/// How many features a layer says it has.
#[derive(Debug, Clone)]
pub struct Announced {
    /// So many.
    pub features: u64,
    /// The `.shp` of a Shapefile: in its table rows may be marked as deleted, which are counted and passed over.
    pub table: Option<PathBuf>,
    /// Whether it may be out of date: a GeoPackage keeps it beside its table, and a `MapInfo` table counts what was deleted.
    pub may_be_stale: bool,
}

/// A layer being read.
pub struct Reader {
    worker: Worker,
    head: Head,
    crs: Crs,
    row: u64,
    announced: Announced,
    /// Whether what has no geometry here may have curves in the file.
    has_curves: bool,
    bounds: FeatureBounds,
    ended: bool,
}

impl Reader {
    /// A reader of the layer that `worker` streams, of which it said how many features it has.
    #[must_use]
    pub fn new(worker: Worker, head: Head, crs: Crs, announced: Announced) -> Self {
        let bounds = worker.bounds();
        Self { worker, head, crs, row: 1, announced, has_curves: false, bounds, ended: false }
    }

    /// Notes that the file has curves, which GDAL hands over as no geometry.
    #[must_use]
    pub fn with_curves(self, has_curves: bool) -> Self {
        Self { has_curves, ..self }
    }

    /// More features than can be: a count may be stale, but not by so much.
    fn most(&self) -> u64 {
        self.announced.features.saturating_mul(10).saturating_add(100_000)
    }

    /// That all came that was announced, and what GDAL warned of.
    fn conclude(&mut self, sent: &Sent) -> Result<(), ReadError> {
        let came = self.row - 1;
        let mut expected = self.announced.features;
        if let Some(table) = self.announced.table.as_ref().filter(|_| came < expected) {
            expected = expected.saturating_sub(shapefile::deleted_rows(table)?);
        }
        if sent.features != came || (came < expected && !self.announced.may_be_stale) {
            return Err(ReadError::refused(
                "features_missing",
                format!("图层自称有 {expected} 个要素，只读出 {came} 个，其余读不出，整个文件未采用；请重新导出"),
                format!("the layer says that it has {expected} features, but only {came} can be read, so nothing of the file was taken; export it again"),
            ));
        }
        self.head.notes.extend(sent.warnings.iter().map(|warning| gdal_words::translated(warning)));
        Ok(())
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
                let batch = Batch::new(bytes, self.row, self.bounds)?.with_curves(self.has_curves);
                self.row += batch.len() as u64;
                if self.row > self.most() {
                    return Err(worker::flood());
                }
                self.head.bent |= batch.any_bent();
                self.head.garbled += batch.garbled();
                self.worker.straightened(batch.bent_bytes());
                self.worker.keep_pace(&batch)?;
                Ok(Some(Box::new(batch)))
            }
            Frame::End(sent) => {
                self.ended = true;
                self.conclude(&sent)?;
                Ok(None)
            }
            Frame::Header(_) => Err(batch::nonsense()),
        }
    }

    fn bytes_read(&self) -> u64 {
        self.worker.bytes()
    }
}
