//! Where workers are found, what they may cost, and the folders that they work in.

use crate::formats::{FeatureBounds, ReadError, Room};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Weak;
use std::time::Duration;
use tuban_ogr_protocol::{Fault, Limits};

/// Where workers are found and what they may cost.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The program; none where it is not installed.
    pub program: Option<PathBuf>,
    /// Where job folders are made.
    pub scratch: PathBuf,
    /// Longest wait for one answer.
    pub patience: Duration,
    /// Longest wait for all answers about one file.
    pub in_all: Duration,
    /// Least features a second while they are waited for; 0 for no such bound.
    pub least_rate: u64,
    /// What a process may cost.
    pub limits: Limits,
    /// What one feature may be.
    pub bounds: FeatureBounds,
    /// Memory for the features that are under way in this process.
    pub room: Room,
    /// So much may come out of a file however small it is, bytes.
    pub allowance: u64,
    /// The request that waits for the file holds the other end; reading ends once that is gone. None where it is read in any case.
    pub asked: Option<Weak<()>>,
    /// A way to misbehave, for tests.
    pub fault: Option<Fault>,
}

impl Workshop {
    /// The worker named by `TUBAN_OGR`, else the one beside this program; job folders in `scratch`.
    #[must_use]
    pub fn new(scratch: PathBuf) -> Self {
        let limits = Limits { memory_bytes: 2 << 30, cpu_s: 900, file_bytes: 4 << 30, files: 64 };
        let (patience, in_all) = (Duration::from_mins(1), Duration::from_mins(15));
        Self {
            program: program(),
            scratch,
            patience,
            in_all,
            least_rate: 20,
            limits,
            allowance: 256 << 20,
            bounds: FeatureBounds::default(),
            room: Room::default(),
            asked: None,
            fault: None,
        }
    }

    /// What one feature may be, with the memory that there is.
    #[must_use]
    pub fn feature_bounds(&self) -> FeatureBounds {
        self.room.narrowed(self.bounds)
    }

    /// That the request still waits for the file.
    pub(in crate::formats) fn is_asked(&self) -> Result<(), ReadError> {
        match &self.asked {
            Some(asked) if asked.strong_count() == 0 => Err(nobody_waits()),
            _ => Ok(()),
        }
    }

    /// A folder for one job, locked, and gone with the value.
    pub(in crate::formats) fn folder(&self) -> Result<Folder, ReadError> {
        self.folder_called(FOLDER)
    }

    /// A folder for uploads that this process holds, likewise.
    pub(crate) fn uploads(&self) -> Result<Folder, ReadError> {
        self.folder_called(UPLOADS)
    }

    fn folder_called(&self, prefix: &str) -> Result<Folder, ReadError> {
        loop {
            let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(&self.scratch)?;
            let lock = match std::fs::File::open(folder.path()) {
                // Another process has swept it already.
                Err(error) if error.kind() == ErrorKind::NotFound && self.scratch.is_dir() => continue,
                opened => opened?,
            };
            lock.lock()?;
            // Before it was locked another process may have taken it for abandoned.
            if let Ok(path) = folder.path().canonicalize() {
                return Ok(Folder { path, folder, lock });
            }
        }
    }

    /// Removes the folders of jobs and uploads whose process was killed or interrupted. Those of living ones are locked.
    pub fn sweep(&self) {
        let entries = std::fs::read_dir(&self.scratch).into_iter().flatten().filter_map(Result::ok);
        let is_ours = |name: &str| [FOLDER, UPLOADS].iter().any(|prefix| name.starts_with(prefix));
        for entry in entries.filter(|entry| is_ours(&entry.file_name().to_string_lossy()) && entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            let Ok(folder) = std::fs::File::open(entry.path()) else { continue };
            // The lock is held until the folder is gone. Another process may have swept it a moment ago.
            if folder.try_lock().is_ok() {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// What the names of job folders begin with: they may lie where other programs have theirs.
const FOLDER: &str = "tuban-job-";
/// What the names of upload folders begin with.
const UPLOADS: &str = "tuban-uploads-";

/// A job's folder, or another one of this process.
#[derive(Debug)]
pub(crate) struct Folder {
    pub path: PathBuf,
    #[expect(dead_code, reason = "held to be dropped")]
    folder: tempfile::TempDir,
    #[expect(dead_code, reason = "held to be dropped: while it is, no other process takes the folder for abandoned")]
    lock: std::fs::File,
}

fn program() -> Option<PathBuf> {
    const NAME: &str = "tuban-ogr";
    if let Some(named) = std::env::var_os("TUBAN_OGR").filter(|named: &OsString| !named.is_empty()) {
        return Some(named.into()).filter(|named: &PathBuf| named.is_file());
    }
    let own = std::env::current_exe().ok()?;
    // Cargo puts test programs one folder deeper.
    own.ancestors().skip(1).take(2).map(|folder| folder.join(NAME)).find(|program| program.is_file())
}

/// A refusal that is never shown.
pub(super) fn nobody_waits() -> ReadError {
    ReadError::refused("nobody_waits", "请求已断开，不再读取", "whoever asked has left, so reading was stopped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn folders_are_made_while_another_program_sweeps() {
        let scratch = tempfile::tempdir().unwrap();
        let workshop = Workshop { program: None, ..Workshop::new(scratch.path().to_owned()) };
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        workshop.sweep();
                    }
                });
            }
            let made: Vec<_> = (0..4).map(|_| scope.spawn(|| (0..500).all(|_| workshop.folder().is_ok_and(|folder| folder.path.is_dir())))).collect();
            let made: Vec<bool> = made.into_iter().map(|made| made.join().unwrap()).collect();
            stop.store(true, Ordering::Relaxed);
            assert!(made.into_iter().all(|made| made));
        });
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}
