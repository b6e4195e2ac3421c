//! The borders of the crates, as Cargo knows them: geometry and engine must be of use without a
//! runtime, a database, a server or GDAL.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may die; clippy.toml allows it in test functions only, not in what they share")]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

/// Crates that must not be needed, with all whose names begin like this and go on with a hyphen.
const FORBIDDEN: [&str; 24] = [
    "async-std",
    "async-trait",
    "axum",
    "diesel",
    "futures",
    "gdal",
    "h2",
    "http",
    "hyper",
    "libsqlite3",
    "mio",
    "postgres",
    "reqwest",
    "rusqlite",
    "rustls",
    "sea",
    "smol",
    "sqlite",
    "sqlx",
    "tokio",
    "tower",
    "tuban-ogr",
    "ureq",
    "utoipa-axum",
];

/// What Cargo knows of the workspace and of all that it uses where the service runs.
fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let told = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version=1", "--filter-platform=x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

/// Names of the crates that a crate needs when it runs, itself included; not what its tests and build scripts need.
fn needed(metadata: &Value, name: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().unwrap();
    let named = |id: &Value| packages.iter().find(|package| package["id"] == *id).unwrap()["name"].as_str().unwrap().to_owned();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let first = packages.iter().find(|package| package["name"] == name).unwrap_or_else(|| panic!("there is no {name}"));
    let (mut open, mut seen) = (vec![&first["id"]], BTreeSet::new());
    while let Some(id) = open.pop() {
        if seen.insert(id.as_str().unwrap()) {
            let node = nodes.iter().find(|node| node["id"] == *id).unwrap();
            let runs = |dependency: &&Value| dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
            open.extend(node["deps"].as_array().unwrap().iter().filter(runs).map(|dependency| &dependency["pkg"]));
        }
    }
    seen.into_iter().map(|id| named(&Value::from(id))).collect()
}

/// Those of them that are forbidden.
fn forbidden(needed: &BTreeSet<String>) -> Vec<&str> {
    let is_one = |name: &str| FORBIDDEN.iter().any(|word| name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')));
    needed.iter().map(String::as_str).filter(|name| is_one(name)).collect()
}

#[test]
fn geometry_and_engine_need_no_runtime_no_database_no_server_and_no_gdal() {
    let metadata = metadata();
    for name in ["tuban-geom", "tuban-engine"] {
        let needed = needed(&metadata, name);
        assert!(needed.contains("libm"), "{needed:?}");
        assert_eq!(forbidden(&needed), [""; 0], "of {name}");
    }
    assert!(!needed(&metadata, "tuban-geom").contains("tuban-engine"));
}

#[test]
fn the_same_look_finds_them_in_the_programs_that_have_them() {
    let metadata = metadata();
    let (service, worker) = (needed(&metadata, "tuban"), needed(&metadata, "tuban-ogr"));
    for name in ["axum", "hyper", "sqlx", "tokio"] {
        assert!(forbidden(&service).contains(&name), "{name}");
    }
    assert!(forbidden(&worker).contains(&"gdal-sys") && !service.contains("gdal"), "{worker:?}");
}

#[test]
fn a_dependency_of_a_dependency_is_found_and_one_of_tests_is_not() {
    let needs = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
    let node = |id: &str, deps: Vec<Value>| json!({"id": id, "deps": deps});
    let known = |deps: Vec<Value>| {
        let packages: Vec<Value> = ["engine", "between", "sqlx-core", "proptest"].map(|name| json!({"id": name, "name": name})).into();
        let between = node("between", vec![needs("sqlx-core", Value::Null)]);
        json!({"packages": packages, "resolve": {"nodes": [node("engine", deps), between, node("sqlx-core", vec![]), node("proptest", vec![])]}})
    };
    let with = known(vec![needs("between", Value::Null), needs("proptest", json!("dev"))]);
    assert_eq!(forbidden(&needed(&with, "engine")), ["sqlx-core"]);
    assert!(!needed(&with, "engine").contains("proptest"));
    let without = known(vec![needs("between", json!("dev")), needs("proptest", json!("build"))]);
    assert_eq!(needed(&without, "engine").len(), 1);
}
