//! JSON Schemas of what no type of ours describes.

use utoipa::openapi::{Array, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, RefOr, Schema, Type};

/// A word that is always the same.
fn word(word: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word])).build()
}

/// The type of a GeoJSON FeatureCollection.
pub fn feature_collection() -> Object {
    word("FeatureCollection")
}

/// A GeoJSON Polygon or MultiPolygon.
pub fn outline() -> RefOr<Schema> {
    let position = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::Number)).min_items(Some(2)).max_items(Some(2));
    let part: Array = ArrayBuilder::new().items(ArrayBuilder::new().items(position)).build();
    let geometry = |name: &str, coordinates: Array| {
        ObjectBuilder::new().property("type", word(name)).required("type").property("coordinates", coordinates).required("coordinates")
    };
    let polygon = geometry("Polygon", part.clone());
    let multipolygon = geometry("MultiPolygon", ArrayBuilder::new().items(RefOr::T(part.into())).build());
    OneOfBuilder::new().item(polygon).item(multipolygon).into()
}
