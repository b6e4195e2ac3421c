//! The arrows between the rooms, the names that are not allowed, and how long a file may be. A room
//! is a folder of `src/`, a crate of `crates/`, or the engine's `model`.
//!
//! `main → cli → http → service → { formats, store → scope, tiles, engine } → model → geom`; `demo` and
//! `ogr-protocol` stand apart. Read from the sources themselves; `borders.rs` reads what Cargo knows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may die; clippy.toml allows it in test functions only, not in what they share")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each room and the rooms it may use.
const ARROWS: [(&str, &[&str]); 12] = [
    ("geom", &[]),
    ("model", &["geom"]),
    ("engine", &["model", "geom"]),
    ("ogr-protocol", &[]),
    ("tiles", &["geom"]),
    ("scope", &["model"]),
    ("store", &["scope", "model", "geom"]),
    ("formats", &["ogr-protocol", "model", "geom"]),
    ("service", &["formats", "store", "scope", "tiles", "engine", "model", "geom"]),
    // Of formats only how an outline is written: see `http_writes_geometries_and_reads_no_file`.
    ("http", &["service", "scope", "formats", "engine", "model", "geom"]),
    ("cli", &["http", "service", "scope", "demo", "engine", "model", "geom"]),
    ("demo", &[]),
];

/// Files of the engine that read or write files: its own, and the rules that a person names.
const ENGINE_FILES: [&str; 3] = ["engine/memory.rs", "engine/snapshot.rs", "engine/rule.rs"];

/// Where a request, a command and a job enter, and with what each makes the scope of everything.
const ENTRANCES: [(&str, &str); 3] = [("http/asking.rs", "Scope::all("), ("cli/mod.rs", "Scope::all("), ("service/jobs/mod.rs", "Scope::of_job(")];

/// Drawers in which anything could lie.
const NAMES_THAT_SAY_NOTHING: [&str; 12] = ["util", "utils", "common", "helper", "helpers", "types", "manager", "misc", "core", "base", "shared", "data"];

/// Lines a file may have before its tests.
const LINES: usize = 500;

/// Files that may be longer, each with the reason.
const LONGER: [(&str, &str); 0] = [];

/// A source file: its path below `src/`, or below `crates/` without the step `src`; and its text.
struct Source {
    path: PathBuf,
    is_crate: bool,
    text: String,
}

impl Source {
    /// The room it stands in: the first folder, or the file itself.
    fn room(&self) -> &str {
        if self.path.starts_with("engine/model") {
            return "model";
        }
        self.path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs")
    }

    /// Its lines without comments.
    fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap() })
    }

    /// What stands after each `word`, e.g. `formats::Field` after `crate::`.
    fn after(&self, word: &str) -> Vec<String> {
        let code: String = self.code().collect::<Vec<_>>().join("\n");
        let starts_there = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        code.match_indices(word).filter(|(at, _)| starts_there(*at)).map(|(at, _)| code[at + word.len()..].chars().take(200).collect()).collect()
    }

    /// Rooms it uses besides its own.
    fn rooms_used(&self) -> BTreeSet<String> {
        let word = |used: &str| used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned();
        // In the engine one `use` may name several of its modules, but the model has one of its own.
        let of_engine = |used: &str| {
            let group = used.strip_prefix('{').map(|group| group.split(';').next().unwrap_or_default());
            assert!(!group.is_some_and(|group| group.contains("model::")), "{}: the model has a `use` of its own", self.path.display());
            if word(used) == "model" { "model".to_owned() } else { "engine".to_owned() }
        };
        let mut rooms: BTreeSet<String> = self.after("tuban_engine::").iter().map(|used| of_engine(used)).collect();
        for used in self.after("crate::") {
            if self.path.starts_with("engine") {
                rooms.insert(of_engine(&used));
            } else if !self.is_crate {
                assert!(!used.starts_with('{'), "{}: one room a `use`, so that arrows can be read", self.path.display());
                rooms.insert(word(&used));
            }
        }
        for (name, room) in [("tuban_geom::", "geom"), ("tuban_demo::", "demo"), ("tuban_ogr_protocol::", "ogr-protocol")] {
            rooms.extend((!self.after(name).is_empty()).then(|| room.to_owned()));
        }
        rooms.remove(self.room());
        rooms
    }

    /// Its module: `["store", "values"]`; that of a folder is the folder's.
    fn module(&self) -> Vec<String> {
        let steps = self.path.iter().map(|step| step.to_str().unwrap().trim_end_matches(".rs").to_owned());
        steps.filter(|step| !["mod", "lib", "main"].contains(&step.as_str())).collect()
    }

    /// What its `use` items before its tests name, but for those that are handed on (`pub use`): paths from the root of the sources.
    fn paths_used(&self) -> Vec<Vec<String>> {
        let code: String = self.code().take(self.lines_before_tests()).collect::<Vec<_>>().join("\n");
        let items = code.split(';').filter_map(|item| item.trim_start().strip_prefix("use ").or_else(|| item.rsplit_once("\nuse ").map(|(_, item)| item)));
        let own = self.module();
        let root = if self.is_crate { &own[..1] } else { &[] };
        let absolute = |path: String| {
            let steps: Vec<String> = path.split("::").map(|step| step.trim().to_owned()).collect();
            let up = steps.iter().take_while(|step| *step == "super").count();
            match steps[0].as_str() {
                "crate" => [root, &steps[1..]].concat(),
                "super" => [&own[..own.len() - up.min(own.len())], &steps[up..]].concat(),
                _ => steps,
            }
        };
        items.flat_map(|item| paths_in(item.trim())).map(absolute).collect()
    }

    /// Code before its tests.
    fn lines_before_tests(&self) -> usize {
        self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count()
    }
}

/// The paths that a `use` item names: `a::{b, c::d}` names `a::b` and `a::c::d`.
fn paths_in(item: &str) -> Vec<String> {
    let Some((before, group)) = item.split_once('{') else { return vec![item.to_owned()] };
    let group = &group[..group.rfind('}').unwrap_or(group.len())];
    let (mut depth, mut from, mut paths) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices().chain([(group.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                paths.extend(paths_in(group[from..at].trim()).into_iter().filter(|path| !path.is_empty()).map(|path| format!("{before}{path}")));
                from = at + 1;
            }
            _ => {}
        }
    }
    paths
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = std::fs::read_dir(root.join("crates")).unwrap().map(|folder| folder.unwrap().path());
    let crates: Vec<_> = crates.map(|folder| (folder.join("src"), PathBuf::from(folder.file_name().unwrap()))).collect();
    let (own, mut sources) = ((root.join("src"), PathBuf::new()), Vec::new());
    for (base, room) in crates.into_iter().chain([own]) {
        let mut folders = vec![base.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    let is_crate = !room.as_os_str().is_empty();
                    sources.push(Source { text: std::fs::read_to_string(&path).unwrap(), path: room.join(path.strip_prefix(&base).unwrap()), is_crate });
                }
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
        for used in source.after("crate::").iter().filter(|used| used.starts_with("formats")) {
            assert!(used.starts_with("formats::geojson::Geometry"), "{}: {used}", source.path.display());
        }
    }
}

/// A module and its parent, and what is handed on (`pub use`), do not count.
#[test]
fn modules_are_in_no_circle() {
    let sources = sources();
    let modules: BTreeSet<Vec<String>> = sources.iter().map(Source::module).collect();
    let mut arrows: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for source in &sources {
        let own = source.module();
        for path in source.paths_used() {
            let longest = (1..=path.len()).rev().map(|steps| path[..steps].to_vec()).find(|module| modules.contains(module));
            arrows.entry(own.clone()).or_default().extend(longest.filter(|used| !own.starts_with(used) && !used.starts_with(&own)));
        }
    }
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > 300, "the arrows are read");
    // What uses only what is in no circle is in none.
    while let Some(free) = arrows.iter().find(|(_, used)| used.iter().all(|used| !arrows.contains_key(used))).map(|(module, _)| module.clone()) {
        arrows.remove(&free);
    }
    let left: Vec<String> = arrows.iter().map(|(module, used)| format!("{} → {used:?}", module.join("::"))).collect();
    assert!(left.is_empty(), "in a circle, or using what is:\n{}", left.join("\n"));
}

#[test]
fn http_and_cli_ask_the_service_and_not_its_store() {
    for source in sources().iter().filter(|source| ["http", "cli"].contains(&source.room())) {
        for line in source.code() {
            assert!(!line.contains(".store()"), "{}: {line}", source.path.display());
        }
    }
}

#[test]
fn everything_is_in_scope_only_where_a_request_a_command_or_a_job_enters() {
    let sources = sources();
    let scope = sources.iter().find(|source| source.path == Path::new("scope.rs")).unwrap();
    // What has a default, or can be read, can be made anywhere.
    assert!(scope.code().all(|line| !line.contains("Default") && !line.contains("Deserialize")));
    for source in sources.iter().filter(|source| source.room() != "scope") {
        for line in source.code().take(source.lines_before_tests()) {
            for way in ["Scope::all", "Scope::of_job"] {
                let may = ENTRANCES.iter().any(|(file, made)| source.path == Path::new(file) && made.starts_with(way));
                assert!(may || !line.contains(way), "{}: {line}", source.path.display());
            }
            assert!(!line.contains("for Scope") || line.contains("FromRequestParts"), "{}: {line}", source.path.display());
        }
    }
    for (file, made) in ENTRANCES {
        let source = sources.iter().find(|source| source.path == Path::new(file)).unwrap();
        assert_eq!(source.code().filter(|line| line.contains(made)).count(), 1, "{file}");
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
fn geometry_and_model_touch_no_files_and_the_engine_only_its_own() {
    for source in sources().iter().filter(|source| ["geom", "model", "engine"].contains(&source.room())) {
        let may = ENGINE_FILES.iter().any(|file| source.path == Path::new(file));
        for line in source.code().take(source.lines_before_tests()) {
            assert!(!line.contains("async "), "{}: {line}", source.path.display());
            assert!(may || !["std::fs", "std::net", "File::open"].iter().any(|word| line.contains(word)), "{}: {line}", source.path.display());
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
