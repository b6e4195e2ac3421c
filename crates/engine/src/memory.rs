//! How much memory the layers may take, and the files their positions lie in where it is not enough.
//!
//! The budget is for the whole process. Positions may take half of what remains beside `RESERVE`; the other half is for indexes, what is being read and
//! what is being judged, none of which is larger. Positions of a layer that no longer fits go to a file: unnamed, so that the system removes it whatever
//! happens. Which pages of it stay in memory is the system's affair, which gives them back when anything else needs them.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tuban_geom::Shelf;

/// What the process takes with small layers, bytes.
const RESERVE: u64 = 64 << 20;

/// Memory for the positions of layers.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Bytes that no layer has taken.
    left: Arc<AtomicU64>,
    /// Bytes that the features which are read and judged at a time may take.
    for_features: u64,
    folder: PathBuf,
}

/// What one layer has taken; given back when dropped.
#[derive(Debug)]
pub struct Taken {
    left: Arc<AtomicU64>,
    bytes: u64,
}

impl Memory {
    /// A budget of so many bytes for the whole process; what does not fit goes to files in `folder`.
    #[must_use]
    pub fn new(budget: u64, folder: PathBuf) -> Self {
        let half = budget.saturating_sub(RESERVE) / 2;
        Self { left: Arc::new(AtomicU64::new(half)), for_features: half, folder }
    }

    /// Bytes that the features which are read and judged at a time may take: as many as positions.
    #[must_use]
    pub fn for_features(&self) -> u64 {
        self.for_features
    }

    /// Half of what this machine, or the control group the process is in, has.
    #[must_use]
    pub fn usual_budget() -> u64 {
        let machine = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = machine.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
        let group = groups.iter().find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
        group.unwrap_or(u64::MAX).min(kib.unwrap_or(2 << 20) << 10) / 2
    }

    /// Nothing taken yet.
    pub(super) fn none(&self) -> Taken {
        Taken { left: Arc::clone(&self.left), bytes: 0 }
    }

    /// A new shelf, gone when dropped.
    pub(super) fn shelf(&self) -> io::Result<Box<dyn Shelf>> {
        Ok(Box::new(FileShelf { file: tempfile::tempfile_in(&self.folder)?, start: 0 }))
    }
}

impl Taken {
    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes so many bytes more, or none where there are not so many.
    pub(super) fn grow(&mut self, bytes: u64) -> bool {
        let grown = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok();
        self.bytes += if grown { bytes } else { 0 };
        grown
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes in a file, from `start` on.
#[derive(Debug)]
pub(super) struct FileShelf {
    pub file: File,
    pub start: u64,
}

impl Shelf for FileShelf {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn read_at(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, self.start + start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back_and_never_more_than_there_is() {
        let memory = Memory::new(RESERVE + 200, std::env::temp_dir());
        let (mut one, mut other) = (memory.none(), memory.none());
        assert!(one.grow(60) && other.grow(40) && !other.grow(1));
        drop(one);
        assert!(other.grow(60) && !other.grow(1));
    }
}
