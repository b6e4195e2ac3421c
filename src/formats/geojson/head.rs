//! What stands around the features: the beginning of the file, the members before and after `features`, the end of the file.

use super::source::{Source, not_utf8};
use crate::formats::json::{Cursor, Fault, Wrong};
use crate::formats::{Head, ReadError, why_not};
use std::borrow::Cow;
use tuban_geom::Crs;

/// A byte order mark, which some programs put before UTF-8; it is passed over.
pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What comes after the members just read.
pub(super) enum Ahead {
    /// The first element of `features`, or its end.
    Features,
    /// The end of the collection.
    End,
}

/// Reads the members of the top level, except features.
pub(super) struct Members {
    pub head: Head,
    /// Whether a CRS was forced: then the file's own need not be understood.
    forced: bool,
    kind: Option<String>,
    /// Members that were seen and must not come again.
    seen: Vec<&'static str>,
    /// Whether a member was just read, so that a comma or the end must follow.
    after_member: bool,
}

/// Passes over the opening brace of the file, or says what the file is instead.
pub(super) fn begin(source: &mut Source) -> Result<(), ReadError> {
    while source.bytes.len() < 4 && source.fill()? {}
    let collection = |zh: &str, en: &str| Err(ReadError::not_a_feature_collection(zh, en).at(0));
    match source.bytes.as_slice() {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, b'{' | b'[', ..] | [b'{' | b'[', 0, ..] => {
            return Err(ReadError::refused("utf16", "文件是 UTF-16（Unicode）编码，请以 UTF-8 重新保存", "the file is UTF-16; save it as UTF-8").at(0));
        }
        [b'P', b'K', 3 | 5, ..] => return collection("这是 ZIP 压缩包，请先解压", "it is a ZIP archive; unpack it first"),
        [0x1F, 0x8B, ..] => return collection("这是 gzip 压缩文件，请先解压", "it is compressed with gzip; unpack it first"),
        [0x1E, ..] => return Err(newline_delimited(0)),
        bytes if bytes.starts_with(BOM) => source.at = BOM.len(),
        _ => {}
    }
    match source.peek()? {
        Some(b'{') => source.at += 1,
        Some(b'[') => return collection("顶层是数组", "it is an array"),
        Some(b'<') => return collection("这是 XML 或网页", "it is XML or a web page"),
        Some(_) => return Err(source.unexpected()),
        None => return Err(ReadError::refused("empty_file", "文件是空的", "the file is empty").at(0)),
    }
    Ok(())
}

impl Members {
    pub fn new(forced: bool) -> Self {
        Self { head: Head::default(), forced, kind: None, seen: Vec::new(), after_member: false }
    }

    /// Goes on after `features`.
    pub fn resume(&mut self) {
        self.after_member = true;
    }

    /// Reads members up to `features` or the end.
    pub fn read(&mut self, source: &mut Source) -> Result<Ahead, ReadError> {
        loop {
            source.forget();
            match needed(source)? {
                b'}' => {
                    source.at += 1;
                    return Ok(Ahead::End);
                }
                b',' if self.after_member => {
                    source.at += 1;
                    needed(source)?;
                }
                b'"' if !self.after_member => {}
                _ => return Err(source.unexpected()),
            }
            if source.bytes[source.at] != b'"' {
                return Err(source.unexpected());
            }
            let key = source.read_value(|cursor| Ok(cursor.string()?.decode().into_owned()))?;
            if needed(source)? != b':' {
                return Err(source.unexpected());
            }
            source.at += 1;
            let first = needed(source)?;
            self.after_member = true;
            if key == "features" && self.kind.as_deref() != Some("Feature") {
                self.once("features", source)?;
                if first != b'[' {
                    return Err(ReadError::refused("missing_features", "features 不是数组", "features is not an array")
                        .at(source.offset(source.at))
                        .within("/features"));
                }
                source.at += 1;
                return Ok(Ahead::Features);
            }
            self.member(&key, source)?;
        }
    }

    fn member(&mut self, key: &str, source: &mut Source) -> Result<(), ReadError> {
        let at = source.offset(source.at);
        match key {
            "type" => {
                self.once("type", source)?;
                let kind = source.read_value(|cursor| Ok(cursor.plain()?.map(Cow::into_owned)))?.unwrap_or_default();
                if !matches!(kind.as_str(), "FeatureCollection" | "Feature") {
                    return Err(ReadError::not_a_feature_collection(&format!("type 是“{kind}”"), &format!("its type is “{kind}”")).at(at).within("/type"));
                }
                self.kind = Some(kind);
            }
            "crs" => {
                self.once("crs", source)?;
                let name = source.read_value(crs_name)?;
                let read = name.map(|name| name.parse::<Crs>()).transpose();
                match read {
                    Ok(crs) => self.head.crs = crs,
                    Err(_) if self.forced => {}
                    Err(unknown) => {
                        let words = why_not(&unknown.name);
                        return Err(ReadError::refused("unknown_crs", words.zh, words.en).at(at).within("/crs"));
                    }
                }
            }
            "exceededTransferLimit" if source.read_value(|cursor| Ok(cursor.value()? == "true"))? => return Err(ReadError::part_of_an_answer().at(at)),
            "exceededTransferLimit" => {}
            "name" => self.head.name = source.read_value(|cursor| Ok(cursor.plain()?.map(Cow::into_owned)))?,
            "invented" => self.head.invented = source.read_value(|cursor| Ok(cursor.value()? == "true"))?,
            _ => source.read_value(|cursor| cursor.value().map(drop))?,
        }
        Ok(())
    }

    /// Refuses a second member of this name.
    fn once(&mut self, name: &'static str, source: &Source) -> Result<(), ReadError> {
        if self.seen.contains(&name) {
            let refused = ReadError::refused("duplicate_member", format!("“{name}” 出现了两次"), format!("“{name}” is there twice"));
            return Err(refused.at(source.offset(source.at)).within(format!("/{name}")));
        }
        self.seen.push(name);
        Ok(())
    }

    /// After the closing brace: that it was a collection, or a single feature, and that nothing follows.
    pub fn check_end(&self, source: &mut Source) -> Result<(), ReadError> {
        let kind = self.kind.as_deref();
        let had_features = self.seen.contains(&"features");
        let next = source.peek()?;
        let offset = source.offset(source.at);
        match next {
            // Lines of GeoJSON: say so before anything else.
            Some(b'{' | 0x1E) => return Err(newline_delimited(offset)),
            Some(_) => {
                return Err(ReadError::refused("trailing_garbage", format!("第 {offset} 字节起有多余内容"), "something follows the end of the JSON").at(offset));
            }
            None => {}
        }
        match kind {
            None => Err(ReadError::not_a_feature_collection("没有 type", "it has no type")),
            Some("Feature") if had_features => {
                Err(ReadError::not_a_feature_collection("type 是“Feature”却有 features", "its type is “Feature”, but it has features").within("/type"))
            }
            Some("FeatureCollection") if !had_features => Err(ReadError::refused("missing_features", "没有 features", "it has no features")),
            Some(_) => Ok(()),
        }
    }
}

impl Source {
    /// The refusal of the next byte.
    pub fn unexpected(&self) -> ReadError {
        ReadError::syntax(Fault { at: 0, wrong: self.bytes.get(self.at).map_or(Wrong::End, |byte| Wrong::Unexpected(*byte)) }, self.offset(self.at))
    }

    /// Passes over the next value and reads it.
    fn read_value<T>(&mut self, read: impl FnOnce(&mut Cursor<'_>) -> Result<T, Fault>) -> Result<T, ReadError> {
        let span = self.value()?;
        let offset = self.offset(span.start);
        let text = std::str::from_utf8(&self.bytes[span]).map_err(|error| not_utf8(offset + error.valid_up_to() as u64))?;
        let mut cursor = Cursor::new(text);
        read(&mut cursor).and_then(|value| cursor.expect_end().map(|()| value)).map_err(|fault| ReadError::syntax(fault, offset))
    }
}

/// The next byte that is not white space.
pub(super) fn needed(source: &mut Source) -> Result<u8, ReadError> {
    source.peek()?.ok_or_else(|| ReadError::truncated(source.read()))
}

fn newline_delimited(offset: u64) -> ReadError {
    let zh = "像是逐行 GeoJSON（每行一个要素），请导出为一个 FeatureCollection";
    ReadError::refused("newline_delimited", zh, "it looks like newline-delimited GeoJSON; export one FeatureCollection").at(offset)
}

/// The name in a `crs` member of the 2008 specification, or of drafts before it: `{"type":"name","properties":{"name":…}}`,
/// `{"type":"EPSG","properties":{"code":…}}`, or a bare name. `None` for null; any other form gives its own text, which no CRS is called.
fn crs_name(cursor: &mut Cursor<'_>) -> Result<Option<String>, Fault> {
    if cursor.peek() != Some(b'{') {
        return Ok(cursor.plain()?.map(Cow::into_owned));
    }
    let mut name = None;
    let text = cursor.verbatim(|cursor| {
        cursor.members(|cursor, key| {
            if key.decode() != "properties" || cursor.peek() != Some(b'{') {
                return cursor.value().map(drop);
            }
            cursor.members(|cursor, key| {
                match key.decode().as_ref() {
                    "name" | "code" => name = cursor.plain()?.map(Cow::into_owned),
                    _ => drop(cursor.value()?),
                }
                Ok(())
            })
        })
    })?;
    Ok(Some(name.unwrap_or_else(|| text.to_owned())))
}
