//! Prepared layers on disk, beside the store: what takes seconds to prepare is read back in a fraction of one.
//!
//! A snapshot is never trusted blindly. It begins with what it was made from (format, program version, layer, file, plane) and ends with the SHA-256 of
//! everything before; where either is not as expected the layer is prepared from the store again and the snapshot replaced. Deleting the folder is safe.

use super::atlas::PreparedLayer;
use crate::geom::{Bounds, Coverage, Plane};
use crate::land::{FeatureFacts, Layer};
use sha2::{Digest, Sha256};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Changes with the format, and with anything in the kernel that prepares differently.
const FORMAT: u32 = 1;

/// Bytes of a SHA-256.
const HASH: usize = 32;

/// What a snapshot of this layer in this plane must begin with.
fn origin(layer: &Layer, plane: &Plane) -> Vec<u8> {
    let [lon, lat] = plane.origin();
    format!("tuban layer {FORMAT} {} {} {} {} {lon} {lat}\n", env!("CARGO_PKG_VERSION"), layer.id, layer.created_ms, layer.sha256).into_bytes()
}

fn path_of(folder: &Path, layer: &Layer) -> PathBuf {
    folder.join(format!("{}.layer", layer.id))
}

/// The layer's snapshot, if there is one and it is as it should be.
pub(super) fn read(folder: &Path, layer: &Layer, plane: &Plane) -> Option<PreparedLayer> {
    let bytes = std::fs::read(path_of(folder, layer)).ok()?;
    let (content, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH)?)?;
    let mut content = content.strip_prefix(origin(layer, plane).as_slice())?;
    if Sha256::digest(&bytes[..bytes.len() - HASH])[..] != *hash {
        tracing::warn!(layer = layer.id, "the prepared layer on disk is damaged; preparing it anew");
        return None;
    }
    parse(&mut content).ok()
}

/// Writes the layer's snapshot, whole or not at all. A failure costs the next start some seconds and nothing else.
pub(super) fn write(folder: &Path, layer: &Layer, plane: &Plane, prepared: &PreparedLayer) {
    let written = || -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut out = Hashing { out: BufWriter::with_capacity(1 << 20, tempfile::NamedTempFile::new_in(folder)?), hash: Sha256::new() };
        out.write_all(&origin(layer, plane))?;
        compose(&mut out, prepared)?;
        let hash = out.hash.finalize();
        out.out.write_all(&hash)?;
        out.out.into_inner().map_err(io::IntoInnerError::into_error)?.persist(path_of(folder, layer)).map_err(|error| error.error)?;
        Ok(())
    };
    if let Err(error) = written() {
        tracing::warn!(layer = layer.id, %error, "the prepared layer could not be written to disk");
    }
}

/// Deletes snapshots of layers that are not in force.
pub(super) fn keep_only(folder: &Path, in_force: &[i64]) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".layer")).and_then(|id| id.parse::<i64>().ok());
        if id.is_some_and(|id| !in_force.contains(&id)) {
            // If it cannot be deleted it takes room and nothing else.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Hashes what passes through.
struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn compose(out: &mut impl Write, prepared: &PreparedLayer) -> io::Result<()> {
    for value in prepared.bounds.min.into_iter().chain(prepared.bounds.max) {
        out.write_all(&value.to_le_bytes())?;
    }
    put(out, prepared.facts.len())?;
    for text in prepared.facts.iter().flat_map(|fact| [&fact.code, &fact.name]) {
        put(out, text.len())?;
        out.write_all(text.as_bytes())?;
    }
    put(out, prepared.fact_of.len())?;
    for fact in &prepared.fact_of {
        out.write_all(&fact.to_le_bytes())?;
    }
    // The coverage's doubles come one by one; hashing wants them by the page.
    let mut out = BufWriter::with_capacity(1 << 16, out);
    prepared.coverage.freeze(&mut out)?;
    out.flush()
}

fn parse(content: &mut &[u8]) -> io::Result<PreparedLayer> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let mut corners = [0.0; 4];
    for corner in &mut corners {
        let mut bytes = [0; 8];
        content.read_exact(&mut bytes)?;
        *corner = f64::from_le_bytes(bytes);
    }
    let text = |content: &mut &[u8]| -> io::Result<String> {
        let length = take(content)?;
        let (text, rest) = content.split_at_checked(length).ok_or_else(damaged)?;
        *content = rest;
        String::from_utf8(text.to_vec()).map_err(|_| damaged())
    };
    let facts = (0..take(content)?).map(|_| Ok(FeatureFacts { code: text(content)?, name: text(content)? })).collect::<io::Result<Vec<_>>>()?;
    let count = take(content)?;
    let (numbers, rest) = content.split_at_checked(count.checked_mul(4).ok_or_else(damaged)?).ok_or_else(damaged)?;
    *content = rest;
    let fact_of: Vec<u32> = numbers.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let coverage = Coverage::thaw(content)?;
    let whole =
        content.is_empty() && fact_of.iter().all(|fact| (*fact as usize) < facts.len()) && (fact_of.is_empty() || fact_of.len() == coverage.members() as usize);
    if !whole {
        return Err(damaged());
    }
    Ok(PreparedLayer { bounds: Bounds { min: [corners[0], corners[1]], max: [corners[2], corners[3]] }, coverage, facts, fact_of })
}

fn put(out: &mut impl Write, count: usize) -> io::Result<()> {
    out.write_all(&(count as u64).to_le_bytes())
}

fn take(content: &mut &[u8]) -> io::Result<usize> {
    let mut count = [0; 8];
    content.read_exact(&mut count)?;
    usize::try_from(u64::from_le_bytes(count)).map_err(|_| io::ErrorKind::InvalidData.into())
}
