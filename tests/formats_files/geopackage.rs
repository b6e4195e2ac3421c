//! A GeoPackage is a database, and what is computed in it where a table should be can take for ever: only plain tables are read, and what is not says its name.

use super::kit::{folder, look, ogr2ogr, survey, verdict, workshop};
use std::path::{Path, PathBuf};
use std::process::Command;
use tuban::formats::{FeatureBounds, Stated, ogr::Workshop};
use tuban::service::ServiceError;

/// A view that never ends, listed as a layer.
const ENDLESS: &str = "CREATE VIEW drip AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS fid, geom FROM n, tb;";
const LISTED: &str = "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('NAME', 'features', 'NAME', 4490);
    INSERT INTO gpkg_geometry_columns VALUES ('NAME', 'geom', 'POLYGON', 4490, 0, 0);";

/// A GeoPackage of one plain table, in which those statements were carried out.
fn with(sql: &str) -> (tempfile::TempDir, PathBuf) {
    with_index(sql, "YES")
}

/// The same with an R-tree or without; where there is one, rows can be changed by GDAL only.
fn with_index(sql: &str, index: &str) -> (tempfile::TempDir, PathBuf) {
    let at = folder();
    let path = at.path().join("tb.gpkg");
    ogr2ogr(&["-f", "GPKG", "-a_srs", "EPSG:4490", "-nln", "tb", "-limit", "3", "-lco", &format!("SPATIAL_INDEX={index}")], &path, &survey());
    let script = format!(".bail on\n.dbconfig defensive off\n{sql}\n");
    let file = at.path().join("script.sql");
    std::fs::write(&file, script).unwrap();
    let ran = Command::new("sqlite3").arg(&path).stdin(std::fs::File::open(&file).unwrap()).output().expect("sqlite3 is installed");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    (at, path)
}

fn listed(name: &str) -> String {
    LISTED.replace("NAME", name)
}

/// Why the file is refused: a word, and a sentence in Chinese.
fn refusal(path: &Path, workshop: &Workshop) -> (String, String) {
    match look(path, Stated::default(), workshop) {
        Err(ServiceError::Refused(refusal)) => (refusal.code.into_owned(), refusal.words.zh),
        Ok(seen) => seen.problem.map_or(("taken".to_owned(), String::new()), |refusal| (refusal.code.into_owned(), refusal.words.zh)),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_is_no_plain_table_is_refused_by_name_before_anything_is_computed() {
    for (sql, name) in [
        (format!("{ENDLESS}{}", listed("drip")), "drip"),
        // Names are not told apart by their case.
        (format!("{ENDLESS}{}", listed("DRIP")), "drip"),
        (format!("{ENDLESS}INSERT INTO gpkg_geometry_columns VALUES ('drip', 'geom', 'POLYGON', 4490, 0, 0);"), "drip"),
        // The list of tables is one itself.
        ("ALTER TABLE gpkg_contents RENAME TO kept; CREATE VIEW gpkg_contents AS SELECT * FROM kept;".to_owned(), "gpkg_contents"),
        ("CREATE VIEW gpkg_extensions2 AS SELECT 1;".to_owned(), "gpkg_extensions2"),
        (format!("CREATE VIRTUAL TABLE found USING fts5(geom);{}", listed("found")), "found"),
        ("CREATE TRIGGER hit AFTER UPDATE ON gpkg_contents BEGIN SELECT 1; END;".to_owned(), "hit"),
        (format!("CREATE TABLE made (fid INTEGER PRIMARY KEY, geom BLOB, big BLOB AS (zeroblob(1000000000)) VIRTUAL);{}", listed("made")), "made"),
    ] {
        let (_at, path) = with(&sql);
        let scratch = folder();
        let (code, words) = refusal(&path, &workshop(scratch.path()));
        assert!(code == "not_a_table" && words.contains(name), "{sql}: {code} {words}");
    }
}

/// Newer versions of SQLite refuse such a schema themselves.
#[test]
fn a_view_that_says_it_is_a_table_is_not_believed() {
    let (_at, path) = with(&format!("{ENDLESS}{} PRAGMA writable_schema = ON; UPDATE sqlite_master SET type = 'table' WHERE name = 'drip';", listed("drip")));
    let scratch = folder();
    let (code, words) = refusal(&path, &workshop(scratch.path()));
    assert!(["not_a_table", "cannot_open"].contains(&code.as_str()) && words.contains("drip"), "{code} {words}");
}

#[test]
fn tables_are_read_whatever_else_is_in_the_database() {
    for sql in [
        "",
        "PRAGMA journal_mode = WAL;",
        // Nobody asks for what is not listed.
        ENDLESS,
        "CREATE TABLE beside (a, b AS (a + 1) STORED); CREATE INDEX beside_b ON beside (b);",
        "CREATE TRIGGER hit AFTER INSERT ON tb BEGIN SELECT 1; END;",
    ] {
        let (_at, path) = with(sql);
        let scratch = folder();
        assert_eq!(verdict(&path, &workshop(scratch.path())), "taken", "{sql}");
    }
}

/// Oracle: SQLite itself, which writes the value: it may be longer than a feature's text may be.
#[test]
fn a_value_that_is_longer_than_a_feature_may_be_is_not_read() {
    let (_at, path) = with_index("ALTER TABLE tb ADD COLUMN note TEXT; UPDATE tb SET note = printf('%.*c', 3000000, 'x') WHERE fid = 2;", "NO");
    let scratch = folder();
    let bounds = FeatureBounds { vertices: 1000, text_bytes: 1 << 20, keys: 100 };
    let (code, words) = refusal(&path, &Workshop { bounds, ..workshop(scratch.path()) });
    assert!(code == "broken_file" && words.contains("超过单个要素的上限"), "{code} {words}");
    assert_eq!(verdict(&path, &workshop(scratch.path())), "taken");
}
