//! Which server takes writes, and whether it is still there.
//!
//! A database whose machine vanishes says nothing: a query waits for the quarter of an hour until the system gives a connection up, or
//! for ever. And where a standby is promoted, another server is the database from then on. So one connection to each server asks a small question every
//! second. When the server in use does not answer it, everything that waits for it is told, and its connections are not used again. Where the URL names
//! several servers, the one that takes writes is used: of two that say they do, the one that was promoted last, which its timeline tells; and never one
//! whose timeline is older than what this process has seen, for it lacks what was stored since.

use super::hosts;
use crate::store::StoreError;
use futures_util::future::join_all;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Between two looks at the servers.
const EVERY: Duration = Duration::from_secs(1);
/// Longest time until a server takes a new connection.
const CONNECTED_WITHIN: Duration = Duration::from_secs(2);
/// A server that does not answer the smallest question within this time is gone; one that is merely busy does.
const SILENCE: Duration = Duration::from_secs(10);
/// Longest time for one promise of the store, waiting for other writers included. Only what the look at the servers cannot see takes so long: a connection
/// that something in between has dropped without a word.
const ANSWERED_WITHIN: Duration = Duration::from_mins(6);
/// Longest time until a connection says that it is there.
const THERE_WITHIN: Duration = Duration::from_secs(2);

/// The timeline of a server that takes writes, eight hexadecimal digits; NULL of a standby.
const TIMELINE: &str = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END";

/// When what was connected before was last found to be of no use.
#[derive(Debug, Clone)]
pub(super) struct Lost(watch::Sender<Option<Instant>>);

impl Lost {
    pub(super) fn never() -> Self {
        Self(watch::Sender::new(None))
    }

    fn now(&self) {
        self.0.send_replace(Some(Instant::now()));
    }

    /// Whether a connection of that age is to the server in use, as far as is known.
    fn is_newer(&self, age: Duration) -> bool {
        self.0.borrow().is_none_or(|lost| lost.elapsed() > age)
    }

    /// Whether a connection is of use: it answers, having done with what it was asked before.
    pub(super) async fn is_of_use(&self, connection: &mut PgConnection, age: Duration) -> bool {
        self.is_newer(age) && tokio::time::timeout(THERE_WITHIN, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
    }

    /// What is connected from now on.
    pub(super) fn bond(&self) -> Bond {
        Bond(self.0.subscribe())
    }

    /// The answer, as long as there is a server that can give it.
    pub(super) fn unless<T, F: Future<Output = Result<T, StoreError>>>(&self, answer: F) -> impl Future<Output = F::Output> + use<T, F> {
        self.bond().unless(answer)
    }

    /// [`unless`](Self::unless) with a time limit.
    pub(super) fn soon<T, F: Future<Output = Result<T, StoreError>>>(&self, answer: F) -> impl Future<Output = F::Output> + use<T, F> {
        self.bond().soon(answer)
    }
}

/// What was connected when this was made: of no use once the server was lost since.
#[derive(Debug, Clone)]
pub(super) struct Bond(watch::Receiver<Option<Instant>>);

impl Bond {
    /// The answer, as long as there is a server that can give it.
    pub(super) fn unless<T, F: Future<Output = Result<T, StoreError>>>(&self, answer: F) -> impl Future<Output = F::Output> + use<T, F> {
        let (answer, mut lost) = (Box::pin(answer), self.0.clone());
        async move {
            tokio::select! {
                biased;
                answer = answer => answer,
                Ok(()) = lost.changed() => Err(StoreError::Unavailable("the server does not answer any more, or another one has taken its place".to_owned())),
            }
        }
    }

    /// [`unless`](Self::unless) with a time limit.
    pub(super) fn soon<T, F: Future<Output = Result<T, StoreError>>>(&self, answer: F) -> impl Future<Output = F::Output> + use<T, F> {
        let late = |_| StoreError::Unavailable("the database did not answer in time".to_owned());
        let answer = self.unless(answer);
        async move { tokio::time::timeout(ANSWERED_WITHIN, answer).await.map_err(late)? }
    }
}

/// A server, and the connection on which it is asked.
pub(super) struct Host {
    options: PgConnectOptions,
    asked: Option<PgConnection>,
}

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
enum Sight {
    /// It cannot be reached, or has just ended the connection.
    Away,
    /// It had a connection and says nothing on it.
    Silent,
    /// It takes no writes.
    Standby,
    /// It takes writes, on that timeline.
    Primary(String),
}

impl Host {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, asked: None }
    }

    async fn look(&mut self) -> Sight {
        let mut connection = match self.asked.take() {
            Some(connection) => connection,
            None => match tokio::time::timeout(CONNECTED_WITHIN, self.options.connect()).await {
                Ok(Ok(connection)) => connection,
                _ => return Sight::Away,
            },
        };
        match tokio::time::timeout(SILENCE, sqlx::query_scalar::<_, Option<String>>(TIMELINE).fetch_one(&mut connection)).await {
            Ok(Ok(timeline)) => {
                self.asked = Some(connection);
                timeline.map_or(Sight::Standby, Sight::Primary)
            }
            Ok(Err(_)) => Sight::Away,
            Err(_) => Sight::Silent,
        }
    }
}

/// The servers of one database, and which of them is in use.
pub(super) struct Hosts {
    all: Vec<Host>,
    used: usize,
    /// The newest timeline on which anything was seen.
    timeline: String,
}

impl Hosts {
    /// Finds the one that takes writes; a single one is taken as it is.
    pub(super) async fn find(options: Vec<PgConnectOptions>) -> Result<Self, StoreError> {
        let mut hosts = Self { all: options.into_iter().map(Host::new).collect(), used: 0, timeline: String::new() };
        if hosts.are_several() {
            let seen = hosts.look().await;
            let found = hosts.choose(&seen).ok_or_else(|| StoreError::Unavailable("none of the servers takes writes".to_owned()))?;
            hosts.used = found;
        }
        Ok(hosts)
    }

    /// Whether there are several, of which one takes writes.
    pub(super) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// How to reach the one in use.
    pub(super) fn used(&self) -> &PgConnectOptions {
        &self.all[self.used].options
    }

    async fn look(&mut self) -> Vec<Sight> {
        join_all(self.all.iter_mut().map(Host::look)).await
    }

    /// The server to use, by what was seen; the one in use, where there is none better.
    fn choose(&mut self, seen: &[Sight]) -> Option<usize> {
        let mut best: Option<(usize, &String)> = None;
        for (n, sight) in seen.iter().enumerate() {
            let Sight::Primary(timeline) = sight else { continue };
            let better = best.is_none_or(|(_, other)| timeline > other || (timeline == other && n == self.used));
            if *timeline >= self.timeline && better {
                best = Some((n, timeline));
            }
        }
        let (found, timeline) = best?;
        self.timeline.clone_from(timeline);
        Some(found)
    }

    /// Looks at the servers for as long as the store is open: gives up what waits for a silent one, and hands the connections over to another one that takes writes.
    pub(super) async fn follow(mut self, lost: Lost, turn_to: impl Fn(&PgConnectOptions)) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let seen = self.look().await;
            if seen[self.used] == Sight::Silent {
                tracing::warn!(server = hosts::name(self.used()), "the server does not answer; what waits for it is given up");
                lost.now();
            }
            if self.are_several()
                && let Some(found) = self.choose(&seen)
                && found != self.used
            {
                self.used = found;
                tracing::warn!(server = hosts::name(self.used()), timeline = self.timeline, "another server takes writes now and is used from here on");
                turn_to(self.used());
                lost.now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(used: usize, timeline: &str) -> Hosts {
        let host = || Host::new(PgConnectOptions::new_without_pgpass());
        Hosts { all: vec![host(), host()], used, timeline: timeline.to_owned() }
    }

    fn primary(timeline: &str) -> Sight {
        Sight::Primary(timeline.to_owned())
    }

    #[test]
    fn the_server_that_takes_writes_is_used() {
        assert_eq!(hosts(0, "").choose(&[Sight::Standby, primary("00000001")]), Some(1));
        assert_eq!(hosts(0, "00000001").choose(&[primary("00000001"), Sight::Standby]), Some(0));
        assert_eq!(hosts(0, "00000001").choose(&[Sight::Away, Sight::Standby]), None);
        assert_eq!(hosts(1, "00000001").choose(&[primary("00000001"), primary("00000001")]), Some(1), "the one in use, where both are alike");
    }

    #[test]
    fn of_two_that_take_writes_the_one_promoted_last_is_used_and_an_older_one_never_again() {
        let mut hosts = hosts(0, "00000009");
        assert_eq!(hosts.choose(&[primary("00000009"), primary("0000000A")]), Some(1));
        assert_eq!(hosts.choose(&[primary("00000009"), Sight::Away]), None, "it lacks what the other one has stored");
    }

    #[tokio::test]
    async fn a_query_to_a_lost_server_ends_with_an_error() {
        let lost = Lost::never();
        let told = lost.clone();
        let waits = tokio::spawn(async move { lost.soon(std::future::pending::<Result<(), _>>()).await });
        while told.0.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        told.now();
        assert!(matches!(waits.await.unwrap(), Err(StoreError::Unavailable(_))));
        assert!(!told.is_newer(Duration::from_hours(1)) && told.is_newer(Duration::ZERO));
    }
}
