//! A PostgreSQL server that says nothing any more, as when its machine vanishes: who waits for it is told, and goes on with whatever answers in its place.

use super::stored;
use crate::builders::{facts, finding, key, patch};
use crate::cluster;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::watch;
use tuban::scope::Scope;
use tuban::store::postgres::PostgresStore;
use tuban::store::{Store, StoreError};
use tuban_engine::model::OnConflict;

/// Far above the ten seconds after which a server is taken to be gone, far below what a writer waits for another.
const PATIENCE: Duration = Duration::from_mins(2);

/// What lies between a store and its server.
struct Wire {
    folder: tempfile::TempDir,
    vanished: watch::Sender<u32>,
}

impl Wire {
    /// To the server whose socket lies in that folder.
    fn to(folder: &str) -> Self {
        const SOCKET: &str = ".s.PGSQL.5432";
        let server: PathBuf = Path::new(folder).join(SOCKET);
        let folder = tempfile::tempdir().unwrap();
        let (listener, vanished) = (UnixListener::bind(folder.path().join(SOCKET)).unwrap(), watch::Sender::new(0));
        let told = vanished.clone();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (mut server, mut vanished) = (UnixStream::connect(&server).await.unwrap(), told.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                        _ = vanished.changed() => {}
                    }
                    drop(server);
                    // What the client sends is never answered, and nobody tells it why.
                    std::future::pending::<()>().await;
                    drop(client);
                });
            }
        });
        Self { folder, vanished }
    }

    /// From now on nothing is heard on what is connected; what connects later is answered again.
    fn vanish(&self) {
        self.vanished.send_modify(|times| *times += 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_to_a_vanished_server_ends_with_an_error_and_the_next_goes_on() {
    let cluster = cluster::shared().await;
    let url = cluster::fresh_url().await;
    let wire = Wire::to(cluster.folder());
    let store = PostgresStore::open(&url.replace(cluster.folder(), wire.folder.path().to_str().unwrap())).await.unwrap();
    let kept = stored(&store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;

    let mut writer = store.begin_survey(key("2022-05", "x"), OnConflict::Reject).await.unwrap();
    writer.push(vec![(patch("2"), finding(None))]).await.unwrap();
    writer.stop_others().await.unwrap();
    wire.vanish();
    let late = tokio::time::timeout(PATIENCE, writer.commit(facts(&key("2022-05", "x")))).await;
    assert!(matches!(late, Ok(Err(StoreError::Unavailable(_)))), "{late:?}");

    let surveys = tokio::time::timeout(PATIENCE, store.surveys(&Scope::all())).await.expect("what was connected before is not used again");
    assert_eq!(surveys.unwrap(), std::slice::from_ref(&kept));
    let next = tokio::time::timeout(PATIENCE, stored(&store, &key("2022-06", "x"), vec![])).await.expect("nor does a writer wait");
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [next, kept]);
}

/// A proxy without a server behind it, or one that speaks no TLS for now: it comes and goes with the server.
#[tokio::test]
async fn a_server_that_breaks_off_the_handshake_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            // The eight bytes that ask for TLS are answered with a no.
            let mut asked = [0; 8];
            client.read_exact(&mut asked).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut client, b"N").await.unwrap();
        }
    });
    let refused = PostgresStore::open(&format!("postgres://u@127.0.0.1:{port}/x?sslmode=require")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}
