//! What administrators are given: the files of `deploy/`, and what docs/OPERATIONS.md tells them to type, done to the letter.

mod backup;
mod files;
mod proxy;
mod standby;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of the project.
fn ours(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Its text.
fn read(path: &str) -> String {
    std::fs::read_to_string(ours(path)).unwrap()
}

/// The commands of the first block behind that sentence of docs/OPERATIONS.md.
fn commands(behind: &str) -> Vec<String> {
    let paper = read("docs/OPERATIONS.md");
    let (_, rest) = paper.split_once(behind).unwrap_or_else(|| panic!("docs/OPERATIONS.md no longer says “{behind}”"));
    let block = rest.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    block.lines().map(str::to_owned).collect()
}

/// Types that into a shell in a folder; it must succeed.
fn typed(folder: &Path, environment: &[(&str, &str)], line: &str) -> String {
    let told = Command::new("sh").args(["-c", line]).current_dir(folder).envs(environment.iter().copied()).output().unwrap();
    assert!(told.status.success(), "{line}: {}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}
