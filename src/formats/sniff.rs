//! What a file is, by its content: names and content types are only somebody's opinion.

use super::foreign::{self, Foreign};
use super::json::Cursor;
use super::land_txt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JSON, to be read by our own reader.
    GeoJson,
    /// One GeoJSON feature a line.
    GeoJsonLines,
    /// Features as `ArcGIS` services answer them: `attributes`, and `rings` in their `geometry`.
    EsriJson,
    /// `TopoJSON`: arcs, and what is made of them.
    TopoJson,
    /// 国土 TXT: boundary points of parcels.
    LandTxt,
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
    /// What is not read, by its name.
    Foreign(&'static Foreign),
}

impl Kind {
    /// What it is called by people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GeoJson => "GeoJSON",
            Self::GeoJsonLines => "GeoJSONSeq",
            Self::EsriJson => "Esri JSON",
            Self::TopoJson => "TopoJSON",
            Self::LandTxt => "国土 TXT",
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
            Self::Foreign(_) => "?",
        }
    }

    /// GDAL's short name of the one driver that may read it, and the name that the file must have on disk for it; none for what GDAL does not read here.
    #[must_use]
    pub fn driver(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::GeoJsonLines => Some(("GeoJSONSeq", "data.geojsonl")),
            Self::EsriJson => Some(("ESRIJSON", "data.json")),
            Self::TopoJson => Some(("TopoJSON", "data.topojson")),
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
        matches!(
            self,
            Self::Shapefile | Self::MapInfo | Self::MapInfoExchange | Self::GeoJson | Self::GeoJsonLines | Self::EsriJson | Self::LandTxt | Self::Dxf
        )
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
    if land_txt::is_one(head) {
        return Some(Kind::LandTxt);
    }
    match text.first() {
        None | Some(b'[') => Some(Kind::GeoJson),
        Some(0x1E) => Some(Kind::GeoJsonLines),
        Some(b'{') => Some(if is_lines(text) { Kind::GeoJsonLines } else { json_kind(text) }),
        Some(b'<') if holds(&upper, b"<KML") => Some(Kind::Kml),
        Some(b'<') => foreign::of_xml(&upper).map(Kind::Foreign),
        _ if upper.starts_with(b"!TABLE") => Some(Kind::MapInfo),
        _ if upper.starts_with(b"VERSION ") && holds(&upper, b"CHARSET") => Some(Kind::MapInfoExchange),
        _ if starts(b"AutoCAD Binary DXF") || holds(&upper, b"SECTION") && upper.first().is_some_and(u8::is_ascii_digit) => Some(Kind::Dxf),
        // UTF-16 is the JSON reader's to explain.
        _ if starts(&[0xFF, 0xFE]) || starts(&[0xFE, 0xFF]) || starts(b"\0{") => Some(Kind::GeoJson),
        _ if foreign::of_bytes(head).is_some() => foreign::of_bytes(head).map(Kind::Foreign),
        _ if matches!(head.first(), Some(0x03 | 0x30 | 0x83 | 0xF5)) && head.len() > 32 => Some(Kind::Table),
        _ => None,
    }
}

/// Which of the formats in JSON a text begins as: by the members of its object, as far as they are seen, whatever their order.
fn json_kind(head: &[u8]) -> Kind {
    let text = std::str::from_utf8(head).unwrap_or_else(|error| std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default());
    let (mut kind, mut is_geojson) = (Kind::GeoJson, false);
    // Where the text ends in the middle of a value, what was seen before it counts.
    let _ = Cursor::new(text).members(|cursor, key| {
        let mut inside = cursor.clone();
        match key.decode().as_ref() {
            "arcs" | "objects" => kind = Kind::TopoJson,
            "geometryType" | "displayFieldName" | "spatialReference" => kind = Kind::EsriJson,
            "type" => match inside.plain()?.as_deref() {
                Some("Topology") => kind = Kind::TopoJson,
                Some("FeatureCollection" | "Feature") => is_geojson = true,
                _ => {}
            },
            "features" if inside.expect(b'[').is_ok() => {
                let _ = inside.members(|within, key| {
                    if matches!(key.decode().as_ref(), "attributes") {
                        kind = Kind::EsriJson;
                    }
                    within.value().map(drop)
                });
            }
            _ => {}
        }
        cursor.value().map(drop)
    });
    if is_geojson { Kind::GeoJson } else { kind }
}

/// Whether an answer of a service says, at its beginning or its end, that there is more than it has.
///
/// # Errors
/// When the file cannot be read.
pub fn is_part_of_an_answer(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len().saturating_sub(HEAD);
    let says = |file: &mut File| -> io::Result<bool> {
        let mut bytes = Vec::new();
        file.take(HEAD).read_to_end(&mut bytes)?;
        bytes.retain(|byte| !byte.is_ascii_whitespace());
        Ok(holds(&bytes, b"\"exceededTransferLimit\":true"))
    };
    if says(&mut file)? {
        return Ok(true);
    }
    file.seek(SeekFrom::Start(end))?;
    says(&mut file)
}

/// Whether a file of Esri JSON has curves, which are passed over by who reads it.
///
/// # Errors
/// When the file cannot be read.
pub fn has_curve_rings(path: &Path) -> io::Result<bool> {
    const WORD: &[u8] = b"\"curveRings\"";
    let (mut file, mut bytes) = (File::open(path)?, Vec::new());
    loop {
        // What a block ends with may be the beginning of the word.
        bytes.drain(..bytes.len().saturating_sub(WORD.len() - 1));
        if Read::by_ref(&mut file).take(HEAD).read_to_end(&mut bytes)? == 0 {
            return Ok(false);
        }
        if holds(&bytes, WORD) {
            return Ok(true);
        }
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
            (b"<?xml version=\"1.0\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\">", Some(Kind::Kml)),
            (b"  0\r\nSECTION\r\n  2\r\nHEADER", Some(Kind::Dxf)),
            (b"!table\n!version 300", Some(Kind::MapInfo)),
            (b"Version 300\nCharset \"Neutral\"", Some(Kind::MapInfoExchange)),
            (br#"{"displayFieldName":"","features":[]}"#, Some(Kind::EsriJson)),
            (br#"{"features":[{"attributes":{"JCBH":"1"},"geometry":{"rings":[[[1,2],[3"#, Some(Kind::EsriJson)),
            (br#"{"features":[{"type":"Feature","properties":{"attributes":1}"#, Some(Kind::GeoJson)),
            (br#"{"type":"FeatureCollection","features":[]}"#, Some(Kind::GeoJson)),
            (br#"{"type":"FeatureCollection","objects":[],"spatialReference":{},"features":[]}"#, Some(Kind::GeoJson)),
            (br#"{"arcs":[[[0,0],[1"#, Some(Kind::TopoJson)),
            (br#"{"type": "Topology","objects":{}}"#, Some(Kind::TopoJson)),
            ("[属性描述]\r\n坐标系=".as_bytes(), Some(Kind::LandTxt)),
            (b"[[1,2]]", Some(Kind::GeoJson)),
            (b"hello", None),
        ] {
            assert_eq!(of_bytes(bytes), kind, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        for (bytes, name) in [
            (&b"<OGRVRTDataSource><OGRVRTLayer name=\"x\">"[..], "VRT"),
            (b"<?xml version=\"1.0\"?><wfs:FeatureCollection xmlns:gml=\"http://www.opengis.net/gml\">", "GML"),
            (b"<!DOCTYPE html><html><title>Login", "\u{7F51}\u{9875}"),
            (b"AC1032\0\0", "DWG"),
            (b"%PDF-1.7", "PDF"),
            (b"\x89PNG\r\n", "\u{56FE}\u{7247}"),
        ] {
            let Some(Kind::Foreign(foreign)) = of_bytes(bytes) else { panic!("{name}") };
            assert!(foreign.zh.contains(name), "{}", foreign.zh);
        }
    }
}
