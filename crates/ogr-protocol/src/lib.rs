//! The protocol between the service and its worker `tuban-ogr`, a process for each file.
//!
//! 1. The service writes one line of JSON to the worker's stdin: a [`Job`].
//! 2. The worker answers in frames on stdout, each a byte that says what it is ([`frame`]), the
//!    number of bytes that follow (32 bits, little-endian), and these bytes.
//!    - Reading: a [`Header`], batches of features, and what was [`Sent`].
//!    - Writing: an empty last frame, once the file is complete.
//!    - What goes wrong is a [`Trouble`], the last frame.
//! 3. A batch is the number of its features, then each as its [`flag`]s (one byte), its attributes
//!    (length and JSON) and its geometry (length and WKB, nothing where there is none).
//! 4. To be written, features follow the job on stdin: each as its values (length and a JSON array,
//!    in the order of the fields) and its geometry (length and WKB); [`END_OF_LAYER`] comes last.
//!
//! Lengths and counts are 32 bits, little-endian. Neither side believes the other: every length is
//! held against a limit first.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Display;
use std::path::PathBuf;

/// What a frame is: its first byte.
pub mod frame {
    /// What is in the file: a [`Header`](super::Header), first.
    pub const HEADER: u8 = b'H';
    /// Some features.
    pub const BATCH: u8 = b'B';
    /// The end: last. Where a file was read, [`Sent`](super::Sent).
    pub const END: u8 = b'E';
    /// Why the job was not done: a [`Trouble`](super::Trouble), last.
    pub const TROUBLE: u8 = b'X';
}

/// What is noted of a feature in a batch: bits of one byte.
pub mod flag {
    /// It had heights or measures.
    pub const RAISED: u8 = 1;
    /// It had arcs, which were straightened.
    pub const BENT: u8 = 2;
    /// It was a closed line.
    pub const CLOSED: u8 = 4;
    /// It had text that is not in the encoding.
    pub const GARBLED: u8 = 8;
    /// It had points or lines beside its areas.
    pub const MIXED: u8 = 16;
    /// Its geometry was left out, because it has too many vertices.
    pub const OVERSIZED: u8 = 32;
    /// Its attributes were left out, because they are too long.
    pub const OVERLONG: u8 = 64;
}

/// In place of a feature's first length: all features were sent.
pub const END_OF_LAYER: u32 = u32::MAX;

/// Bytes of a vertex in WKB.
pub const VERTEX_BYTES: usize = 16;
/// Vertices that what counts the rings of WKB may pass for: a geometry has too many above
/// [`Bounds::vertices`] and these.
pub const VERTEX_SLACK: u64 = 1000;

/// One job.
#[derive(Debug, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// What to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Tell what is in the file, and stream one layer.
    Read(ReadWish),
    /// Make the file from what follows on stdin.
    Write(WriteWish),
}

/// What to read.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadWish {
    /// Number of the layer to stream; none to stream nothing.
    pub layer: Option<usize>,
    /// Label of the text's encoding, as of the WHATWG standard; none for UTF-8 with GB18030 for
    /// what is not.
    pub encoding: Option<String>,
    /// What to call the fields of that layer, in order; none to call them as the file does.
    #[serde(default)]
    pub names: Option<Vec<String>>,
}

/// What to write: one layer of multi-polygons.
#[derive(Debug, Serialize, Deserialize)]
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
#[derive(Debug, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewKind {
    /// Text.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
}

/// What a job may cost.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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

/// What one feature may be. More is left out, and said so in its [`flag`]s.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Bounds {
    /// Vertices.
    pub vertices: u64,
    /// Bytes of its attributes.
    pub text_bytes: u64,
}

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Open a network connection and a file outside the folder, start and kill other processes, and
    /// tell what came of it.
    Escape,
    /// Die of a signal once the first batch was sent, or the first feature written.
    CrashMidway,
    /// Say nothing more from there on.
    HangMidway,
}

/// What is in the file: the first frame.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// Its layers, in order.
    pub layers: Vec<LayerHeader>,
    /// What holds the process.
    pub confinement: Confinement,
}

/// What is known of a layer without reading it.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// Its fields.
    pub fields: Vec<FieldHeader>,
    /// What GDAL complained of while it looked at the layer: then not all of it can be read, if any.
    #[serde(default)]
    pub trouble: Option<String>,
}

/// A field of a layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FieldHeader {
    /// Its name.
    pub name: String,
    /// GDAL's name of its type, e.g. `String`.
    pub kind: String,
    /// Its name as the bytes it is.
    pub raw: Vec<u8>,
}

/// What was sent, and what people should know of it: the last frame.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Sent {
    /// Features.
    pub features: u64,
    /// What GDAL warned of.
    pub warnings: Vec<String>,
}

/// What holds the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Whether only the job's folder can be opened: `full`, `partial`, or `none` where the kernel
    /// lacks landlock.
    pub folder: Cow<'static, str>,
    /// Whether it has a network namespace of its own, with nothing in it.
    pub own_network: bool,
    /// Whether the kernel refuses it sockets, other programs and processes, and every other call
    /// that files do not take.
    pub filtered: bool,
}

/// Why the job was not done: the last frame.
#[derive(Debug, Serialize, Deserialize)]
pub struct Trouble {
    /// A word for programs.
    pub code: Cow<'static, str>,
    /// What GDAL says, or we.
    pub message: String,
    /// Feature of the layer at which it happened, from 1.
    pub row: Option<u64>,
}

impl Trouble {
    /// A trouble of that kind.
    #[allow(clippy::needless_pass_by_value, reason = "errors are handed over at the end of their life")]
    pub fn new(code: &'static str, message: impl Display) -> Self {
        Self { code: Cow::Borrowed(code), message: message.to_string(), row: None }
    }

    /// Adds the feature of the layer, from 1.
    #[must_use]
    pub fn at(self, row: u64) -> Self {
        Self { row: Some(row), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker of one version may be started by a service of another: what the two say must not change by accident.
    #[test]
    fn what_is_said_is_the_json_that_older_programs_understand() {
        let read = ReadWish { layer: Some(1), encoding: None, names: None };
        let job = |task| Job {
            folder: "/j".into(),
            path: "/j/a.gpkg".into(),
            driver: "GPKG".to_owned(),
            task,
            limits: Limits { memory_bytes: 1, cpu_s: 2, file_bytes: 3, files: 4 },
            bounds: Bounds { vertices: 5, text_bytes: 6 },
            fault: None,
        };
        let rest = r#""limits":{"memory_bytes":1,"cpu_s":2,"file_bytes":3,"files":4},"bounds":{"vertices":5,"text_bytes":6}}"#;
        assert_eq!(
            serde_json::to_string(&job(Task::Read(read))).unwrap(),
            format!(r#"{{"folder":"/j","path":"/j/a.gpkg","driver":"GPKG","task":{{"read":{{"layer":1,"encoding":null,"names":null}}}},{rest}"#)
        );
        let field = NewField { name: "TBBH".to_owned(), kind: NewKind::Text, width: 254, decimals: 0 };
        let write = WriteWish { layer: "a".to_owned(), epsg: 4490, fields: vec![field], options: vec!["RESIZE=YES".to_owned()] };
        let told = serde_json::to_value(job(Task::Write(write))).unwrap();
        assert_eq!(told["task"]["write"]["fields"][0], serde_json::json!({"name": "TBBH", "kind": "text", "width": 254, "decimals": 0}));
        let trouble: Trouble = serde_json::from_str(r#"{"code":"broken","message":"x","row":7}"#).unwrap();
        assert_eq!((&*trouble.code, trouble.row), ("broken", Some(7)));
        assert_eq!(serde_json::to_string(&Fault::CrashMidway).unwrap(), r#""crash_midway""#);
    }
}
