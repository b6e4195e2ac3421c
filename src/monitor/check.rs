//! One polygon against the layers in force; nothing is stored.

use super::{Monitor, MonitorError, Refusal, RefusalKind, classify::classify, intake::Intake};
use crate::formats::{contradiction_words, geojson};
use crate::geom::{Contradiction, Crs, Defect, Figure, typical};
use crate::land::{Finding, Place, Provenance};

/// What a polygon occupies.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedPolygon {
    /// The finding.
    pub finding: Finding,
    /// What was put right of the outline.
    pub defects: Vec<Defect>,
    /// What the finding rests on.
    pub provenance: Provenance,
}

impl Monitor {
    /// Measures and judges a GeoJSON Polygon, MultiPolygon or Feature in CRS84 degrees.
    pub fn check(&self, geojson: &[u8]) -> Result<CheckedPolygon, MonitorError> {
        let lone = geojson::lone(geojson)?;
        let unacceptable = |code, words, place: Place| {
            // A pointer into a survey, less what stands around a lone feature or geometry there.
            let around = if lone.in_feature { "/features/0" } else { "/features/0/geometry" };
            let pointer = place.pointer(1).strip_prefix(around).map(str::to_owned);
            Refusal { pointer, ..Refusal::new(RefusalKind::Unacceptable, code, words) }
        };
        let outline = lone.outline.map_err(|fault| unacceptable(fault.code(), fault.reason(), fault.place))?;
        let atlas = self.atlas();
        if let Some(contradiction) = Crs::CRS84.contradiction(&typical(&outline.positions), atlas.counties_bounds()).filter(Contradiction::is_certain) {
            return Err(Refusal::new(RefusalKind::Unacceptable, "wrong_crs", contradiction_words(Crs::CRS84, &contradiction)).into());
        }
        let intake = Intake { crs: Crs::CRS84, shifted: false, plane: atlas.plane().clone() };
        let taken = intake.take(outline).map_err(|fault| unacceptable(fault.code, fault.words, fault.place))?;
        let finding = classify(&atlas, &self.rule, &Figure::new(taken.region), None)?;
        Ok(CheckedPolygon { finding, defects: taken.defects, provenance: self.provenance(&atlas) })
    }
}
