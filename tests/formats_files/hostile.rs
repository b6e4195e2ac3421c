//! What bad input gets.

use super::kit::{folder, look, ogr2ogr, shapefile, survey, verdict, workshop, zip, zip_folder};
use std::path::{Path, PathBuf};
use tuban::formats::Stated;
use zip::write::SimpleFileOptions;

/// That the file gets that word and leaves nothing behind.
fn gets(path: &Path, word: &str) {
    let scratch = folder();
    assert_eq!(verdict(path, &workshop(scratch.path())), word, "{}", path.display());
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "{} left something", path.display());
}

/// Changes every occurrence of some bytes.
fn patch(path: &Path, from: &[u8], to: &[u8]) {
    let mut bytes = std::fs::read(path).unwrap();
    assert_eq!(from.len(), to.len());
    let mut found = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0);
    std::fs::write(path, bytes).unwrap();
}

fn small(at: &Path) -> PathBuf {
    shapefile(at, "tb", &["-lco", "ENCODING=UTF-8", "-where", "JCBH = '371325000001'"])
}

#[test]
fn archives_that_lead_out_or_link_are_refused() {
    let at = folder();
    for name in ["../../evil.geojson", "/tmp/evil.geojson", "a/../../evil.geojson", "C:/evil.geojson", "..\\evil.geojson"] {
        // The writer knows better than to write such names.
        let path = at.path().join("evil.zip");
        let harmless: String = std::iter::repeat_n('x', name.len() - 8).chain(".geojson".chars()).collect();
        zip(&path, &[(&harmless, b"{}")]);
        patch(&path, harmless.as_bytes(), name.as_bytes());
        gets(&path, "archive_path");
    }
    let path = at.path().join("link.zip");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    archive.add_symlink("tb.geojson", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    archive.finish().unwrap();
    gets(&path, "archive_link");
    let linked = at.path().join("link");
    std::fs::create_dir(&linked).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", linked.join("tb.geojson")).unwrap();
    assert!(std::process::Command::new("tar").args(["-czf", "link.tar.gz", "-C", "link", "."]).current_dir(at.path()).status().unwrap().success());
    gets(&at.path().join("link.tar.gz"), "archive_link");
}

#[test]
fn archives_made_to_swell_are_refused() {
    let at = folder();
    let many = at.path().join("many.zip");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&many).unwrap());
    for number in 0..100_000 {
        archive.start_file(format!("{number}.txt"), SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)).unwrap();
    }
    archive.finish().unwrap();
    gets(&many, "archive_too_many");

    let bomb = at.path().join("bomb.zip");
    let blanks = vec![b' '; 64 << 20];
    zip(&bomb, &[("tb.geojson", &blanks)]);
    gets(&bomb, "archive_ratio");
    // The same, saying that it is ten bytes long.
    patch(&bomb, &(64_u32 << 20).to_le_bytes(), &10_u32.to_le_bytes());
    let scratch = folder();
    let word = verdict(&bomb, &workshop(scratch.path()));
    assert!(["archive_ratio", "archive_broken"].contains(&word.as_str()), "{word}");

    let mut nested = std::fs::read(survey()).unwrap();
    let path = at.path().join("nested.zip");
    for level in 0..10 {
        zip(&path, &[(if level == 0 { "tb.geojson" } else { "a.zip" }, &nested)]);
        nested = std::fs::read(&path).unwrap();
    }
    gets(&path, "archive_too_deep");
}

#[test]
fn archives_that_cannot_be_read_are_refused() {
    let at = folder();
    let path = at.path().join("locked.zip");
    zip(&path, &[("tb.geojson", b"{}")]);
    // General purpose bit 0, in the local header and in the directory.
    let mut bytes = std::fs::read(&path).unwrap();
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[directory + 8] |= 1;
    std::fs::write(&path, bytes).unwrap();
    gets(&path, "archive_encrypted");
    let cut = at.path().join("cut.zip");
    zip_folder(&cut, super::kit::city(), "");
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    gets(&cut, "archive_broken");
    for (name, magic) in [("tb.7z", &b"7z\xBC\xAF\x27\x1C\0\x04"[..]), ("tb.rar", b"Rar!\x1A\x07\x01\0")] {
        std::fs::write(at.path().join(name), magic).unwrap();
        gets(&at.path().join(name), "unsupported_format");
    }
    zip(&path, &[("readme.txt", b"hello"), ("__MACOSX/tb.shp", b"ghost")]);
    gets(&path, "archive_nothing");
}

#[test]
fn shapefiles_that_lack_something_are_refused_with_its_name() {
    for missing in ["shx", "dbf"] {
        let at = folder();
        let shp = small(at.path());
        std::fs::remove_file(shp.with_extension(missing)).unwrap();
        let scratch = folder();
        let Err(tuban::monitor::MonitorError::Refused(refusal)) = look(&shp, Stated::default(), &workshop(scratch.path())) else { panic!() };
        assert!(refusal.words.zh.contains(&format!(".{missing}")), "{}", refusal.words.zh);
        let path = at.path().join("tb.zip");
        let files = folder();
        for extension in ["shp", "shx", "dbf", "prj"].iter().filter(|extension| **extension != missing) {
            std::fs::copy(shp.with_extension(extension), files.path().join(format!("tb.{extension}"))).unwrap();
        }
        zip_folder(&path, files.path(), "");
        gets(&path, "shapefile_incomplete");
    }
}

#[test]
fn shapefiles_cut_short_or_at_odds_with_themselves_are_refused() {
    let at = folder();
    let shp = small(at.path());
    for extension in ["shp", "shx", "dbf"] {
        let (path, whole) = (shp.with_extension(extension), std::fs::read(shp.with_extension(extension)).unwrap());
        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        gets(&shp, "truncated");
        std::fs::write(&path, whole).unwrap();
    }
    let other = folder();
    let two = shapefile(other.path(), "tb", &["-lco", "ENCODING=UTF-8", "-where", "JCBH < '371302000100'"]);
    std::fs::copy(two.with_extension("dbf"), shp.with_extension("dbf")).unwrap();
    gets(&shp, "shapefile_counts");
    std::fs::write(&shp, b"\0\0\x27\x0Ashort").unwrap();
    gets(&shp, "not_a_shapefile");
}

#[test]
fn null_and_empty_shapes_are_refused_one_by_one() {
    let at = folder();
    let source = at.path().join("a.csv");
    std::fs::write(&source, "JCBH,WKT\nA,\nB,POLYGON EMPTY\nC,\"POLYGON ((118.35 35.05,118.36 35.05,118.36 35.06,118.35 35.05))\"\n").unwrap();
    for (driver, name) in [("ESRI Shapefile", "a.shp"), ("GPKG", "a.gpkg")] {
        let path = at.path().join(name);
        ogr2ogr(&["-f", driver, "-a_srs", "EPSG:4490", "-nlt", "POLYGON", "-oo", "GEOM_POSSIBLE_NAMES=WKT", "-oo", "KEEP_GEOM_COLUMNS=NO"], &path, &source);
        let seen = look(&path, Stated::default(), &workshop(at.path())).unwrap();
        assert_eq!((seen.accepted, seen.rejected), (1, 2), "{driver}");
    }
}

#[test]
fn a_vrt_under_another_name_does_not_open() {
    let at = folder();
    let shp = small(at.path());
    let vrt = format!(r#"<OGRVRTDataSource><OGRVRTLayer name="tb"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"#, shp.display());
    for name in ["a.geojson", "a.json", "a.kml", "a.gpkg", "a.fgb"] {
        let path = at.path().join(name);
        std::fs::write(&path, &vrt).unwrap();
        gets(&path, "unsupported_format");
        let archive = at.path().join("a.zip");
        zip(&archive, &[(name, vrt.as_bytes())]);
        gets(&archive, "unsupported_format");
    }
    std::fs::write(&shp, &vrt).unwrap();
    gets(&shp, "unsupported_format");
}

#[test]
fn a_geopackage_with_triggers_and_views_is_read_and_nothing_more() {
    let at = folder();
    let path = at.path().join("tb.gpkg");
    ogr2ogr(&["-f", "GPKG", "-a_srs", "EPSG:4490", "-nln", "tb"], &path, &survey());
    for sql in [
        "CREATE TABLE hits (n INTEGER)",
        "CREATE TRIGGER hit AFTER INSERT ON tb BEGIN INSERT INTO hits VALUES (1); END",
        "CREATE VIEW endless AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, NULL AS geom FROM n",
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('endless', 'features', 'endless', 4490)",
        "INSERT INTO gpkg_geometry_columns VALUES ('endless', 'geom', 'POLYGON', 4490, 0, 0)",
    ] {
        assert!(std::process::Command::new("ogrinfo").arg(&path).args(["-q", "-sql", sql]).output().unwrap().status.success());
    }
    let before = std::fs::read(&path).unwrap();
    let scratch = folder();
    let mut quick = workshop(scratch.path());
    quick.limits.cpu_s = 3;
    // Counting the view's rows never ends: the file is refused by the clock, and the service goes on.
    let word = verdict(&path, &quick);
    assert!(["worker_cpu", "worker_timeout", "several_layers"].contains(&word.as_str()), "{word}");
    for sql in ["DELETE FROM gpkg_geometry_columns WHERE table_name = 'endless'", "DELETE FROM gpkg_contents WHERE table_name = 'endless'"] {
        assert!(std::process::Command::new("ogrinfo").arg(&path).args(["-q", "-sql", sql]).output().unwrap().status.success());
    }
    assert_ne!(before, std::fs::read(&path).unwrap());
    let before = std::fs::read(&path).unwrap();
    gets(&path, "taken");
    assert_eq!(before, std::fs::read(&path).unwrap(), "reading wrote to the file");
}

#[test]
fn broken_databases_and_drawings_are_refused() {
    let at = folder();
    for (name, bytes) in [("a.gpkg", &b"SQLite format 3\0garbage"[..]), ("a.fgb", b"fgb\x03fgb\x00garbage"), ("a.kml", b"<kml><Document><Placemark>")] {
        let path = at.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let scratch = folder();
        let word = verdict(&path, &workshop(scratch.path()));
        assert!(["cannot_open", "broken_file", "no_polygons"].contains(&word.as_str()), "{name}: {word}");
    }
    let gdb = at.path().join("a.zip");
    zip(&gdb, &[("a.gdb/a00000001.gdbtable", b"garbage"), ("a.gdb/a00000001.gdbtablx", b"garbage")]);
    gets(&gdb, "cannot_open");
    for (name, bytes, word) in [
        ("a.xlsx", &b"hello"[..], "unsupported_format"),
        ("a.gml", b"<gml:FeatureCollection/>", "unsupported_format"),
        ("a.dbf", &[3; 100], "unsupported_format"),
    ] {
        let path = at.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        gets(&path, word);
    }
}

#[test]
fn a_file_name_in_gbk_is_read() {
    let at = folder();
    let files = folder();
    let shp = small(files.path());
    let archive = at.path().join("a.zip");
    let entries: Vec<(String, Vec<u8>)> =
        ["shp", "shx", "dbf", "prj"].map(|extension| (format!("XXXX.{extension}"), std::fs::read(shp.with_extension(extension)).unwrap())).into();
    zip(&archive, &entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>());
    // Oracle: Python, '图斑'.encode('gbk').
    patch(&archive, b"XXXX", b"\xcd\xbc\xb0\xdf");
    let seen = look(&archive, Stated::default(), &workshop(at.path())).unwrap();
    assert_eq!(seen.layer.as_deref(), Some("图斑"));
}

#[test]
fn a_prj_that_lies_is_found_out() {
    let at = folder();
    let shp = small(at.path());
    let metres = folder();
    let projected = shapefile(metres.path(), "tb", &["-t_srs", "EPSG:4527"]);
    std::fs::copy(projected.with_extension("prj"), shp.with_extension("prj")).unwrap();
    let seen = look(&shp, Stated::default(), &workshop(at.path())).unwrap();
    let refusal = seen.problem.unwrap();
    assert_eq!(refusal.code, "wrong_crs");
    assert!(refusal.words.zh.contains("--crs EPSG:4490"), "{}", refusal.words.zh);
    assert_eq!(seen.preview.len(), 1, "rows are shown all the same");
    std::fs::write(shp.with_extension("prj"), r#"PROJCS["Xian_1980_3_Degree_GK_Zone_39",GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",SPHEROID["Xian_1980",6378140.0,298.257]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",39500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#).unwrap();
    let seen = look(&shp, Stated::default(), &workshop(at.path())).unwrap();
    assert!(seen.problem.unwrap().words.zh.contains("西安 1980"));
}
