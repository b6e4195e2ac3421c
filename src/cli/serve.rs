//! `tuban serve`.

use super::{Budget, Database, Failure};
use crate::http::{Desk, Limits, ServeError, serve};
use crate::monitor::{rule::Rule, work::Working};
use clap::Args;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen. There are no accounts yet: whoever reaches this address can read and write everything.
    #[arg(long, env = "TUBAN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// Largest survey file, MiB.
    #[arg(long, env = "TUBAN_MAX_UPLOAD", default_value_t = 1024, value_name = "MIB")]
    max_upload: u64,
    /// How long a job stays this node's after it was last heard of; then another node takes it up.
    #[arg(long, env = "TUBAN_LEASE", default_value = "30s", value_name = "TIME", hide = true, value_parser = duration)]
    lease: Duration,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    database: Database,
}

/// Below this a busy machine would lose leases for no fault of its own.
const SHORTEST_LEASE: Duration = Duration::from_millis(300);

impl Serve {
    pub async fn run(self, rule: Rule) -> Result<(), Failure> {
        let listener = tokio::net::TcpListener::bind(self.listen).await.map_err(|error| ServeError { address: self.listen.to_string(), error })?;
        let monitor = Arc::new(self.database.open(rule).await?.with_memory(self.budget.bytes()));
        monitor.refresh_atlas().await?;
        say!("http://{}", listener.local_addr()?);
        if self.listen.ip().is_loopback() {
            say!("listening on this machine only; --listen opens it to others (there are no accounts yet: they could read and write everything)");
        } else {
            say!("WARNING: listening beyond this machine, and there are no accounts yet: whoever reaches this address can read and write everything");
        }
        tokio::spawn(Arc::clone(&monitor).follow_layers());
        let stopping = CancellationToken::new();
        let working = Working { lease: self.lease, ..Working::default() };
        let work = Arc::clone(&monitor).work(working, stopping.clone());
        let limits = Limits { upload_bytes: self.max_upload << 20, ..Limits::default() };
        let signalled = async {
            stop().await;
            stopping.cancel();
        };
        tokio::join!(serve(listener, Desk::new(monitor, limits), signalled), work);
        Ok(())
    }
}

/// Reads `2s`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Duration::try_from(span).ok().filter(|span| *span >= SHORTEST_LEASE).ok_or_else(|| format!("at least {SHORTEST_LEASE:?}"))
}

/// Resolves on Ctrl-C or SIGTERM.
async fn stop() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
