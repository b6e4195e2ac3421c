//! Cross-site request forgery and DNS rebinding: which names this service answers to, and whose pages may write.
//!
//! There are no accounts, so anyone who reaches the address may write, and any page that a browser shows can reach it. Three checks, all before a body is read:
//!
//! 1. `Host` must be a name that was configured, a loopback name, or an address that it listens on: 421, a *misdirected request* (RFC 9110, 15.5.20), because
//!    the request was meant for another server. A page whose own name was made to resolve to this machine (DNS rebinding) ends here, also with a GET.
//! 2. A request that may change something and says where it comes from (`Sec-Fetch-Site`, `Origin`) must come from our own page: else 403.
//! 3. A request that says neither comes from a program, not from a browser, and goes on.

use super::{Problem, readiness};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use tuban_engine::model::Words;

/// Where a browser says that a request comes from; scripts cannot set it (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The name that always means this machine (RFC 6761), beside the loopback addresses.
const LOOPBACK: &str = "localhost";

/// What this service is called by its users.
#[derive(Debug, Clone, Default)]
pub struct Names {
    hosts: Vec<HostName>,
    origins: Vec<PublicOrigin>,
    listens: Option<IpAddr>,
}

/// A name or an address, without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

/// A scheme, a host and perhaps a port, as a browser says them of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicOrigin {
    text: String,
    host: HostName,
}

/// Why a text is no name of a host, or no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct NotAName(&'static str);

impl Names {
    /// Loopback names only.
    #[must_use]
    pub fn loopback() -> Self {
        Self::default()
    }

    /// With these hosts, these origins that a proxy answers for, and the address that it listens on. Where that is every address, every address counts: what
    /// it guards against needs a name.
    #[must_use]
    pub fn new(hosts: Vec<HostName>, origins: Vec<PublicOrigin>, listens: IpAddr) -> Self {
        Self { hosts, origins, listens: Some(listens) }
    }

    /// Whether a request for this host is meant for us.
    fn answers_to(&self, host: &HostName) -> bool {
        host.0 == LOOPBACK || self.hosts.contains(host) || self.origins.iter().any(|origin| origin.host == *host) || self.is_own_address(host)
    }

    fn is_own_address(&self, host: &HostName) -> bool {
        let listens_on = |address: IpAddr| self.listens.is_some_and(|listens| listens.is_unspecified() || listens == address);
        host.0.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || listens_on(address))
    }

    /// Whether a page of that origin is ours: the one that `host` serves, or one that a proxy answers for.
    fn is_ours(&self, origin: &str, host: Option<&str>) -> bool {
        let served_here = |host: &str| origin.strip_prefix("http://").is_some_and(|of| of.eq_ignore_ascii_case(host));
        host.is_some_and(served_here) || self.origins.iter().any(|ours| ours.text.eq_ignore_ascii_case(origin))
    }
}

impl FromStr for HostName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let bare = bare.strip_suffix('.').unwrap_or(bare);
        let is_name = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if is_name || bare.parse::<IpAddr>().is_ok() { Ok(Self(bare.to_ascii_lowercase())) } else { Err(NotAName("a host name without scheme and port")) }
    }
}

impl FromStr for PublicOrigin {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        const WANTED: NotAName = NotAName("an origin such as https://tuban.example, with a port where it is not the usual one");
        let text = text.strip_suffix('/').unwrap_or(text);
        let (scheme, authority) = text.split_once("://").ok_or(WANTED)?;
        let authority: Authority = authority.parse().map_err(|_| WANTED)?;
        let host = authority.host().parse().map_err(|_| WANTED)?;
        if !matches!(scheme, "http" | "https") || authority.as_str().contains('@') {
            return Err(WANTED);
        }
        Ok(Self { text: text.to_owned(), host })
    }
}

/// Refuses what is not meant for us, and writes from pages that are not ours.
pub(super) async fn guard(State(names): State<Arc<Names>>, request: Request, next: Next) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    // Probes and metrics may use any host name: they tell nothing of what is stored.
    if !readiness::is_health(path)
        && let Some(host) = foreign_host(&names, request.uri(), headers)
    {
        return unknown_host(&host).into_response();
    }
    if !request.method().is_safe()
        && let Some(from) = foreign_page(&names, headers)
    {
        return cross_site(&from).into_response();
    }
    next.run(request).await
}

/// The first host that a request names and that is not ours. RFC 9112, 3.2: the target may name one, too, and then that one counts.
fn foreign_host(names: &Names, target: &Uri, headers: &HeaderMap) -> Option<String> {
    let said = headers.get_all(header::HOST).iter().map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    let mut hosts = target.authority().map(ToString::to_string).into_iter().chain(said);
    hosts.find(|host| {
        let host = host.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@'));
        !host.and_then(|host| host.host().parse::<HostName>().ok()).is_some_and(|host| names.answers_to(&host))
    })
}

/// Where a request comes from, if a browser says so and it is not our own page.
fn foreign_page(names: &Names, headers: &HeaderMap) -> Option<String> {
    let site = headers.get_all(SEC_FETCH_SITE).iter().find(|site| *site != "same-origin");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_ours = |origin: &str| names.is_ours(origin, host);
    let origin = headers.get_all(header::ORIGIN).iter().find(|origin| !origin.to_str().is_ok_and(is_ours));
    origin.or(site).map(|from| String::from_utf8_lossy(from.as_bytes()).into_owned())
}

fn unknown_host(host: &str) -> Problem {
    let words = Words::new(
        format!("本服务不以“{host}”为名；如果确是它的名称，请管理员在服务设置中加上"),
        format!("this service is not called “{host}”; if it is, have its administrator add the name with --host"),
    );
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", words)
}

fn cross_site(from: &str) -> Problem {
    let words = Words::new(
        format!("写入请求来自别的网页（{from}），已拒绝；如果这就是本服务对外的网址，请管理员在服务设置中加上"),
        format!("a page of another site ({from}) may not write here; if that is how this service is reached, have its administrator add it with --origin"),
    );
    Problem::new(StatusCode::FORBIDDEN, "cross_site", words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(vec!["Tuban.Example".parse().unwrap()], vec!["https://land.example:8443".parse().unwrap()], [10, 0, 0, 5].into())
    }

    fn host_is_refused(names: &Names, host: &str) -> bool {
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        foreign_host(names, &Uri::from_static("/"), &headers).is_some()
    }

    #[test]
    fn configured_names_and_loopback_are_answered_whatever_the_port() {
        for host in
            ["tuban.example", "TUBAN.example:80", "tuban.example.", "land.example", "localhost:1", "127.0.0.1:8080", "127.9.9.9", "[::1]:80", "10.0.0.5:8080"]
        {
            assert!(!host_is_refused(&names(), host), "{host}");
        }
        for host in [
            "evil.example",
            "tuban.example.evil.example",
            "xtuban.example",
            "localhost.evil.example",
            "10.0.0.6",
            "[::2]",
            "",
            "a b",
            "evil@localhost.",
            "128.0.0.1",
        ] {
            assert!(host_is_refused(&names(), host), "{host}");
        }
    }

    #[test]
    fn listening_everywhere_any_address_is_answered_but_no_name() {
        let everywhere = Names::new(Vec::new(), Vec::new(), [0, 0, 0, 0].into());
        assert!(!host_is_refused(&everywhere, "10.0.0.6:8080") && host_is_refused(&everywhere, "evil.example"));
    }

    #[test]
    fn a_host_in_the_target_counts_beside_the_header() {
        let headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
        let target = Uri::from_static("http://evil.example/api/surveys");
        assert_eq!(foreign_host(&names(), &target, &headers).as_deref(), Some("evil.example"));
    }

    #[test]
    fn an_origin_is_ours_with_scheme_host_and_port() {
        let ours = |origin: &str| names().is_ours(origin, Some("tuban.example:8080"));
        assert!(ours("http://tuban.example:8080") && ours("https://land.example:8443"));
        for origin in
            ["https://tuban.example:8080", "http://tuban.example", "http://land.example:8443", "https://land.example", "null", "", "http://evil.example"]
        {
            assert!(!ours(origin), "{origin}");
        }
        assert!(!names().is_ours("http://", None));
    }

    #[test]
    fn what_is_no_name_cannot_be_configured() {
        for text in ["", "http://a", "a:80", "a/b", "a b"] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
        for text in ["", "tuban.example", "ftp://a", "https://", "https://a/b", "https://u@a"] {
            assert!(text.parse::<PublicOrigin>().is_err(), "{text}");
        }
    }
}
