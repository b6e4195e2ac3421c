//! `tuban serve`.

use super::{Budget, Database, Failure};
use crate::http::{Desk, Life, Limits, Phase, ServeError, serve};
use crate::monitor::{Monitor, rule::Rule};
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
    /// Seconds it goes on taking requests after it was asked to stop, while `/ready` says no: so that a proxy in front can turn away first.
    #[arg(long, env = "TUBAN_DRAIN", default_value_t = 0, value_name = "SECONDS")]
    drain: u64,
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
        let desk = Desk::new(monitor, Limits { upload_bytes: self.max_upload << 20, ..Limits::default() });
        desk.life.enter(Phase::Starting);
        let address = listener.local_addr()?;
        // While the layers are loaded it answers already: that it runs, and that it is not ready.
        let serving = serve(listener, desk.clone(), stop(desk.life.clone(), Duration::from_secs(self.drain)));
        let layers = keep_layers(&desk.monitor, || {
            desk.life.enter(Phase::Serving);
            self.greet(address);
        });
        tokio::select! {
            () = serving => Ok(()),
            failed = layers => failed,
        }
    }

    fn greet(&self, address: SocketAddr) {
        say!("http://{address}");
        if self.listen.ip().is_loopback() {
            say!("listening on this machine only; --listen opens it to others (there are no accounts yet: they could read and write everything)");
        } else {
            say!("WARNING: listening beyond this machine, and there are no accounts yet: whoever reaches this address can read and write everything");
        }
    }
}

/// Loads the layers in force, says so, and from then on loads anew what changes. Ends only where they cannot be loaded at first.
async fn keep_layers(monitor: &Monitor, loaded: impl FnOnce()) -> Result<(), Failure> {
    monitor.refresh_atlas().await?;
    loaded();
    let mut tick = tokio::time::interval(REFRESH_EVERY);
    loop {
        tick.tick().await;
        match monitor.refresh_atlas().await {
            Ok(true) => tracing::info!("layers in force were loaded anew"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "layers in force could not be looked at"),
        }
    }
}

/// Resolves so long after Ctrl-C or SIGTERM.
async fn stop(life: Life, drain: Duration) {
    asked_to_stop().await;
    life.enter(Phase::Stopping);
    tracing::info!(drain_s = drain.as_secs(), "asked to stop");
    tokio::time::sleep(drain).await;
}

/// Resolves on Ctrl-C or SIGTERM.
async fn asked_to_stop() {
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
