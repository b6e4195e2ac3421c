//! The database goes away under several `tuban serve`: it is restarted, or another server takes its place. Nothing committed is lost, and no node is restarted.

use super::place::{Place, findings, looked_through, parameters, read, survey, uploaded_at_last};
use super::serve::Serving;
use crate::cluster::Cluster;
use serde_json::Value;
use std::time::Duration;
use tokio::task::JoinHandle;
use tuban::scope::Scope;
use tuban::store::Store;

/// Surveys uploaded meanwhile, and their patches.
const SURVEYS: u32 = 8;
const PATCHES: u32 = 1500;

async fn cluster(words: &'static [&str]) -> Cluster {
    let cluster = tokio::task::spawn_blocking(|| Cluster::start_with(words)).await.unwrap();
    cluster.administer("CREATE DATABASE city").await;
    cluster
}

fn place(database: String) -> Place {
    Place { folder: tempfile::tempdir().unwrap(), database }.with_layers()
}

/// Every survey is uploaded until it is taken in, to either node in turn.
fn uploads(nodes: &[Serving; 2]) -> Vec<JoinHandle<Value>> {
    let one = |n: u32| {
        let address = nodes[n as usize % 2].address.clone();
        tokio::spawn(async move { uploaded_at_last(&address, &parameters(n), survey("p", PATCHES)).await })
    };
    (0..SURVEYS).map(one).collect()
}

/// Every node says that the database is away, as soon as the last of its processes has ended.
async fn is_told_of(nodes: &[Serving; 2]) {
    for node in nodes {
        let away = loop {
            let answer = reqwest::get(format!("{}/api/surveys", node.address)).await.unwrap();
            if answer.status().as_u16() != 200 {
                break answer;
            }
        };
        assert_eq!((away.status().as_u16(), away.headers().contains_key("retry-after")), (503, true));
    }
}

/// What the nodes said they took in is there, once and with the same findings, and they are the processes they were.
async fn all_is_there(nodes: &mut [Serving; 2], store: &dyn Store, uploads: Vec<JoinHandle<Value>>) {
    let mut told = Vec::new();
    for upload in uploads {
        told.push(upload.await.unwrap());
    }
    let expected = findings(store, &told[0]).await;
    assert_eq!(expected.len(), PATCHES as usize);
    for one in &told {
        assert!(findings(store, one).await == expected, "{one}: other findings");
    }
    for node in nodes {
        assert_eq!(node.child.try_wait().unwrap(), None, "nobody restarted it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_under_load_is_told_of_and_nothing_committed_is_lost() {
    let cluster = cluster(&["-c", "fsync=on"]).await;
    let place = place(cluster.url("city"));
    let mut nodes = [place.node("1s"), place.node("1s")];
    let uploads = uploads(&nodes);
    // In good order, and as if its power had gone: then it has to recover from its log.
    for stop in ["stop", "stop -m immediate", "stop", "stop -m immediate"] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.control(stop);
        is_told_of(&nodes).await;
        cluster.control("restart");
    }
    let store = place.store().await;
    all_is_there(&mut nodes, &*store, uploads).await;
    assert_eq!(looked_through(&*store).await, SURVEYS as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_promoted_takes_the_place_of_its_primary_and_nothing_committed_is_lost() {
    let primary = cluster(&[]).await;
    let (primary, standby) = tokio::task::spawn_blocking(|| (primary.standby(), primary)).await.map(|(standby, primary)| (primary, standby)).unwrap();
    // From now on nothing is committed that the standby does not have.
    primary.administer("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    primary.administer("SELECT pg_reload_conf()").await;
    let place = place(format!("postgres://postgres@localhost/city?host={},{}", primary.folder(), standby.folder()));
    let mut nodes = [place.node("1s"), place.node("1s")];
    let uploads = uploads(&nodes);
    while read(&nodes[0].address, "/api/surveys").await["surveys"].as_array().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    primary.kill();
    is_told_of(&nodes).await;
    standby.control("promote");
    let store = tuban::store::open(&standby.url("city")).await.unwrap();
    all_is_there(&mut nodes, &*store, uploads).await;
    assert_eq!(looked_through(&*store).await, SURVEYS as usize);

    // The old primary comes back as if nothing had happened. Who starts now takes the one that was promoted, and those that run stay with it.
    primary.control("restart");
    let late = tuban::store::open(&place.database).await.unwrap();
    assert_eq!(late.surveys(&Scope::all()).await.unwrap().len(), SURVEYS as usize);
    uploaded_at_last(&nodes[0].address, &parameters(SURVEYS), survey("p", PATCHES)).await;
    assert_eq!(looked_through(&*store).await, SURVEYS as usize + 1);
}
