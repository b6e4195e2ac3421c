//! What bad input gets.

use super::kit::{folder, look, ogr2ogr, shapefile, survey, verdict, workshop, zip, zip_folder};
use flate2::{Compression, write::GzEncoder};
use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tuban::formats::Stated;
use tuban::formats::ogr::{Fault, Workshop};
use tuban::service::{ServiceError, reading::inspect::Inspection};
use zip::write::SimpleFileOptions;

/// How many files each test here tries. `docs/FORMATS.md` states the sum.
const TRIED: [(&str, usize); 17] = [
    ("lead_out", 8),
    ("swell", 9),
    ("tars", 3),
    ("unreadable", 8),
    ("no_end", 3),
    ("lacking", 5),
    ("cut", 5),
    ("null", 2),
    ("vrt", 11),
    ("triggers", 2),
    ("wal", 2),
    ("broken", 8),
    ("gbk", 1),
    ("prj", 3),
    ("same_names", 1),
    ("deflate64", 1),
    ("mif", 1),
];

/// A test's count of the files it tries, which must come to what [`TRIED`] says.
struct Tried {
    test: &'static str,
    files: Cell<usize>,
}

impl Tried {
    fn by(test: &'static str) -> Self {
        Self { test, files: Cell::new(0) }
    }

    /// That the file gets that word and leaves nothing behind.
    fn gets(&self, path: &Path, word: &str) {
        self.gets_one_of(path, &[word]);
    }

    fn gets_one_of(&self, path: &Path, words: &[&str]) {
        let scratch = folder();
        self.gets_from(path, words, &workshop(scratch.path()));
    }

    fn gets_from(&self, path: &Path, words: &[&str], workshop: &Workshop) {
        self.one();
        let word = verdict(path, workshop);
        assert!(words.contains(&word.as_str()), "{}: {word}", path.display());
        assert_eq!(std::fs::read_dir(&workshop.scratch).unwrap().count(), 0, "{} left something", path.display());
    }

    /// What the file is seen as.
    fn look(&self, path: &Path) -> Inspection {
        self.one();
        look(path, Stated::default(), &workshop(folder().path())).unwrap()
    }

    /// Why the file is refused, in Chinese.
    fn refusal(&self, path: &Path) -> String {
        self.one();
        let scratch = folder();
        let Err(ServiceError::Refused(refusal)) = look(path, Stated::default(), &workshop(scratch.path())) else { panic!("{}", path.display()) };
        refusal.words.zh
    }

    fn one(&self) {
        self.files.set(self.files.get() + 1);
    }
}

impl Drop for Tried {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(TRIED.contains(&(self.test, self.files.get())), "{} tried {}", self.test, self.files.get());
        }
    }
}

#[test]
fn the_number_of_hostile_files_is_stated() {
    let tried: usize = TRIED.iter().map(|(_, files)| files).sum();
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FORMATS.md")).unwrap();
    assert!(page.contains(&format!("{tried} hostile files")), "{tried}");
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
    let (at, tried) = (folder(), Tried::by("lead_out"));
    for name in ["../../evil.geojson", "/tmp/evil.geojson", "a/../../evil.geojson", "C:/evil.geojson", "..\\evil.geojson"] {
        // The writer knows better than to write such names.
        let path = at.path().join("evil.zip");
        let harmless: String = std::iter::repeat_n('x', name.len() - 8).chain(".geojson".chars()).collect();
        zip(&path, &[(&harmless, b"{}")]);
        patch(&path, harmless.as_bytes(), name.as_bytes());
        tried.gets(&path, "archive_path");
    }
    let path = at.path().join("link.zip");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    archive.add_symlink("tb.geojson", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    archive.finish().unwrap();
    tried.gets(&path, "archive_link");
    let linked = at.path().join("link");
    std::fs::create_dir(&linked).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", linked.join("tb.geojson")).unwrap();
    assert!(std::process::Command::new("tar").args(["-czf", "link.tar.gz", "-C", "link", "."]).current_dir(at.path()).status().unwrap().success());
    tried.gets(&at.path().join("link.tar.gz"), "archive_link");
    // Two files that differ in nothing but the case of their names would be one.
    let path = at.path().join("twice.zip");
    zip(&path, &[("tb.shp", b"1"), ("TB.SHP", b"2")]);
    tried.gets(&path, "archive_duplicate");
}

#[test]
fn archives_made_to_swell_are_refused() {
    let (at, tried) = (folder(), Tried::by("swell"));
    let many = at.path().join("many.zip");
    let mut archive = zip::ZipWriter::new(File::create(&many).unwrap());
    for number in 0..100_000 {
        archive.start_file(format!("{number}.txt"), SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)).unwrap();
    }
    archive.finish().unwrap();
    tried.gets(&many, "archive_too_many");
    // Their number alone decides: not one of them has to be there.
    let mut bytes = std::fs::read(&many).unwrap();
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes[directory..directory + 1000].fill(0);
    std::fs::write(&many, bytes).unwrap();
    tried.gets(&many, "archive_too_many");
    let sets: Vec<String> = (0..101).map(|number| format!("{number}.geojson")).collect();
    let sets: Vec<(&str, &[u8])> = sets.iter().map(|name| (name.as_str(), &b"{}"[..])).collect();
    let path = at.path().join("sets.zip");
    zip(&path, &sets);
    tried.gets(&path, "archive_too_many");

    let bomb = at.path().join("bomb.zip");
    let blanks = vec![b' '; 64 << 20];
    zip(&bomb, &[("tb.geojson", &blanks)]);
    tried.gets(&bomb, "archive_ratio");
    let honest = std::fs::read(&bomb).unwrap();
    // The same, saying that it is ten bytes long.
    patch(&bomb, &(64_u32 << 20).to_le_bytes(), &10_u32.to_le_bytes());
    tried.gets_one_of(&bomb, &["archive_ratio", "archive_broken"]);
    // The same, saying that it was as long when it was packed.
    let directory = honest.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    std::fs::write(&bomb, &honest).unwrap();
    patch(&bomb, &honest[directory + 20..directory + 24], &(64_u32 << 20).to_le_bytes());
    tried.gets(&bomb, "archive_ratio");
    // The same in parts, none of which is suspicious by itself.
    let parts: Vec<(String, &[u8])> = blanks.chunks(8 << 20).enumerate().map(|(number, part)| (format!("{number}.geojson"), part)).collect();
    zip(&bomb, &parts.iter().map(|(name, part)| (name.as_str(), *part)).collect::<Vec<_>>());
    tried.gets(&bomb, "archive_ratio");
    // Forty entries that are one and the same.
    zip(&bomb, &[("00.geojson", &blanks[..1 << 20])]);
    overlap(&bomb, 40);
    tried.gets(&bomb, "archive_ratio");

    let mut nested = std::fs::read(survey()).unwrap();
    let path = at.path().join("nested.zip");
    for level in 0..10 {
        zip(&path, &[(if level == 0 { "tb.geojson" } else { "a.zip" }, &nested)]);
        nested = std::fs::read(&path).unwrap();
    }
    tried.gets(&path, "archive_too_deep");
}

/// Lists the only entry of an archive, whose name begins with `00`, so many times.
fn overlap(path: &Path, times: u16) {
    let bytes = std::fs::read(path).unwrap();
    let at = |magic: &[u8]| bytes.windows(4).rposition(|window| window == magic).unwrap();
    let (directory, end) = (at(b"PK\x01\x02"), at(b"PK\x05\x06"));
    let mut listed = bytes[..directory].to_vec();
    for number in 0..times {
        let mut entry = bytes[directory..end].to_vec();
        entry[46..48].copy_from_slice(format!("{number:02}").as_bytes());
        listed.extend(entry);
    }
    let size = (listed.len() - directory) as u32;
    listed.extend(&bytes[end..]);
    let end = directory + size as usize;
    listed[end + 8..end + 10].copy_from_slice(&times.to_le_bytes());
    listed[end + 10..end + 12].copy_from_slice(&times.to_le_bytes());
    listed[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    std::fs::write(path, listed).unwrap();
}

/// A `.tar.gz` of one entry of so many zeros, and a file that is wanted.
fn tar_gz(path: &Path, kind: tar::EntryType, name: &str, zeros: u64) {
    let mut archive = tar::Builder::new(GzEncoder::new(File::create(path).unwrap(), Compression::best()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(zeros);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, std::io::repeat(0).take(zeros)).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    archive.append_data(&mut header, "tb.geojson", &b"{}"[..]).unwrap();
    archive.into_inner().unwrap().finish().unwrap().flush().unwrap();
}

#[test]
fn tars_made_to_swell_are_refused_also_by_what_is_not_wanted_of_them() {
    let (at, tried) = (folder(), Tried::by("tars"));
    let path = at.path().join("tb.tar.gz");
    tar_gz(&path, tar::EntryType::Regular, "readme.bin", 64 << 20);
    tried.gets(&path, "archive_ratio");
    // A name that would be held in memory.
    for kind in [tar::EntryType::GNULongName, tar::EntryType::XHeader] {
        tar_gz(&path, kind, "././@LongLink", 64 << 20);
        let why = tried.refusal(&path);
        assert!(why.contains("1 MiB"), "{why}");
    }
}

#[test]
fn archives_that_cannot_be_read_are_refused() {
    let (at, tried) = (folder(), Tried::by("unreadable"));
    let path = at.path().join("locked.zip");
    zip(&path, &[("tb.geojson", b"{}")]);
    // General purpose bit 0, in the local header and in the directory.
    let mut bytes = std::fs::read(&path).unwrap();
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[directory + 8] |= 1;
    std::fs::write(&path, bytes).unwrap();
    tried.gets(&path, "archive_encrypted");
    let cut = at.path().join("cut.zip");
    zip_folder(&cut, super::kit::city(), "");
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    tried.gets(&cut, "archive_broken");
    for (name, magic) in [("tb.7z", &b"7z\xBC\xAF\x27\x1C\0\x04"[..]), ("tb.rar", b"Rar!\x1A\x07\x01\0")] {
        std::fs::write(at.path().join(name), magic).unwrap();
        tried.gets(&at.path().join(name), "unsupported_format");
    }
    zip(&path, &[("readme.txt", b"hello"), ("__MACOSX/tb.shp", b"ghost")]);
    tried.gets(&path, "archive_nothing");
    zip(&path, &[]);
    tried.gets(&path, "archive_nothing");
    // What Excel writes is a ZIP, too.
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write_string(0, 0, "JCBH").unwrap();
    let path = at.path().join("tb.xlsx");
    book.save(&path).unwrap();
    tried.gets(&path, "unsupported_format");
    // Packed by a method that we do not have: local header and directory say bzip2.
    let path = at.path().join("bzip2.zip");
    zip(&path, &[("tb.geojson", b"{}")]);
    let mut bytes = std::fs::read(&path).unwrap();
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    (bytes[8], bytes[directory + 10]) = (12, 12);
    std::fs::write(&path, bytes).unwrap();
    tried.gets(&path, "archive_method");
}

#[test]
fn layers_without_end_are_not_listed_without_end() {
    let (at, tried) = (folder(), Tried::by("no_end"));
    let path = at.path().join("a.kml");
    let folders = |count: usize, name: &str| {
        let placemark = "<Placemark><Polygon><outerBoundaryIs><LinearRing><coordinates>118.35,35.05 118.36,35.05 118.36,35.06 118.35,35.05</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>";
        let folders: String = (0..count).map(|number| format!("<Folder><name>{name}{number}</name>{placemark}</Folder>")).collect();
        format!(r#"<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{folders}</Document></kml>"#)
    };
    std::fs::write(&path, folders(1500, "a")).unwrap();
    tried.gets(&path, "too_many_layers");
    std::fs::write(&path, folders(30, &"长".repeat(5000))).unwrap();
    let seen = tried.look(&path);
    let why = seen.problem.unwrap();
    assert_eq!((&*why.code, why.words.zh.contains("… +10"), seen.layers.len()), ("several_layers", true, 30), "{}", why.words.zh);
    assert!(why.words.zh.chars().count() < 3000, "{}", why.words.zh);
    // All data sets together are waited for as long as one may be.
    std::fs::write(&path, folders(2, "a")).unwrap();
    let scratch = folder();
    let workshop = Workshop { fault: Some(Fault::Hang), in_all: Duration::from_secs(1), ..workshop(scratch.path()) };
    tried.gets_from(&path, &["worker_timeout"], &workshop);
}

#[test]
fn shapefiles_that_lack_something_are_refused_with_its_name() {
    let tried = Tried::by("lacking");
    for missing in ["shp", "shx", "dbf"] {
        let (at, files) = (folder(), folder());
        let shp = small(at.path());
        for extension in ["shp", "shx", "dbf", "prj"].iter().filter(|extension| **extension != missing) {
            std::fs::copy(shp.with_extension(extension), files.path().join(format!("tb.{extension}"))).unwrap();
        }
        let path = at.path().join("tb.zip");
        zip_folder(&path, files.path(), "");
        let why = tried.refusal(&path);
        assert!(why.contains(&format!("缺少 .{missing}，")), "{why}");
        if missing != "shp" {
            std::fs::remove_file(shp.with_extension(missing)).unwrap();
            let why = tried.refusal(&shp);
            assert!(why.contains(&format!("缺少 .{missing}，")), "{why}");
        }
    }
}

#[test]
fn shapefiles_cut_short_or_at_odds_with_themselves_are_refused() {
    let (at, tried) = (folder(), Tried::by("cut"));
    let shp = small(at.path());
    for extension in ["shp", "shx", "dbf"] {
        let (path, whole) = (shp.with_extension(extension), std::fs::read(shp.with_extension(extension)).unwrap());
        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        tried.gets(&shp, "truncated");
        std::fs::write(&path, whole).unwrap();
    }
    let other = folder();
    let two = shapefile(other.path(), "tb", &["-lco", "ENCODING=UTF-8", "-where", "JCBH < '371302000100'"]);
    std::fs::copy(two.with_extension("dbf"), shp.with_extension("dbf")).unwrap();
    tried.gets(&shp, "shapefile_counts");
    std::fs::write(&shp, b"\0\0\x27\x0Ashort").unwrap();
    tried.gets(&shp, "not_a_shapefile");
}

#[test]
fn null_and_empty_shapes_are_refused_one_by_one() {
    let (at, tried) = (folder(), Tried::by("null"));
    let source = at.path().join("a.csv");
    std::fs::write(&source, "JCBH,WKT\nA,\nB,POLYGON EMPTY\nC,\"POLYGON ((118.35 35.05,118.36 35.05,118.36 35.06,118.35 35.05))\"\n").unwrap();
    for (driver, name) in [("ESRI Shapefile", "a.shp"), ("GPKG", "a.gpkg")] {
        let path = at.path().join(name);
        ogr2ogr(&["-f", driver, "-a_srs", "EPSG:4490", "-nlt", "POLYGON", "-oo", "GEOM_POSSIBLE_NAMES=WKT", "-oo", "KEEP_GEOM_COLUMNS=NO"], &path, &source);
        let seen = tried.look(&path);
        assert_eq!((seen.accepted, seen.rejected), (1, 2), "{driver}");
    }
}

#[test]
fn a_vrt_under_another_name_does_not_open() {
    let (at, tried) = (folder(), Tried::by("vrt"));
    let shp = small(at.path());
    let vrt = format!(r#"<OGRVRTDataSource><OGRVRTLayer name="tb"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"#, shp.display());
    for name in ["a.geojson", "a.json", "a.kml", "a.gpkg", "a.fgb"] {
        let path = at.path().join(name);
        std::fs::write(&path, &vrt).unwrap();
        tried.gets(&path, "unsupported_format");
        let archive = at.path().join("a.zip");
        zip(&archive, &[(name, vrt.as_bytes())]);
        tried.gets(&archive, "unsupported_format");
    }
    std::fs::write(&shp, &vrt).unwrap();
    tried.gets(&shp, "unsupported_format");
}

#[test]
fn a_geopackage_with_triggers_and_views_is_read_and_nothing_more() {
    let (at, tried) = (folder(), Tried::by("triggers"));
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
    quick.limits.cpu_s = 60;
    // Counting the view's rows would never end: it is seen in the schema, before anything is counted.
    tried.gets_from(&path, &["not_a_table"], &quick);
    for sql in ["DELETE FROM gpkg_geometry_columns WHERE table_name = 'endless'", "DELETE FROM gpkg_contents WHERE table_name = 'endless'"] {
        assert!(std::process::Command::new("ogrinfo").arg(&path).args(["-q", "-sql", sql]).output().unwrap().status.success());
    }
    assert_ne!(before, std::fs::read(&path).unwrap());
    let before = std::fs::read(&path).unwrap();
    tried.gets(&path, "taken");
    assert_eq!(before, std::fs::read(&path).unwrap(), "reading wrote to the file");
}

#[test]
fn broken_databases_and_drawings_are_refused() {
    let (at, tried) = (folder(), Tried::by("broken"));
    for (name, bytes) in [("a.gpkg", &b"SQLite format 3\0garbage"[..]), ("a.fgb", b"fgb\x03fgb\x00garbage"), ("a.kml", b"<kml><Document><Placemark>")] {
        let path = at.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        tried.gets_one_of(&path, &["cannot_open", "broken_file", "no_polygons"]);
    }
    let gdb = at.path().join("a.zip");
    zip(&gdb, &[("a.gdb/a00000001.gdbtable", b"garbage"), ("a.gdb/a00000001.gdbtablx", b"garbage")]);
    tried.gets(&gdb, "cannot_open");
    for (name, bytes, word) in [
        ("a.xlsx", &b"hello"[..], "unsupported_format"),
        ("a.gml", b"<gml:FeatureCollection/>", "unsupported_format"),
        ("a.dbf", &[3; 100], "unsupported_format"),
        // A file of several, of which only one was sent.
        ("a.tab", b"!table\n!version 300\nDefinition Table\n  Type NATIVE Charset \"Neutral\"\n", "cannot_open"),
    ] {
        let path = at.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        tried.gets(&path, word);
    }
}

#[test]
fn a_file_name_in_gbk_is_read() {
    let (at, tried) = (folder(), Tried::by("gbk"));
    let files = folder();
    let shp = small(files.path());
    let archive = at.path().join("a.zip");
    let entries: Vec<(String, Vec<u8>)> =
        ["shp", "shx", "dbf", "prj"].map(|extension| (format!("XXXX.{extension}"), std::fs::read(shp.with_extension(extension)).unwrap())).into();
    zip(&archive, &entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>());
    // Oracle: Python, '图斑'.encode('gbk').
    patch(&archive, b"XXXX", b"\xcd\xbc\xb0\xdf");
    let seen = tried.look(&archive);
    assert_eq!(seen.layer.as_deref(), Some("图斑"));
}

#[test]
fn a_prj_that_lies_is_found_out() {
    let (at, tried) = (folder(), Tried::by("prj"));
    let shp = small(at.path());
    let metres = folder();
    let projected = shapefile(metres.path(), "tb", &["-t_srs", "EPSG:4527"]);
    std::fs::copy(projected.with_extension("prj"), shp.with_extension("prj")).unwrap();
    let seen = tried.look(&shp);
    let refusal = seen.problem.unwrap();
    assert_eq!(refusal.code, "wrong_crs");
    assert!(refusal.words.zh.contains("请指定坐标系 EPSG:4490"), "{}", refusal.words.zh);
    assert_eq!(seen.preview.len(), 1, "rows are shown all the same");
    std::fs::write(shp.with_extension("prj"), r#"PROJCS["Xian_1980_3_Degree_GK_Zone_39",GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",SPHEROID["Xian_1980",6378140.0,298.257]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",39500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#).unwrap();
    let seen = tried.look(&shp);
    assert!(seen.problem.unwrap().words.zh.contains("西安 1980"));
    // What a disk leaves of a file that was not written to its end.
    std::fs::write(shp.with_extension("prj"), [0; 145]).unwrap();
    let seen = tried.look(&shp);
    assert_eq!(seen.problem.unwrap().code, "unknown_crs");
}

#[test]
fn a_geopackage_left_in_the_mode_that_qgis_works_in_is_read() {
    let (at, tried) = (folder(), Tried::by("wal"));
    let path = at.path().join("tb.gpkg");
    ogr2ogr(&["-f", "GPKG", "-a_srs", "EPSG:4490", "-nln", "tb"], &path, &survey());
    // Bytes 18 and 19 of an SQLite file: written and read through a write-ahead log. QGIS leaves them so.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[18..20].fill(2);
    std::fs::write(&path, bytes).unwrap();
    tried.gets(&path, "taken");
    // A log that was left behind is another's file, and none that is taken.
    let archive = at.path().join("tb.zip");
    zip(&archive, &[("tb.gpkg", &std::fs::read(&path).unwrap()), ("tb.gpkg-wal", b"garbage"), ("tb.gpkg-shm", b"garbage")]);
    tried.gets(&archive, "taken");
}

#[test]
fn two_files_of_one_name_are_told_apart_by_their_folders() {
    let (at, tried) = (folder(), Tried::by("same_names"));
    let (east, west) = (folder(), folder());
    small(east.path());
    shapefile(west.path(), "tb", &["-lco", "ENCODING=UTF-8", "-where", "JCBH < '371302000100'"]);
    let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
    for (county, files) in [("河东", &east), ("兰山", &west)] {
        for extension in ["shp", "shx", "dbf", "prj"] {
            entries.push((format!("{county}/tb.{extension}"), std::fs::read(files.path().join(format!("tb.{extension}"))).unwrap()));
        }
    }
    let archive = at.path().join("a.zip");
    zip(&archive, &entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>());
    let seen = tried.look(&archive);
    assert_eq!(seen.problem.unwrap().code, "several_layers");
    assert_eq!(seen.layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(), ["河东/tb.shp", "兰山/tb.shp"]);
    let stated = Stated { layer: Some("河东/tb.shp".to_owned()), ..Stated::default() };
    let seen = look(&archive, stated, &workshop(at.path())).unwrap();
    assert_eq!((seen.problem, seen.features), (None, 1));
}

#[test]
fn what_windows_packs_large_files_by_is_unpacked() {
    let tried = Tried::by("deflate64");
    // Oracle: 7-Zip 26.02, `7zz a -tzip -mm=Deflate64 -mx=9 -mcu=on`, of a GeoJSON of one patch with 70 000 blanks, a match too long for Deflate.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats/deflate64.zip");
    let seen = tried.look(&path);
    assert_eq!((seen.problem, seen.accepted, seen.layer.as_deref()), (None, 1, Some("图斑")));
}

#[test]
fn a_mapinfo_exchange_file_is_known_by_what_it_holds() {
    let (at, tried) = (folder(), Tried::by("mif"));
    let mif = at.path().join("tb.mif");
    ogr2ogr(&["-f", "MapInfo File", "-where", "JCBH < '371302000100'"], &mif, &survey());
    // As it is spooled: without its name, and without the .mid beside it.
    let path = at.path().join("survey-1");
    std::fs::copy(&mif, &path).unwrap();
    tried.gets(&path, "taken");
}
