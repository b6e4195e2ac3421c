//! Connections that are open, counted by client, so that one client cannot take every descriptor.

use super::Client;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;

/// The connections of every client.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    each: usize,
    open: Arc<Mutex<HashMap<Client, usize>>>,
}

/// A connection's place among those of its client; free again when this is dropped.
#[derive(Debug)]
pub struct Place(Option<(Connections, Client)>);

impl Connections {
    /// So many for each client.
    pub(super) fn new(each: usize) -> Self {
        Self { each, open: Arc::default() }
    }

    /// A place for one more of that client; `None` where it has all its own.
    pub(super) fn admit(&self, client: Client) -> Option<Place> {
        let mut open = self.lock();
        let own = open.entry(client).or_default();
        if *own >= self.each {
            return None;
        }
        *own += 1;
        Some(Place(Some((self.clone(), client))))
    }

    fn leave(&self, client: Client) {
        let mut open = self.lock();
        if let Some(own) = open.get_mut(&client) {
            *own -= 1;
            if *own == 0 {
                open.remove(&client);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Client, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// A place that is not counted: a proxy's, over which many clients come.
    pub(super) fn uncounted() -> Self {
        Self(None)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((connections, client)) = self.0.take() {
            connections.leave(client);
        }
    }
}

/// What a connection above the limit is answered, whatever it would ask.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n";

/// Says so and closes; nothing is read or waited for.
pub(super) fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(REFUSAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn each_client_has_places_of_its_own_and_gets_them_back() {
        let connections = Connections::new(2);
        let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|address| Client::of(address.parse::<IpAddr>().unwrap()));
        let places = [connections.admit(one).unwrap(), connections.admit(one).unwrap()];
        assert!(connections.admit(one).is_none());
        assert!(connections.admit(other).is_some());
        drop(places);
        assert!(connections.admit(one).is_some());
        assert!(connections.lock().is_empty(), "nothing is kept of who has left");
    }
}
