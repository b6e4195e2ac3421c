//! A file that came in and lies on this node's disk.

use crate::service::Folder;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempPath;

/// A body on disk: a closed file, so that one which waits takes no descriptor.
#[derive(Debug)]
pub(super) struct Spooled {
    path: TempPath,
    #[expect(dead_code, reason = "held to be dropped, after the file in it")]
    folder: Arc<Folder>,
    pub sha256: String,
    pub bytes: u64,
    pub name: Option<String>,
}

impl Spooled {
    /// A body that was written to that path in that folder, with the SHA-256 and the number of its bytes.
    pub fn new(path: TempPath, folder: Arc<Folder>, (sha256, bytes): (String, u64), name: Option<String>) -> Self {
        Self { path, folder, sha256, bytes, name }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
