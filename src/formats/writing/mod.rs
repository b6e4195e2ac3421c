//! Features to bytes: what `service` exports, in every format there is. GeoJSON, CSV and XLSX are written here; `tuban-ogr` makes the others.
//!
//! Every file is written under no name: what is not handed on to its end is gone with the value, also when the process is killed.

mod csv;
mod gbk;
mod geojson;
mod ogr;
mod xlsx;

pub use csv::harmless;

use super::{ReadError, ogr::Workshop};
use std::borrow::Cow;
use std::fs::File;
use tuban_engine::model::{Words, words};
use tuban_geom::{Crs, Outline};

words! {
    /// What is written.
    Format {
        /// RFC 7946 with a `crs` member.
        GeoJson = "geojson",
        /// A table in UTF-8 with a byte order mark, without shapes.
        Csv = "csv",
        /// An Excel workbook, without shapes.
        Xlsx = "xlsx",
        /// OGC `GeoPackage`.
        GeoPackage = "gpkg",
        /// A zipped Esri Shapefile.
        Shapefile = "shp",
        /// A zipped Esri FileGDB.
        FileGdb = "gdb",
        /// `FlatGeobuf`.
        FlatGeobuf = "fgb",
    }
}

words! {
    /// What the text of a Shapefile is in.
    Encoding {
        /// UTF-8.
        Utf8 = "UTF-8",
        /// GBK, which Chinese desktop systems expect.
        Gbk = "GBK",
    }
}

impl Format {
    /// What the file's name ends in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Shapefile | Self::FileGdb => "zip",
            _ => self.word(),
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::GeoJson => "application/geo+json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::GeoPackage => "application/geopackage+sqlite3",
            Self::Shapefile | Self::FileGdb => "application/zip",
            Self::FlatGeobuf => "application/octet-stream",
        }
    }

    /// Whether people read it as it is: then its words are Chinese, else those of the API.
    #[must_use]
    pub fn is_chinese(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx | Self::Shapefile)
    }

    /// Whether it holds shapes, in some CRS.
    #[must_use]
    pub fn has_shapes(self) -> bool {
        !matches!(self, Self::Csv | Self::Xlsx)
    }
}

/// A column of a table of features.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name for programs.
    pub key: &'static str,
    /// Its name in a Shapefile: at most ten letters.
    pub short: &'static str,
    /// Its heading for people.
    pub chinese: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Whole numbers.
    Integer,
    /// Square metres, unrounded; a Shapefile keeps four decimals.
    SquareMetres,
    /// 亩, two decimals.
    Mu,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// None.
    Nothing,
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
}

/// What is to be written, and how.
#[derive(Debug, Clone)]
pub struct Layout {
    /// In what.
    pub format: Format,
    /// What the shapes are in.
    pub crs: Crs,
    /// What the text of a Shapefile is in.
    pub encoding: Encoding,
    /// Whether any of it is invented: GeoJSON says so of itself, as the demo city's files do; the other formats have no place for it.
    pub invented: bool,
    /// Name of the layer, in letters that every system takes.
    pub layer: String,
    /// Its columns.
    pub columns: &'static [Column],
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk failed.
    #[error("the file cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// What is to be written has no place in that format.
    #[error("{}", .words.en)]
    Unacceptable {
        /// A word for programs.
        code: &'static str,
        /// A sentence for people.
        words: Words,
    },
    /// `tuban-ogr` is not there, or did not come to the end.
    #[error("{}", .words.en)]
    Unavailable {
        /// A word for programs.
        code: &'static str,
        /// A sentence for people.
        words: Words,
    },
}

impl From<ReadError> for WriteError {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::Io(error) => return Self::Io(error),
            other => other.code(),
        };
        let words = if code == "no_ogr" {
            Words::new(
                "导出这种格式需要程序 tuban-ogr（软件包 tuban-ogr，依赖 libgdal），本机没有安装；请管理员安装，或改用 GeoJSON、CSV、XLSX",
                "this format needs the program tuban-ogr (package tuban-ogr, built on libgdal), which is not installed here; have it installed, or use GeoJSON, CSV or XLSX",
            )
        } else {
            Words::new(
                format!("导出没有完成：写出程序 tuban-ogr 中途停止（{code}）；请缩小范围后重试，或改用 GeoJSON、CSV、XLSX"),
                format!("the export was not finished: tuban-ogr stopped ({code}); try a smaller part, or use GeoJSON, CSV or XLSX"),
            )
        };
        Self::Unavailable { code, words }
    }
}

/// A file being written.
pub trait FeatureWriter {
    /// Appends a feature: a cell for each column, and its outline in the CRS of the layout.
    fn push(&mut self, cells: &[Cell<'_>], outline: &Outline) -> Result<(), WriteError>;
    /// The whole file, open and without a name.
    fn finish(self: Box<Self>) -> Result<File, WriteError>;
}

/// Begins a file.
pub fn begin(workshop: &Workshop, layout: &Layout) -> Result<Box<dyn FeatureWriter>, WriteError> {
    let file = || tempfile::tempfile_in(&workshop.scratch);
    Ok(match layout.format {
        Format::Csv => Box::new(csv::Table::begin(file()?, layout)?),
        Format::GeoJson => Box::new(geojson::Collection::begin(file()?, layout)?),
        Format::Xlsx => Box::new(xlsx::Sheet::begin(file()?, layout)?),
        Format::GeoPackage | Format::Shapefile | Format::FileGdb | Format::FlatGeobuf => Box::new(ogr::Layer::begin(workshop, layout)?),
    })
}

/// What the disk said of an archive: the library's own conversion keeps its kind alone, and a limit on file sizes has none.
fn of_zip(error: zip::result::ZipError) -> std::io::Error {
    match error {
        zip::result::ZipError::Io(error) => error,
        other => other.into(),
    }
}
