//! HAProxy before nodes, as `deploy/haproxy.cfg` has it.

use super::{ours, read};
use crate::cli::{place::Place, serve::Serving, tuban};
use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A running HAProxy; killed when dropped.
pub(super) struct Proxy {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(super) address: String,
}

impl Proxy {
    /// Starts one with that file; `listen` is the name of the variable that says where.
    pub(super) fn start(file: &Path, listen: &str, environment: &[(&str, &str)]) -> Self {
        // The socket is made here and handed on, so that nobody can take its port in between.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]).arg(file).env(listen, "fd@0").envs(environment.iter().copied());
        let child = command.stdin(OwnedFd::from(listener)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, address }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until a node behind it is ready.
    async fn is_ready(&self) {
        let patience = Instant::now();
        while !reqwest::get(self.url("/ready")).await.is_ok_and(|answer| answer.status() == 200) {
            assert!(patience.elapsed() < Duration::from_secs(60), "no node was found");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn node(place: &Place, listen: &str) -> Serving {
    let words = ["serve", "--listen", listen, "--drain", "4", "--database", &place.database];
    Serving::started(tuban(place.folder.path(), &words))
}

fn without_scheme(node: &Serving) -> String {
    node.address.strip_prefix("http://").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_stopped_and_started_one_after_the_other_and_no_request_fails() {
    let place = Place::sqlite().await;
    let mut nodes = [node(&place, "127.0.0.1:0"), node(&place, "127.0.0.1:0")];
    let addresses = [without_scheme(&nodes[0]), without_scheme(&nodes[1])];
    let proxy = Proxy::start(&ours("deploy/haproxy.cfg"), "TUBAN_PROXY_LISTEN", &[("TUBAN_NODE_ONE", &addresses[0]), ("TUBAN_NODE_TWO", &addresses[1])]);
    proxy.is_ready().await;
    // Until both are known to be ready.
    let client = reqwest::Client::new();
    let asked = async |cookie: &str| client.get(proxy.url("/api/layers")).header("cookie", cookie).send().await.unwrap();
    let mut met = std::collections::BTreeSet::new();
    while met.len() < 2 {
        met.insert(asked("").await.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned());
    }
    assert_eq!(met.iter().map(String::as_str).collect::<Vec<_>>(), ["node=one", "node=two"]);
    assert_eq!(reqwest::get(proxy.url("/metrics")).await.unwrap().status(), 403);
    let named = client.get(proxy.url("/api/layers")).header("x-request-id", "mine").send().await.unwrap();
    assert_ne!(named.headers()["x-request-id"], "mine", "the proxy's log and the nodes' have the same id");

    for (name, at) in [("node=one", 0), ("node=two", 1)] {
        // Whoever is with that node already, and whoever comes.
        nodes[at].signal("TERM");
        let mut requests = 0;
        while nodes[at].child.try_wait().unwrap().is_none() {
            for cookie in [name, ""] {
                let answer = asked(cookie).await;
                assert_eq!(answer.status(), 200, "{name} {cookie} after {requests} requests");
                requests += 1;
            }
        }
        assert!(nodes[at].child.wait().unwrap().success() && requests > 10, "{requests}");
        nodes[at] = node(&place, &addresses[at]);
        while asked(name).await.headers().contains_key("set-cookie") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Answers questions for the address of a name, on a port of its own, with what the table says at that moment.
fn name_server(table: Arc<Mutex<HashMap<&'static str, Ipv4Addr>>>) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut question = [0; 1500];
        while let Ok((length, asker)) = socket.recv_from(&mut question) {
            // RFC 1035: twelve bytes of head; the name, each label behind its length; its type and class.
            let (mut at, mut labels) = (12, Vec::new());
            while at < length && question[at] > 0 {
                let end = at + 1 + usize::from(question[at]);
                labels.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
                at = end;
            }
            let known = table.lock().unwrap().get(labels.join(".").as_str()).copied();
            let wants_ipv4 = question[at + 1..at + 3] == [0, 1];
            let (code, answers) = (if known.is_some() { 0x80 } else { 0x83 }, u8::from(known.is_some() && wants_ipv4));
            let mut answer = [&question[..2], &[0x81, code, 0, 1, 0, answers, 0, 0, 0, 0], &question[12..at + 5]].concat();
            if let (Some(known), true) = (known, wants_ipv4) {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
                answer.extend(known.octets());
            }
            let _ = socket.send_to(&answer, asker);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_with_another_address_is_found_again() {
    let place = Place::sqlite().await;
    let first = node(&place, "127.0.0.2:0");
    let port = without_scheme(&first).split_once(':').unwrap().1.to_owned();
    // Of the two names only one is known: it starts, and goes on, all the same.
    let table = Arc::new(Mutex::new(HashMap::from([("one.test", Ipv4Addr::new(127, 0, 0, 2))])));
    let text = read("deploy/haproxy.cfg").replace("parse-resolv-conf", &format!("nameserver test {}", name_server(Arc::clone(&table))));
    let file = place.folder.path().join("haproxy.cfg");
    std::fs::write(&file, text).unwrap();
    let names = ["one.test", "two.test"].map(|name| format!("{name}:{port}"));
    let proxy = Proxy::start(&file, "TUBAN_PROXY_LISTEN", &[("TUBAN_NODE_ONE", &names[0]), ("TUBAN_NODE_TWO", &names[1])]);
    proxy.is_ready().await;
    drop(first);
    table.lock().unwrap().insert("one.test", Ipv4Addr::new(127, 0, 0, 3));
    let _again = node(&place, &format!("127.0.0.3:{port}"));
    proxy.is_ready().await;
}
