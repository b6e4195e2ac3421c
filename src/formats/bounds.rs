//! Resource limits of a single feature, and a counting semaphore for the memory of large ones.
//!
//! A feature is counted before anything is built of it: its text, its vertices, its keys. What one vertex costs until it is a patch is known by measurement, so the
//! count is also what it will take of the process's budget (`--memory`).

use super::FeatureBatch;
use serde::Serialize;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// What one feature may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// Vertices, those that close its rings included.
    pub vertices: u64,
    /// Bytes of its text: of GeoJSON all of it, else its attributes.
    pub text_bytes: u64,
    /// Keys of its attributes.
    pub keys: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { vertices: 2_000_000, text_bytes: 64 << 20, keys: 100_000 }
    }
}

/// Bytes that the fewest characters of a vertex take in JSON, with its comma: an empty array counts as one, too.
const LEAST_VERTEX: usize = 3;
/// Bytes that the fewest characters of a key and its value take in JSON, with the comma.
const LEAST_KEY: usize = 5;

impl Bounds {
    /// Whether the arrays that begin at `start` of a JSON text, of which `left` bytes are left, have more positions than a feature may have. Only brackets are looked
    /// at, and only where the text is long enough at all.
    pub(super) fn too_many_positions(&self, text: &[u8], start: usize, left: usize) -> bool {
        let end = start.saturating_add(left).min(text.len());
        if (left / LEAST_VERTEX) as u64 <= self.vertices {
            return false;
        }
        let (mut count, mut depth, mut opened) = (0, 0_u32, false);
        for at in memchr::memchr2_iter(b'[', b']', &text[start..end]) {
            if text[start + at] == b'[' {
                (depth, opened) = (depth + 1, true);
                continue;
            }
            // Only the innermost arrays are positions.
            count += u64::from(std::mem::take(&mut opened));
            depth = depth.saturating_sub(1);
            if depth == 0 || count > self.vertices {
                break;
            }
        }
        count > self.vertices
    }

    /// Whether so many vertices are more than a feature may have.
    pub(super) fn is_over(&self, vertices: usize) -> bool {
        vertices as u64 > self.vertices
    }

    /// Whether a text may have more keys than a feature may have, so that they are worth counting.
    pub(super) fn may_have_too_many_keys(&self, text_bytes: usize) -> bool {
        (text_bytes / LEAST_KEY) as u64 > self.keys
    }
}

/// Bytes of memory that a vertex takes at the most, from its text until it is a patch or a part of a layer. Measured: 340 for GeoJSON in degrees, and the outline
/// twice more where it comes in another coordinate system.
const VERTEX_BYTES: u64 = 512;
/// Features of less than this are not waited for, bytes: a batch is about as large.
const SMALL: u64 = 32 << 20;
/// Bytes of a batch, as a file has it, from which it is worth counting its vertices.
const LARGE_BATCH: usize = 1 << 20;

/// Memory for the features that are read and judged at a time, all imports, inspections and checks of the process together.
#[derive(Debug, Clone)]
pub struct Room {
    bytes: u64,
    state: Arc<(Mutex<u64>, Condvar)>,
}

/// What some features take of it; given back when dropped.
#[derive(Debug)]
pub struct Held {
    bytes: u64,
    state: Arc<(Mutex<u64>, Condvar)>,
}

impl Default for Room {
    fn default() -> Self {
        Self::of(u64::MAX / 2)
    }
}

impl Room {
    /// Room of so many bytes.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        Self { bytes: bytes.max(SMALL), state: Arc::default() }
    }

    /// Vertices that there is room for.
    #[must_use]
    pub fn vertices(&self) -> u64 {
        self.bytes / VERTEX_BYTES
    }

    /// These bounds, or narrower ones where there would be no room for such a feature.
    #[must_use]
    pub fn narrowed(&self, bounds: Bounds) -> Bounds {
        Bounds { vertices: bounds.vertices.min(self.vertices()), text_bytes: bounds.text_bytes.min(self.bytes), ..bounds }
    }

    /// Waits until there is room for what these features need until they are judged, and takes it; nothing where they are small. Not to be called from one of rayon's
    /// own threads: who holds the room may need that one.
    #[must_use]
    pub fn hold_for(&self, batch: &dyn FeatureBatch) -> Option<Held> {
        // A batch that is no larger than others has no large feature, and need not be counted.
        (batch.bytes() > LARGE_BATCH).then(|| self.hold(batch.bytes() as u64 + batch.most_vertices() * VERTEX_BYTES)).flatten()
    }

    fn hold(&self, bytes: u64) -> Option<Held> {
        if bytes < SMALL {
            return None;
        }
        let bytes = bytes.min(self.bytes);
        let (taken, given_back) = &*self.state;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken + bytes > self.bytes {
            taken = given_back.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
        Some(Held { bytes, state: Arc::clone(&self.state) })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (taken, given_back) = &*self.state;
        *taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_counted_to_the_last_and_no_further_than_their_array() {
        let bounds = Bounds { vertices: 4, ..Bounds::default() };
        for (text, too_many) in [
            ("[[[0,0],[1,0],[1,1],[0,0]]] ,\"properties\":{\"a\":[[1],[2],[3],[4],[5]]}", false),
            ("[[[0,0],[1,0],[1,1],[0,1],[0,0]]]", true),
            ("[[[],[],[],[],[]]]  ", true),
            ("[[],[],[],[]]           ", false),
            ("[[[[0,0],[1,0]]],[[[1,1],[0,1],[0,0]]]]", true),
        ] {
            assert_eq!(bounds.too_many_positions(text.as_bytes(), 0, text.len()), too_many, "{text}");
        }
    }

    #[test]
    fn large_features_wait_for_each_other_and_small_ones_do_not() {
        let room = Room::of(100 << 20);
        let one = room.hold(60 << 20).unwrap();
        assert!(room.hold(1 << 20).is_none());
        // Larger than all of it: it waits until it is alone.
        let (other, done) = (room.clone(), std::sync::mpsc::channel());
        let waiting = std::thread::spawn(move || {
            let held = other.hold(500 << 20).unwrap();
            done.0.send(held.bytes).unwrap();
        });
        assert!(done.1.try_recv().is_err());
        drop(one);
        assert_eq!(done.1.recv().unwrap(), 100 << 20);
        waiting.join().unwrap();
        assert_eq!(*room.state.0.lock().unwrap(), 0);
    }

    #[test]
    fn a_feature_that_there_is_no_room_for_is_not_allowed() {
        assert_eq!(Room::of(512 << 20).narrowed(Bounds::default()).vertices, (512 << 20) / VERTEX_BYTES);
        assert_eq!(Room::default().narrowed(Bounds::default()), Bounds::default());
    }
}
