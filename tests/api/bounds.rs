//! What one client may hold: jobs in the queue, files that wait, and time.

use super::app::{APRIL, Answer, TestApp, city};
use super::edge::announce;
use super::jobs::begin;
use reqwest::Method;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tuban::http::{Limits, Pace};

/// A service behind a proxy on this machine, that carries no jobs out.
async fn behind(limits: Limits) -> TestApp {
    TestApp::idle_desk(|desk| desk.behind(vec!["127.0.0.1".parse().unwrap()]), limits).await
}

async fn upload_from(app: &TestApp, client: &str, period: &str) -> Answer {
    let request = app.request(Method::POST, &format!("/api/surveys?period={period}&level=city")).header("prefer", "respond-async");
    app.send(request.header("x-forwarded-for", client).body(city::one_of_each().text())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_fills_its_own_part_of_the_queue_and_all_fill_the_queue() {
    let app = behind(Limits { jobs_each: 2, jobs_all: 3, ..Limits::default() }).await;
    for (client, period, status) in [
        ("10.0.0.1", "2022-01", 202),
        ("6.6.6.6, 10.0.0.1", "2022-02", 202),
        // Only what the proxy itself says counts.
        ("10.0.0.2, 10.0.0.1", "2022-03", 429),
        ("10.0.0.2", "2022-04", 202),
        ("10.0.0.2", "2022-05", 429),
        ("10.0.0.3", "2022-06", 429),
    ] {
        let answer = upload_from(&app, client, period).await;
        assert_eq!(answer.status, status, "{client} {period}: {}", answer.text());
        if status == 429 {
            answer.problem(429, "queue_full");
            assert_eq!(answer.header("retry-after"), "30");
        }
        app.has_an_empty_spool();
    }
    let jobs = app.read("/api/jobs").await["jobs"].as_array().unwrap().clone();
    assert_eq!(jobs.len(), 3);
    // One that is cancelled makes room.
    assert_eq!(app.send(app.request(Method::DELETE, &format!("/api/jobs/{}", jobs[2]["id"].as_str().unwrap()))).await.status, 200);
    assert_eq!(upload_from(&app, "10.0.0.1", "2022-07").await.status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_and_judging_again_are_jobs_of_their_client_too() {
    let app = TestApp::with_limits(Limits { jobs_each: 0, ..Limits::default() }).await;
    app.post("/api/exports/findings?format=csv", "").await.problem(429, "queue_full");
    begin(&app, APRIL, city::one_of_each().text()).await.problem(429, "queue_full");
    app.post("/api/layers?kind=county&name=x&effective=2022-01-01", city::counties().text()).await.problem(429, "queue_full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_told_before_the_file_is_sent() {
    let app = TestApp::with_limits(Limits { jobs_each: 0, ..Limits::default() }).await;
    let answer = announce(&app, &format!("/api/surveys?{APRIL}"), "Content-Length: 1000000").await;
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("/problems/queue_full") && answer.contains("retry-after: 30"), "{answer}");
}

async fn look_from(app: &TestApp, client: &str, keep: bool) -> Answer {
    let request = app.request(Method::POST, &format!("/api/inspect?name=a.geojson&keep={keep}")).header("x-forwarded-for", client);
    app.send(request.body(city::one_of_each().text())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_files_of_each_client_wait_and_the_others_are_looked_at_all_the_same() {
    let app = behind(Limits { waiting_each: 2, waiting_all: 3, ..Limits::default() }).await;
    let mut tokens = Vec::new();
    for client in ["10.0.0.1", "10.0.0.1", "10.0.0.2"] {
        let seen = look_from(&app, client, true).await;
        assert_eq!((seen.status.as_u16(), seen.json()["accepted"].as_u64()), (200, Some(4)));
        tokens.push(seen.json()["token"].as_str().unwrap().to_owned());
    }
    look_from(&app, "10.0.0.1", true).await.problem(429, "too_many_waiting");
    assert_eq!(look_from(&app, "10.0.0.1", false).await.status, 200, "nothing is kept of it");
    // Where all have no room, only sending it again is lost.
    let seen = look_from(&app, "10.0.0.3", true).await;
    assert_eq!((seen.status.as_u16(), seen.json()["token"].is_null()), (200, true));
    // What waits can be taken in, closed as it is.
    for (month, token) in (1..).zip(&tokens) {
        let path = format!("/api/surveys?period=2022-{month:02}&level=city&from={token}");
        let answer = app.send(app.request(Method::POST, &path).header("prefer", "respond-async")).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
}

fn hasty() -> Limits {
    let pace = Pace { stall: Duration::from_millis(300), bytes_per_s: 1_000_000 };
    Limits { pace, headers_within: Duration::from_millis(300), ..Limits::default() }
}

/// Every route that takes a body, as a body, as a form and in chunks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stalls_is_told_so_whatever_route_it_is_for() {
    let app = TestApp::with_limits(hasty()).await;
    let form = "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nx";
    for path in [&format!("/api/surveys?{APRIL}"), "/api/layers?kind=county&name=x&effective=2022-01-01", "/api/inspect", "/api/verdicts", "/api/check"] {
        for rest in ["Content-Length: 1000\r\n\r\nx", "Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", form] {
            if path == "/api/check" && rest == form {
                // It takes no forms.
                continue;
            }
            let mut stream = tokio::net::TcpStream::connect(&app.address).await.unwrap();
            stream.write_all(format!("POST {path} HTTP/1.1\r\nHost: {}\r\n{rest}", app.address).as_bytes()).await.unwrap();
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.unwrap();
            assert!(
                heard.starts_with("HTTP/1.1 408 ") && heard.contains("/problems/too_slow") && heard.contains("connection: close"),
                "{path} {rest}: {heard}"
            );
        }
    }
    app.has_an_empty_spool();
    assert!(app.surveys().await.is_empty());
}

/// Slow is not stalled: a byte now and then is too little only where it is less than the least rate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_comes_slowly_but_fast_enough_is_taken() {
    let pace = Pace { stall: Duration::from_secs(2), bytes_per_s: 100 };
    let app = TestApp::with_limits(Limits { pace, ..Limits::default() }).await;
    let text = city::one_of_each().text();
    let chunks: Vec<Vec<u8>> = text.as_bytes().chunks(text.len() / 10).map(<[u8]>::to_vec).collect();
    let slow = async_stream::stream! {
        for chunk in chunks {
            tokio::time::sleep(Duration::from_millis(300)).await;
            yield Ok::<_, std::io::Error>(chunk);
        }
    };
    assert_eq!(app.upload(APRIL, reqwest::Body::wrap_stream(slow)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_over_which_nothing_is_asked_is_closed() {
    let app = TestApp::with_limits(hasty()).await;
    for said in ["", "GET /health HTT", "GET /health HTTP/1.1\r\nHost: localhost\r\n", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let mut stream = tokio::net::TcpStream::connect(&app.address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard.contains("HTTP/1.1 200 "), said.ends_with("\r\n\r\n"), "{said}: {heard}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_has_so_many_connections_and_gets_them_back() {
    let app = TestApp::with_limits(Limits { connections_each: 3, ..Limits::default() }).await;
    let connect = async || tokio::net::TcpStream::connect(&app.address).await.unwrap();
    let ask = async |stream: &mut tokio::net::TcpStream| {
        // What is refused may be closed before it is asked.
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let mut status = [0; 12];
        let _ = stream.read_exact(&mut status).await;
        String::from_utf8_lossy(&status).into_owned()
    };
    let mut open = [connect().await, connect().await, connect().await];
    for stream in &mut open {
        assert_eq!(ask(stream).await, "HTTP/1.1 200");
    }
    let mut heard = String::new();
    let _ = connect().await.read_to_string(&mut heard).await;
    assert!(heard.starts_with("HTTP/1.1 503 ") && heard.contains("retry-after: 2"), "{heard}");
    drop(open);
    while ask(&mut connect().await).await != "HTTP/1.1 200" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
