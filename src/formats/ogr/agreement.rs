//! What `tuban-ogr` is asked and what it answers, as JSON. The package `ogr/` keeps the other half.

use crate::formats::FeatureBounds;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One job.
#[derive(Debug, Serialize)]
pub(super) struct Job<'a> {
    pub folder: &'a Path,
    pub path: &'a Path,
    pub driver: &'a str,
    pub task: Task<'a>,
    pub limits: Limits,
    pub bounds: FeatureBounds,
    pub fault: Option<&'a str>,
}

/// What to do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Task<'a> {
    /// Tell what is in the file, and stream one layer.
    Read { layer: Option<usize>, encoding: Option<&'a str>, names: Option<&'a [String]> },
    /// Make the file from what follows.
    Write(WriteWish),
}

/// What to write: one layer of multi-polygons.
#[derive(Debug, Serialize)]
pub struct WriteWish {
    /// The layer's name.
    pub layer: String,
    /// EPSG code of its CRS.
    pub epsg: u32,
    /// Its fields.
    pub fields: Vec<NewField>,
    /// Creation options of the layer, `NAME=VALUE`.
    pub options: Vec<String>,
}

/// A field to make.
#[derive(Debug, Serialize)]
pub struct NewField {
    /// Its name.
    pub name: &'static str,
    /// `text`, `integer` or `real`.
    pub kind: &'static str,
    /// Characters or digits; 0 for the driver's own.
    pub width: u16,
    /// Decimals of a real number.
    pub decimals: u8,
}

/// What a job may cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Limits {
    /// Address space, bytes.
    pub memory_bytes: u64,
    /// Processor time, seconds.
    pub cpu_s: u64,
    /// Largest file it may write where it makes one, bytes.
    pub file_bytes: u64,
    /// Files open at once.
    pub files: u64,
}

/// What is in the file.
#[derive(Debug, Clone, Deserialize)]
pub struct Header {
    /// Its layers, in order.
    pub layers: Vec<LayerHeader>,
    /// What held the process.
    pub confinement: Confinement,
}

/// What is known of a layer without reading it.
#[derive(Debug, Clone, Deserialize)]
pub struct LayerHeader {
    /// Its name.
    pub name: String,
    /// GDAL's name of its geometry type.
    pub geometry: String,
    /// Whether polygons can be in it.
    pub polygonal: bool,
    /// Features it says it has.
    pub count: i64,
    /// Its CRS as WKT 1.
    pub wkt: Option<String>,
    /// EPSG code of that.
    pub epsg: Option<u32>,
    /// Its fields.
    pub fields: Vec<FieldHeader>,
    /// What GDAL complained of while it looked at the layer.
    #[serde(default)]
    pub trouble: Option<String>,
}

/// A field of a layer.
#[derive(Debug, Clone, Deserialize)]
pub struct FieldHeader {
    /// Its name.
    pub name: String,
    /// GDAL's name of its type.
    pub kind: String,
    /// Its name as the bytes it is.
    pub raw: Vec<u8>,
}

/// What was sent, and what people should know of it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Sent {
    /// Features.
    pub features: u64,
    /// What GDAL warned of.
    pub warnings: Vec<String>,
}

/// What held the process.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct Confinement {
    /// `full`, `partial` or `none`: whether only the job's folder could be opened.
    pub folder: String,
    /// Whether it had an empty network of its own.
    pub own_network: bool,
    /// Whether the kernel refused it sockets, other programs and processes, and every other call that files do not take.
    pub filtered: bool,
}

/// Why a job was not done.
#[derive(Debug, Deserialize)]
pub(super) struct Trouble {
    pub code: String,
    pub message: String,
    pub row: Option<u64>,
}
