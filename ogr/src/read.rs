//! Tells what is in a file, and streams one layer of it in batches.

use crate::frames::{self, Frames};
use crate::job::{Confinement, FieldHeader, Header, Job, LayerHeader, ReadWish, Trouble};
use crate::raw::{self, Feature, Features, Kind};
use crate::text::Text;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use std::io::Write;

/// A batch is sent once it has this many bytes …
const BATCH_BYTES: usize = 512 << 10;
/// … or this many features.
const BATCH_FEATURES: u32 = 1000;

/// It had heights or measures.
const RAISED: u8 = 1;
/// It had arcs.
const BENT: u8 = 2;
/// It was a closed line.
const CLOSED: u8 = 4;
/// It had text that is not in the encoding.
const GARBLED: u8 = 8;

/// Does the job.
pub fn read(job: &Job, wish: &ReadWish, confinement: Confinement, out: &mut Frames) -> Result<(), Trouble> {
    let options: &[&str] = match job.driver.as_str() {
        // Text as the bytes it is, whatever the file says of it; rings and nothing repaired.
        "ESRI Shapefile" => &["ENCODING="],
        "GPKG" => &["LIST_ALL_TABLES=NO"],
        _ => &[],
    };
    let dataset = raw::open(&job.path, &job.driver, options)?;
    let text = Text::new(wish.encoding.as_deref());
    let layers = (0..dataset.layer_count()).filter_map(|index| Features::new(&dataset, index)).map(|layer| describe(&layer, text)).collect();
    out.json(frames::HEADER, &Header { layers, confinement })?;
    if let Some(index) = wish.layer {
        let mut layer = Features::new(&dataset, index).ok_or_else(|| Trouble::new("no_layer", index))?;
        stream(&mut layer, text, job.driver == "DXF", out)?;
    }
    out.send(frames::END, &[])
}

fn describe(layer: &Features<'_>, text: Text) -> LayerHeader {
    let (geometry, polygonal) = layer.geometry();
    let srs = layer.spatial_ref();
    LayerHeader {
        name: text.read(&layer.name()).into_owned(),
        geometry,
        polygonal,
        count: layer.count(),
        wkt: srs.as_ref().and_then(|srs| srs.to_wkt().ok()),
        epsg: srs.and_then(epsg),
        fields: layer.fields().into_iter().map(|(name, _, kind)| FieldHeader { name: text.read(&name).into_owned(), kind }).collect(),
    }
}

/// The EPSG code of a CRS: its own, or the one that GDAL recognises it by.
fn epsg(mut srs: SpatialRef) -> Option<u32> {
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let own = |srs: &SpatialRef| (srs.auth_name().as_deref() == Some("EPSG")).then(|| srs.auth_code().ok()).flatten();
    own(&srs).or_else(|| srs.auto_identify_epsg().ok().and_then(|()| own(&srs))).and_then(|code| u32::try_from(code).ok())
}

/// Features on their way: how many, then each as flags, attributes (length and JSON), geometry (length and WKB, nothing where there is none).
struct Batch {
    bytes: Vec<u8>,
    count: u32,
}

impl Batch {
    fn new() -> Self {
        let mut bytes = Vec::with_capacity(BATCH_BYTES * 2);
        bytes.extend([0; 4]);
        Self { bytes, count: 0 }
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES || self.count >= BATCH_FEATURES
    }

    fn send(&mut self, out: &mut Frames) -> Result<(), Trouble> {
        if self.count > 0 {
            self.bytes[..4].copy_from_slice(&self.count.to_le_bytes());
            out.send(frames::BATCH, &self.bytes)?;
        }
        self.bytes.truncate(4);
        self.count = 0;
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

fn stream(layer: &mut Features<'_>, text: Text, lines: bool, out: &mut Frames) -> Result<(), Trouble> {
    let fields: Vec<(Vec<u8>, Kind)> = layer
        .fields()
        .into_iter()
        .map(|(name, kind, _)| serde_json::to_vec(&text.read(&name)).map(|name| (name, kind)).map_err(|error| Trouble::new("json", error)))
        .collect::<Result<_, _>>()?;
    let mut batch = Batch::new();
    raw::forget_errors();
    while let Some(feature) = layer.next() {
        let mut shape = feature.shape();
        let closed = lines && shape.as_mut().is_some_and(raw::Shape::close);
        let flags =
            shape.as_ref().map_or(0, |shape| if shape.raised { RAISED } else { 0 } | if shape.bent { BENT } else { 0 }) | if closed { CLOSED } else { 0 };
        let (at, mut garbled) = (batch.bytes.len(), false);
        batch.bytes.push(flags);
        batch.sized(|bytes| attributes(&feature, &fields, text, bytes).map(|lost| garbled = lost).map_err(|error| Trouble::new("json", error)))?;
        batch.bytes[at] |= if garbled { GARBLED } else { 0 };
        batch.sized(|bytes| {
            if let Some(shape) = shape {
                shape.wkb(bytes);
            }
            Ok(())
        })?;
        batch.count += 1;
        if batch.is_full() {
            batch.send(out)?;
        }
    }
    batch.send(out)?;
    match raw::last_error() {
        Some(message) => Err(Trouble::new("broken", message)),
        None => Ok(()),
    }
}

/// The fields of a feature as a JSON object; answers whether some text could not be read in full. Numbers that are none are null.
fn attributes(feature: &Feature<'_>, fields: &[(Vec<u8>, Kind)], text: Text, out: &mut Vec<u8>) -> std::io::Result<bool> {
    out.push(b'{');
    let (mut first, mut garbled) = (true, false);
    for (index, (name, kind)) in fields.iter().enumerate() {
        if *kind == Kind::Binary {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend_from_slice(name);
        out.push(b':');
        match kind {
            _ if !feature.has(index) => out.extend_from_slice(b"null"),
            Kind::Integer => write!(out, "{}", feature.integer(index))?,
            Kind::Real => number(feature.real(index), out)?,
            Kind::Moment => serde_json::to_writer(&mut *out, &text.read(feature.text(index)).replace('/', "-"))?,
            Kind::Binary | Kind::Text => {
                let (text, lost) = text.decode(feature.text(index));
                garbled |= lost;
                serde_json::to_writer(&mut *out, &text)?;
            }
        }
    }
    out.push(b'}');
    Ok(garbled)
}

/// A whole number without decimals, as people wrote it: tables that come out of spreadsheets keep numbers of things, and codes, as real numbers.
fn number(value: f64, out: &mut Vec<u8>) -> std::io::Result<()> {
    /// From here on not every whole number is a double, and which one was meant is not known.
    const WHOLE: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
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
