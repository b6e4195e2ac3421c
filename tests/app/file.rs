//! GeoJSON files as text, with what a test needs to be wrong with them.

use serde_json::{Value, json};
use std::fmt::Write;

/// A GeoJSON file being written. Coordinates get nine decimals.
#[derive(Clone, Default)]
pub(crate) struct File {
    members: String,
    features: Vec<String>,
}

impl File {
    /// A member before `features`, e.g. `"crs":…`.
    pub(crate) fn member(mut self, member: &str) -> Self {
        let _ = write!(self.members, "{member},");
        self
    }

    /// A feature with these properties and this geometry, as texts.
    pub(crate) fn feature(self, properties: &Value, geometry: &str) -> Self {
        self.raw(&format!(r#"{{"type":"Feature","properties":{properties},"geometry":{geometry}}}"#))
    }

    /// A feature as text, right or wrong.
    pub(crate) fn raw(mut self, feature: &str) -> Self {
        self.features.push(feature.to_owned());
        self
    }

    /// A patch with this id and these rings; it says when its images were taken.
    pub(crate) fn patch(self, patch_id: &str, rings: &[Vec<[f64; 2]>]) -> Self {
        self.feature(&dated(json!({ "JCBH": patch_id })), &polygon(rings))
    }

    /// A patch with this id and these coordinates, as text.
    pub(crate) fn patch_of(self, patch_id: &str, coordinates: &str) -> Self {
        self.feature(&dated(json!({ "JCBH": patch_id })), &format!(r#"{{"type":"Polygon","coordinates":{coordinates}}}"#))
    }

    /// With `to` in the place of `from` in every feature.
    pub(crate) fn replaced(mut self, from: &str, to: &str) -> Self {
        self.features.iter_mut().for_each(|feature| *feature = feature.replace(from, to));
        self
    }

    /// The file.
    pub(crate) fn text(&self) -> String {
        format!(r#"{{"type":"FeatureCollection",{}"features":[{}]}}"#, self.members, self.features.join(",\n"))
    }
}

/// These properties, and when the images were taken.
pub(crate) fn dated(mut properties: Value) -> Value {
    properties["QSX"] = json!("20220105");
    properties["HSX"] = json!("2022/4/12");
    properties
}

/// The closed ring around a box of degrees.
pub(crate) fn rectangle(west: f64, south: f64, east: f64, north: f64) -> Vec<[f64; 2]> {
    vec![[west, south], [east, south], [east, north], [west, north], [west, south]]
}

/// A Polygon of these rings, as text.
pub(crate) fn polygon(rings: &[Vec<[f64; 2]>]) -> String {
    format!(r#"{{"type":"Polygon","coordinates":{}}}"#, coordinates(rings))
}

/// Coordinates of these rings, as text.
pub(crate) fn coordinates(rings: &[Vec<[f64; 2]>]) -> String {
    let rings: Vec<String> =
        rings.iter().map(|ring| format!("[{}]", ring.iter().map(|[x, y]| format!("[{x:.9},{y:.9}]")).collect::<Vec<_>>().join(","))).collect();
    format!("[{}]", rings.join(","))
}
