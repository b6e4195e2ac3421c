//! A hot standby that takes over, behind `deploy/haproxy-postgres.cfg` with `deploy/primary-check`.

use super::{ours, proxy::Proxy, read, typed};
use crate::cli::{
    place::{self, Place, findings, looked_through, parameters, survey, uploaded_at_last},
    run,
};
use crate::cluster::Cluster;
use std::time::Instant;
use tokio::net::{TcpListener, UnixStream};

/// Surveys that come in meanwhile, and the patches of each.
const SURVEYS: u32 = 8;
const PATCHES: u32 = 1000;

/// A port at which that server is reached: it listens nowhere itself.
async fn port_of(cluster: &Cluster) -> String {
    let (listener, socket) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), format!("{}/.s.PGSQL.5432", cluster.folder()));
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let socket = socket.clone();
            tokio::spawn(async move {
                if let Ok(mut server) = UnixStream::connect(socket).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_promoted_and_the_nodes_go_on_with_everything_that_was_committed() {
    let primary = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    // Who is asked for: the role of nodes and check.
    primary.administer("CREATE ROLE tuban SUPERUSER LOGIN").await;
    primary.administer("CREATE DATABASE tuban OWNER tuban").await;
    let (primary, standby) = tokio::task::spawn_blocking(move || {
        let standby = primary.standby();
        (primary, standby)
    })
    .await
    .unwrap();
    // What is committed on the primary is on the standby: see docs/OPERATIONS.md.
    primary.administer("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    primary.administer("SELECT pg_reload_conf()").await;
    let papers = read("docs/OPERATIONS.md");
    let seen = papers.lines().find(|line| line.starts_with("psql") && line.contains("pg_stat_replication")).unwrap();
    let environment = [("PGHOST", primary.folder()), ("PGUSER", "postgres")];
    while !typed("/".as_ref(), &environment, seen).contains("streaming | sync") {}

    let check = ours("deploy/primary-check");
    let servers = [port_of(&primary).await, port_of(&standby).await];
    let proxy = Proxy::start(
        &ours("deploy/haproxy-postgres.cfg"),
        "TUBAN_PG_LISTEN",
        &[("TUBAN_PG_ONE", &servers[0]), ("TUBAN_PG_TWO", &servers[1]), ("TUBAN_PG_CHECK", check.to_str().unwrap())],
    );
    let place = Place { folder: tempfile::tempdir().unwrap(), database: format!("postgres://tuban@{}/tuban?sslmode=disable", proxy.address) };
    while run(place.folder.path(), &["survey", "list", "--database", &place.database]).0 != 0 {}
    let place = place.with_layers();
    let nodes = [place.node("1s"), place.node("1s")];
    let uploads: Vec<_> = (0..SURVEYS)
        .map(|n| {
            let address = nodes[n as usize % 2].address.clone();
            tokio::spawn(async move { uploaded_at_last(&address, &parameters(n), survey("p", PATCHES)).await })
        })
        .collect();
    // The first survey is in, the others are on their way.
    let stored = async |node: &str| place::read(node, "/api/surveys").await["surveys"].as_array().map_or(0, Vec::len);
    while stored(&nodes[0].address).await == 0 {}
    primary.kill();
    let away = Instant::now();
    // As soon as the last of its processes has ended.
    let told = loop {
        let answer = reqwest::get(format!("{}/api/surveys", nodes[0].address)).await.unwrap();
        if answer.status() != 200 {
            break answer;
        }
    };
    assert_eq!((told.status().as_u16(), told.headers().contains_key("retry-after")), (503, true));
    standby.control("promote");
    while stored(&nodes[0].address).await == 0 {}
    eprintln!("the nodes went on {:.1} s after the primary was gone", away.elapsed().as_secs_f64());
    let mut told = Vec::new();
    for upload in uploads {
        told.push(upload.await.unwrap());
    }
    let store = place.store().await;
    let expected = findings(&*store, &told[0]).await;
    assert_eq!(expected.len(), PATCHES as usize);
    for survey in &told {
        assert!(findings(&*store, survey).await == expected, "{survey}: other findings");
    }
    assert_eq!(looked_through(&*store).await, SURVEYS as usize);
}
