//! `tuban serve`.

use super::{Budget, City, Database, Failure, bounds::Bounds, client_bounds::ClientBounds, duration, terminal};
use crate::http::{Desk, HostName, Life, Limits, Names, Phase, PublicOrigin, ServeError, serve};
use crate::service::room::Room;
use crate::service::{
    Service,
    jobs::work::{IMPORTS, Working},
};
use clap::Args;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tuban_engine::rule::Rules;

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen. There are no accounts yet: whoever reaches this address can read and write everything.
    #[arg(long, env = "TUBAN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// A name that its users reach it by (repeatable); loopback names and the address it listens on always count. Requests for others are refused.
    #[arg(long = "host", env = "TUBAN_HOST", value_name = "NAME", value_delimiter = ',')]
    hosts: Vec<HostName>,
    /// An origin that a proxy in front answers for, such as `https://tuban.example` (repeatable): its pages are our own and may write.
    #[arg(long = "origin", env = "TUBAN_ORIGIN", value_name = "URL", value_delimiter = ',')]
    origins: Vec<PublicOrigin>,
    /// Room that is kept free on the disks of the spool and of an SQLite database, MiB: below it uploads are refused, and `/ready` says so.
    #[arg(long, env = "TUBAN_RESERVE", default_value_t = 64, value_name = "MIB")]
    reserve: u64,
    /// How long a job stays this node's after it was last heard of; then another node takes it up.
    #[arg(long, env = "TUBAN_LEASE", default_value = "30s", value_name = "TIME", hide = true, value_parser = lease)]
    lease: Duration,
    /// Seconds it goes on taking requests after it was asked to stop, while `/ready` says no: so that a proxy in front can turn away first.
    #[arg(long, env = "TUBAN_DRAIN", default_value_t = 0, value_name = "SECONDS")]
    drain: u64,
    /// Days that a survey which was withdrawn or replaced can be restored; then it is removed for good.
    #[arg(long, env = "TUBAN_KEEP_WITHDRAWN", default_value_t = 30, value_name = "DAYS")]
    keep_withdrawn: u16,
    /// Imports and re-classifications at a time; fewer, but two, where `--memory` has no room for so many.
    #[arg(long, env = "TUBAN_IMPORTS", default_value_t = IMPORTS, value_name = "COUNT", value_parser = imports)]
    imports: usize,
    #[command(flatten)]
    city: City,
    #[command(flatten)]
    clients: ClientBounds,
    #[command(flatten)]
    budget: Budget,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    database: Database,
}

/// Below this a busy machine would lose leases for no fault of its own.
const SHORTEST_LEASE: Duration = Duration::from_millis(300);

impl Serve {
    pub async fn run(self, rules: Rules) -> Result<(), Failure> {
        let listener = tokio::net::TcpListener::bind(self.listen).await.map_err(|error| ServeError { address: self.listen.to_string(), error })?;
        let service = self.database.open(rules).await?.with_memory(self.budget.bytes()).of_city(self.city.name.clone());
        let workshop = self.bounds.of(service.workshop().clone());
        let service = Arc::new(service.with_workshop(workshop));
        let names = Names::new(self.hosts.clone(), self.origins.clone(), self.listen.ip());
        let desk = Desk::new(Arc::clone(&service), Limits { reserve_bytes: self.reserve << 20, ..self.clients.limits() })
            .called(names)
            .behind(self.clients.proxies.clone());
        desk.life.enter(Phase::Starting);
        let address = listener.local_addr()?;
        let (loaded, stopping) = (Notify::new(), CancellationToken::new());
        // While the layers are loaded it answers already: that it runs, and that it is not ready.
        let serving = serve(listener, desk.clone(), stop(desk.life.clone(), stopping.clone(), Duration::from_secs(self.drain)));
        let layers = async {
            service.refresh_atlas().await?;
            desk.life.enter(Phase::Serving);
            self.greet(address);
            self.say_where_room_is_short(&service);
            loaded.notify_one();
            Arc::clone(&service).follow_layers().await;
            Ok(())
        };
        let keep_withdrawn = Duration::from_hours(24 * u64::from(self.keep_withdrawn));
        let imports = Working::imports_within(self.budget.bytes(), self.imports);
        let working = Working { lease: self.lease, keep_withdrawn, imports, ..Working::default() };
        let work = async {
            tokio::select! {
                () = loaded.notified() => Arc::clone(&service).work(working, stopping.clone()).await,
                () = stopping.cancelled() => {}
            }
        };
        tokio::select! {
            _ = async { tokio::join!(serving, work) } => Ok(()),
            failed = layers => failed,
        }
    }

    /// A start on a full disk is one from which what is stored can be read.
    fn say_where_room_is_short(&self, service: &Service) {
        for Room { of, folder, free_bytes } in service.rooms().into_iter().filter(|room| room.free_bytes < self.reserve << 20) {
            tracing::warn!(of, folder = %folder.display(), free_bytes, "磁盘空间不足，只能查看，不能上传 / less room than --reserve: what is stored can be read, uploads are refused");
        }
    }

    /// Says where it listens. The starting process may read that and close the pipe: the service goes on.
    fn greet(&self, address: SocketAddr) {
        let note = if self.listen.ip().is_loopback() {
            "listening on this machine only; --listen opens it to others (there are no accounts yet: they could read and write everything)"
        } else {
            "WARNING: listening beyond this machine, and there are no accounts yet: whoever reaches this address can read and write everything"
        };
        tracing::info!(%address, "listening");
        let _ = terminal::print(format_args!("http://{address}\n{note}"));
    }
}

/// Reads how many imports may be at work.
fn imports(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| (1..=16).contains(count)).ok_or_else(|| "a number from 1 to 16".to_owned())
}

fn lease(text: &str) -> Result<Duration, String> {
    duration(text).ok().filter(|span| *span >= SHORTEST_LEASE).ok_or_else(|| format!("at least {SHORTEST_LEASE:?}"))
}

/// Resolves so long after Ctrl-C or SIGTERM; from that moment on no job is taken any more.
async fn stop(life: Life, stopping: CancellationToken, drain: Duration) {
    asked_to_stop().await;
    life.enter(Phase::Stopping);
    stopping.cancel();
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
