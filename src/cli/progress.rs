//! Progress on a terminal; silent where there is none.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A spinner that counts features, shown once the work has taken a moment.
pub struct Counter(ProgressBar);

impl Counter {
    /// A counter named `what`.
    pub fn new(what: &str) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} {human_pos} ({per_sec}, {elapsed})").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style).with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So many are done.
    pub fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// So many of `what` are done.
    pub fn at_stage(&self, what: &str, done: u64) {
        if self.0.message() != what {
            self.0.set_message(what.to_owned());
        }
        self.0.set_position(done);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
