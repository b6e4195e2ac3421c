//! Outlines as GeoJSON geometries.

use serde::{Serialize, Serializer, ser::SerializeSeq};
use std::borrow::Cow;
use tuban_geom::Outline;

/// An outline as a GeoJSON geometry; rings are closed.
#[derive(Debug, Clone)]
pub struct Geometry<'a>(pub Cow<'a, Outline>);

impl Serialize for Geometry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let outline = &*self.0;
        let parts: Vec<Vec<Ring<'_>>> = outline.parts().map(|rings| rings.map(|ring| Ring(outline.ring(ring))).collect()).collect();
        let mut map = serializer.serialize_map(Some(2))?;
        if let (false, [only]) = (outline.multi, parts.as_slice()) {
            map.serialize_entry("type", "Polygon")?;
            map.serialize_entry("coordinates", only)?;
        } else {
            map.serialize_entry("type", "MultiPolygon")?;
            map.serialize_entry("coordinates", &parts)?;
        }
        map.end()
    }
}

struct Ring<'a>(&'a [[f64; 2]]);

impl Serialize for Ring<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let closing = if self.0.first() == self.0.last() { None } else { self.0.first() };
        let mut list = serializer.serialize_seq(None)?;
        for position in self.0.iter().chain(closing) {
            list.serialize_element(position)?;
        }
        list.end()
    }
}
