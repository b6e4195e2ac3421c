//! The bytes of a file in a window that slides over it, and where the values in it end.

use super::extent::Extent;
use crate::formats::ReadError;
use crate::formats::json::Cursor;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// How much is read at once.
const CHUNK: usize = 256 << 10;
/// Where GeoJSON can be read from; more than once, because a file's last word may change how it must be read.
pub trait Input: Read + Seek + Send {}
impl<T: Read + Seek + Send> Input for T {}

/// A window on a file.
pub(super) struct Source {
    input: Box<dyn Input>,
    /// The bytes in the window.
    pub bytes: Vec<u8>,
    /// The next byte to look at, in the window.
    pub at: usize,
    /// Where in the file the window begins.
    base: u64,
    largest: usize,
}

impl Source {
    pub fn new(input: Box<dyn Input>, largest: usize) -> Self {
        Self { input, bytes: Vec::new(), at: 0, base: 0, largest }
    }

    /// The byte of the file at `at` of the window.
    pub fn offset(&self, at: usize) -> u64 {
        self.base + at as u64
    }

    /// Bytes read so far.
    pub fn read(&self) -> u64 {
        self.offset(self.bytes.len())
    }

    /// Drops what lies before the next byte.
    pub fn forget(&mut self) {
        if self.at > 0 {
            self.base += self.at as u64;
            self.bytes.drain(..self.at);
            self.at = 0;
        }
    }

    /// Takes what lies before the next byte out of the window, with its offset in the file.
    pub fn take(&mut self) -> (Vec<u8>, u64) {
        // Room for a batch and what is read beyond it, so that it need not grow.
        let mut rest = Vec::with_capacity(self.bytes.len() - self.at + 4 * CHUNK);
        rest.extend_from_slice(&self.bytes[self.at..]);
        self.bytes.truncate(self.at);
        let offset = self.base;
        self.base += self.at as u64;
        self.at = 0;
        (std::mem::replace(&mut self.bytes, rest), offset)
    }

    /// The whole file, from its beginning; refused where it is larger than a value may be.
    pub fn whole(&mut self) -> Result<Vec<u8>, ReadError> {
        self.input.seek(SeekFrom::Start(0))?;
        self.bytes.clear();
        (&mut self.input).take(self.largest as u64 + 1).read_to_end(&mut self.bytes)?;
        (self.base, self.at) = (0, self.bytes.len());
        if self.bytes.len() > self.largest { Err(too_large(0, self.largest)) } else { Ok(self.take().0) }
    }

    /// Reads on; false at the end of the file.
    pub fn fill(&mut self) -> Result<bool, ReadError> {
        if self.bytes.len() > self.largest {
            return Err(too_large(self.offset(self.at), self.largest));
        }
        Ok((&mut self.input).take(CHUNK as u64).read_to_end(&mut self.bytes)? > 0)
    }

    /// The next byte that is not white space, which it then stands at; `None` at the end of the file.
    pub fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            while let Some(&byte) = self.bytes.get(self.at) {
                if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                    return Ok(Some(byte));
                }
                self.at += 1;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Passes over the value that begins at the next byte and tells where it lies. Only brackets and quotes are looked at: the reader of the
    /// value checks it.
    pub fn value(&mut self) -> Result<Range<usize>, ReadError> {
        let start = self.at;
        let mut extent = Extent::new(self.bytes[start], start);
        while !extent.advance(&self.bytes) {
            if !self.fill()? {
                if extent.is_scalar() {
                    break;
                }
                return Err(self.cut_short(start));
            }
        }
        if extent.at == start {
            return Err(self.unexpected());
        }
        self.at = extent.at;
        Ok(start..extent.at)
    }

    /// Why the value that begins at `start` does not end: most likely the file was cut, but a bracket may be missing.
    pub fn cut_short(&self, start: usize) -> ReadError {
        let rest = &self.bytes[start..];
        let text = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) if error.error_len().is_some() => return not_utf8(self.offset(start + error.valid_up_to())),
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        match Cursor::new(text).value() {
            Err(fault) if fault.at < text.len() && fault.wrong != crate::formats::json::Wrong::End => ReadError::syntax(fault, self.offset(start)),
            _ => ReadError::truncated(self.read()),
        }
    }
}

pub(super) fn not_utf8(offset: u64) -> ReadError {
    ReadError::refused(
        "not_utf8",
        format!("文件不是 UTF-8 编码（第 {offset} 字节起），请以 UTF-8 重新导出（可能是 GBK）"),
        "the file is not UTF-8 (perhaps GBK); export it as UTF-8",
    )
    .at(offset)
}

fn too_large(offset: u64, limit: usize) -> ReadError {
    ReadError::refused(
        "feature_too_large",
        format!("从第 {offset} 字节起的一个要素超过 {limit} 字节（也可能是括号不配对）"),
        format!("one feature is larger than {limit} bytes, or its brackets do not match"),
    )
    .at(offset)
}
