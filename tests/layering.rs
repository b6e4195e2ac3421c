//! The arrows between the rooms of `src/`, the names that are not allowed, and how long a file may be.
//!
//! `main → cli → http → monitor → { formats, store, tiles } → land → geom`; `demo` stands apart. Read from the sources themselves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may die; clippy.toml allows it in test functions only, not in what they share")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may use.
const ARROWS: [(&str, &[&str]); 9] = [
    ("geom", &[]),
    ("land", &["geom"]),
    ("tiles", &["geom"]),
    ("store", &["land", "geom"]),
    ("formats", &["land", "geom"]),
    ("monitor", &["formats", "store", "land", "geom"]),
    // Of formats only how an outline is written: see `http_writes_geometries_and_reads_no_file`.
    ("http", &["monitor", "formats", "store", "tiles", "land", "geom"]),
    ("cli", &["http", "monitor", "store", "demo", "land", "geom"]),
    ("demo", &[]),
];

/// Drawers in which anything could lie.
const NAMES_THAT_SAY_NOTHING: [&str; 12] = ["util", "utils", "common", "helper", "helpers", "types", "manager", "misc", "core", "base", "shared", "data"];

/// Lines a file may have before its tests.
const LINES: usize = 500;

/// Files that may be longer, each with the reason.
const LONGER: [(&str, &str); 0] = [];

/// A source file: its path below `src/`, and its text.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The room it stands in: the first folder, or the file itself.
    fn room(&self) -> &str {
        self.path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs")
    }

    /// Its lines without comments.
    fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap() })
    }

    /// What stands after each `crate::`, e.g. `land::Area` or `{geom, land}`.
    fn uses(&self) -> Vec<String> {
        let code: String = self.code().collect::<Vec<_>>().join("\n");
        code.match_indices("crate::").map(|(at, word)| code[at + word.len()..].chars().take(200).collect()).collect()
    }

    /// Rooms it uses besides its own.
    fn rooms_used(&self) -> BTreeSet<String> {
        let rooms = self.uses().into_iter().filter_map(|used| {
            assert!(!used.starts_with('{'), "{}: one room a `use`, so that arrows can be read", self.path.display());
            used.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned)
        });
        rooms.filter(|room| room != self.room()).collect()
    }

    /// Code before its tests.
    fn lines_before_tests(&self) -> usize {
        self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count()
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut sources, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                sources.push(Source { text: std::fs::read_to_string(&path).unwrap(), path: path.strip_prefix(&root).unwrap().to_owned() });
            }
        }
    }
    assert!(sources.len() > 50);
    sources
}

#[test]
fn every_arrow_points_the_one_way() {
    for source in sources() {
        let room = source.room();
        if matches!(room, "main" | "lib") {
            continue;
        }
        let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is a new room: say what it may use"));
        for used in source.rooms_used() {
            assert!(allowed.contains(&used.as_str()), "{}: {room} must not use {used}", source.path.display());
        }
    }
}

#[test]
fn the_program_is_the_command_line_and_nothing_else() {
    let main = sources().into_iter().find(|source| source.path == Path::new("main.rs")).unwrap();
    let used: Vec<&str> = main.text.match_indices("tuban::").map(|(at, _)| main.text[at..].split(['(', ';']).next().unwrap()).collect();
    assert_eq!(used, ["tuban::cli::run"]);
}

#[test]
fn no_path_climbs_out_of_its_room() {
    for source in sources() {
        let depth = source.path.iter().count() - usize::from(source.path.ends_with("mod.rs"));
        let code: Vec<&str> = source.code().take(source.lines_before_tests()).collect();
        for line in code {
            assert!(!line.contains(&"super::".repeat(depth.max(1))), "{}: {line}", source.path.display());
        }
    }
}

#[test]
fn http_writes_geometries_and_reads_no_file() {
    for source in sources().iter().filter(|source| source.room() == "http") {
        for used in source.uses().iter().filter(|used| used.starts_with("formats")) {
            assert!(used.starts_with("formats::geojson::Geometry"), "{}: {used}", source.path.display());
        }
    }
}

#[test]
fn only_the_store_speaks_sql() {
    const WORDS: [&str; 9] = ["sqlx", "rusqlite", "SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE ", "CREATE TABLE", "PRAGMA", "BEGIN IMMEDIATE"];
    for source in sources().iter().filter(|source| source.room() != "store") {
        for line in source.code() {
            assert!(!WORDS.iter().any(|word| line.contains(word)), "{}: {line}", source.path.display());
        }
    }
}

#[test]
fn the_kernel_and_the_vocabulary_know_no_async_and_no_files() {
    for source in sources().iter().filter(|source| ["geom", "land"].contains(&source.room())) {
        for line in source.code().take(source.lines_before_tests()) {
            assert!(!["async ", "tokio", "axum", "std::fs", "std::net"].iter().any(|word| line.contains(word)), "{}: {line}", source.path.display());
        }
    }
}

#[test]
fn modules_have_names_that_say_something() {
    for source in sources() {
        for step in &source.path {
            let name = step.to_str().unwrap().trim_end_matches(".rs");
            assert!(!NAMES_THAT_SAY_NOTHING.contains(&name), "{}", source.path.display());
        }
        assert!(source.path.iter().count() <= 3, "{} lies too deep", source.path.display());
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for source in sources() {
        let path = source.path.to_str().unwrap();
        assert!(source.text.starts_with("//!"), "{path} does not say what it is for");
        let longer = LONGER.iter().any(|(name, _)| *name == path);
        let lines = if path.ends_with("tests.rs") { 0 } else { source.lines_before_tests() };
        assert!(longer == (lines > LINES), "{path} has {lines} lines");
    }
}
