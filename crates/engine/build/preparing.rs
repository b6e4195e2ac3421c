//! The key of what prepares layers: a hash of everything that could prepare one differently.
//!
//! It follows the border of the crates: the sources and manifests of geometry and engine, and the
//! locked versions of the crates that they use, directly or through others. A change in the service,
//! or a bump of a dependency that only the service has, leaves it as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use twox_hash::XxHash3_64;

/// The crates that prepare layers: their folders below the root of the workspace, and their names.
const CRATES: [(&str, &str); 2] = [("crates/geom", "tuban-geom"), ("crates/engine", "tuban-engine")];
/// What counts of each.
const PARTS: [&str; 2] = ["Cargo.toml", "src"];
const LOCK: &str = "Cargo.lock";

/// The files and folders that the key is made from, below the root of the workspace.
pub fn inputs() -> Vec<PathBuf> {
    let parts = CRATES.iter().flat_map(|(folder, _)| PARTS.map(|part| Path::new(folder).join(part)));
    parts.chain([PathBuf::from(LOCK)]).collect()
}

/// The key of the workspace at `root`.
pub fn key(root: &Path) -> io::Result<u64> {
    let mut hash = XxHash3_64::new();
    let mut add = |bytes: &[u8]| {
        hash.write_u64(bytes.len() as u64);
        hash.write(bytes);
    };
    for input in inputs().iter().filter(|input| *input != Path::new(LOCK)) {
        for file in files(root, input)? {
            add(file.to_string_lossy().as_bytes());
            add(&std::fs::read(root.join(&file))?);
        }
    }
    for package in locked(root)? {
        add(package.as_bytes());
    }
    Ok(hash.finish())
}

/// All files at or below a path, in the order of their names; paths as seen from the root.
fn files(root: &Path, path: &Path) -> io::Result<Vec<PathBuf>> {
    if root.join(path).is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(root.join(path))?;
    let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names.iter().map(|name| files(root, &path.join(name))).collect::<io::Result<Vec<_>>>()?.concat())
}

/// Name, version and checksum of every crate from a registry that the two use when they run.
fn locked(root: &Path) -> io::Result<BTreeSet<String>> {
    let lock = table(&root.join(LOCK))?;
    let packages = || lock.get("package").and_then(Value::as_array).into_iter().flatten();
    let mut by_name: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for package in packages() {
        by_name.entry(text(package, "name")).or_default().push(package);
    }
    // An entry is “name”, or “name version” where several versions are locked.
    let find = |entry: &str| {
        let mut words = entry.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        let mut candidates = by_name.get(name).into_iter().flatten();
        candidates.find(|package| version.is_none_or(|version| text(package, "version") == version)).copied()
    };
    let missing = |what: &str| io::Error::new(ErrorKind::InvalidData, format!("{LOCK} lacks {what}"));
    let mut open = Vec::new();
    for (folder, name) in CRATES {
        let manifest = table(&root.join(folder).join("Cargo.toml"))?;
        let used = manifest.get("dependencies").and_then(Value::as_table);
        let used: BTreeSet<&str> = used.into_iter().flat_map(Table::keys).map(String::as_str).collect();
        // The lock file does not tell what is used by tests or build scripts only; the manifest does.
        let own = find(name).ok_or_else(|| missing(name))?;
        let all = dependencies(own).filter(|entry| used.contains(entry.split(' ').next().unwrap_or_default()));
        open.extend(all.map(str::to_owned));
    }
    let mut found = BTreeSet::new();
    while let Some(entry) = open.pop() {
        let package = find(&entry).ok_or_else(|| missing(&entry))?;
        if package.get("source").is_some() {
            let words = ["name", "version", "checksum"].map(|key| text(package, key));
            if found.insert(words.join(" ")) {
                open.extend(dependencies(package).map(str::to_owned));
            }
        }
    }
    Ok(found)
}

fn dependencies(package: &Value) -> impl Iterator<Item = &str> {
    package.get("dependencies").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn table(path: &Path) -> io::Result<Table> {
    std::fs::read_to_string(path)?.parse().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}
