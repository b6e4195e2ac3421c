//! Archives, unpacked by our own loop: nothing of an archive decides where on the disk anything goes, or how much of it.
//!
//! What belongs together (a Shapefile's files, a geodatabase's tables) goes into a numbered folder under names of our own; the archive's names are only
//! kept to show. What is no spatial file is not unpacked at all.

mod names;

use super::ReadError;
use flate2::read::GzDecoder;
use names::{Role, role};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// Entries of an archive with all that is nested in it.
pub const MOST_ENTRIES: usize = 10_000;
/// Bytes unpacked in all.
pub const MOST_BYTES: u64 = 8 << 30;
/// No entry may grow more than so many times …
const LARGEST_RATIO: u64 = 250;
/// … once it has grown so far: a table of blanks shrinks well, too.
const SMALL: u64 = 16 << 20;
/// Archives in archives in archives.
const DEEPEST: usize = 3;

/// Files that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The one to open.
    pub path: PathBuf,
    /// What the archive calls it, without folders and extension.
    pub title: String,
}

/// Unpacks what is spatial in a ZIP file into `folder`.
pub fn unzip(path: &Path, folder: &Path) -> Result<Vec<Found>, ReadError> {
    let mut unpacking = Unpacking::new(folder);
    unpacking.zip(path, "", 1)?;
    unpacking.finish()
}

/// Unpacks what is spatial in a tar that was compressed with gzip into `folder`.
pub fn untar(path: &Path, folder: &Path) -> Result<Vec<Found>, ReadError> {
    let mut unpacking = Unpacking::new(folder);
    unpacking.tar(path)?;
    unpacking.finish()
}

struct Unpacking<'a> {
    folder: &'a Path,
    entries: usize,
    bytes: u64,
    /// Number of the folder of each group of files that belong together.
    groups: HashMap<String, usize>,
    found: Vec<Found>,
    /// Some names that were passed over, to tell where nothing was found.
    others: Vec<String>,
}

impl<'a> Unpacking<'a> {
    fn new(folder: &'a Path) -> Self {
        Self { folder, entries: 0, bytes: 0, groups: HashMap::new(), found: Vec::new(), others: Vec::new() }
    }

    fn zip(&mut self, path: &Path, within: &str, depth: usize) -> Result<(), ReadError> {
        if depth > DEEPEST {
            return Err(refused(
                "archive_too_deep",
                format!("压缩包里套压缩包超过 {DEEPEST} 层，请只压缩一次后上传"),
                format!("archives are nested more than {DEEPEST} deep; pack the files once"),
            ));
        }
        let mut archive = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(|error| broken(&error))?;
        self.count(archive.len())?;
        for index in 0..archive.len() {
            let raw = archive.by_index_raw(index).map_err(|error| broken(&error))?;
            let (is_link, is_folder, encrypted, packed) = (raw.is_symlink(), raw.is_dir(), raw.encrypted(), raw.compressed_size());
            let name = names::readable(raw.name_raw(), || raw.name().map(std::borrow::Cow::into_owned).unwrap_or_default());
            drop(raw);
            let name = names::safe(&name)?;
            if is_link {
                return Err(link(&name));
            }
            if encrypted {
                return Err(refused(
                    "archive_encrypted",
                    "压缩包加了密码，请去掉密码重新压缩后上传",
                    "the archive is encrypted; pack it again without a password",
                ));
            }
            if is_folder {
                continue;
            }
            let Some(target) = self.target(within, &name)? else { continue };
            let mut entry = archive.by_index(index).map_err(|error| broken(&error))?;
            self.unpack(&mut entry, &target, packed, &name)?;
            drop(entry);
            if names::is_archive(&name) {
                self.zip(&target, &format!("{within}{name}/"), depth + 1)?;
                std::fs::remove_file(&target)?;
            }
        }
        Ok(())
    }

    fn tar(&mut self, path: &Path) -> Result<(), ReadError> {
        let packed = std::fs::metadata(path)?.len();
        let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(path)?)));
        for entry in archive.entries().map_err(|error| broken(&error))? {
            let mut entry = entry.map_err(|error| broken(&error))?;
            self.count(1)?;
            let name = names::readable(&entry.path_bytes(), String::new);
            let kind = entry.header().entry_type();
            let name = names::safe(name.trim_start_matches("./"))?;
            if kind.is_symlink() || kind.is_hard_link() {
                return Err(link(&name));
            }
            if !kind.is_file() || names::is_archive(&name) {
                continue;
            }
            let Some(target) = self.target("", &name)? else { continue };
            self.unpack(&mut entry, &target, packed, &name)?;
        }
        Ok(())
    }

    fn count(&mut self, more: usize) -> Result<(), ReadError> {
        self.entries += more;
        if self.entries > MOST_ENTRIES {
            return Err(refused(
                "archive_too_many",
                format!("压缩包内文件超过 {MOST_ENTRIES} 个，请只打包需要上传的数据"),
                format!("the archive has more than {MOST_ENTRIES} entries; pack only what is to be uploaded"),
            ));
        }
        Ok(())
    }

    /// Where an entry goes; none for what is not wanted.
    fn target(&mut self, within: &str, name: &str) -> Result<Option<PathBuf>, ReadError> {
        let Some(Role { group, title, file, opens }) = role(name) else {
            if self.others.len() < 5 {
                self.others.push(name.to_owned());
            }
            return Ok(None);
        };
        let next = self.groups.len();
        let number = *self.groups.entry(format!("{within}{group}")).or_insert(next);
        let target = self.folder.join(number.to_string()).join(&file);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        if let Some(opens) = opens {
            let path = self.folder.join(number.to_string()).join(opens);
            if !self.found.iter().any(|found| found.path == path) {
                self.found.push(Found { path, title });
            }
        }
        Ok(Some(target))
    }

    fn unpack(&mut self, entry: &mut impl Read, target: &Path, packed: u64, name: &str) -> Result<(), ReadError> {
        let mut out = File::options().write(true).create_new(true).open(target).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                refused("archive_duplicate", format!("压缩包内“{name}”出现了两次"), format!("“{name}” is in the archive twice"))
            }
            _ => ReadError::Io(error),
        })?;
        let (mut size, mut buffer) = (0_u64, vec![0; 256 << 10]);
        loop {
            let read = entry.read(&mut buffer).map_err(|error| broken(&error))?;
            if read == 0 {
                break;
            }
            size += read as u64;
            self.bytes += read as u64;
            if size > SMALL && size / LARGEST_RATIO > packed {
                return Err(refused(
                    "archive_ratio",
                    format!("“{name}”解压后膨胀超过 {LARGEST_RATIO} 倍，疑似压缩炸弹，已拒收"),
                    format!("“{name}” grows more than {LARGEST_RATIO} times when unpacked, as archives made to do harm do"),
                ));
            }
            if self.bytes > MOST_BYTES {
                let gib = MOST_BYTES >> 30;
                return Err(refused(
                    "archive_too_large",
                    format!("压缩包解压后超过 {gib} GiB，请分县上传"),
                    format!("the archive unpacks to more than {gib} GiB; upload it county by county"),
                ));
            }
            out.write_all(&buffer[..read])?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Found>, ReadError> {
        if self.found.is_empty() {
            let (zh, en) = if self.others.is_empty() {
                ("是空的".to_owned(), "it is empty".to_owned())
            } else {
                (format!("只有：{}", self.others.join("、")), format!("it has: {}", self.others.join(", ")))
            };
            return Err(refused(
                "archive_nothing",
                format!("压缩包里没有可识别的空间数据（Shapefile、FileGDB、GeoPackage、GeoJSON、FlatGeobuf、KML、MapInfo、DXF）；{zh}"),
                format!("there is no spatial file in the archive (Shapefile, FileGDB, GeoPackage, GeoJSON, FlatGeobuf, KML, MapInfo, DXF); {en}"),
            ));
        }
        Ok(self.found)
    }
}

fn refused(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> ReadError {
    ReadError::refused(code, zh, en)
}

fn link(name: &str) -> ReadError {
    refused("archive_link", format!("压缩包内“{name}”是链接，不接受链接"), format!("“{name}” in the archive is a link; links are not taken"))
}

fn broken(why: &dyn std::fmt::Display) -> ReadError {
    refused("archive_broken", format!("压缩包损坏或不完整（{why}），请重新压缩后上传"), format!("the archive is broken or incomplete ({why}); pack it again"))
}
