//! Files that came as they are, with what belongs to them, put where a worker can see them.

use super::ReadError;
use super::sniff::{self, Kind};
use std::path::{Path, PathBuf};

/// Puts a file, and what belongs to it, under our own name into the job's folder: as a link where that can be, for it is not written to there.
pub fn adopt(path: &Path, kind: Kind, folder: &Path) -> Result<PathBuf, ReadError> {
    std::fs::create_dir_all(folder)?;
    let (_, name) = kind.driver().unwrap_or(("", "data"));
    let target = folder.join(name);
    if path.is_dir() {
        std::fs::create_dir_all(&target)?;
        for file in companions(path)? {
            link(&file, &target.join(file.file_name().unwrap_or_default()))?;
        }
    } else {
        for file in companions(path)? {
            let extension = file.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
            link(&file, &if file == path { target.clone() } else { target.with_extension(extension) })?;
        }
    }
    Ok(target)
}

fn link(from: &Path, to: &Path) -> Result<(), ReadError> {
    let from = from.canonicalize()?;
    if std::fs::hard_link(&from, to).is_err() {
        std::fs::copy(&from, to)?;
    }
    Ok(())
}

/// The files that a path stands for: a folder's, a Shapefile's or `MapInfo` file's of the same name, else itself alone. In order of their names.
pub fn companions(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    const SHAPEFILE: [&str; 5] = ["shp", "shx", "dbf", "prj", "cpg"];
    const MAP_INFO: [&str; 6] = ["tab", "dat", "map", "id", "mif", "mid"];
    let files = |folder: &Path| -> std::io::Result<Vec<PathBuf>> {
        Ok(std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect())
    };
    let family: &[&str] = match path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).as_deref() {
        Some("shp") => &SHAPEFILE,
        Some("tab" | "mif") => &MAP_INFO,
        _ => &[],
    };
    let mut found = if path.is_dir() {
        files(path)?
    } else if family.is_empty() {
        vec![path.to_owned()]
    } else {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut all = files(folder)?;
        all.retain(|file| file.file_stem() == path.file_stem() && family.iter().any(|extension| sniff::has_extension(file, extension)));
        all.iter_mut().filter(|file| file.file_name() == path.file_name()).for_each(|file| path.clone_into(file));
        all
    };
    found.sort();
    Ok(found)
}
