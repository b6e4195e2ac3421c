//! Listening: one connection, one task, with a time limit on request headers (axum's own `serve` has none).

use super::{Desk, linger::Lingering, router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::net::TcpListener;

/// Why the service could not listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}{}", hint(error))]
pub struct ServeError {
    /// Where.
    pub address: String,
    /// Why.
    pub error: std::io::Error,
}

/// What to do about it, where that is known.
fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => {
            "; another program listens there, perhaps another Tuban: end it, or choose a free port with --listen (make run LISTEN=127.0.0.1:8081)"
        }
        ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        ErrorKind::PermissionDenied => "; ports below 1024 need the right to use them",
        _ => "",
    }
}

/// Longest time a client may take to send its headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(20);
/// Longest time running requests get after the signal to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(30);

/// Serves until `stop` resolves, then lets running requests finish.
pub async fn serve(listener: TcpListener, desk: Desk, stop: impl Future<Output = ()>) {
    let service = router(desk);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, mostly: others must finish first.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let _ = stream.set_nodelay(true);
        let connection = graceful.watch(server.serve_connection(TokioIo::new(Lingering::new(stream)), TowerToHyperService::new(service.clone())));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(FINISH_WITHIN) => tracing::warn!("requests were cut off at shutdown"),
    }
}
