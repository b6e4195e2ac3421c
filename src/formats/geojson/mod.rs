//! GeoJSON: a collection of features of any size, in bounded memory, whatever the order of its members.
//!
//! 1. [`Reader`] reads the members before `features`, then slides a window over the features. It only looks for brackets and quotes, to find where
//!    each feature ends, and hands them out in batches.
//! 2. [`Batch`] reads single features from their text, strictly, on as many threads as there are.
//! 3. After the last feature the reader reads the members that follow. What it had to assume before (that `type` would be `FeatureCollection`, and
//!    the CRS) is checked against them.

mod coordinates;
mod extent;
mod feature;
mod geometry;
mod head;
mod position;
mod source;
#[cfg(test)]
mod tests;

pub use geometry::Geometry;

use super::{Fault, FeatureBatch, FeatureBounds, FeatureSource, FieldMap, Head, RawFeature, ReadError};
use head::{Ahead, Members};
use source::{Input, Source};
use std::{collections::BTreeSet, ops::Range};
use std::{fs::File, path::Path};
use tuban_engine::model::Words;
use tuban_geom::{Crs, Outline};

/// A batch is handed out once it has this many bytes …
const BATCH_BYTES: usize = 512 << 10;
/// … or this many features.
const BATCH_FEATURES: usize = 1000;

/// What comes next in the file.
enum Next {
    /// Features; the first one must not be preceded by a comma.
    Features { first: bool },
    /// The members after the features.
    Trailer,
    /// A file that is one Feature.
    Single,
    /// Nothing.
    Nothing,
}

/// A GeoJSON file being read.
pub struct Reader {
    source: Source,
    members: Members,
    forced: Option<Crs>,
    /// The CRS that features are read in.
    assumed: Crs,
    row: u64,
    next: Next,
    bounds: FeatureBounds,
}

impl Reader {
    /// Opens a file and reads what precedes its features. A CRS that is `forced` wins over what the file says.
    ///
    /// A `FeatureCollection`, or a single Feature (which is read as a collection of one).
    pub fn open(path: &Path, forced: Option<Crs>, bounds: FeatureBounds) -> Result<Self, ReadError> {
        Self::new(Box::new(File::open(path)?), forced, bounds)
    }

    /// Opens any input that can be read twice.
    pub fn new(input: Box<dyn Input>, forced: Option<Crs>, bounds: FeatureBounds) -> Result<Self, ReadError> {
        let mut source = Source::new(input, bounds.text_bytes as usize);
        head::begin(&mut source)?;
        let mut members = Members::new(forced.is_some());
        let next = match members.read(&mut source)? {
            Ahead::Features => Next::Features { first: true },
            Ahead::End => {
                members.check_end(&mut source)?;
                Next::Single
            }
        };
        let assumed = forced.or(members.head.crs).unwrap_or(Crs::CRS84);
        Ok(Self { source, members, forced, assumed, row: 1, next, bounds })
    }

    /// Adds notes about how the file was read.
    #[must_use]
    pub fn noting(mut self, notes: impl IntoIterator<Item = Words>) -> Self {
        self.members.head.notes.extend(notes);
        self
    }

    /// The features up to a batch's size.
    fn features(&mut self, mut first: bool) -> Result<Option<Batch>, ReadError> {
        self.source.forget();
        let mut spans = Vec::new();
        let mut open = true;
        while open && spans.len() < BATCH_FEATURES && self.source.at < BATCH_BYTES {
            match self.next_span(first) {
                Ok(Some(span)) => spans.push((span.start as u32, span.end as u32)),
                Ok(None) => open = false,
                Err(error) => return Err(self.earlier_fault(&spans).unwrap_or_else(|| error.within(self.pointer(spans.len())))),
            }
            first = false;
        }
        let (bytes, offset) = self.source.take();
        if open {
            self.next = Next::Features { first };
        } else {
            self.source.at += 1;
            self.next = Next::Trailer;
        }
        Ok(self.batch(bytes, spans, offset))
    }

    /// Where the next feature lies; `None` at the end of the array.
    fn next_span(&mut self, first: bool) -> Result<Option<Range<usize>>, ReadError> {
        match head::needed(&mut self.source)? {
            b']' => return Ok(None),
            b',' if !first => self.source.at += 1,
            _ if first => {}
            _ => return Err(self.source.unexpected()),
        }
        head::needed(&mut self.source)?;
        self.source.value().map(Some)
    }

    /// The first feature of the batch that is no JSON. A bracket missing there shows as an error further on, and is the better reason.
    fn earlier_fault(&self, spans: &[(u32, u32)]) -> Option<ReadError> {
        spans.iter().enumerate().find_map(|(index, (start, end))| {
            let offset = self.source.offset(*start as usize);
            let error = match text(self.source.bytes.get(*start as usize..*end as usize)?) {
                Ok(text) => ReadError::syntax(super::json::Cursor::new(text).value().err()?, offset),
                Err(valid) => source::not_utf8(offset + valid as u64),
            };
            Some(error.within(self.pointer(index)))
        })
    }

    /// The pointer to feature number `index` of the next batch.
    fn pointer(&self, index: usize) -> String {
        format!("/features/{}", self.row - 1 + index as u64)
    }

    fn batch(&mut self, bytes: Vec<u8>, spans: Vec<(u32, u32)>, offset: u64) -> Option<Batch> {
        let first_row = self.row;
        self.row += spans.len() as u64;
        (!spans.is_empty()).then_some(Batch { first_row, offset, bytes, spans, bounds: self.bounds })
    }

    /// The members after the features, and whether what was assumed before was right.
    fn trailer(&mut self) -> Result<(), ReadError> {
        self.members.resume();
        self.members.read(&mut self.source)?;
        self.members.check_end(&mut self.source)?;
        match self.members.head.crs {
            Some(late) if self.forced.is_none() => {
                let same_ground = late == self.assumed || late.is_degrees() && self.assumed.is_degrees();
                if !same_ground {
                    return Err(ReadError::CrsAfterFeatures(late));
                }
                self.assumed = late;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The whole file as one feature.
    fn single(&mut self) -> Result<Option<Batch>, ReadError> {
        let mut bytes = self.source.whole()?;
        let bom = if bytes.starts_with(head::BOM) { head::BOM.len() } else { 0 };
        bytes.drain(..bom);
        let spans = vec![(0, bytes.len() as u32)];
        Ok(self.batch(bytes, spans, bom as u64))
    }

    fn step(&mut self) -> Result<Option<Batch>, ReadError> {
        loop {
            // An error leaves nothing to read.
            match std::mem::replace(&mut self.next, Next::Nothing) {
                Next::Features { first } => {
                    if let Some(batch) = self.features(first)? {
                        return Ok(Some(batch));
                    }
                }
                Next::Trailer => {
                    self.trailer()?;
                    return Ok(None);
                }
                Next::Single => return self.single(),
                Next::Nothing => return Ok(None),
            }
        }
    }
}

impl FeatureSource for Reader {
    fn head(&self) -> &Head {
        &self.members.head
    }

    fn crs(&self) -> Crs {
        self.assumed
    }

    fn next_batch(&mut self) -> Result<Option<Box<dyn FeatureBatch>>, ReadError> {
        Ok(self.step()?.map(|batch| Box::new(batch) as Box<dyn FeatureBatch>))
    }

    fn bytes_read(&self) -> u64 {
        self.source.read()
    }
}

/// Consecutive features as text.
pub struct Batch {
    first_row: u64,
    /// Where in the file `bytes` begin.
    offset: u64,
    bytes: Vec<u8>,
    /// Where in `bytes` each feature lies.
    spans: Vec<(u32, u32)>,
    bounds: FeatureBounds,
}

/// Bytes after a feature that are handed on with it, to be looked at together with its last ones.
const BEYOND: usize = 64;

impl Batch {
    /// The text that feature number `index` begins, and how much of it is the feature.
    fn text_at(&self, index: usize) -> Result<(&str, usize), ReadError> {
        let (start, end) = self.spans.get(index).map_or((0, 0), |(start, end)| (*start as usize, *end as usize));
        let beyond = (end + BEYOND).min(self.bytes.len());
        let valid = match text(&self.bytes[start..beyond]) {
            Ok(text) => return Ok((text, end - start)),
            Err(valid) => valid,
        };
        // What follows may begin with a part of a character, or be wrong itself, for which it will have to answer.
        let text = std::str::from_utf8(&self.bytes[start..start + valid]).unwrap_or_default();
        if start + valid < end { Err(self.at_feature(index, source::not_utf8(self.offset + (start + valid) as u64))) } else { Ok((text, end - start)) }
    }

    fn error(&self, index: usize, fault: super::json::Fault) -> ReadError {
        let start = self.spans.get(index).map_or(0, |span| span.0);
        self.at_feature(index, ReadError::syntax(fault, self.offset + u64::from(start)))
    }

    fn at_feature(&self, index: usize, error: ReadError) -> ReadError {
        error.within(format!("/features/{}", self.first_row - 1 + index as u64))
    }
}

/// Bytes as text, or how many of them are.
fn text(bytes: &[u8]) -> Result<&str, usize> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len))
}

impl FeatureBatch for Batch {
    fn first_row(&self) -> u64 {
        self.first_row
    }

    fn len(&self) -> usize {
        self.spans.len()
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn most_vertices(&self) -> u64 {
        memchr::memchr_iter(b'[', &self.bytes).count() as u64
    }

    fn keys(&self, sample: usize) -> Result<BTreeSet<String>, ReadError> {
        let mut keys = BTreeSet::new();
        for index in 0..self.len().min(sample) {
            let (text, length) = self.text_at(index)?;
            feature::keys(text, length, &self.bounds, &mut keys).map_err(|fault| self.error(index, fault))?;
        }
        Ok(keys)
    }

    fn feature<'a>(&'a self, index: usize, fields: &FieldMap) -> Result<RawFeature<'a>, ReadError> {
        let (text, length) = self.text_at(index)?;
        feature::read(text, length, self.first_row + index as u64, fields, &self.bounds).map_err(|fault| self.error(index, fault))
    }
}

/// What a text that is one Feature, Polygon or MultiPolygon holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Lone {
    /// The outline, or why there is none.
    pub outline: Result<Outline, Fault>,
    /// Whether the text is a Feature.
    pub in_feature: bool,
}

/// Reads a text that is one Feature, Polygon or MultiPolygon.
///
/// # Errors
/// When the text is not JSON.
pub fn lone(text: &[u8]) -> Result<Lone, ReadError> {
    let text = std::str::from_utf8(text).map_err(|error| ReadError::refused("not_utf8", "不是 UTF-8 文本", "not UTF-8 text").at(error.valid_up_to() as u64))?;
    feature::lone(text).map_err(|fault| ReadError::syntax(fault, 0))
}
