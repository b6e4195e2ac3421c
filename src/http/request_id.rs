//! The id of a request: it is in the log, in the answer, and in a problem that is a fault of ours.

use axum::http::{HeaderMap, HeaderName};

/// The header that carries the id, both ways.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken from a request.
const LONGEST_ID: usize = 64;

tokio::task_local! {
    pub(super) static ID: String;
}

/// The id of the request that is being answered; none outside of one.
pub(super) fn current_id() -> Option<String> {
    ID.try_with(Clone::clone).ok()
}

/// The id that came with a request, if it can do no harm in a log; else one of our own.
pub(super) fn id_of(headers: &HeaderMap) -> String {
    let is_sane = |id: &&str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    headers.get(HEADER).and_then(|id| id.to_str().ok()).filter(is_sane).map_or_else(new_id, str::to_owned)
}

/// 64 random bits; the clock's where there are none.
pub(super) fn new_id() -> String {
    let bits = getrandom::u64().unwrap_or_else(|_| jiff::Timestamp::now().as_nanosecond() as u64);
    format!("{bits:016x}")
}
