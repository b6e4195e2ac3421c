//! What GDAL complains of while it works: kept, because GDAL goes on after most errors as if what it gave up on were not there.
//!
//! Complaints that GDAL itself expects (a driver that only tries whether a file is its own) go to handlers that it pushes for the time, and never arrive here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Failures, and different warnings, that are kept; more would say nothing new.
const KEPT: usize = 10;

static FAILED: AtomicBool = AtomicBool::new(false);
static HEARD: Mutex<Heard> = Mutex::new(Heard { failures: Vec::new(), warnings: Vec::new() });

/// What was heard.
#[derive(Debug, Clone, Default)]
struct Heard {
    failures: Vec<String>,
    warnings: Vec<String>,
}

fn heard() -> MutexGuard<'static, Heard> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears a failure.
pub fn failure(message: String) {
    keep(&mut heard().failures, message);
    FAILED.store(true, Ordering::Release);
}

/// Warnings that say that what follows may be wrong: as bad as failures.
const GRAVE: [&str; 1] = ["might fail or return incorrect results"];

/// Hears a warning.
pub fn warning(message: String) {
    if GRAVE.iter().any(|grave| message.contains(grave)) {
        return failure(message);
    }
    keep(&mut heard().warnings, message);
}

fn keep(kept: &mut Vec<String>, message: String) {
    if kept.len() < KEPT && !kept.contains(&message) {
        kept.push(message);
    }
}

/// Whether a failure was heard that nobody took.
pub fn has_failed() -> bool {
    FAILED.load(Ordering::Acquire)
}

/// Takes the failures heard so far: the first one, which is nearest to the cause.
pub fn take_failure() -> Option<String> {
    FAILED.store(false, Ordering::Release);
    std::mem::take(&mut heard().failures).into_iter().next()
}

/// Takes the warnings heard so far.
pub fn take_warnings() -> Vec<String> {
    std::mem::take(&mut heard().warnings)
}

/// Does what may fail without harm to anything else; what is heard meanwhile is forgotten.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    let before = (heard().clone(), has_failed());
    let done = work();
    *heard() = before.0;
    FAILED.store(before.1, Ordering::Release);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_told_once_and_none_from_aside() {
        aside(|| failure("aside".to_owned()));
        assert!(!has_failed());
        failure("first".to_owned());
        failure("second".to_owned());
        warning("odd".to_owned());
        warning("odd".to_owned());
        assert!(has_failed());
        assert_eq!(take_failure().as_deref(), Some("first"));
        assert!(!has_failed());
        assert_eq!((take_failure(), take_warnings()), (None, vec!["odd".to_owned()]));
    }
}
