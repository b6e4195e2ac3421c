//! Whose request it is: the address that bounds are counted by.
//!
//! Behind a proxy every connection is the proxy's. Where it was named (`--proxy`), the address that it says the request came from counts (`X-Forwarded-For`, its
//! last one: those before it were sent by the client, who may say what he likes).

use super::Desk;
use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, request::Parts};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The other end of the connection that a request came over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub IpAddr);

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Client(IpAddr);

impl Client {
    /// The client of a connection. Of an IPv6 address the network counts (its first 64 bits): a single machine may have as many addresses in it as it likes.
    pub(super) fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()),
            address @ IpAddr::V4(_) => Self(address),
        }
    }

    fn of_request(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> Self {
        if !proxies.contains(&peer.to_canonical()) {
            return Self::of(peer);
        }
        let said = headers.get_all("x-forwarded-for").iter().next_back().and_then(|said| said.to_str().ok());
        let last = said.and_then(|said| said.rsplit(',').next()).and_then(|address| address.trim().parse().ok());
        Self::of(last.unwrap_or(peer))
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(to)
    }
}

impl FromRequestParts<Desk> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Infallible> {
        // Every request comes over a connection, except where a test calls the router.
        let peer = parts.extensions.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| *address);
        Ok(Self::of_request(peer, &parts.headers, &desk.proxies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(forwarded: &[&str]) -> HeaderMap {
        forwarded.iter().map(|said| (axum::http::HeaderName::from_static("x-forwarded-for"), said.parse().unwrap())).collect()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_proxy_that_was_named_is_believed() {
        let (proxy, other) = (address("10.0.0.1"), address("10.0.0.2"));
        let headers = said(&["1.1.1.1", "2.2.2.2, 3.3.3.3"]);
        assert_eq!(Client::of_request(proxy, &headers, &[proxy]), Client::of(address("3.3.3.3")));
        assert_eq!(Client::of_request(address("::ffff:10.0.0.1"), &headers, &[proxy]), Client::of(address("3.3.3.3")));
        assert_eq!(Client::of_request(other, &headers, &[proxy]), Client::of(other));
        for broken in [said(&[]), said(&["unknown"]), said(&["3.3.3.3, "])] {
            assert_eq!(Client::of_request(proxy, &broken, &[proxy]), Client::of(proxy));
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        assert_eq!(Client::of(address("2001:db8:1:2:3::4")), Client::of(address("2001:db8:1:2:ffff::1")));
        assert_ne!(Client::of(address("2001:db8:1:2::4")), Client::of(address("2001:db8:1:3::4")));
        assert_eq!(Client::of(address("::ffff:10.0.0.2")), Client::of(address("10.0.0.2")));
        assert_ne!(Client::of(address("10.0.0.2")), Client::of(address("10.0.0.3")));
    }
}
