//! The servers that a URL names: one, or several of which one takes writes, written as PostgreSQL's own programs write them
//! (<https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS>). sqlx knows one host, so every server becomes options of its own.

use crate::store::StoreError;
use sqlx::postgres::PgConnectOptions;
use std::str::FromStr;

/// How to reach each server of `postgres://USER@HOST:PORT,HOST:PORT/NAME` or `postgres:///NAME?host=HOST,HOST&port=PORT,PORT`, in that order.
pub(super) fn of(url: &str) -> Result<Vec<PgConnectOptions>, StoreError> {
    each(url)?.iter().map(|url| Ok(PgConnectOptions::from_str(url)?)).collect()
}

/// What to call a server in the log.
pub(super) fn name(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    format!("{host}:{}", options.get_port())
}

/// The parts of a URL that tell servers apart.
#[derive(Default)]
struct Lists<'u> {
    hosts: Vec<&'u str>,
    ports: Vec<&'u str>,
    /// All other parameters.
    rest: Vec<&'u str>,
}

impl<'u> Lists<'u> {
    fn read(query: &'u str) -> Result<Self, StoreError> {
        let mut lists = Self::default();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("host", hosts)) => lists.hosts = hosts.split(',').collect(),
                Some(("port", ports)) => lists.ports = ports.split(',').collect(),
                // What is always so.
                Some(("target_session_attrs", "any" | "read-write" | "primary")) => {}
                Some(("target_session_attrs", other)) => {
                    return Err(StoreError::refused(format!("target_session_attrs={other}: the server that takes writes is used, always")));
                }
                _ => lists.rest.push(parameter),
            }
        }
        Ok(lists)
    }
}

/// A URL for each server.
fn each(url: &str) -> Result<Vec<String>, StoreError> {
    let url = url.replace("%2C", ",").replace("%2c", ",");
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(vec![url]) };
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, servers) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let servers: Vec<&str> = servers.split(',').collect();
    let lists = Lists::read(query)?;
    let count = servers.len().max(lists.hosts.len()).max(lists.ports.len());
    let mut urls = Vec::with_capacity(count);
    for n in 0..count {
        let mut parameters: Vec<String> = lists.rest.iter().map(|&parameter| parameter.to_owned()).collect();
        parameters.extend(one(&lists.hosts, n, count)?.map(|host| format!("host={host}")));
        parameters.extend(one(&lists.ports, n, count)?.map(|port| format!("port={port}")));
        let server = one(&servers, n, count)?.unwrap_or_default();
        urls.push(format!("{scheme}://{user}{server}{path}?{}", parameters.join("&")));
    }
    Ok(urls)
}

/// Of a list with one entry for each server, or one for all, or none, the nth server's.
fn one<'u>(list: &[&'u str], n: usize, count: usize) -> Result<Option<&'u str>, StoreError> {
    match list.len() {
        0 => Ok(None),
        1 => Ok(Some(list[0])),
        length if length == count => Ok(Some(list[n])),
        length => Err(StoreError::refused(format!("the database URL names {count} servers, but {length} of {}", list.join(",")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(url: &str) -> Vec<String> {
        of(url).unwrap().iter().map(name).collect()
    }

    #[test]
    fn one_server_is_named_as_ever() {
        assert_eq!(named("postgres://u@db.example/x"), ["db.example:5432"]);
        assert_eq!(named("postgresql://u:secret@[::1]:5433/x?sslmode=disable"), ["[::1]:5433"]);
        assert_eq!(named("postgres://u@localhost/x?host=/run/postgresql"), ["/run/postgresql:5432"]);
    }

    #[test]
    fn several_servers_are_named_as_libpq_names_them() {
        assert_eq!(named("postgres://u:p%40@a:1,b:2,c/x?sslmode=disable"), ["a:1", "b:2", "c:5432"]);
        assert_eq!(named("postgres://u@localhost/x?host=/run/a,/run/b&port=5433"), ["/run/a:5433", "/run/b:5433"]);
        assert_eq!(named("postgres:///x?user=u&host=a%2Cb&port=1,2"), ["a:1", "b:2"]);
        let all = of("postgres://u@a,b/city?application_name=me&target_session_attrs=read-write").unwrap();
        assert!(all.iter().all(|one| (one.get_username(), one.get_database()) == ("u", Some("city"))));
    }

    #[test]
    fn lists_that_do_not_match_are_refused() {
        for url in ["postgres://u@a,b,c/x?port=1,2", "postgres://u@a,b/x?host=c,d,e", "postgres://u@a,b/x?target_session_attrs=standby"] {
            assert!(of(url).is_err(), "{url}");
        }
    }
}
