//! What a file is, by its content: names and content types are only somebody's opinion.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JSON, to be read by our own reader.
    GeoJson,
    /// One GeoJSON feature a line.
    GeoJsonLines,
    /// `.shp`.
    Shapefile,
    /// A folder of `.gdbtable`.
    FileGdb,
    /// SQLite with the mark of a GeoPackage, or at least its name.
    GeoPackage,
    /// `FlatGeobuf`.
    FlatGeobuf,
    /// KML.
    Kml,
    /// `.tab`.
    MapInfo,
    /// `.mif`.
    MapInfoExchange,
    /// A drawing.
    Dxf,
    /// ZIP, also KMZ.
    Zip,
    /// gzip, hopefully of a tar.
    Gzip,
    /// 7-Zip.
    SevenZip,
    /// RAR.
    Rar,
    /// `.dbf` on its own.
    Table,
    /// XML that is no KML: a VRT, GML, a web page.
    Xml,
}

impl Kind {
    /// What it is called by people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GeoJson => "GeoJSON",
            Self::GeoJsonLines => "GeoJSONSeq",
            Self::Shapefile => "Shapefile",
            Self::FileGdb => "FileGDB",
            Self::GeoPackage => "GeoPackage",
            Self::FlatGeobuf => "FlatGeobuf",
            Self::Kml => "KML",
            Self::MapInfo | Self::MapInfoExchange => "MapInfo",
            Self::Dxf => "DXF",
            Self::Zip => "ZIP",
            Self::Gzip => "gzip",
            Self::SevenZip => "7z",
            Self::Rar => "RAR",
            Self::Table => "DBF",
            Self::Xml => "XML",
        }
    }

    /// GDAL's short name of the one driver that may read it, and the name that the file must have on disk for it; none for what GDAL does not read here.
    #[must_use]
    pub fn driver(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::GeoJsonLines => Some(("GeoJSONSeq", "data.geojsonl")),
            Self::Shapefile => Some(("ESRI Shapefile", "data.shp")),
            Self::FileGdb => Some(("OpenFileGDB", "data.gdb")),
            Self::GeoPackage => Some(("GPKG", "data.gpkg")),
            Self::FlatGeobuf => Some(("FlatGeobuf", "data.fgb")),
            // Of the two drivers for KML the one that reads `ExtendedData`, where all fields but two are.
            Self::Kml => Some(("LIBKML", "data.kml")),
            Self::MapInfo => Some(("MapInfo File", "data.tab")),
            Self::MapInfoExchange => Some(("MapInfo File", "data.mif")),
            Self::Dxf => Some(("DXF", "data.dxf")),
            _ => None,
        }
    }

    /// Whether its only layer is called as the file is, which is called `data` on our disk.
    #[must_use]
    pub fn is_named_by_its_file(self) -> bool {
        matches!(self, Self::Shapefile | Self::MapInfo | Self::MapInfoExchange | Self::GeoJson | Self::GeoJsonLines | Self::Dxf)
    }
}

/// Bytes looked at.
const HEAD: u64 = 64 << 10;

/// The kind of the file or folder at `path`; none for what is none of them. An empty file counts as JSON, whose reader says that it is empty.
///
/// # Errors
/// When the file cannot be read.
pub fn kind(path: &Path) -> io::Result<Option<Kind>> {
    if path.is_dir() {
        let tables = std::fs::read_dir(path)?.filter_map(Result::ok).any(|entry| has_extension(&entry.path(), "gdbtable"));
        return Ok(tables.then_some(Kind::FileGdb));
    }
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(of_bytes(&head))
}

fn of_bytes(head: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return Some(Kind::Zip);
    }
    if starts(b"7z\xBC\xAF\x27\x1C") {
        return Some(Kind::SevenZip);
    }
    if starts(b"Rar!\x1A\x07") {
        return Some(Kind::Rar);
    }
    if starts(&[0x1F, 0x8B]) {
        return Some(Kind::Gzip);
    }
    if starts(&[0, 0, 0x27, 0x0A]) {
        return Some(Kind::Shapefile);
    }
    if starts(b"SQLite format 3\0") {
        return Some(Kind::GeoPackage);
    }
    if starts(b"fgb\x03fgb") {
        return Some(Kind::FlatGeobuf);
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let upper: Vec<u8> = text.iter().take(4096).map(u8::to_ascii_uppercase).collect();
    match text.first() {
        None | Some(b'[') => Some(Kind::GeoJson),
        Some(0x1E) => Some(Kind::GeoJsonLines),
        Some(b'{') => Some(if is_lines(text) { Kind::GeoJsonLines } else { Kind::GeoJson }),
        Some(b'<') => Some(if holds(&upper, b"<KML") { Kind::Kml } else { Kind::Xml }),
        _ if upper.starts_with(b"!TABLE") => Some(Kind::MapInfo),
        _ if upper.starts_with(b"VERSION ") && holds(&upper, b"CHARSET") => Some(Kind::MapInfoExchange),
        _ if starts(b"AutoCAD Binary DXF") || holds(&upper, b"SECTION") && upper.first().is_some_and(u8::is_ascii_digit) => Some(Kind::Dxf),
        // UTF-16 is the JSON reader's to explain.
        _ if starts(&[0xFF, 0xFE]) || starts(&[0xFE, 0xFF]) || starts(b"\0{") => Some(Kind::GeoJson),
        _ if matches!(head.first(), Some(0x03 | 0x30 | 0x83 | 0xF5)) && head.len() > 32 => Some(Kind::Table),
        _ => None,
    }
}

/// Whether the first line is a whole Feature and another begins after it.
fn is_lines(text: &[u8]) -> bool {
    let Some(end) = text.iter().position(|byte| *byte == b'\n') else { return false };
    let (line, rest) = text.split_at(end);
    let feature = serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|line| line.get("type").and_then(serde_json::Value::as_str) == Some("Feature"));
    feature && rest.trim_ascii_start().first() == Some(&b'{')
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

/// Whether a path ends in `.extension`, in any case.
pub(super) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_what_they_hold() {
        for (bytes, kind) in [
            (&b"PK\x03\x04rest"[..], Some(Kind::Zip)),
            (b"7z\xBC\xAF\x27\x1C\0\x04", Some(Kind::SevenZip)),
            (b"Rar!\x1A\x07\x01\0", Some(Kind::Rar)),
            (b"\0\0\x27\x0A\0\0", Some(Kind::Shapefile)),
            (b"SQLite format 3\0", Some(Kind::GeoPackage)),
            (b"", Some(Kind::GeoJson)),
            (b"\xEF\xBB\xBF {\"type\":\"FeatureCollection\",\n\"features\":[]}", Some(Kind::GeoJson)),
            (b"{\"type\":\"Feature\"}\n{\"type\":\"Feature\"}\n", Some(Kind::GeoJsonLines)),
            (b"{\"type\":\"Feature\",\n\"a\":{}}", Some(Kind::GeoJson)),
            (b"<OGRVRTDataSource><OGRVRTLayer name=\"x\">", Some(Kind::Xml)),
            (b"<?xml version=\"1.0\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\">", Some(Kind::Kml)),
            (b"  0\r\nSECTION\r\n  2\r\nHEADER", Some(Kind::Dxf)),
            (b"!table\n!version 300", Some(Kind::MapInfo)),
            (b"Version 300\nCharset \"Neutral\"", Some(Kind::MapInfoExchange)),
            (b"hello", None),
        ] {
            assert_eq!(of_bytes(bytes), kind, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
