//! One polygon against the layers of its time; nothing is stored.

use crate::formats::{contradiction_words, geojson};
use crate::service::{
    Refusal, RefusalKind, Service, ServiceError,
    standing::{Standing, days_of},
};
use std::sync::Arc;
use tuban_engine::model::{Days, Finding, Place, Provenance, Words, today};
use tuban_engine::rule::Tolerance;
use tuban_engine::{classify::classify, normalize::Intake};
use tuban_geom::{Bounds, Contradiction, Crs, Defect, Figure, Written, typical};

/// What a polygon occupies.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedPolygon {
    /// The finding.
    pub finding: Finding,
    /// What was put right of the outline.
    pub defects: Vec<Defect>,
    /// What the finding rests on.
    pub provenance: Provenance,
    /// The box of the outline, degrees.
    pub bounds: Bounds,
    /// When the images were taken between which the ground changed.
    pub days: Days,
    /// Tolerances of the rule.
    pub tolerance: Tolerance,
}

/// Most vertices of a polygon to be checked. What is larger is a survey or a layer; judging an outline may cost the square of its vertices.
pub const MOST_VERTICES: usize = 20_000;

/// Bytes up to which a polygon is checked at once: some five hundred vertices take well below a millisecond, less than to hand them to another thread.
const AT_ONCE_BYTES: usize = 16 << 10;

impl Service {
    /// Checks by what is stored now for those days (without any, for today), for a server that answers other requests meanwhile: a large polygon is checked on a thread of its own,
    /// and waits for its turn.
    pub async fn check_aside(self: &Arc<Self>, geojson: impl AsRef<[u8]> + Send + 'static, days: Option<Days>) -> Result<CheckedPolygon, ServiceError> {
        let days = days.unwrap_or_else(|| days_of(today()));
        let standing = self.standing_at(&days).await?;
        if geojson.as_ref().len() <= AT_ONCE_BYTES {
            return check(&standing, &days, geojson.as_ref());
        }
        let broken = |error: &dyn std::error::Error| ServiceError::Broken(error.to_string());
        let turn = Arc::clone(&self.large_checks).acquire_owned().await.map_err(|error| broken(&error))?;
        // The turn ends with the work, also where the client has left.
        let checked = tokio::task::spawn_blocking(move || {
            let checked = check(&standing, &days, geojson.as_ref());
            drop(turn);
            checked
        });
        checked.await.map_err(|error| broken(&error))?
    }

    /// Measures and judges a GeoJSON Polygon, MultiPolygon or Feature in CRS84 degrees by what is in hand for today.
    pub fn check(&self, geojson: &[u8]) -> Result<CheckedPolygon, ServiceError> {
        check(&self.standing(), &days_of(today()), geojson)
    }
}

fn check(standing: &Standing, days: &Days, geojson: &[u8]) -> Result<CheckedPolygon, ServiceError> {
    let lone = geojson::lone(geojson)?;
    let unacceptable = |code, words, place: Place| {
        // A pointer into a survey, less what stands around a lone feature or geometry there.
        let around = if lone.in_feature { "/features/0" } else { "/features/0/geometry" };
        let pointer = place.pointer(1).strip_prefix(around).map(str::to_owned);
        Refusal { pointer, ..Refusal::new(RefusalKind::Unacceptable, code, words) }
    };
    let outline = lone.outline.map_err(|fault| unacceptable(fault.code(), fault.reason(), fault.place))?;
    if outline.positions.len() > MOST_VERTICES {
        let words = Words::new(
            format!("图形有 {} 个顶点，最多 {MOST_VERTICES} 个", outline.positions.len()),
            format!("the polygon has {} vertices; at most {MOST_VERTICES} are taken", outline.positions.len()),
        );
        return Err(Refusal::new(RefusalKind::Unacceptable, "too_many_vertices", words).into());
    }
    let atlas = &standing.atlas;
    if let Some(contradiction) = Crs::CRS84.contradiction(&typical(&outline.positions), atlas.counties_bounds()).filter(Contradiction::is_certain) {
        return Err(Refusal::new(RefusalKind::Unacceptable, "wrong_crs", contradiction_words(Crs::CRS84, &contradiction)).into());
    }
    let intake = Intake { disputed_m2: standing.rule.tolerance.cover_m2(), ..Intake::new(Crs::CRS84, atlas.plane().clone()) };
    let mut taken = intake.take(outline).map_err(|fault| unacceptable(fault.code, fault.words, fault.place))?;
    let bounds = taken.repaired.as_ref().unwrap_or(&taken.degrees).bounds();
    let figure = Figure::new(std::mem::take(&mut taken.region));
    let mut finding = classify(atlas, &standing.rule, &figure, taken.as_drawn(Written { crs: Crs::CRS84, decimals: None }), days.after, None)?;
    finding.flags.extend(standing.since.flags(days));
    let (provenance, tolerance) = (standing.provenance.clone(), standing.rule.tolerance.clone());
    Ok(CheckedPolygon { finding, defects: taken.defects, provenance, bounds, days: *days, tolerance })
}
