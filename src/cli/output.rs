//! Files that a command writes: beside their place first, renamed at the end. What is there under the name is whole.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The folder of a path.
pub(super) fn folder(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// A file beside that path, gone unless it is [kept](keep).
pub(super) fn beside(path: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".tuban-").tempfile_in(folder(path))
}

/// Puts the file in its place.
pub(super) fn keep(file: NamedTempFile, path: &Path) -> std::io::Result<()> {
    // A temporary file is its owner's alone; what was asked for is a file like any other.
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path).map(drop).map_err(|error| error.error)
}
