//! Why a whole file cannot be read.

use super::json;
use tuban_engine::model::Words;
use tuban_geom::Crs;

/// Why a file cannot be read. One broken feature is not among the reasons: see [`Fault`](super::Fault).
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk, or whatever the file is on, failed.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// After its features the file names another CRS than they were read in: read it again with this one forced.
    #[error("the CRS {0} is named only after the features")]
    CrsAfterFeatures(Crs),
    /// The file is not what it should be.
    #[error("{}{}", .0.words.en, .0.offset.map(|byte| format!(" (byte {byte})")).unwrap_or_default())]
    Refused(Box<Refusal>),
}

/// Why a file is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A word for programs, e.g. `truncated`.
    pub code: &'static str,
    /// A sentence for people.
    pub words: Words,
    /// Byte of the file, from 0.
    pub offset: Option<u64>,
    /// RFC 6901 pointer, where one is known.
    pub pointer: Option<String>,
}

impl ReadError {
    /// A refusal without a place.
    pub(super) fn refused(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal { code, words: Words::new(zh, en), offset: None, pointer: None }))
    }

    /// Adds the byte offset in the file.
    pub(super) fn at(mut self, byte: u64) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.offset = Some(byte);
        }
        self
    }

    /// Adds the JSON pointer (RFC 6901) of the value that holds the fault.
    pub(super) fn within(mut self, pointer: impl Into<String>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.pointer = Some(pointer.into());
        }
        self
    }

    /// The refusal of a file that ends too early.
    pub(super) fn truncated(size: u64) -> Self {
        Self::refused(
            "truncated",
            format!("文件不完整：读到第 {size} 字节文件就结束了，请重新导出或重新上传"),
            format!("the file is incomplete: it ends at byte {size}; export or upload it again"),
        )
        .at(size)
    }

    /// The refusal of an answer of a service that says that it is not all of it.
    pub(super) fn part_of_an_answer() -> Self {
        Self::refused(
            "part_of_an_answer",
            "这是服务返回的一部分要素（exceededTransferLimit），不完整，未采用；请分页取全或从数据库导出",
            "it is a part of what a service has (exceededTransferLimit), so it was not taken; fetch all of it page by page, or export it from the database",
        )
    }

    /// The refusal of text that is not JSON; `base` is the byte of the file at which the text begins.
    pub(super) fn syntax(fault: json::Fault, base: u64) -> Self {
        let why = fault.wrong.words();
        let byte = base + fault.at as u64;
        Self::refused("not_json", format!("不是合法的 JSON：第 {byte} 字节，{}", why.zh), format!("not valid JSON: {}", why.en)).at(byte)
    }

    /// The refusal of a file that is something else.
    pub(super) fn not_a_feature_collection(zh: &str, en: &str) -> Self {
        Self::refused("not_a_feature_collection", format!("不是 GeoJSON 要素集合（FeatureCollection）：{zh}"), format!("not a GeoJSON FeatureCollection: {en}"))
    }

    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::CrsAfterFeatures(_) => "crs_after_features",
            Self::Refused(refusal) => refusal.code,
        }
    }

    /// A sentence for people.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Io(error) => Words::new(format!("文件读取失败：{error}"), self.to_string()),
            Self::CrsAfterFeatures(crs) => {
                Words::new(format!("坐标系 {crs} 写在要素之后，请指定坐标系 {crs} 重新读取"), format!("{self}; read the file again as {crs}"))
            }
            Self::Refused(refusal) => refusal.words.clone(),
        }
    }

    /// Byte of the file, from 0, where one is known.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        if let Self::Refused(refusal) = self { refusal.offset } else { None }
    }

    /// RFC 6901 pointer, where one is known.
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        if let Self::Refused(refusal) = self { refusal.pointer.as_deref() } else { None }
    }
}
