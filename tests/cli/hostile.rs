//! Clients that hold on and do nothing: two hundred of each kind at once, or as many times more as there are rounds. What the service has of descriptors and memory goes
//! back to where it began.

use super::app::city;
use super::rounds;
use super::serve::Serving;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Clients of each kind in a round.
const CLIENTS: usize = 200;
/// Memory of a client that would be told as a leak, bytes, and memory that comes and goes with the allocator.
const LEAK: u64 = 4 << 10;
const SLACK: u64 = 8 << 20;
/// Readers that do not read: each has the service write until the socket is full.
const READERS: usize = 8;
/// Longest wait for what must come by itself: the limits below are a second, a connection lingers for five.
const PATIENCE: Duration = Duration::from_secs(60);

/// Clients of each kind at once.
fn clients_at_once() -> usize {
    CLIENTS * rounds() as usize
}

/// A service that is as impatient as can be, and takes all those clients for one that may.
fn impatient(folder: &Path) -> Serving {
    let most = (5 * clients_at_once()).to_string();
    Serving::start_with(folder, &["--listen", "127.0.0.1:0", "--stall", "1s", "--headers", "1s", "--client-connections", &most, "--client-files", &most])
}

fn host(serving: &Serving) -> String {
    serving.address.strip_prefix("http://").unwrap().to_owned()
}

/// Descriptors that the service has open now.
fn descriptors(serving: &Serving) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", serving.child.id())).unwrap().count()
}

/// Memory of the service that is in use now, bytes.
fn memory(serving: &Serving) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Waits until the service has no more descriptors open than that.
async fn has_at_most(serving: &Serving, most: usize) {
    let began = Instant::now();
    while descriptors(serving) > most {
        assert!(began.elapsed() < PATIENCE, "{} descriptors are open, not {most}", descriptors(serving));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// So many clients that say that and then nothing.
async fn silent(serving: &Serving, said: &str) -> Vec<TcpStream> {
    let mut clients = Vec::new();
    for _ in 0..clients_at_once() {
        let mut client = TcpStream::connect(host(serving)).await.unwrap();
        client.write_all(said.as_bytes()).await.unwrap();
        clients.push(client);
    }
    clients
}

/// What each of them is told before the service hangs up.
async fn told(clients: Vec<TcpStream>) -> Vec<String> {
    let mut all = Vec::new();
    for mut client in clients {
        let mut heard = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, client.read_to_end(&mut heard)).await.expect("it is not hung up on");
        all.push(String::from_utf8_lossy(&heard).into_owned());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_nothing_hold_nothing_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let serving = impatient(folder.path());
    // What it opens for its first requests stays open: connections to the database.
    assert_eq!(reqwest::get(format!("{}/api/surveys", serving.address)).await.unwrap().status(), 200);
    has_at_most(&serving, descriptors(&serving)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = descriptors(&serving) + 4;
    let host = host(&serving);
    let upload = format!("POST /api/surveys?period=2022-04&level=city HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\n");
    let kinds: [(&str, Option<&str>); 6] = [
        ("", None),
        ("GET /api/surv", None),
        (&format!("GET /api/surveys HTTP/1.1\r\nHost: {host}\r\nX-Slow: "), None),
        (&format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n"), Some("HTTP/1.1 200 ")),
        (upload.as_str(), Some("HTTP/1.1 408 ")),
        (&format!("{upload}{{"), Some("HTTP/1.1 408 ")),
    ];
    let mut curve = Vec::new();
    // Memory is held against what it is after all of them came once: what an allocator has had it keeps.
    for wave in 0..2 {
        for (said, status) in kinds {
            let clients = silent(&serving, said).await;
            for heard in told(clients).await {
                assert!(status.map_or(heard.is_empty(), |status| heard.starts_with(status)), "{said}: {heard}");
            }
            has_at_most(&serving, before).await;
            curve.push((wave, descriptors(&serving), memory(&serving)));
        }
    }
    println!("wave, descriptors, bytes of memory after {} clients of each kind: {curve:?}", clients_at_once());
    let clients = (clients_at_once() * kinds.len()) as u64;
    let [first, second] = [curve[kinds.len() - 1].2, curve[2 * kinds.len() - 1].2];
    assert!(second <= first + clients * LEAK + SLACK, "{curve:?}");
    let surveys: serde_json::Value = reqwest::get(format!("{}/api/surveys", serving.address)).await.unwrap().json().await.unwrap();
    assert_eq!(surveys["surveys"], serde_json::json!([]));
}

/// Each asks for much more than a socket holds and takes none of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_do_not_read_are_hung_up_on() {
    let folder = tempfile::tempdir().unwrap();
    let serving = impatient(folder.path());
    assert_eq!(reqwest::get(format!("{}/openapi.json", serving.address)).await.unwrap().status(), 200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = descriptors(&serving);
    let ask = format!("GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", host(&serving)).repeat(200);
    let mut clients = Vec::new();
    for _ in 0..READERS {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut client = socket.connect(host(&serving).parse().unwrap()).await.unwrap();
        client.write_all(ask.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let began = Instant::now();
    while descriptors(&serving) <= before {
        assert!(began.elapsed() < PATIENCE, "they were never all let in");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // They are all still there, and yet the service lets go of them.
    has_at_most(&serving, before).await;
    for mut client in clients {
        let mut heard = Vec::new();
        let _ = client.read_to_end(&mut heard).await;
        assert_ne!(String::from_utf8_lossy(&heard).matches("HTTP/1.1 200 ").count(), 200, "it was answered whole");
    }
}

/// Files that wait after they were looked at are on disk, and closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_wait_take_no_descriptor() {
    let folder = tempfile::tempdir().unwrap();
    let serving = impatient(folder.path());
    let client = reqwest::Client::new();
    let look = async || {
        let request = client.post(format!("{}/api/inspect?name=a.geojson&keep=true", serving.address)).body(city::one_of_each().text());
        let seen: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        assert!(seen["token"].is_string(), "{seen}");
    };
    look().await;
    let before = descriptors(&serving);
    for _ in 0..CLIENTS {
        look().await;
    }
    assert!(descriptors(&serving) < before + 10, "{} descriptors, {before} before", descriptors(&serving));
    let spool = folder.path().join("tuban.spool");
    let uploads: Vec<_> = std::fs::read_dir(&spool).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!((uploads.len(), std::fs::read_dir(&uploads[0]).unwrap().count()), (1, CLIENTS + 1));
    // What a killed service leaves, the next one removes.
    serving.signal("KILL");
    drop(serving);
    let _next = impatient(folder.path());
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0);
}
