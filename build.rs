//! The page is carried in the binary; the binary must be built anew when the page is. And what prepares a layer is told by its sources, so that a prepared
//! layer on disk is never read by a program that would have prepared another.

use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};
use twox_hash::XxHash3_64;

/// What a prepared layer depends on, beside the layer: how it is measured, cut and written, and the crates that do some of it.
const PREPARING: [&str; 5] = ["crates/geom", "src/monitor/atlas.rs", "src/monitor/layer_import.rs", "src/monitor/snapshot.rs", "Cargo.lock"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=web/dist");
    let mut hash = XxHash3_64::new();
    for path in PREPARING {
        println!("cargo:rerun-if-changed={path}");
        for file in files(Path::new(path))? {
            let bytes = std::fs::read(&file)?;
            hash.write(file.to_string_lossy().as_bytes());
            hash.write_u64(bytes.len() as u64);
            hash.write(&bytes);
        }
    }
    println!("cargo:rustc-env=TUBAN_PREPARING={:016x}", hash.finish());
    Ok(())
}

/// All files at or below a path, in the order of their names.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries.iter().map(|entry| files(entry)).collect::<io::Result<Vec<_>>>()?.concat())
}
