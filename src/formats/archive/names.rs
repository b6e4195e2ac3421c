//! Names in archives: what they say, whether they may be there at all, and what part a file of that name plays.

use crate::formats::ReadError;

/// What part a file plays.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// What it belongs to: folders and name without extension, in lower case.
    pub group: String,
    /// That, for people.
    pub title: String,
    /// Its name on our disk, within the group's folder.
    pub file: String,
    /// For the file that stands for its group: what is to be opened.
    pub opens: Option<&'static str>,
}

/// The text of a name: UTF-8, else GBK, else what the archive's own rules say (`else_as`).
pub fn readable(raw: &[u8], else_as: impl FnOnce() -> String) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(raw).map_or_else(else_as, std::borrow::Cow::into_owned),
    }
}

/// The name with `/` between its parts, where it may be there.
///
/// # Errors
/// For names that would lead out of a folder: such an archive is an attack or comes from a broken tool; it is refused.
pub fn safe(name: &str) -> Result<String, ReadError> {
    let name = name.replace('\\', "/");
    let drive = name.as_bytes().get(1) == Some(&b':');
    if name.starts_with('/') || drive || name.split('/').any(|part| part == "..") || name.contains('\0') {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(ReadError::refused(
            "archive_path",
            format!("压缩包内有越界的路径“{shown}”，已拒收，请重新压缩"),
            format!("the archive has a path that leads out of it, “{shown}”; pack it again"),
        ));
    }
    Ok(name)
}

/// Whether it is an archive in the archive.
pub fn is_archive(name: &str) -> bool {
    matches!(extension(name).as_str(), "zip" | "kmz")
}

/// What part the file of a safe name plays; none for what is of no use: hidden files, what macOS and Windows leave behind, everything that is not spatial.
pub fn role(name: &str) -> Option<Role> {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.iter().any(|part| part.starts_with('.') || part.starts_with("~$") || *part == "__MACOSX") {
        return None;
    }
    let (last, folders) = parts.split_last()?;
    let (stem, extension) = (last.rsplit_once('.').map_or(*last, |(stem, _)| stem), extension(last));
    if let Some(geodatabase) = folders.iter().rposition(|folder| folder.to_lowercase().ends_with(".gdb")) {
        let title = folders[geodatabase];
        let group = folders[..=geodatabase].join("/");
        // A geodatabase has no folders in it.
        return (geodatabase + 1 == folders.len()).then(|| table(last, &group, &title[..title.len() - 4])).flatten();
    }
    // Packed without its folder: what a geodatabase holds is known by its names.
    if matches!(extension.as_str(), "gdbtable" | "gdbtablx" | "gdbindexes" | "atx" | "spx" | "freelist" | "horizon") || matches!(*last, "gdb" | "timestamps") {
        return table(last, &format!("{}/.gdb", folders.join("/")), folders.last().unwrap_or(&"gdb"));
    }
    let (file, opens) = match extension.as_str() {
        "shp" => ("data.shp", Some("data.shp")),
        "shx" => ("data.shx", None),
        "dbf" => ("data.dbf", None),
        "prj" => ("data.prj", None),
        "cpg" => ("data.cpg", None),
        "tab" => ("data.tab", Some("data.tab")),
        "dat" => ("data.dat", None),
        "map" => ("data.map", None),
        "id" => ("data.id", None),
        "mif" => ("data.mif", Some("data.mif")),
        "mid" => ("data.mid", None),
        "gpkg" => ("data.gpkg", Some("data.gpkg")),
        "geojson" | "json" => ("data.geojson", Some("data.geojson")),
        "geojsonl" | "geojsons" | "ndjson" => ("data.geojsonl", Some("data.geojsonl")),
        "fgb" => ("data.fgb", Some("data.fgb")),
        "topojson" => ("data.topojson", Some("data.topojson")),
        "txt" => ("data.txt", Some("data.txt")),
        "kml" => ("data.kml", Some("data.kml")),
        "dxf" => ("data.dxf", Some("data.dxf")),
        "zip" | "kmz" => ("data.zip", None),
        _ => return None,
    };
    // Formats of one file are groups of their own; those of several share a name.
    let several = matches!(extension.as_str(), "shp" | "shx" | "dbf" | "prj" | "cpg" | "tab" | "dat" | "map" | "id" | "mif" | "mid");
    let group = parts.join("/").to_lowercase();
    let group = if several { group.rsplit_once('.').map_or(group.clone(), |(stem, _)| stem.to_owned()) } else { group };
    Some(Role { group, title: stem.to_owned(), file: file.to_owned(), opens })
}

fn table(file: &str, group: &str, title: &str) -> Option<Role> {
    let plain = file.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_');
    plain.then(|| Role { group: group.to_lowercase(), title: title.to_owned(), file: format!("data.gdb/{}", file.to_lowercase()), opens: Some("data.gdb") })
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_meant() {
        assert_eq!(readable("图斑.shp".as_bytes(), String::new), "图斑.shp");
        // Oracle: Python, '图斑.shp'.encode('gbk').
        assert_eq!(readable(b"\xcd\xbc\xb0\xdf.shp", String::new), "图斑.shp");
        assert_eq!(readable(b"\xff\xff.shp", || "cp437".to_owned()), "cp437");
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in ["../a.shp", "a/../../b.shp", "/etc/passwd", "C:\\a.shp", "..\\a.shp"] {
            assert_eq!(safe(name).unwrap_err().code(), "archive_path", "{name}");
        }
        assert_eq!(safe("县\\a..b.shp").unwrap(), "县/a..b.shp");
    }

    #[test]
    fn what_belongs_together_is_one_group_and_ghosts_are_none() {
        let group = |name: &str| role(name).map(|role| (role.group, role.file));
        assert_eq!(group("沂南/TB.SHP"), Some(("沂南/tb".to_owned(), "data.shp".to_owned())));
        assert_eq!(group("沂南/tb.dbf"), Some(("沂南/tb".to_owned(), "data.dbf".to_owned())));
        assert_eq!(group("a/县.gdb/a00000001.gdbtable"), Some(("a/县.gdb".to_owned(), "data.gdb/a00000001.gdbtable".to_owned())));
        assert_eq!(role("县.gdb/a00000001.gdbtable").unwrap().title, "县");
        assert_eq!(group("a00000001.gdbtable"), Some(("/.gdb".to_owned(), "data.gdb/a00000001.gdbtable".to_owned())));
        for name in ["__MACOSX/._tb.shp", "a/.DS_Store", "._tb.shp", "tb.shp.xml", "readme.doc", "~$tb.shp", "县.gdb/x/a.gdbtable"] {
            assert_eq!(group(name), None, "{name}");
        }
    }
}
