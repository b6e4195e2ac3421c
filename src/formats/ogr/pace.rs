//! A least rate: who waits for a process wants so many features in any stretch of waiting, so that a file made to drip does not hold the import lane.
//!
//! Only time spent waiting counts: a process that is faster than what is made of its features is never too slow.

use std::time::Duration;

/// Bytes of geometry that count as a feature: a hundred vertices.
const BYTES: u64 = 1600;

/// How features come.
#[derive(Debug)]
pub(super) struct Pace {
    window: Duration,
    /// Features that are due in a window.
    due: u64,
    /// How long it was waited for in this window; the first one is twice as long, for the process has to start.
    waited: Duration,
    came: u64,
    is_first: bool,
}

impl Pace {
    /// At least so many features a second in any window.
    pub fn new(least_rate: u64, window: Duration) -> Self {
        Self { window, due: least_rate.saturating_mul(window.as_secs()), waited: Duration::ZERO, came: 0, is_first: true }
    }

    /// It was waited for so long.
    pub fn wait(&mut self, time: Duration) {
        self.waited += time;
    }

    /// So many features came, with so many bytes; whether that is less than was due.
    pub fn come(&mut self, features: usize, bytes: usize) -> bool {
        self.came += features as u64 + bytes as u64 / BYTES;
        if self.waited < self.window * if self.is_first { 2 } else { 1 } {
            return false;
        }
        let is_slow = self.came < self.due;
        (self.waited, self.came, self.is_first) = (Duration::ZERO, 0, false);
        is_slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of features that come one by one, so many a second, with so many bytes each: after how many minutes it is given up.
    fn given_up_after(rate: u32, bytes: usize) -> Option<u32> {
        let mut pace = Pace::new(20, Duration::from_mins(1));
        (1..=900 * rate).find_map(|feature| {
            pace.wait(Duration::from_secs(1) / rate);
            pace.come(1, bytes).then(|| feature / rate / 60)
        })
    }

    #[test]
    fn a_drip_is_given_up_after_its_first_windows_and_a_flow_never() {
        for (rate, bytes, expected) in [(1, 100, Some(2)), (19, 100, Some(3)), (21, 100, None), (1, 100 * 16 * 20, None), (1, 100 * 16 * 18, Some(3))] {
            assert_eq!(given_up_after(rate, bytes), expected, "{rate} {bytes}");
        }
    }

    #[test]
    fn a_client_that_is_slow_only_later_is_given_up_later() {
        let mut pace = Pace::new(20, Duration::from_mins(1));
        pace.wait(Duration::from_mins(2));
        assert!(!pace.come(5000, 0));
        pace.wait(Duration::from_mins(1));
        assert!(pace.come(1199, 0));
    }

    #[test]
    fn no_rate_is_no_bound() {
        let mut pace = Pace::new(0, Duration::from_mins(1));
        pace.wait(Duration::from_hours(1));
        assert!(!pace.come(1, 0));
    }
}
