//! Fail points: named moments at which a test ends the program, to see that nothing half-done is left. A release does not have them.

/// All of them, by what they belong to.
pub const POINTS: &[&str] = &[
    "register: before commit",
    "register: after commit",
    "layer set: before commit",
    "survey rows: before commit",
    "survey rows: after commit",
    "take over: before commit",
    "take over: after commit",
    "rejects: before commit",
    "rejects: after commit",
    "publish survey: after withdrawing",
    "publish survey: before commit",
    "publish survey: after commit",
    "layer rows: before commit",
    "layer rows: after commit",
    "left out: before commit",
    "publish layer: before commit",
    "publish layer: after commit",
    "former findings: before commit",
    "new findings: before commit",
    "new findings: after commit",
    "publish findings: before commit",
    "publish findings: after commit",
    "sweep: before commit",
    "sweep: after commit",
    "sweep: before end",
    "change: before commit",
    "change: after commit",
    "job: before commit",
    "job: after commit",
    "job: between what it stored and its end",
    "copy: before the first commit",
    "copy: before a commit",
    "copy: before the last commit",
    "snapshot: before rename",
    "snapshot: after rename",
];

/// Ends the process here where `TUBAN_FAIL_POINT` names this point; `NAME#3` at the third time it is passed.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let wanted = std::env::var("TUBAN_FAIL_POINT").ok()?;
        Some(wanted.split_once('#').map_or((wanted.clone(), 1), |(name, times)| (name.to_owned(), times.parse().unwrap_or(1))))
    });
    static PASSED: AtomicU32 = AtomicU32::new(0);
    debug_assert!(POINTS.contains(&name), "“{name}” is not listed");
    if let Some((wanted, times)) = &*WANTED
        && wanted == name
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *times
    {
        std::process::abort();
    }
}

/// Does nothing.
#[cfg(not(debug_assertions))]
pub fn point(_: &str) {}
