//! Who may write: our own page and programs, but no page of another site; and under which names.

use super::app::{APRIL, TestApp, city};
use super::openapi::{listed, operations};
use reqwest::Method;
use tuban::http::Names;

/// What a request says of itself.
type Said = Vec<(&'static str, String)>;

/// What our own page and programs say, for a service at that address.
fn welcome(address: &str) -> Vec<Said> {
    let own = format!("http://{address}");
    vec![
        vec![],
        vec![("sec-fetch-site", "same-origin".into())],
        vec![("origin", own.clone())],
        vec![("sec-fetch-site", "same-origin".into()), ("origin", own)],
        vec![("host", "localhost:1".into())],
        vec![("host", "LOCALHOST".into()), ("origin", "http://localhost".into())],
        vec![("host", "[::1]:8080".into())],
        vec![("host", "land.example".into()), ("origin", "https://land.example".into())],
        vec![("host", "10.1.2.3:80".into()), ("origin", "http://10.1.2.3:80".into())],
    ]
}

/// What pages of other sites say, and the problem that each meets.
fn unwelcome(address: &str) -> Vec<(Said, u16, &'static str)> {
    let own = format!("http://{address}");
    let (cross, unknown) = ((403, "cross_site"), (421, "unknown_host"));
    [
        (vec![("sec-fetch-site", "cross-site".into())], cross),
        (vec![("sec-fetch-site", "same-site".into())], cross),
        // An address that a user typed, which is never a write.
        (vec![("sec-fetch-site", "none".into())], cross),
        (vec![("origin", "http://evil.example".into())], cross),
        (vec![("origin", "null".into())], cross),
        // Another port and another scheme are another origin.
        (vec![("origin", "http://127.0.0.1:1".into())], cross),
        (vec![("origin", own.replace("http:", "https:"))], cross),
        // One of the two is ours, the other is not.
        (vec![("origin", own.clone()), ("sec-fetch-site", "same-site".into())], cross),
        (vec![("origin", "http://evil.example".into()), ("sec-fetch-site", "same-origin".into())], cross),
        (vec![("host", "evil.example".into())], unknown),
        (vec![("host", "evil.example".into()), ("origin", "http://evil.example".into()), ("sec-fetch-site", "same-origin".into())], unknown),
        (vec![("host", "10.1.2.4:80".into())], unknown),
    ]
    .map(|(said, (status, code))| (said, status, code))
    .into()
}

async fn app() -> TestApp {
    let names = Names::new(vec!["tuban.example".parse().unwrap()], vec!["https://land.example".parse().unwrap()], [10, 1, 2, 3].into());
    let app = TestApp::named(names).await;
    for (kind, layer) in city::layers() {
        app.import_layer(kind, &layer, "2022-01-01").await;
    }
    app.uploaded(APRIL, &city::one_of_each()).await;
    app
}

fn saying(app: &TestApp, method: &Method, path: &str, said: &Said) -> reqwest::RequestBuilder {
    said.iter().fold(app.request(method.clone(), path), |request, (name, value)| request.header(*name, value))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_of_another_site_reaches_a_route_that_writes() {
    let app = app().await;
    let unsafe_ones: Vec<(Method, String)> = operations(&app).await.into_iter().filter(|(method, _)| !method.is_safe()).collect();
    assert!(unsafe_ones.len() >= 10, "{unsafe_ones:?}");
    let before = app.service.store().revision().await.unwrap();
    let jobs = app.read("/api/jobs").await;
    for (method, path) in &unsafe_ones {
        for (said, status, code) in unwelcome(&app.address) {
            for kind in ["text/plain", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/octet-stream"] {
                let request = saying(&app, method, path, &said).header("content-type", kind).body(city::one_of_each().text());
                let answer = app.send(request).await;
                assert_eq!(answer.status.as_u16(), status, "{method} {path} {said:?} {kind}: {}", answer.text());
                answer.problem(status, code);
            }
        }
    }
    assert_eq!((app.service.store().revision().await.unwrap(), app.read("/api/jobs").await), (before, jobs));
    app.has_an_empty_spool();
    // What our own page and programs send comes to the routes themselves.
    for (method, path) in &unsafe_ones {
        for said in welcome(&app.address) {
            let answer = app.send(saying(&app, method, path, &said)).await;
            let says = answer.text();
            assert!(!says.contains("/problems/cross_site") && !says.contains("/problems/unknown_host"), "{method} {path} {said:?}: {says}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_from_our_own_page_or_a_program_is_taken_whatever_its_type() {
    let app = app().await;
    for (year, said) in (2001..).zip(welcome(&app.address)) {
        let path = format!("/api/surveys?period={year}&level=city&again=yes");
        let request = saying(&app, &Method::POST, &path, &said).header("content-type", "application/x-www-form-urlencoded");
        let answer = app.send(request.body(city::one_of_each().text())).await;
        assert_eq!(answer.status, 201, "{said:?}: {}", answer.text());
    }
}

/// The page whose own name was made to resolve to this machine is of the same origin, for the browser.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_foreign_name_nothing_is_read_either() {
    let app = app().await;
    let mut paths: Vec<String> = listed(&app.read("/openapi.json").await).into_iter().map(|(_, path)| path).collect();
    paths.extend(["/", "/index.html", "/openapi.json", "/nothing"].map(str::to_owned));
    for path in paths {
        let answer = app.send(app.request(Method::GET, &path.replace(['{', '}'], "")).header("host", "evil.example")).await;
        if ["/health", "/ready"].contains(&path.as_str()) {
            assert_eq!(answer.status, 200, "{path}");
        } else {
            answer.problem(421, "unknown_host");
        }
    }
}

/// Tools and pages that merely look are not asked where they come from; what they may read, the browser decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_nothing_is_answered_wherever_it_is_asked_from() {
    let app = app().await;
    for said in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "none")] {
        let answer = app.send(app.request(Method::GET, "/api/surveys").header(said.0, said.1)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_page_may_send_forms_to_no_other_site() {
    let app = TestApp::bare().await;
    let policy = app.get("/").await.header("content-security-policy").to_owned();
    for directive in ["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'", "default-src 'self'"] {
        assert!(policy.split("; ").any(|one| one == directive), "{directive} is not in {policy}");
    }
}

/// The body of what is refused is not waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_upload_is_refused_before_its_body_comes() {
    let app = TestApp::bare().await;
    let answer = super::edge::announce(&app, &format!("/api/surveys?{APRIL}"), "Content-Length: 1000000\r\nOrigin: http://evil.example").await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("/problems/cross_site") && answer.contains("connection: close"), "{answer}");
}
