//! The text of a table in whatever encoding a spreadsheet wrote it: a byte order mark decides, else NUL bytes tell of UTF-16, else strict UTF-8, else GB18030.

use crate::formats::ReadError;
use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// Decodes a whole table.
///
/// # Errors
/// When it is no text in any of these: `encoding`, with the line.
pub(super) fn decode(bytes: &[u8]) -> Result<String, ReadError> {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => (without_mark(bytes)?, bytes),
    };
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) if !text.contains('\0') => Ok(text.into_owned()),
        Some(_) => Err(no_text()),
        None => Err(wrong(encoding, bytes)),
    }
}

fn without_mark(bytes: &[u8]) -> Result<&'static Encoding, ReadError> {
    // Neither UTF-8 nor GB18030 has NUL in any character but NUL; UTF-16 has one in every ASCII character, commas and ends of lines among them.
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    match (zeros(0), zeros(1)) {
        (0, 0) if std::str::from_utf8(bytes).is_ok() => Ok(UTF_8),
        (0, 0) => Ok(GB18030),
        (0, _) => Ok(UTF_16LE),
        (_, 0) => Ok(UTF_16BE),
        _ => Err(no_text()),
    }
}

fn no_text() -> ReadError {
    ReadError::refused("not_a_table", "这不是表格文件（CSV 或 XLSX）", "this is neither a CSV table nor an XLSX workbook")
}

fn wrong(encoding: &'static Encoding, bytes: &[u8]) -> ReadError {
    let text = encoding.decode_without_bom_handling(bytes).0;
    let line = text.split('\n').position(|line| line.contains('\u{fffd}')).unwrap_or(0) + 1;
    let name = encoding.name();
    ReadError::refused(
        "encoding",
        format!("第 {line} 行的文字既不是 UTF-8、UTF-16 也不是 GBK（按 {name} 读取失败），请另存为 UTF-8 的 CSV 或 XLSX"),
        format!("line {line} is neither UTF-8, UTF-16 nor GBK (read as {name}): save it as CSV in UTF-8, or as XLSX"),
    )
}
