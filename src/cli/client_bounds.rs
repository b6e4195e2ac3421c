//! What one client may hold of `tuban serve`.

use crate::http::{Limits, Pace};
use clap::Args;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct ClientBounds {
    /// A proxy in front (repeatable): over its connections many clients come, and the address that it says they came from is believed (`X-Forwarded-For`).
    #[arg(long = "proxy", env = "TUBAN_PROXY", value_name = "ADDR", value_delimiter = ',')]
    pub proxies: Vec<IpAddr>,
    /// Largest survey file, MiB.
    #[arg(long, env = "TUBAN_MAX_UPLOAD", default_value_t = 1024, value_name = "MIB")]
    max_upload: u64,
    /// Connections of one client.
    #[arg(long, env = "TUBAN_CLIENT_CONNECTIONS", default_value_t = 256, value_name = "N")]
    client_connections: usize,
    /// Jobs of one client that are not over.
    #[arg(long, env = "TUBAN_CLIENT_JOBS", default_value_t = 100, value_name = "N")]
    client_jobs: u32,
    /// Jobs that are not over, of all clients.
    #[arg(long, env = "TUBAN_QUEUE", default_value_t = 1000, value_name = "N")]
    queue: u32,
    /// Files of one client that wait after they were looked at.
    #[arg(long, env = "TUBAN_CLIENT_FILES", default_value_t = 20, value_name = "N")]
    client_files: usize,
    /// Longest time a client may send nothing of a body, or take nothing of an answer.
    #[arg(long, env = "TUBAN_STALL", default_value = "30s", value_name = "TIME", value_parser = super::duration)]
    stall: Duration,
    /// Least rate of bodies and answers in the long run, bytes a second.
    #[arg(long, env = "TUBAN_LEAST_RATE", default_value_t = 1024, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    least_rate: u32,
    /// Longest time a client may take to send the headers of a request, or leave a connection unused.
    #[arg(long, env = "TUBAN_HEADERS", default_value = "20s", value_name = "TIME", value_parser = super::duration)]
    headers: Duration,
}

impl ClientBounds {
    pub fn limits(&self) -> Limits {
        Limits {
            upload_bytes: self.max_upload << 20,
            jobs_each: self.client_jobs,
            jobs_all: self.queue,
            waiting_each: self.client_files,
            connections_each: self.client_connections,
            headers_within: self.headers,
            pace: Pace { stall: self.stall, bytes_per_s: self.least_rate },
            ..Limits::default()
        }
    }
}
