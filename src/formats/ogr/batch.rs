//! Features as the worker sends them: flags, attributes as JSON text, geometry as WKB. Nothing of it is believed before it is looked at.

use crate::formats::json::{self, Cursor};
use crate::formats::{Fault, FaultKind, FeatureBatch, FeatureBounds, FieldMap, RawFeature, ReadError, Values, wkb};
use std::collections::BTreeSet;
use std::ops::Range;
use tuban_geom::Outline;
use tuban_ogr_protocol::flag::{BENT, GARBLED, MIXED, OVERLONG, OVERSIZED, RAISED};
use tuban_ogr_protocol::{VERTEX_BYTES, VERTEX_SLACK};

/// Consecutive features.
pub(super) struct Batch {
    first_row: u64,
    bytes: Vec<u8>,
    features: Vec<Feature>,
    has_curves: bool,
    bounds: FeatureBounds,
}

struct Feature {
    flags: u8,
    attributes: Range<usize>,
    geometry: Range<usize>,
}

impl Batch {
    /// The features of a frame.
    pub fn new(bytes: Vec<u8>, first_row: u64, bounds: FeatureBounds) -> Result<Self, ReadError> {
        let features = split(&bytes).ok_or_else(nonsense)?;
        Ok(Self { first_row, bytes, features, has_curves: false, bounds })
    }

    /// Notes that the file has curves, which GDAL hands over as no geometry.
    pub fn with_curves(self, has_curves: bool) -> Self {
        Self { has_curves, ..self }
    }

    /// Whether any had arcs.
    pub fn any_bent(&self) -> bool {
        self.features.iter().any(|feature| feature.flags & BENT != 0)
    }

    /// How many had text that is not in the encoding.
    pub fn garbled(&self) -> u64 {
        self.features.iter().filter(|feature| feature.flags & GARBLED != 0).count() as u64
    }

    /// Bytes of the shapes that had arcs.
    pub fn bent_bytes(&self) -> u64 {
        self.features.iter().filter(|feature| feature.flags & BENT != 0).map(|feature| feature.geometry.len() as u64).sum()
    }

    /// Why the feature is more than one may be, told before anything is built of it.
    fn excess(&self, feature: &Feature, keys: u64) -> Option<Fault> {
        let bounds = &self.bounds;
        let is_over = |flag: u8, count: usize, most: u64| feature.flags & flag != 0 || count as u64 > most;
        let kind = if is_over(OVERSIZED, feature.geometry.len() / VERTEX_BYTES, bounds.vertices.saturating_add(VERTEX_SLACK)) {
            FaultKind::TooManyVertices(bounds.vertices)
        } else if is_over(OVERLONG, feature.attributes.len(), bounds.text_bytes) {
            FaultKind::TooMuchText(bounds.text_bytes)
        } else if keys > bounds.keys {
            FaultKind::TooManyKeys(bounds.keys)
        } else {
            return None;
        };
        Some(Fault::of(kind))
    }

    fn attributes(&self, feature: &Feature) -> Result<&str, ReadError> {
        std::str::from_utf8(&self.bytes[feature.attributes.clone()]).map_err(|_| nonsense())
    }
}

/// Where each feature lies; none where the frame is not what it says.
fn split(bytes: &[u8]) -> Option<Vec<Feature>> {
    let mut at = 4;
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let count = number(0)?;
    let mut features = Vec::with_capacity(count.min(bytes.len() / 9));
    for _ in 0..count {
        let flags = *bytes.get(at)?;
        let attributes = at + 5..(at + 5).checked_add(number(at + 1)?)?;
        let geometry = attributes.end + 4..(attributes.end + 4).checked_add(number(attributes.end)?)?;
        at = geometry.end;
        bytes.get(..at)?;
        features.push(Feature { flags, attributes, geometry });
    }
    (at == bytes.len()).then_some(features)
}

/// The refusal of what does not keep to the protocol.
pub(super) fn nonsense() -> ReadError {
    ReadError::refused(
        "worker_nonsense",
        "读取程序 tuban-ogr 的应答无法识别，请确认它与本服务版本一致",
        "tuban-ogr answered what cannot be understood; make sure that it is of the same version as the service",
    )
}

impl FeatureBatch for Batch {
    fn first_row(&self) -> u64 {
        self.first_row
    }

    fn len(&self) -> usize {
        self.features.len()
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn most_vertices(&self) -> u64 {
        self.features.iter().map(|feature| (feature.geometry.len() / VERTEX_BYTES) as u64).sum()
    }

    fn keys(&self, sample: usize) -> Result<BTreeSet<String>, ReadError> {
        let mut keys = BTreeSet::new();
        for feature in self.features.iter().take(sample) {
            let mut cursor = Cursor::new(self.attributes(feature)?);
            let each = |cursor: &mut Cursor<'_>, key: json::RawText<'_>| {
                let key = key.decode();
                if !keys.contains(key.as_ref()) {
                    keys.insert(key.into_owned());
                }
                cursor.value().map(drop)
            };
            cursor.members(each).map_err(|_| nonsense())?;
        }
        Ok(keys)
    }

    fn feature<'a>(&'a self, index: usize, fields: &FieldMap) -> Result<RawFeature<'a>, ReadError> {
        let feature = self.features.get(index).ok_or_else(nonsense)?;
        let attributes = self.attributes(feature)?;
        let mut values = Values::default();
        let mut cursor = Cursor::new(attributes);
        let mut keys = 0;
        let read = |cursor: &mut Cursor<'a>, key| {
            keys += 1;
            values.read(fields, cursor, key)
        };
        cursor.members(read).and_then(|()| cursor.expect_end()).map_err(|_| nonsense())?;
        let read = || wkb::outline(&self.bytes[feature.geometry.clone()], self.bounds.vertices);
        let geometry = self.excess(feature, keys).map_or_else(read, Err).map_err(|fault| match fault.kind {
            FaultKind::NoGeometry if self.has_curves => Fault { kind: FaultKind::Curves, ..fault },
            _ => fault,
        });
        let decimals = geometry.as_ref().map_or(0, decimals);
        Ok(RawFeature {
            row: self.first_row + index as u64,
            feature_id: None,
            attributes,
            fields: values,
            geometry,
            decimals,
            has_z: feature.flags & RAISED != 0,
            mixed: feature.flags & MIXED != 0,
        })
    }
}

/// Decimals that positions look at at: a number that is a multiple of 10⁻⁶ to the last bit or so was written with six.
fn decimals(outline: &Outline) -> u8 {
    let mut most = 0;
    for number in outline.positions.iter().take(8).flatten() {
        most = most.max((0..9).find(|decimals| is_multiple(*number, *decimals)).unwrap_or(9) as u8);
    }
    most
}

fn is_multiple(number: f64, decimals: i32) -> bool {
    let scale = 10_f64.powi(decimals);
    ((number * scale).round() / scale - number).abs() <= number.abs() * f64::EPSILON
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_seen_in_the_numbers() {
        for (number, seen) in [(118.35, 2), (118.0, 0), (118.123_456, 6), (118.123_456_78, 8), (118.123_456_789_012, 9)] {
            assert_eq!(decimals(&Outline::polygon(&[[[number, 35.0]]])), seen, "{number}");
        }
    }

    #[test]
    fn frames_that_lie_are_refused() {
        let mut good = 1_u32.to_le_bytes().to_vec();
        good.extend([0, 2, 0, 0, 0, b'{', b'}', 0, 0, 0, 0]);
        assert_eq!(Batch::new(good.clone(), 1, FeatureBounds::default()).unwrap().len(), 1);
        for at in 0..good.len() {
            assert!(Batch::new(good[..at].to_vec(), 1, FeatureBounds::default()).is_err(), "{at}");
            let mut bad = good.clone();
            bad[at] = 0xFF;
            let _ = Batch::new(bad, 1, FeatureBounds::default()).map(|batch| batch.feature(0, &FieldMap::default()).is_ok());
        }
    }
}
