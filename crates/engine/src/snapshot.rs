//! Prepared layers on disk, beside the store: what takes seconds to prepare is read back in a fraction of one.
//!
//! A snapshot is never trusted blindly. It begins with what it was made from (the sources of what prepares, layer, file, plane) and ends with a checksum of
//! everything before; where either is not as expected the layer is prepared from the store again and the snapshot replaced. Deleting the folder is safe.
//! The checksum is xxh3: it is there for torn writes and failing disks, and a program that can write to the folder can write to the database beside it.
//!
//! It is read in one pass. Positions that memory has no room for stay where they are, in the file, which is then kept open.

use crate::atlas::PreparedLayer;
use crate::memory::{FileShelf, Memory};
use crate::model::{FeatureFacts, Layer, LeftOut, Words};
use jiff::civil::Date;
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use tuban_geom::{Bounds, Coverage, Plane, Shelf};
use twox_hash::XxHash3_64;

/// A hash of what prepares, cuts and writes a layer, made by build.rs: no change can be forgotten in it.
pub const PREPARING: &str = env!("TUBAN_PREPARING");

/// What a snapshot of this layer in this plane must begin with.
fn origin(layer: &Layer, plane: &Plane) -> Vec<u8> {
    let [lon, lat] = plane.origin();
    format!("tuban layer {PREPARING} {} {} {} {lon} {lat}\n", layer.id, layer.created_ms, layer.sha256).into_bytes()
}

fn path_of(folder: &Path, layer: &Layer) -> PathBuf {
    folder.join(format!("{}.layer", layer.id))
}

/// The layer's snapshot, if there is one and it is as it should be.
pub fn read(folder: &Path, layer: &Layer, plane: &Plane, memory: &Memory) -> Option<PreparedLayer> {
    let mut input = Hashing::new(File::open(path_of(folder, layer)).ok()?);
    let origin = origin(layer, plane);
    let mut begins = vec![0; origin.len()];
    if input.read_exact(&mut begins).is_err() || begins != origin {
        return None;
    }
    match parse(&mut input, memory) {
        Ok(prepared) => Some(prepared),
        Err(error) => {
            tracing::warn!(layer = layer.id, %error, "the prepared layer on disk is damaged; preparing it again");
            None
        }
    }
}

/// Writes the layer's snapshot, whole or not at all. A failure costs the next start some seconds and nothing else.
/// `passes` is told the steps at which a test may end the program.
pub fn write(folder: &Path, layer: &Layer, plane: &Plane, prepared: &PreparedLayer, passes: fn(&str)) {
    let written = || -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut out = BufWriter::with_capacity(PORTION, Hashing::new(tempfile::NamedTempFile::new_in(folder)?));
        out.write_all(&origin(layer, plane))?;
        compose(&mut out, prepared)?;
        let Hashing { mut file, hash, .. } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.write_all(&hash.finish().to_le_bytes())?;
        passes("snapshot: before rename");
        file.persist(path_of(folder, layer)).map_err(|error| error.error)?;
        passes("snapshot: after rename");
        Ok(())
    };
    if let Err(error) = written() {
        tracing::warn!(layer = layer.id, %error, "the prepared layer could not be written to disk");
    }
}

/// Deletes snapshots of layers that are not among these.
pub fn keep_only(folder: &Path, layers: &[i64]) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".layer")).and_then(|id| id.parse::<i64>().ok());
        if id.is_some_and(|id| !layers.contains(&id)) {
            // If it cannot be deleted it takes room and nothing else.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Bytes read or written at once.
const PORTION: usize = 1 << 20;

/// Counts and hashes what passes through.
struct Hashing<F> {
    file: F,
    hash: XxHash3_64,
    passed: u64,
}

impl<F> Hashing<F> {
    fn new(file: F) -> Self {
        Self { file, hash: XxHash3_64::new(), passed: 0 }
    }

    fn pass(&mut self, bytes: &[u8]) -> usize {
        self.hash.write(bytes);
        self.passed += bytes.len() as u64;
        bytes.len()
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        Ok(self.pass(&bytes[..written]))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        Ok(self.pass(&bytes[..read]))
    }
}

fn compose(out: &mut impl Write, prepared: &PreparedLayer) -> io::Result<()> {
    for value in prepared.bounds.min.into_iter().chain(prepared.bounds.max) {
        out.write_all(&value.to_le_bytes())?;
    }
    put(out, prepared.facts.len())?;
    for FeatureFacts { code, name, granted, ends, kind, first_effective } in &prepared.facts {
        let day = |day: &Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let (granted, ends, first_effective) = (day(granted), day(ends), day(first_effective));
        for text in [code, name, &granted, &ends, kind.as_ref().unwrap_or(&String::new()), &first_effective] {
            put(out, text.len())?;
            out.write_all(text.as_bytes())?;
        }
    }
    put(out, prepared.fact_of.len())?;
    for fact in &prepared.fact_of {
        out.write_all(&fact.to_le_bytes())?;
    }
    put(out, prepared.areas_m2.len())?;
    for area_m2 in &prepared.areas_m2 {
        out.write_all(&area_m2.to_le_bytes())?;
    }
    put(out, prepared.left_out.len())?;
    for one in &prepared.left_out {
        let text = serde_json::to_vec(&(one.row, one.bounds.map(|bounds| (bounds.min, bounds.max)), &one.code, &one.reason))?;
        put(out, text.len())?;
        out.write_all(&text)?;
    }
    prepared.coverage.freeze(out)
}

fn parse(content: &mut Hashing<File>, memory: &Memory) -> io::Result<PreparedLayer> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let mut corners = [0.0; 4];
    for corner in &mut corners {
        let mut bytes = [0; 8];
        content.read_exact(&mut bytes)?;
        *corner = f64::from_le_bytes(bytes);
    }
    let facts = (0..take(content)?).map(|_| feature_facts(content)).collect::<io::Result<Vec<_>>>()?;
    let fact_of = bytes(content, 4)?.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect::<Vec<u32>>();
    let areas_m2 = bytes(content, 8)?.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect::<Vec<f64>>();
    let left_out = (0..take(content)?).map(|_| left_out(content)).collect::<io::Result<Vec<_>>>()?;
    let mut taken = memory.none();
    let coverage = Coverage::thaw(content, |content, bytes| {
        let outside = || Ok(Box::new(FileShelf { file: content.file.try_clone()?, start: content.passed }) as Box<dyn Shelf>);
        (!taken.grow(bytes)).then(outside).transpose()
    })?;
    let (hash, mut written) = (content.hash.finish(), [0u8; 8]);
    content.read_exact(&mut written)?;
    let whole = hash == u64::from_le_bytes(written)
        && content.read(&mut [0])? == 0
        && fact_of.iter().all(|fact| (*fact as usize) < facts.len())
        && (areas_m2.is_empty() || areas_m2.len() == facts.len())
        && (fact_of.is_empty() || fact_of.len() == coverage.members() as usize);
    if !whole {
        return Err(damaged());
    }
    let bounds = Bounds { min: [corners[0], corners[1]], max: [corners[2], corners[3]] };
    let lost = AtomicBool::new(false);
    Ok(PreparedLayer { bounds, coverage, facts, fact_of, areas_m2, left_out, refused: Vec::new(), classes: None, taken, lost })
}

/// A feature that was left out when the layer was prepared.
fn left_out(content: &mut impl Read) -> io::Result<LeftOut> {
    type Kept = (u64, Option<([f64; 2], [f64; 2])>, String, Words);
    let (row, bounds, code, reason): Kept = serde_json::from_slice(&bytes(content, 1)?)?;
    Ok(LeftOut { row, code, reason, bounds: bounds.map(|(min, max)| Bounds { min, max }) })
}

/// As many rows of `width` bytes as the count before them says; a count that is damaged runs into the end, and does not ask for memory first.
fn bytes(content: &mut impl Read, width: u64) -> io::Result<Vec<u8>> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let wanted = take(content)?.checked_mul(width).ok_or_else(damaged)?;
    let mut bytes = Vec::new();
    if content.take(wanted).read_to_end(&mut bytes)? as u64 == wanted { Ok(bytes) } else { Err(damaged()) }
}

/// What a feature says; an empty text where it says nothing.
fn feature_facts(content: &mut impl Read) -> io::Result<FeatureFacts> {
    Ok(FeatureFacts {
        code: text(content)?,
        name: text(content)?,
        granted: day(content)?,
        ends: day(content)?,
        kind: Some(text(content)?).filter(|kind| !kind.is_empty()),
        first_effective: day(content)?,
    })
}

fn day(content: &mut impl Read) -> io::Result<Option<Date>> {
    let text = text(content)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| io::ErrorKind::InvalidData.into()) }
}

fn text(content: &mut impl Read) -> io::Result<String> {
    String::from_utf8(bytes(content, 1)?).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn put(out: &mut impl Write, count: usize) -> io::Result<()> {
    out.write_all(&(count as u64).to_le_bytes())
}

fn take(content: &mut impl Read) -> io::Result<u64> {
    let mut count = [0; 8];
    content.read_exact(&mut count)?;
    Ok(u64::from_le_bytes(count))
}
