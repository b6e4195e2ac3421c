//! GeoJSON: a FeatureCollection with a `crs` member, numbers to the last digit.

use super::{Cell, FeatureWriter, Layout, WriteError};
use crate::formats::geojson::Geometry;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use tuban_geom::Outline;

/// A collection being written.
pub(super) struct Collection {
    out: BufWriter<File>,
    layout: Layout,
    first: bool,
}

impl Collection {
    pub fn begin(file: File, layout: &Layout) -> Result<Self, WriteError> {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let (name, epsg) = (&layout.layer, layout.crs.epsg());
        let invented = if layout.invented { "\"invented\":true," } else { "" };
        writeln!(
            out,
            "{{\"type\":\"FeatureCollection\",\"name\":\"{name}\",{invented}\"crs\":{{\"type\":\"name\",\"properties\":{{\"name\":\"urn:ogc:def:crs:EPSG::{epsg}\"}}}},\"features\":["
        )?;
        Ok(Self { out, layout: layout.clone(), first: true })
    }
}

/// Cells as the members of an object.
struct Properties<'a>(&'a Layout, &'a [Cell<'a>]);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.1.len()))?;
        for (column, cell) in self.0.columns.iter().zip(self.1) {
            map.serialize_entry(column.key, cell)?;
        }
        map.end()
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
        }
    }
}

impl FeatureWriter for Collection {
    fn push(&mut self, cells: &[Cell<'_>], outline: &Outline) -> Result<(), WriteError> {
        let json = std::io::Error::from;
        self.out.write_all(if std::mem::take(&mut self.first) { b"" } else { b",\n" })?;
        self.out.write_all(b"{\"type\":\"Feature\",\"properties\":")?;
        serde_json::to_writer(&mut self.out, &Properties(&self.layout, cells)).map_err(json)?;
        self.out.write_all(b",\"geometry\":")?;
        serde_json::to_writer(&mut self.out, &Geometry(Cow::Borrowed(outline))).map_err(json)?;
        Ok(self.out.write_all(b"}")?)
    }

    fn finish(mut self: Box<Self>) -> Result<File, WriteError> {
        self.out.write_all(b"\n]}\n")?;
        Ok(self.out.into_inner().map_err(std::io::IntoInnerError::into_error)?)
    }
}
