//! Tells the engine the key of what prepares layers, so that a prepared layer on disk is never read
//! by a program that would have prepared another.

#[path = "build/preparing.rs"]
mod preparing;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for path in preparing::inputs() {
        println!("cargo:rerun-if-changed={}", root.join(path).display());
    }
    println!("cargo:rustc-env=TUBAN_PREPARING={:016x}", preparing::key(&root)?);
    Ok(())
}
