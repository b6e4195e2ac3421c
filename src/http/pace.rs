//! Token bucket: how long a client may keep us waiting, so that one which sends or takes nothing holds no connection for ever.
//!
//! Patience is a time, used up while nothing moves and given back by each byte that does, at the least rate; never more than at the beginning. So a client may
//! stall for that long in one go, or go on at the least rate for ever. Only waiting for the client counts: what we take ourselves (the disk, the database) does not.

use super::{Desk, Problem};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use tuban_engine::model::Words;

/// How slow a client may be.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Longest time in which nothing need move.
    pub stall: Duration,
    /// Least rate in the long run, bytes a second.
    pub bytes_per_s: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { stall: Duration::from_secs(30), bytes_per_s: 1024 }
    }
}

/// The bucket: how long one direction of one client may yet keep us waiting.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    pace: Pace,
    left: Duration,
}

impl Bucket {
    fn full(pace: Pace) -> Self {
        Self { pace, left: pace.stall }
    }

    /// So long nothing moved.
    fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    /// So many bytes moved.
    fn earn(&mut self, bytes: usize) {
        let earned = Duration::from_secs_f64(bytes as f64 / f64::from(self.pace.bytes_per_s.max(1)));
        self.left = self.left.saturating_add(earned).min(self.pace.stall);
    }
}

/// The patience with one direction of one client, by the clock.
#[derive(Debug)]
pub(super) struct Patience {
    bucket: Bucket,
    /// Since when nothing moves, and until when that is borne.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Patience {
    pub(super) fn new(pace: Pace) -> Self {
        Self { bucket: Bucket::full(pace), waiting: None }
    }

    /// To be called where nothing moves: ready when patience is at its end.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.bucket.left;
        let (_, end) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        end.as_mut().poll(context)
    }

    /// So many bytes moved.
    pub(super) fn moved(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.bucket.spend(since.elapsed());
        }
        self.bucket.earn(bytes);
    }
}

/// The body of a request, which ends with an error where its sender is too slow.
struct PacedBody {
    body: Body,
    patience: Patience,
    /// Set where that happened.
    too_slow: Arc<AtomicBool>,
}

/// The sender was too slow.
#[derive(Debug, thiserror::Error)]
#[error("the sender was too slow")]
struct TooSlow;

impl HttpBody for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.patience.moved(frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len));
            return Poll::Ready(frame);
        }
        ready!(this.patience.poll_end(context));
        this.too_slow.store(true, Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}

/// Reads the bodies of requests at the least rate; whatever a handler makes of one that ended early, its sender is told why.
pub(super) async fn bodies(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let too_slow = Arc::new(AtomicBool::new(false));
    let (told, patience) = (Arc::clone(&too_slow), Patience::new(desk.limits.pace));
    let response = next.run(request.map(|body| Body::new(PacedBody { body, patience, too_slow }))).await;
    if told.load(Relaxed) { refusal(desk.limits.pace).into_response() } else { response }
}

fn refusal(pace: Pace) -> Problem {
    let (rate, stall_s) = (pace.bytes_per_s, pace.stall.as_secs_f64());
    let words = Words::new(
        format!("上传太慢：超过 {stall_s} 秒没有足够的数据（至少每秒 {rate} 字节），连接已关闭，请重新上传"),
        format!("the upload was too slow: less than {rate} bytes a second for more than {stall_s} s; the connection is closed, send it again"),
    );
    Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { stall: Duration::from_secs(30), bytes_per_s: 1000 };

    /// How often a client may send so many bytes after so many seconds of silence, a thousand times at most, before patience is at its end.
    fn borne(silence_s: u64, bytes: usize) -> u32 {
        let mut bucket = Bucket::full(PACE);
        let silence = Duration::from_secs(silence_s);
        (0..1000)
            .take_while(|_| {
                let lasts = silence < bucket.left;
                bucket.spend(silence);
                bucket.earn(bytes);
                lasts
            })
            .count() as u32
    }

    #[test]
    fn silence_is_borne_for_as_long_as_was_said() {
        assert_eq!((borne(29, 0), borne(30, 0)), (1, 0));
    }

    /// Thirty seconds hold two silences of fourteen, whatever single bytes come between.
    #[test]
    fn single_bytes_now_and_then_do_not_help() {
        assert_eq!(borne(14, 1), 2);
    }

    /// Ten thousand bytes after each ten seconds are the least rate. With a tenth less a second is lost each time: after twenty of them ten seconds are left, which
    /// is no longer than the next silence.
    #[test]
    fn the_least_rate_is_borne_for_ever_and_less_is_not() {
        assert_eq!((borne(10, 10_000), borne(10, 9_000)), (1000, 20));
    }

    #[test]
    fn what_was_sent_at_once_earns_no_more_than_the_first_patience() {
        let mut bucket = Bucket::full(PACE);
        bucket.earn(1 << 30);
        assert_eq!(bucket.left, PACE.stall);
    }
}
