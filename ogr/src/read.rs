//! Tells what is in a file, and streams one layer of it in batches.

use crate::complaints;
use crate::digits::Digits;
use crate::frames::Frames;
use crate::raw::{self, Feature, Features, Kind};
use crate::tables;
use crate::text::Text;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use std::io::Write;
use std::time::{Duration, Instant};
use tuban_ogr_protocol::flag::{BENT, CLOSED, GARBLED, MIXED, OVERLONG, OVERSIZED, RAISED};
use tuban_ogr_protocol::{Bounds, Confinement, FieldHeader, Header, Job, LayerHeader, ReadWish, Sent, Trouble, VERTEX_BYTES, VERTEX_SLACK, frame};

/// A batch is sent once it has this many bytes …
const BATCH_BYTES: usize = 512 << 10;
/// … or this many features.
const BATCH_FEATURES: u32 = 1000;

/// A batch waits no longer to become full, so that it can be told how features come.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Drivers that do not say of a layer whether there are areas in it.
const SILENT: [&str; 2] = ["LIBKML", "TopoJSON"];

/// Does the job.
pub fn read(job: &Job, wish: &ReadWish, confinement: Confinement, out: &mut Frames) -> Result<(), Trouble> {
    let options: &[&str] = match job.driver.as_str() {
        // Text as the bytes it is, whatever the file says of it; rings and nothing repaired.
        "ESRI Shapefile" => &["ENCODING="],
        "GPKG" => &["LIST_ALL_TABLES=NO"],
        _ => &[],
    };
    if job.driver == "GPKG" {
        tables::check(&job.path)?;
    }
    let dataset = raw::open(&job.path, &job.driver, options)?;
    let at_open = complaints::take_failure();
    let text = Text::new(wish.encoding.as_deref());
    let silent = SILENT.contains(&job.driver.as_str());
    let layers = (0..dataset.layer_count()).filter_map(|index| Features::new(&dataset, index)).map(|layer| describe(layer, text, silent, at_open.as_ref()));
    out.json(frame::HEADER, &Header { layers: layers.collect(), confinement })?;
    let mut features = 0;
    if let Some(index) = wish.layer {
        complaints::take_failure();
        let mut layer = Features::new(&dataset, index).ok_or_else(|| Trouble::new("no_layer", index))?;
        let streaming = Streaming {
            bounds: &job.bounds,
            text,
            lines: job.driver == "DXF",
            digits: if job.driver == "ESRI Shapefile" { Digits::beside(&job.path) } else { None },
            fields: fields(&layer, text, wish.names.as_deref())?,
        };
        features = streaming.stream(&mut layer, out)?;
    }
    out.json(frame::END, &Sent { features, warnings: complaints::take_warnings() })
}

fn describe(mut layer: Features<'_>, text: Text, silent: bool, at_open: Option<&String>) -> LayerHeader {
    let (geometry, polygonal) = layer.geometry();
    // What its CRS is like is judged by the service, by what can be told of it.
    let (wkt, epsg) = complaints::aside(|| {
        let srs = layer.spatial_ref();
        (srs.as_ref().and_then(|srs| srs.to_wkt().ok()), srs.and_then(epsg))
    });
    let count = layer.count();
    let fields = layer.fields().into_iter().map(|(raw, _, kind)| FieldHeader { name: text.read(&raw).into_owned(), kind, raw }).collect();
    let polygonal = polygonal && (!silent || count == 0 || has_areas(&mut layer));
    let trouble = complaints::take_failure().or_else(|| at_open.cloned());
    LayerHeader { name: text.read(&layer.name()).into_owned(), geometry, polygonal, count, wkt, epsg, fields, trouble }
}

/// Whether any feature is areas, or has some.
fn has_areas(layer: &mut Features<'_>) -> bool {
    let mut found = false;
    while let (false, Some(feature)) = (found, layer.next()) {
        found = feature.shape().is_some_and(|shape| shape.has_areas());
    }
    layer.rewind();
    found
}

/// The EPSG code of a CRS: its own, or the one that GDAL recognises it by.
fn epsg(mut srs: SpatialRef) -> Option<u32> {
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let own = |srs: &SpatialRef| (srs.auth_name().as_deref() == Some("EPSG")).then(|| srs.auth_code().ok()).flatten();
    own(&srs).or_else(|| srs.auto_identify_epsg().ok().and_then(|()| own(&srs))).and_then(|code| u32::try_from(code).ok())
}

/// A batch of features on its way.
struct Batch {
    bytes: Vec<u8>,
    count: u32,
    began: Instant,
}

impl Batch {
    fn new() -> Self {
        let mut bytes = Vec::with_capacity(BATCH_BYTES * 2);
        bytes.extend([0; 4]);
        Self { bytes, count: 0, began: Instant::now() }
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES || self.count >= BATCH_FEATURES || self.began.elapsed() > LONGEST_WAIT
    }

    fn send(&mut self, out: &mut Frames) -> Result<(), Trouble> {
        if self.count > 0 {
            self.bytes[..4].copy_from_slice(&self.count.to_le_bytes());
            out.send(frame::BATCH, &self.bytes)?;
        }
        self.bytes.truncate(4);
        (self.count, self.began) = (0, Instant::now());
        Ok(())
    }

    /// Appends what `write` writes, behind its length.
    fn sized(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), Trouble>) -> Result<(), Trouble> {
        let at = self.bytes.len();
        self.bytes.extend([0; 4]);
        write(&mut self.bytes)?;
        let length = u32::try_from(self.bytes.len() - at - 4).map_err(|error| Trouble::new("too_large", error))?;
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }
}

/// How a layer is streamed.
struct Streaming<'j> {
    bounds: &'j Bounds,
    text: Text,
    /// Whether closed lines count as areas.
    lines: bool,
    digits: Option<Digits>,
    fields: Vec<Field>,
}

/// A field of the layer.
struct Field {
    raw: Vec<u8>,
    /// What it is called, as JSON.
    name: Vec<u8>,
    kind: Kind,
}

/// The layer's fields, called so where there are as many names.
fn fields(layer: &Features<'_>, text: Text, names: Option<&[String]>) -> Result<Vec<Field>, Trouble> {
    let fields = layer.fields();
    let names = names.filter(|names| names.len() == fields.len());
    let field = |(index, (raw, kind, _)): (usize, (Vec<u8>, Kind, String))| {
        let name = serde_json::to_vec(&names.map_or_else(|| text.read(&raw), |names| names[index].as_str().into()));
        name.map(|name| Field { raw, name, kind }).map_err(|error| Trouble::new("json", error))
    };
    fields.into_iter().enumerate().map(field).collect()
}

impl Streaming<'_> {
    /// Streams the layer; how many features. The first thing that GDAL complains of ends it: what it gave up on would be missing without a word.
    fn stream(&self, layer: &mut Features<'_>, out: &mut Frames) -> Result<u64, Trouble> {
        let (mut batch, mut sent) = (Batch::new(), 0);
        let broken = |sent| match complaints::take_failure() {
            Some(message) => Err(Trouble::new("broken", message).at(sent + 1)),
            None => Ok(()),
        };
        while let Some(feature) = layer.next() {
            self.push(&feature, &mut batch)?;
            if complaints::has_failed() {
                broken(sent)?;
            }
            sent += 1;
            if batch.is_full() {
                batch.send(out)?;
            }
        }
        batch.send(out)?;
        broken(sent).map(|()| sent)
    }

    fn push(&self, feature: &Feature<'_>, batch: &mut Batch) -> Result<(), Trouble> {
        let mut shape = feature.shape();
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let mut flags = 0;
        if let Some(shape) = &mut shape {
            flags |= flag(shape.raised, RAISED) | flag(shape.bent, BENT) | flag(self.lines && shape.close(), CLOSED) | flag(shape.keep_areas(), MIXED);
        }
        let (at, mut garbled) = (batch.bytes.len(), false);
        batch.bytes.push(flags);
        batch.sized(|bytes| self.attributes(feature, bytes).map(|lost| garbled = lost).map_err(|error| Trouble::new("json", error)))?;
        batch.bytes[at] |= flag(garbled, GARBLED);
        let length = (batch.bytes.len() - at - 5) as u64;
        if length > self.bounds.text_bytes {
            batch.bytes.truncate(at + 1);
            batch.bytes[at] |= OVERLONG;
            batch.sized(|bytes| {
                bytes.extend_from_slice(b"{}");
                Ok(())
            })?;
        }
        let is_oversized = shape.as_ref().is_some_and(|shape| (shape.wkb_bytes() / VERTEX_BYTES) as u64 > self.bounds.vertices.saturating_add(VERTEX_SLACK));
        batch.bytes[at] |= flag(is_oversized, OVERSIZED);
        batch.sized(|bytes| {
            if let Some(shape) = shape.filter(|_| !is_oversized) {
                shape.wkb(bytes);
            }
            Ok(())
        })?;
        batch.count += 1;
        Ok(())
    }

    /// The fields of a feature as a JSON object; answers whether some text could not be read in full. Numbers that are none are null.
    fn attributes(&self, feature: &Feature<'_>, out: &mut Vec<u8>) -> std::io::Result<bool> {
        out.push(b'{');
        let (mut first, mut garbled) = (true, false);
        for (index, field) in self.fields.iter().enumerate() {
            if field.kind == Kind::Binary {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(&field.name);
            out.push(b':');
            match field.kind {
                _ if !feature.has(index) => out.extend_from_slice(b"null"),
                Kind::Integer => write!(out, "{}", feature.integer(index))?,
                Kind::Real => self.real(feature, index, out)?,
                Kind::Moment => serde_json::to_writer(&mut *out, &self.text.read(feature.text(index)).replace('/', "-"))?,
                Kind::Binary | Kind::Text => {
                    let (text, lost) = self.text.decode(feature.text(index));
                    garbled |= lost;
                    serde_json::to_writer(&mut *out, &text)?;
                }
            }
        }
        out.push(b'}');
        Ok(garbled)
    }

    /// A real number; one that is whole and too long for a double as the digits that the table has, where it has them.
    fn real(&self, feature: &Feature<'_>, index: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
        let value = feature.real(index);
        let digits = || self.digits.as_ref().and_then(|digits| digits.whole(feature.number(), index, &self.fields[index].raw));
        match if value.abs() < WHOLE { None } else { digits() } {
            Some(digits) => Ok(serde_json::to_writer(out, &digits)?),
            None => number(value, out),
        }
    }
}

/// From here on not every whole number is a double, and which one was meant is not known.
const WHOLE: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;

/// A whole number without decimals, as people wrote it: tables that come out of spreadsheets keep numbers of things, and codes, as real numbers.
fn number(value: f64, out: &mut Vec<u8>) -> std::io::Result<()> {
    if value.fract() == 0.0 && value.abs() < WHOLE { write!(out, "{}", value as i64) } else { Ok(serde_json::to_writer(out, &value)?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_written_as_such() {
        for (value, text) in
            [(371_322_000_043.0, "371322000043"), (-0.0, "0"), (101.0, "101"), (1.5, "1.5"), (9_007_199_254_740_991.0, "9007199254740991"), (f64::NAN, "null")]
        {
            let mut out = Vec::new();
            number(value, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
