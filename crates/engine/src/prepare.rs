//! From the stored features of a layer to a layer that is ready for measuring. Pure: the features come in portions from the caller.

use crate::atlas::{LayerBuilder, PreparedLayer};
use crate::memory::Memory;
use crate::model::{Layer, LayerFeature, LeftOut, Words};
use crate::normalize::region_again;
use rayon::prelude::*;
use std::io;
use tuban_geom::{Outline, Pieces, Plane};

/// A layer that is being prepared from its stored features.
#[derive(Debug)]
pub struct Preparation {
    layer: i64,
    plane: Plane,
    builder: LayerBuilder,
    /// The first failure to write positions outside memory; what comes after it is passed over.
    written: io::Result<()>,
}

impl Preparation {
    /// Begins to prepare `layer` in `plane`; its positions lie in `memory` as far as there is room.
    #[must_use]
    pub fn of(layer: &Layer, plane: &Plane, memory: &Memory) -> Self {
        Self { layer: layer.id, plane: plane.clone(), builder: LayerBuilder::new(layer.kind, memory), written: Ok(()) }
    }

    /// Takes the next features in. One that no longer passes its check is left out and named: a single feature must not keep all others from being used.
    pub fn push(&mut self, features: &[LayerFeature]) {
        for (feature, pieces) in pieces(&self.plane, features) {
            match pieces {
                Some(pieces) if self.written.is_ok() => self.written = self.builder.push(&feature.facts, &pieces, &feature.degrees),
                Some(_) => {}
                None => {
                    tracing::warn!(layer = self.layer, row = feature.row, "a feature no longer passes the check it passed on import; it is left out");
                    self.builder.leave_out(no_longer_passes(feature.row, as_stored(feature)));
                }
            }
        }
    }

    /// Indexes the layer. Fails where its positions did not fit into memory and could not be written elsewhere.
    pub fn finish(self) -> io::Result<PreparedLayer> {
        self.written?;
        self.builder.finish()
    }
}

/// The outline that is measured.
fn as_stored(feature: &LayerFeature) -> &Outline {
    feature.repaired.as_ref().unwrap_or(&feature.degrees)
}

/// Stored features cut into pieces, in order; `None` where one no longer passes its check.
fn pieces<'f>(plane: &Plane, features: &'f [LayerFeature]) -> Vec<(&'f LayerFeature, Option<Pieces>)> {
    let pieces = |feature: &'f LayerFeature| {
        let outline = as_stored(feature);
        // What lies nowhere on earth was taken in by no import: it is damage.
        let on_earth = outline.positions.iter().all(|[lon, lat]| lon.abs() <= 180.0 && lat.abs() <= 90.0);
        let region = if on_earth { region_again(outline, plane) } else { None };
        (feature, region.map(|region| Pieces::of(&region)))
    };
    features.par_iter().map(pieces).collect()
}

/// What people are told of a feature that no longer passes the check it passed on import.
fn no_longer_passes(row: u64, outline: &Outline) -> LeftOut {
    let words = Words::new("图形未能通过复核，未参与套合", "the outline no longer passes its check and is not used");
    LeftOut { row, code: "no_longer_passes".to_owned(), reason: words, bounds: Some(outline.bounds()) }
}
