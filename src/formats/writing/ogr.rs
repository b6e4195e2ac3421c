//! What `tuban-ogr` writes: sent to it feature by feature, and taken out of its job folder when it is done.

use super::{Cell, Column, Encoding, FeatureWriter, Format, Kind, Layout, WriteError, gbk};
use crate::formats::ReadError;
use crate::formats::ogr::{Folder, Worker, Workshop};
use rustix::fs::statvfs;
use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use tuban_engine::model::Words;
use tuban_geom::Outline;
use tuban_geom::wkb;
use tuban_ogr_protocol::{END_OF_LAYER, NewField, NewKind, WriteWish};
use zip::write::SimpleFileOptions;

/// Features are sent once they have this many bytes.
const PORTION: usize = 256 << 10;
/// Bytes of the longest text in a DBF.
const DBF_TEXT: usize = 254;

/// A layer being written.
pub(super) struct Layer {
    worker: Worker,
    folder: Folder,
    path: PathBuf,
    layout: Layout,
    portion: Vec<u8>,
    scratch: PathBuf,
}

impl Layer {
    pub fn begin(workshop: &Workshop, layout: &Layout) -> Result<Self, WriteError> {
        let folder = workshop.folder()?;
        let path = folder.path.join(format!("{}.{}", layout.layer, layout.format));
        let fields = layout.columns.iter().map(|column| field(column, layout.format)).collect();
        let wish = WriteWish { layer: layout.layer.clone(), epsg: layout.crs.epsg(), fields, options: options(layout) };
        let worker = Worker::write(workshop, &folder.path, &path, driver(layout.format), wish).map_err(|error| why_not_written(error, &folder.path))?;
        Ok(Self { worker, folder, path, layout: layout.clone(), portion: Vec::new(), scratch: workshop.scratch.clone() })
    }

    fn sized(&mut self, bytes: &[u8]) {
        self.portion.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.portion.extend_from_slice(bytes);
    }
}

impl FeatureWriter for Layer {
    fn push(&mut self, cells: &[Cell<'_>], outline: &Outline) -> Result<(), WriteError> {
        let values = if self.layout.format == Format::Shapefile {
            let fitted: Vec<Cell<'_>> = cells.iter().map(|cell| fit(cell, self.layout.encoding)).collect::<Result<_, _>>()?;
            serde_json::to_vec(&fitted)
        } else {
            serde_json::to_vec(cells)
        };
        self.sized(&values.map_err(std::io::Error::from)?);
        let mut shape = Vec::new();
        wkb::write_multi_polygon(outline, &mut shape);
        self.sized(&shape);
        if self.portion.len() >= PORTION {
            let sent = self.worker.push(&std::mem::take(&mut self.portion));
            sent.map_err(|error| why_not_written(error, &self.folder.path))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<File, WriteError> {
        let mut last = std::mem::take(&mut self.portion);
        last.extend_from_slice(&END_OF_LAYER.to_le_bytes());
        self.worker.push(&last).and_then(|()| self.worker.end()).map_err(|error| why_not_written(error, &self.folder.path))?;
        if self.layout.format == Format::Shapefile {
            // GDAL writes one, too; what stands in it must not depend on its version.
            std::fs::write(self.path.with_extension("cpg"), self.layout.encoding.word())?;
        }
        if self.layout.format.extension() != "zip" {
            return Ok(File::open(&self.path)?);
        }
        pack(tempfile::tempfile_in(&self.scratch)?, &self.folder.path)
    }
}

/// Less than this is no room for GDAL, some of which it gives back when it fails.
const LEAST_ROOM: u64 = 1 << 20;

/// GDAL does not tell why it could not write. Where its disk is full while what it wrote is still there, that is why.
fn why_not_written(error: ReadError, folder: &Path) -> WriteError {
    let free = statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    if free.is_ok_and(|free| free < LEAST_ROOM) { WriteError::Io(std::io::ErrorKind::StorageFull.into()) } else { error.into() }
}

/// GDAL's name of the driver.
fn driver(format: Format) -> &'static str {
    match format {
        Format::Shapefile => "ESRI Shapefile",
        Format::FileGdb => "OpenFileGDB",
        Format::FlatGeobuf => "FlatGeobuf",
        _ => "GPKG",
    }
}

fn field(column: &Column, format: Format) -> NewField {
    let name = if format == Format::Shapefile { column.short } else { column.key };
    let (kind, width, decimals) = match column.kind {
        Kind::Text => (NewKind::Text, DBF_TEXT as i32, 0),
        Kind::Integer => (NewKind::Integer, 18, 0),
        Kind::SquareMetres => (NewKind::Real, 20, 4),
        Kind::Mu => (NewKind::Real, 18, 2),
    };
    let (width, decimals) = if format == Format::Shapefile { (width, decimals) } else { (0, 0) };
    NewField { name: name.to_owned(), kind, width, decimals }
}

fn options(layout: &Layout) -> Vec<String> {
    let options: &[&str] = match (layout.format, layout.crs.is_degrees()) {
        (Format::Shapefile, _) => &["RESIZE=YES"],
        // The usual grid of 0.1 mm moves the areas of the largest patches by 0.012 m².
        (Format::FileGdb, true) => &["XORIGIN=-400", "YORIGIN=-400", "XYSCALE=1000000000000", "XYTOLERANCE=0.000000001"],
        (Format::FileGdb, false) => &["XORIGIN=-100000000", "YORIGIN=-100000000", "XYSCALE=10000000", "XYTOLERANCE=0.0001"],
        _ => &[],
    };
    let mut options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    if layout.format == Format::Shapefile {
        options.push(format!("ENCODING={}", layout.encoding));
    }
    options
}

/// A cell that a DBF holds whole: text is cut between characters, with an ellipsis, before it is too long. What GBK does not have is refused, not lost.
fn fit<'c>(cell: &'c Cell<'c>, encoding: Encoding) -> Result<Cell<'c>, WriteError> {
    let Cell::Text(text) = cell else { return Ok(cell.clone()) };
    if encoding == Encoding::Gbk
        && let Some(lost) = text.chars().find(|c| gbk::width(*c).is_none())
    {
        let words =
            Words::new(format!("“{text}”中的“{lost}”GBK 里没有，请改用 encoding=UTF-8"), format!("“{text}” has “{lost}”, which GBK lacks; use encoding=UTF-8"));
        return Err(WriteError::Unacceptable { code: "not_in_gbk", words });
    }
    let bytes = |c: char| match encoding {
        Encoding::Utf8 => c.len_utf8(),
        Encoding::Gbk => gbk::width(c).unwrap_or_default(),
    };
    if text.chars().map(bytes).sum::<usize>() <= DBF_TEXT {
        return Ok(Cell::Text(Cow::Borrowed(text)));
    }
    let mut left = DBF_TEXT - bytes('…');
    let kept = text.chars().take_while(|c| {
        let fits = bytes(*c) <= left;
        left = left.saturating_sub(bytes(*c));
        fits
    });
    Ok(Cell::Text(Cow::Owned(kept.chain(['…']).collect())))
}

/// Everything in the folder as one archive.
fn pack(file: File, folder: &Path) -> Result<File, WriteError> {
    let mut archive = zip::ZipWriter::new(file);
    add(&mut archive, folder, "")?;
    Ok(archive.finish().map_err(super::of_zip)?)
}

fn add(archive: &mut zip::ZipWriter<File>, folder: &Path, prefix: &str) -> Result<(), WriteError> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            add(archive, &entry.path(), &format!("{name}/"))?;
        } else {
            let options = SimpleFileOptions::default().large_file(entry.metadata()?.len() >= u64::from(u32::MAX));
            archive.start_file(name, options).map_err(super::of_zip)?;
            std::io::copy(&mut File::open(entry.path())?, archive)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters_and_what_gbk_lacks_is_refused() {
        let long = Cell::Text("耕".repeat(200).into());
        // Oracle: Python, 126 * 2 + len('…'.encode('gbk')) = 254, and 83 * 3 + len('…'.encode()) = 252.
        for (encoding, kept) in [(Encoding::Gbk, 126), (Encoding::Utf8, 83)] {
            assert_eq!(fit(&long, encoding).unwrap(), Cell::Text(format!("{}…", "耕".repeat(kept)).into()));
        }
        for name in ["𠮷", "王䶮", "㑳"] {
            let rare = Cell::Text(name.into());
            assert!(matches!(fit(&rare, Encoding::Gbk), Err(WriteError::Unacceptable { code: "not_in_gbk", .. })), "{name}");
            assert_eq!(fit(&rare, Encoding::Utf8).unwrap(), rare);
        }
    }
}
