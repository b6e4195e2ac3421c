//! What is asked of this process, and what it answers, as JSON. The service keeps the other half of this agreement in its `formats::ogr`.

use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::path::PathBuf;

/// One job.
#[derive(Debug, Deserialize)]
pub struct Job {
    /// The only folder that may be touched.
    pub folder: PathBuf,
    /// The file in it.
    pub path: PathBuf,
    /// GDAL's short name of the only driver that may open it.
    pub driver: String,
    /// What to do with it.
    pub task: Task,
    /// What it may cost.
    pub limits: Limits,
    /// What one feature may be.
    pub bounds: Bounds,
    /// A way to misbehave, for the service's tests.
    #[serde(default)]
    pub fault: Option<Fault>,
}

/// What to do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Tell what is in the file, and stream one layer.
    Read(ReadWish),
    /// Make the file from what follows on stdin.
    Write(WriteWish),
}

/// What to read.
#[derive(Debug, Deserialize)]
pub struct ReadWish {
    /// Number of the layer to stream; none to stream nothing.
    pub layer: Option<usize>,
    /// Label of the text's encoding, as of the WHATWG standard; none for UTF-8 with GB18030 for what is not.
    pub encoding: Option<String>,
    /// What to call the fields of that layer, in order; none to call them as the file does.
    #[serde(default)]
    pub names: Option<Vec<String>>,
}

/// What to write: one layer of multi-polygons.
#[derive(Debug, Deserialize)]
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
#[derive(Debug, Deserialize)]
pub struct NewField {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: NewKind,
    /// Characters or digits; 0 for the driver's own.
    pub width: i32,
    /// Decimals of a real number.
    pub decimals: i32,
}

/// What a field to make holds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewKind {
    /// Text.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
}

/// What the job may cost.
#[derive(Debug, Deserialize)]
pub struct Limits {
    /// Address space, bytes.
    pub memory_bytes: u64,
    /// Processor time, seconds.
    pub cpu_s: u64,
    /// Largest file it may write, bytes; nothing is written where a file is read.
    pub file_bytes: u64,
    /// Files open at once.
    pub files: u64,
}

/// What one feature may be. More is left out, and said so in its flags.
#[derive(Debug, Deserialize)]
pub struct Bounds {
    /// Vertices.
    pub vertices: u64,
    /// Bytes of its attributes.
    pub text_bytes: u64,
}

/// A way to misbehave.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Die of a signal.
    Crash,
    /// Say nothing, for ever.
    Hang,
    /// Spin, for ever.
    Spin,
    /// Send batches without end.
    Flood,
    /// Send a frame that says it is larger than anything.
    Lie,
    /// Allocate without end.
    Memory,
    /// Write to memory that is not there.
    Segfault,
    /// Write to memory whose allocation failed, as a library does that never looks.
    SegfaultOfMemory,
    /// Abort with no address space left.
    AbortOfMemory,
    /// Be ended as the system ends a process when the machine is out of memory.
    Killed,
    /// Send one feature after another, each a moment after the one before.
    Drip,
    /// Open a network connection and a file outside the folder, start and kill other processes, and tell what came of it.
    Escape,
    /// Die of a signal once the first batch was sent, or the first feature written.
    CrashMidway,
    /// Say nothing more from there on.
    HangMidway,
}

/// What is in the file: the first frame.
#[derive(Debug, Serialize)]
pub struct Header {
    /// Its layers, in order.
    pub layers: Vec<LayerHeader>,
    /// What holds this process.
    pub confinement: Confinement,
}

/// What is known of a layer without reading it.
#[derive(Debug, Serialize)]
pub struct LayerHeader {
    /// Its name.
    pub name: String,
    /// GDAL's name of its geometry type, e.g. `3D Multi Polygon`.
    pub geometry: String,
    /// Whether polygons can be in it.
    pub polygonal: bool,
    /// Features it says it has.
    pub count: i64,
    /// Its CRS as WKT 1; none where it has none.
    pub wkt: Option<String>,
    /// EPSG code of that, where GDAL recognises it.
    pub epsg: Option<u32>,
    /// Names of its fields.
    pub fields: Vec<FieldHeader>,
    /// What GDAL complained of while it looked at the layer: then not all of it can be read, if any.
    pub trouble: Option<String>,
}

/// A field of a layer.
#[derive(Debug, Serialize)]
pub struct FieldHeader {
    /// Its name.
    pub name: String,
    /// GDAL's name of its type, e.g. `String`.
    pub kind: String,
    /// Its name as the bytes it is.
    pub raw: Vec<u8>,
}

/// What was sent, and what people should know of it: the last frame.
#[derive(Debug, Default, Serialize)]
pub struct Sent {
    /// Features.
    pub features: u64,
    /// What GDAL warned of.
    pub warnings: Vec<String>,
}

/// What holds this process.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Confinement {
    /// Whether only the job's folder can be opened: `full`, `partial`, or `none` where the kernel lacks landlock.
    pub folder: &'static str,
    /// Whether it has a network namespace of its own, with nothing in it.
    pub own_network: bool,
    /// Whether the kernel refuses it sockets, other programs and processes, and every other call that files do not take.
    pub filtered: bool,
}

/// Why the job was not done: the last frame.
#[derive(Debug, Serialize)]
pub struct Trouble {
    /// A word for programs.
    pub code: &'static str,
    /// What GDAL says, or we.
    pub message: String,
    /// Feature of the layer at which it happened, from 1.
    pub row: Option<u64>,
}

impl Trouble {
    /// A trouble of that kind.
    #[allow(clippy::needless_pass_by_value, reason = "errors are handed over at the end of their life")]
    pub fn new(code: &'static str, message: impl Display) -> Self {
        Self { code, message: message.to_string(), row: None }
    }

    /// The same at a feature of the layer, from 1.
    pub fn at(self, row: u64) -> Self {
        Self { row: Some(row), ..self }
    }
}
