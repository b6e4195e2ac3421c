//! Archives, unpacked by our own loop: nothing of an archive decides where on the disk anything goes, or how much of it.
//!
//! What belongs together (a Shapefile's files, a geodatabase's tables) goes into a numbered folder under names of our own; the archive's names are only
//! kept to show. What is no spatial file is not unpacked at all.

mod names;
mod tarred;
mod zipped;

use super::{ReadError, shapefile};
use names::{Role, role};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Entries of an archive with all that is nested in it.
const MOST_ENTRIES: usize = 10_000;
/// Data sets in all of it: each is looked at on its own.
const MOST_FOUND: usize = 100;
/// Groups of files that belong together, with or without the one that stands for them.
const MOST_GROUPS: usize = 10 * MOST_FOUND;
/// Bytes unpacked in all.
const MOST_BYTES: u64 = 8 << 30;
/// All that is unpacked may be so many times as long as the archive is …
const LARGEST_RATIO: u64 = 250;
/// … once it is longer than this: a table of blanks shrinks well, too.
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
    /// What the archive calls it, with both.
    pub place: String,
}

/// Unpacks what is spatial in a ZIP file into `folder`.
pub fn unzip(path: &Path, folder: &Path) -> Result<Vec<Found>, ReadError> {
    let mut unpacking = Unpacking::new(path, folder)?;
    unpacking.zip(path, "", 1)?;
    unpacking.finish()
}

/// Unpacks what is spatial in a tar that was compressed with gzip into `folder`.
pub fn untar(path: &Path, folder: &Path) -> Result<Vec<Found>, ReadError> {
    let mut unpacking = Unpacking::new(path, folder)?;
    unpacking.tar(path)?;
    unpacking.finish()
}

struct Unpacking<'a> {
    folder: &'a Path,
    entries: usize,
    swelling: Swelling,
    /// Number of the folder of each group of files that belong together.
    groups: HashMap<String, usize>,
    found: Vec<Found>,
    /// Some names that were passed over, to tell where nothing was found.
    others: Vec<String>,
    /// Whether it is a workbook or a document, which are archives, too.
    office: bool,
    /// What goes from the archive to the disk at a time.
    buffer: Vec<u8>,
}

/// How much has come out of an archive, held against how long it is: what it says of itself counts for nothing.
#[derive(Debug, Clone)]
struct Swelling {
    packed: u64,
    unpacked: u64,
}

impl Swelling {
    fn of(path: &Path) -> Result<Self, ReadError> {
        Ok(Self { packed: std::fs::metadata(path)?.len(), unpacked: 0 })
    }

    /// So many bytes came out.
    fn add(&mut self, bytes: u64) -> Result<(), ReadError> {
        self.unpacked += bytes;
        if self.unpacked > SMALL && self.unpacked / LARGEST_RATIO > self.packed {
            return Err(refused(
                "archive_ratio",
                format!("压缩包解压后膨胀超过 {LARGEST_RATIO} 倍，疑似压缩炸弹，已拒收"),
                format!("the archive grows more than {LARGEST_RATIO} times when unpacked, as archives made to do harm do"),
            ));
        }
        if self.unpacked > MOST_BYTES {
            let gib = MOST_BYTES >> 30;
            return Err(refused(
                "archive_too_large",
                format!("压缩包解压后超过 {gib} GiB，请分县上传"),
                format!("the archive unpacks to more than {gib} GiB; upload it county by county"),
            ));
        }
        Ok(())
    }
}

impl<'a> Unpacking<'a> {
    fn new(path: &Path, folder: &'a Path) -> Result<Self, ReadError> {
        let swelling = Swelling::of(path)?;
        Ok(Self { folder, entries: 0, swelling, groups: HashMap::new(), found: Vec::new(), others: Vec::new(), office: false, buffer: vec![0; 256 << 10] })
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
            self.office |= matches!(name, "[Content_Types].xml" | "mimetype");
            if self.others.len() < 5 {
                self.others.push(name.to_owned());
            }
            return Ok(None);
        };
        let next = self.groups.len();
        let number = *self.groups.entry(format!("{within}{group}")).or_insert(next);
        if number == MOST_GROUPS {
            return Err(too_many_found());
        }
        let target = self.folder.join(number.to_string()).join(&file);
        if let Some(opens) = opens {
            let path = self.folder.join(number.to_string()).join(opens);
            if !self.found.iter().any(|found| found.path == path) {
                if self.found.len() == MOST_FOUND {
                    return Err(too_many_found());
                }
                // A geodatabase is the folder that its tables are in.
                let place = if opens == "data.gdb" { name.rsplit_once('/').map_or(name, |(folder, _)| folder) } else { name };
                self.found.push(Found { path, title, place: format!("{within}{place}") });
            }
        }
        // Nothing is made on the disk for what is refused.
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok(Some(target))
    }

    fn unpack(&mut self, entry: &mut impl Read, target: &Path, name: &str) -> Result<(), ReadError> {
        let mut out = File::options().write(true).create_new(true).open(target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => refused("archive_duplicate", format!("压缩包内“{name}”出现了两次"), format!("“{name}” is in the archive twice")),
            _ => ReadError::Io(error),
        })?;
        loop {
            let read = entry.read(&mut self.buffer).map_err(told)?;
            if read == 0 {
                return Ok(());
            }
            self.swelling.add(read as u64)?;
            out.write_all(&self.buffer[..read])?;
        }
    }

    fn finish(self) -> Result<Vec<Found>, ReadError> {
        if self.found.is_empty() { Err(self.nothing()) } else { Ok(self.found) }
    }

    /// Why there is nothing to open.
    fn nothing(&self) -> ReadError {
        if self.office {
            return refused(
                "unsupported_format",
                "这是 Excel 或其他办公软件的文件，不含图形；请上传空间数据（Shapefile、FileGDB、GeoPackage、GeoJSON 等）",
                "it is a workbook or another office document, which has no shapes; upload spatial data (Shapefile, FileGDB, GeoPackage, GeoJSON …)",
            );
        }
        // Some of a Shapefile's files, and not the one that has the shapes.
        let has = |number: usize, extension: &str| self.folder.join(format!("{number}/data{extension}")).is_file();
        if let Some(number) = (0..self.groups.len()).find(|number| has(*number, ".dbf") || has(*number, ".shx")) {
            let missing: Vec<&str> = [".shp", ".shx", ".dbf"].into_iter().filter(|extension| !has(number, extension)).collect();
            return shapefile::incomplete(&missing);
        }
        let (zh, en) = if self.others.is_empty() {
            ("是空的".to_owned(), "it is empty".to_owned())
        } else {
            (format!("只有：{}", self.others.join("、")), format!("it has: {}", self.others.join(", ")))
        };
        refused(
            "archive_nothing",
            format!("压缩包里没有可识别的空间数据（Shapefile、FileGDB、GeoPackage、GeoJSON、FlatGeobuf、KML、MapInfo、DXF）；{zh}"),
            format!("there is no spatial file in the archive (Shapefile, FileGDB, GeoPackage, GeoJSON, FlatGeobuf, KML, MapInfo, DXF); {en}"),
        )
    }
}

/// The refusal of an archive with more data sets than are taken, told at the first that is too many.
fn too_many_found() -> ReadError {
    refused(
        "archive_too_many",
        format!("压缩包内的数据超过 {MOST_FOUND} 份，请只打包需要上传的数据"),
        format!("the archive has more than {MOST_FOUND} data sets; pack only what is to be uploaded"),
    )
}

/// The refusal of an archive in which there is only text that is no data.
pub fn nothing_but_text() -> ReadError {
    refused(
        "archive_nothing",
        "压缩包里没有可识别的空间数据（Shapefile、FileGDB、GeoPackage、GeoJSON、FlatGeobuf、KML、MapInfo、DXF、国土 TXT），只有不是坐标文件的文本",
        "there is no spatial file in the archive (Shapefile, FileGDB, GeoPackage, GeoJSON, FlatGeobuf, KML, MapInfo, DXF, 国土 TXT), only text that is none",
    )
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

/// A refusal that came through a reader is itself; any other error says that the archive is broken.
fn told(error: io::Error) -> ReadError {
    error.downcast().unwrap_or_else(|error| broken(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::write::SimpleFileOptions;

    /// The word for why an archive of these empty files is refused, and how many folders and files were made before that.
    fn refused_after(names: impl Iterator<Item = String>) -> (String, usize) {
        let (at, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = at.path().join("a.zip");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in names {
            archive.start_file(name, SimpleFileOptions::default()).unwrap();
        }
        archive.finish().unwrap();
        let code = unzip(&path, folder.path()).unwrap_err().code().to_owned();
        (code, std::fs::read_dir(folder.path()).unwrap().count())
    }

    #[test]
    fn what_is_too_many_is_refused_at_the_first_and_not_at_the_last() {
        for (extension, most) in [("shp", MOST_FOUND), ("geojson", MOST_FOUND), ("dbf", MOST_GROUPS)] {
            let names = (0..9_999).map(|number| format!("{number}.{extension}"));
            assert_eq!(refused_after(names), ("archive_too_many".to_owned(), most), "{extension}");
        }
        assert_eq!(refused_after((0..10_001).map(|number| format!("{number}.shp"))), ("archive_too_many".to_owned(), 0));
    }
}
