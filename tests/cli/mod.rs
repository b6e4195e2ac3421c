//! The program itself, as scripts meet it: arguments in; exit codes, standard output and files out.

mod classify;
mod damage;
mod deploy;
mod export;
mod fail_points;
mod failover;
mod files;
mod full_disk;
mod hostile;
mod kill;
mod memory;
mod migrate;
mod nodes;
mod outlines;
mod place;
mod ratio;
mod serve;
mod stop;
mod story;
mod upgrade;

use crate::app;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// How many times over a hostile test does what the usual suite does once: `TUBAN_HOSTILE`, which `make hostile` sets.
fn rounds() -> u32 {
    std::env::var("TUBAN_HOSTILE").map_or(1, |rounds| rounds.parse().expect("TUBAN_HOSTILE is a number of rounds"))
}

/// The program with these arguments, in a folder.
fn tuban(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tuban"));
    command.args(arguments).current_dir(folder).env_remove("TUBAN_DATABASE").env_remove("TUBAN_LISTEN").env_remove("TUBAN_RULES").env_remove("RUST_LOG");
    command
}

/// Runs it to its end: exit code, standard output, standard error.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = tuban(folder, arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Runs it where it must succeed; its standard output.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let (code, said, complained) = run(folder, arguments);
    assert_eq!(code, 0, "{arguments:?}: {complained}");
    said
}

/// The layers of the small demo city, by kind.
const KINDS: [&str; 6] = ["county", "farmland", "basic_farmland", "red_line", "urban_boundary", "approved"];

/// The small demo city, made by the program once a run.
fn demo() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // Tests may run in processes of their own: each has its city, which is gone with the next run.
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        for stale in std::fs::read_dir(scratch).unwrap().filter_map(|entry| Some(entry.ok()?.path())) {
            let owner = stale.file_name().and_then(|name| name.to_str()?.strip_prefix("demo-small-")?.parse::<u32>().ok());
            if owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists()) {
                let _ = std::fs::remove_dir_all(stale);
            }
        }
        let folder = scratch.join(format!("demo-small-{}", std::process::id()));
        done(Path::new("."), &["demo", "--preset", "small", "--seed", "7", "--out", folder.to_str().unwrap()]);
        folder
    })
}
