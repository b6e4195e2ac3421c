//! Listening: one connection, one task, with a time limit on request headers (axum's own `serve` has none).

use super::{
    Client, Desk,
    client::Peer,
    connections::{Connections, Place, refuse},
    linger::Lingering,
    readiness::Phase,
    router,
};
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io::ErrorKind;
use std::net::SocketAddr;
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

/// Longest time running requests get after the signal to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(30);

/// Serves until `stop` resolves, then lets running requests finish.
pub async fn serve(listener: TcpListener, desk: Desk, stop: impl Future<Output = ()>) {
    let service = TowerToHyperService::new(router(desk.clone()));
    let connections = Connections::new(desk.limits.connections_each);
    let mut server = http1::Builder::new();
    // It also ends a connection that is kept alive and over which nothing is asked.
    server.timer(TokioTimer::new()).header_read_timeout(desk.limits.headers_within);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: others must finish first.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let Some(place) = place(&desk, &connections, peer) else {
            refuse(stream);
            continue;
        };
        let _ = stream.set_nodelay(true);
        let stream = TokioIo::new(Lingering::new(stream, place, desk.limits.pace));
        let routes = service.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            routes.call(request)
        });
        let connection = graceful.watch(server.serve_connection(stream, service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    desk.life.enter(Phase::Stopping);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(FINISH_WITHIN) => tracing::warn!("requests were cut off at shutdown"),
    }
}

fn place(desk: &Desk, connections: &Connections, peer: SocketAddr) -> Option<Place> {
    if desk.proxies.contains(&peer.ip().to_canonical()) { Some(Place::uncounted()) } else { connections.admit(Client::of(peer.ip())) }
}
