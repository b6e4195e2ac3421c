//! Room on disks: how much is left where files are written.

use rustix::fs::{StatVfsMountFlags, statvfs};
use std::path::{Path, PathBuf};

/// Bytes that may still be written in a folder: none where it can only be read; `None` where the system does not say.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok()?;
    Some(if disk.f_flag.contains(StatVfsMountFlags::RDONLY) { 0 } else { disk.f_bavail.saturating_mul(disk.f_frsize) })
}

/// A folder that is written to, and how much may still be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// What it is for: a word for programs.
    pub of: &'static str,
    /// Where.
    pub folder: PathBuf,
    /// Bytes.
    pub free_bytes: u64,
}

impl Room {
    /// How much room a folder has, where the system says so.
    #[must_use]
    pub fn of(of: &'static str, folder: &Path) -> Option<Self> {
        free_bytes(folder).map(|free_bytes| Self { of, folder: folder.to_owned(), free_bytes })
    }
}
