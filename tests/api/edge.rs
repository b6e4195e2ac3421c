//! What every answer has, whatever was asked.

use super::app::{APRIL, TestApp, city, file::File};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tuban::http::Limits;

/// Sends the head of a POST with this header and no body; the answer as text.
pub(super) async fn announce(app: &TestApp, path: &str, header: &str) -> String {
    converse(app, &format!("POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{header}\r\n\r\n", app.address), false).await
}

/// Sends these bytes, ends sending or not, and reads until the other side ends.
async fn converse(app: &TestApp, said: &str, end: bool) -> String {
    let mut stream = tokio::net::TcpStream::connect(&app.address).await.unwrap();
    stream.write_all(said.as_bytes()).await.unwrap();
    if end {
        stream.shutdown().await.unwrap();
    }
    let mut heard = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = stream.read_to_end(&mut heard).await;
    String::from_utf8(heard).unwrap()
}

/// Uploads `first` and then 16 MB of blanks in chunks, as long as they are taken; the answer as text.
async fn pour(app: &TestApp, header: &str, first: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(&app.address).await.unwrap();
    let head = format!("POST /api/surveys?{APRIL} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{header}Transfer-Encoding: chunked\r\n\r\n", app.address);
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let begin = if first.is_empty() { head } else { head + &chunk(first) };
    stream.write_all(begin.as_bytes()).await.unwrap();
    let blanks = chunk(&" ".repeat(16_000));
    for _ in 0..1000 {
        if stream.write_all(blanks.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    String::from_utf8(heard).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_no_route_is_a_problem() {
    let app = TestApp::bare().await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/surveys/",
        "/api/surveys/1/patches",
        "/nothing.html",
        "/..%2f..%2fetc%2fpasswd",
        "/openapi.yaml",
        "/api/tiles/patches/1/0/0.mvt/x",
    ] {
        app.get(path).await.problem(404, "not_found");
    }
    app.post("/nothing", "x").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_a_route_does_not_have_is_a_problem_that_names_those_it_has() {
    let app = TestApp::bare().await;
    for (method, path, allowed) in [
        (Method::DELETE, "/api/surveys", "GET,HEAD,POST"),
        (Method::PUT, "/api/surveys/1", "GET,HEAD,DELETE"),
        (Method::GET, "/api/check", "POST"),
        (Method::POST, "/api/ratios", "GET,HEAD"),
        (Method::PATCH, "/api/patches/1", "GET,HEAD"),
        (Method::DELETE, "/api/layers", "GET,HEAD,POST"),
        (Method::POST, "/health", "GET,HEAD"),
        (Method::POST, "/openapi.json", "GET,HEAD"),
    ] {
        let answer = app.send(app.request(method.clone(), path)).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_forbids_the_browser_to_load_from_outside() {
    let app = TestApp::bare().await;
    for path in ["/", "/health", "/api/about", "/api/nothing", "/api/surveys/1", "/openapi.json", "/api/patches?bbox=1"] {
        let answer = app.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("http"), "{path}: {policy}");
        assert_eq!((answer.header("x-content-type-options"), answer.header("referrer-policy")), ("nosniff", "no-referrer"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_ok() {
    let answer = TestApp::bare().await.get("/health").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type"), answer.text().as_str()), (200, "application/json", r#"{"status":"ok"}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_announced_above_the_limit_is_refused_before_it_is_read() {
    let app = TestApp::bare().await;
    let path = format!("/api/surveys?{APRIL}");
    for announced in [
        "Content-Length: 2147483648",
        "Content-Length: 2147483648\r\nContent-Type: multipart/form-data; boundary=b",
        "Content-Length: 2147483648\r\nExpect: 100-continue",
    ] {
        let answer = announce(&app, &path, announced).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("application/problem+json") && answer.contains("/problems/too_large"), "{answer}");
        app.has_an_empty_spool();
    }
}

/// A connection that is reset may lose its answer on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_on_sending_after_it_was_refused_is_not_cut_off_from_its_answer() {
    let app = TestApp::bare().await;
    let mut stream = tokio::net::TcpStream::connect(&app.address).await.unwrap();
    let head = format!("POST /api/surveys?{APRIL} HTTP/1.1\r\nHost: {}\r\nContent-Length: 2147483648\r\n\r\n", app.address);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    for _ in 0..100 {
        stream.write_all(&[b' '; 10_000]).await.unwrap();
    }
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(first == *b"HTTP/1.1 413" && rest.contains("connection: close") && rest.contains("/problems/too_large"), "{rest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_grows_above_the_limit_is_cut_off() {
    let app = TestApp::with_limits(Limits { upload_bytes: 100_000, ..Limits::default() }).await;
    let form = "Content-Type: multipart/form-data; boundary=b\r\n";
    let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\r\n");
    // As the body itself, as the file of a form, and as what a form has before its file.
    for (header, first) in [("", String::new()), (form, part("file")), (form, part("remark")), (form, String::new())] {
        let answer = pour(&app, header, &first).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("/problems/too_large"), "{first}: {answer}");
        assert!(app.surveys().await.is_empty());
        app.has_an_empty_spool();
    }
    // Up to the limit it is the file, not its size, that decides.
    let mut text = city::one_of_each().text();
    text.push_str(&" ".repeat(100_000 - text.len()));
    assert_eq!(app.upload(APRIL, text.clone() + " ").await.status, 413);
    assert_eq!(app.upload(APRIL, text).await.status, 201);
}

/// Refused afterwards, it would have been stored all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_takes_no_plain_answer_is_answered() {
    let app = TestApp::bare().await;
    for (month, encoding) in (1..).zip(["identity;q=0", "*;q=0", "identity;q=0, *;q=0", "br, identity;q=0"]) {
        let request = app.request(Method::POST, &format!("/api/surveys?period=2022-{month:02}&level=city&again=yes"));
        let answer = app.send(request.header("accept-encoding", encoding).body(city::one_of_each().text())).await;
        assert_eq!((answer.status.as_u16(), answer.json()["patches"].as_u64()), (201, Some(4)), "{encoding}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = TestApp::bare().await;
    let text = File::default().patch("A", &[city::square()]).text();
    let head = format!("POST /api/surveys?{APRIL} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", app.address);
    for said in
        [format!("{head}Content-Length: {}\r\n\r\n{}", text.len() + 1, text), format!("{head}Transfer-Encoding: chunked\r\n\r\n10\r\n{}\r\n", &text[..16])]
    {
        let answer = converse(&app, &said, true).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(app.surveys().await.is_empty());
        app.has_an_empty_spool();
    }
}
