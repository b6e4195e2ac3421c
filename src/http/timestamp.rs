//! How an instant is written.

/// Milliseconds since 1970 as RFC 3339 in UTC, always with three decimals: what is as long now is as long at any time.
#[must_use]
pub fn timestamp(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}
