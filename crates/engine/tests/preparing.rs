//! The key of what prepares layers follows the border of the crates.

#![allow(clippy::unwrap_used, reason = "a test may die; clippy.toml allows it in test functions only, not in what they share")]

#[path = "../build/preparing.rs"]
mod preparing;

use preparing::{inputs, key};
use std::fs;
use std::path::Path;
use tuban_engine::snapshot::PREPARING;

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What the key is made from, once more, where it can be changed.
fn copied() -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        if from.is_dir() {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let name = entry.unwrap().file_name();
                copy(&from.join(&name), &to.join(&name));
            }
        } else {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
    let root = tempfile::tempdir().unwrap();
    for input in inputs() {
        copy(&workspace().join(&input), &root.path().join(&input));
    }
    root
}

/// Whether the key is another one once `crate_name` is locked in another version.
fn follows(crate_name: &str) -> bool {
    let root = copied();
    let (lock, before) = (root.path().join("Cargo.lock"), key(root.path()).unwrap());
    let text = fs::read_to_string(&lock).unwrap();
    let (old, new) = (format!("name = \"{crate_name}\"\nversion = \""), format!("name = \"{crate_name}\"\nversion = \"99."));
    assert_eq!(text.matches(&old).count(), 1, "{crate_name} is locked once");
    fs::write(&lock, text.replace(&old, &new)).unwrap();
    key(root.path()).unwrap() != before
}

#[test]
fn the_engine_knows_the_key_of_its_own_sources() {
    let own = format!("{:016x}", key(workspace()).unwrap());
    assert_eq!(PREPARING, own);
    assert_eq!(format!("{:016x}", key(copied().path()).unwrap()), own, "wherever the workspace lies");
}

#[test]
fn a_change_in_what_prepares_a_layer_changes_the_key() {
    let root = copied();
    let mut before = key(root.path()).unwrap();
    for file in ["crates/engine/src/prepare.rs", "crates/engine/src/atlas.rs", "crates/geom/src/coverage/cut.rs", "crates/geom/Cargo.toml"] {
        let path = root.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text + " ").unwrap();
        let after = key(root.path()).unwrap();
        assert_ne!(after, before, "{file}");
        before = after;
    }
    fs::write(root.path().join("crates/geom/src/another.rs"), "").unwrap();
    assert_ne!(key(root.path()).unwrap(), before, "a new file");
    // Used by geometry; used by engine; used by a crate that engine uses.
    assert!(["robust", "jiff", "tracing-core"].into_iter().all(follows));
}

#[test]
fn a_bump_of_a_dependency_that_prepares_nothing_leaves_the_key() {
    // Used by the service alone; by tests alone; by the worker alone.
    assert!(!["axum", "sqlx", "tokio", "criterion", "proptest", "gdal"].into_iter().any(follows));
}
