//! `tuban serve`.

use super::{Budget, Database, Failure};
use crate::http::{Desk, Limits, ServeError, serve};
use crate::monitor::rule::Rule;
use clap::Args;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen. There are no accounts yet: whoever reaches this address can read and write everything.
    #[arg(long, env = "TUBAN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// Largest survey file, MiB.
    #[arg(long, env = "TUBAN_MAX_UPLOAD", default_value_t = 1024, value_name = "MIB")]
    max_upload: u64,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    database: Database,
}

/// How often layers taken in by another process are looked for.
const REFRESH_EVERY: Duration = Duration::from_secs(1);

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
        let refreshed = Arc::clone(&monitor);
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(REFRESH_EVERY);
            loop {
                tick.tick().await;
                match refreshed.refresh_atlas().await {
                    Ok(true) => tracing::info!("layers in force were loaded anew"),
                    Ok(false) => {}
                    Err(error) => tracing::warn!(%error, "layers in force could not be looked at"),
                }
            }
        });
        let limits = Limits { upload_bytes: self.max_upload << 20, ..Limits::default() };
        serve(listener, Desk::new(monitor, limits), stop()).await;
        Ok(())
    }
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
