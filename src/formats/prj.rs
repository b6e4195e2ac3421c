//! The `.prj` of a Shapefile. GDAL takes one that it does not understand, or that begins with a blank line, for none: so it is put in order before GDAL sees it,
//! and what it says is kept to be judged here.

use super::ReadError;
use super::crs_text::{NamedCrs, why_not};
use super::wkt::Node;
use encoding_rs::{Encoding, GB18030};
use std::path::Path;
use tuban_geom::Crs;

/// Bytes of a `.prj` looked at.
const MOST_BYTES: usize = 64 << 10;
/// Characters of one that are shown.
const SHOWN: usize = 80;

/// What the `.prj` beside the `.shp` at `path` says; none where there is none, or nothing in it. In the job's folder it is then without byte order mark and
/// blank lines, or gone where it is no well-known text.
pub fn put_in_order(path: &Path) -> Result<Option<String>, ReadError> {
    let path = path.with_extension("prj");
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let text = text(bytes);
    let is_blank = |c: char| c.is_whitespace() || c == '\u{FEFF}';
    // Zeros are what a disk leaves of a file that was not written to its end: something stood there.
    let text = if text.chars().all(is_blank) { "" } else { text.trim_matches(|c| is_blank(c) || c == '\0') };
    let is_lost = text.is_empty() && !bytes.is_empty() && bytes.contains(&0);
    let is_known_form = Node::parse(text).is_some();
    if !is_known_form || text.as_bytes() != bytes {
        // It may be a link to what somebody else has, so it is not written to but replaced.
        std::fs::remove_file(&path)?;
        if is_known_form {
            std::fs::write(&path, text)?;
        }
    }
    Ok(if is_lost { Some("\0".repeat(bytes.len().min(SHOWN))) } else { Some(text.to_owned()).filter(|text| !text.is_empty()) })
}

/// By its byte order mark; else UTF-8 where it can be, else GB18030.
fn text(bytes: &[u8]) -> String {
    let encoding =
        Encoding::for_bom(bytes).map_or_else(|| if std::str::from_utf8(bytes).is_ok() { encoding_rs::UTF_8 } else { GB18030 }, |(encoding, _)| encoding);
    encoding.decode(bytes).0.into_owned()
}

/// What a `.prj` of which GDAL makes nothing names.
pub fn named(text: &str) -> NamedCrs {
    if Node::parse(text).is_some() {
        return NamedCrs::new(text, None);
    }
    let shown = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    let found: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(shown).take(SHOWN).collect();
    NamedCrs { understood: Crs::parse(text).map_err(|_| why_not(&found)), found }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOGRAPHIC: &str = r#"GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;

    fn put(bytes: &[u8]) -> (Option<String>, Option<Vec<u8>>) {
        let folder = tempfile::tempdir().unwrap();
        let shapes = folder.path().join("data.shp");
        std::fs::write(shapes.with_extension("prj"), bytes).unwrap();
        (put_in_order(&shapes).unwrap(), std::fs::read(shapes.with_extension("prj")).ok())
    }

    #[test]
    fn blank_lines_and_marks_are_cut_off() {
        let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(GEOGRAPHIC.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for bytes in [format!("\r\n\n  {GEOGRAPHIC}\n\n").into_bytes(), format!("\u{FEFF}{GEOGRAPHIC}").into_bytes(), utf16, GEOGRAPHIC.as_bytes().to_vec()] {
            assert_eq!(put(&bytes), (Some(GEOGRAPHIC.to_owned()), Some(GEOGRAPHIC.as_bytes().to_vec())));
        }
        assert_eq!(put(b" \r\n"), (None, None));
        assert_eq!(put("\u{FEFF}\r\n".as_bytes()), (None, None));
    }

    #[test]
    fn what_is_no_well_known_text_is_told_and_kept_from_gdal() {
        assert_eq!(put(b"hello"), (Some("hello".to_owned()), None));
        assert_eq!(put(b"\0\0\0"), (Some("\0\0\0".to_owned()), None));
        assert_eq!(named("\0\0\0").found, "\u{FFFD}\u{FFFD}\u{FFFD}");
        assert!(named("\0\0\0").understood.unwrap_err().zh.contains("\u{FFFD}"));
        assert_eq!(put(b"\0\x01\xff").0.as_deref(), Some("\x01\u{FFFD}"));
        assert!(named("hello").understood.unwrap_err().zh.contains("hello"));
        assert_eq!(named("EPSG:4527").understood.map(|crs| crs.to_string()), Ok("EPSG:4527".to_owned()));
        assert_eq!(named(GEOGRAPHIC).understood.map(|crs| crs.to_string()), Ok("EPSG:4490".to_owned()));
        assert!(named("EPSG:4498").understood.unwrap_err().zh.contains("6 度带 20 带"));
    }
}
