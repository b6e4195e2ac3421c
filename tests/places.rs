//! No city in the program: neither codes nor names nor coordinates of the demo city stand anywhere but in the demo, in tests and in examples of the documentation.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may die; clippy.toml allows it in test functions only, not in what they share")]

use std::path::{Path, PathBuf};

/// What the demo city is known by: its code, its names, and where it lies.
const PLACES: [&str; 19] =
    ["3713", "临沂", "Linyi", "兰山", "罗庄", "河东区", "沂南", "郯城", "沂水", "兰陵", "费县", "平邑", "莒南", "蒙阴", "临沭", "118.", "118,", "118)", "118°"];

/// Where the program, its page and what is installed with it come from. The demo city stands in its own crate.
const ROOMS: [&str; 10] =
    ["src", "ogr/src", "rules", "migrations", "deploy", "web/src", "web/public", "crates/geom/src", "crates/engine/src", "crates/ogr-protocol/src"];

/// Files below a folder that are text.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

/// Whether a file is nothing but tests.
fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name == "tests.rs" || name.ends_with(".test.ts")
}

/// The lines of a file that are no test: what stands before its tests, without the examples in its documentation, which are tests too.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_example = false;
    (1..).zip(text.lines()).take_while(|(_, line)| !line.starts_with("#[cfg(test)]")).filter(move |(_, line)| {
        let is_fence = line.trim_start().trim_start_matches("//!").trim_start_matches("///").trim_start().starts_with("```");
        is_example ^= is_fence;
        !is_example && !is_fence
    })
}

#[test]
fn no_city_stands_in_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut seen, mut found) = (0, Vec::new());
    for path in ROOMS.iter().flat_map(|room| files(&root.join(room))).filter(|path| !is_test(path)) {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in lines(&text) {
            seen += 1;
            if let Some(place) = PLACES.iter().find(|place| line.contains(**place)) {
                found.push(format!("{}:{number}: {place} in {}", path.strip_prefix(root).unwrap().display(), line.trim()));
            }
        }
    }
    assert!(seen > 20_000, "only {seen} lines were read");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn tests_and_examples_are_passed_over_and_nothing_else() {
    let text = "/// At 118.3.\n/// ```\n/// at(118.0);\n/// ```\nfn one() {}\n#[cfg(test)]\nmod tests {}\n";
    assert_eq!(lines(text).map(|(number, _)| number).collect::<Vec<_>>(), [1, 5]);
}
