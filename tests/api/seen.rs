//! What is seen from outside: request ids, readiness, metrics.

use super::app::{APRIL, Answer, TestApp, city, text};
use crate::cluster;
use reqwest::Method;
use std::sync::Arc;
use tuban::http::Phase;
use tuban::store::postgres::PostgresStore;

/// Asks under that id.
async fn ask_as(app: &TestApp, path: &str, id: &str) -> Answer {
    app.send(app.request(Method::GET, path).header("x-request-id", id)).await
}

/// The number on the line of the metrics that begins so.
async fn metric(app: &TestApp, line: &str) -> f64 {
    let said = app.get("/metrics").await.text();
    let value = said.lines().find_map(|one| one.strip_prefix(line)).unwrap_or_else(|| panic!("no line {line} in\n{said}"));
    value.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_keeps_the_id_it_came_with_if_that_can_do_no_harm() {
    let app = TestApp::bare().await;
    let longest = "x".repeat(64);
    for id in ["a", "9F1C-0.z_", &longest] {
        assert_eq!(ask_as(&app, "/api/about", id).await.header("x-request-id"), id);
    }
    for id in ["", "two words", "line\tbreak", "a\"b", "{}", &"x".repeat(65)] {
        let given = ask_as(&app, "/api/about", id).await.header("x-request-id").to_owned();
        assert!(given != id && given.len() == 16 && given.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}: {given}");
    }
    let (one, other) = (app.get("/").await, app.get("/api/nothing").await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_of_the_service_tells_the_request_id_and_a_fault_of_the_client_does_not() {
    let app = TestApp::bare().await;
    app.life.enter(Phase::Stopping);
    let problem = ask_as(&app, "/ready", "night-shift-7").await.problem(503, "stopping");
    assert_eq!(text(&problem["reference"]), "night-shift-7");
    let problem = ask_as(&app, "/api/nothing", "night-shift-8").await.problem(404, "not_found");
    assert_eq!(problem.get("reference"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn until_its_layers_are_loaded_it_lives_but_is_not_ready_and_measures_nothing() {
    let app = TestApp::city().await;
    app.life.enter(Phase::Starting);
    assert_eq!(app.get("/health").await.status, 200);
    for path in ["/ready", "/api/about", "/api/patches"] {
        let answer = app.get(path).await;
        answer.problem(503, "starting");
        assert_eq!(answer.header("retry-after"), "2");
    }
    app.upload(APRIL, city::one_of_each().text()).await.problem(503, "starting");
    app.life.enter(Phase::Serving);
    assert_eq!(app.read("/ready").await["status"], "ready");
    assert_eq!(app.surveys().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_it_is_not_ready_and_answers_what_still_comes() {
    let app = TestApp::city().await;
    app.life.enter(Phase::Stopping);
    app.get("/ready").await.problem(503, "stopping");
    // Nobody is kept waiting for a job by a node that goes.
    let taken = app.upload(APRIL, city::one_of_each().text()).await;
    assert_eq!(taken.status, 202, "{}", taken.text());
    while app.read(taken.header("location")).await["state"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(app.surveys().await.len(), 1);
    assert_eq!(app.get("/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_it_lives_but_is_not_ready_and_the_metrics_say_so() {
    let url = cluster::fresh_url().await;
    let name = url.split('/').nth(3).unwrap().split('?').next().unwrap().to_owned();
    let app = TestApp::over(Arc::new(PostgresStore::open(&url).await.unwrap())).await;
    assert_eq!((app.get("/ready").await.status.as_u16(), metric(&app, "tuban_store_up").await), (200, 1.0));
    let cluster = cluster::shared().await;
    cluster.administer(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    cluster.administer(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    assert_eq!(app.get("/health").await.status, 200);
    app.get("/ready").await.problem(503, "unavailable");
    assert_eq!(metric(&app, "tuban_store_up").await, 0.0);
    assert!(metric(&app, "tuban_store_failures_total").await >= 2.0);
    assert_eq!(metric(&app, "tuban_problems_total{code=\"unavailable\"}").await, 1.0);
    cluster.administer(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    assert_eq!((app.get("/ready").await.status.as_u16(), metric(&app, "tuban_store_up").await), (200, 1.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_count_requests_by_route_and_imports_by_outcome() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let again = city::one_of_each();
    assert_eq!(app.upload(APRIL, again.text()).await.status, 200);
    app.upload("period=2022-05&level=city", "{").await.problem(400, "truncated");
    app.upload(APRIL, again.patch("E1", &[city::square()]).text()).await.problem(409, "survey_exists");
    for patch in [1, 2, 99] {
        app.get(&format!("/api/patches/{patch}")).await;
    }
    app.get("/made/up").await;
    app.send(app.request(Method::from_bytes(b"MADEUP").unwrap(), "/api/layers")).await;
    for (line, expected) in [
        ("tuban_imports_total{outcome=\"stored\"}", 1.0),
        ("tuban_imports_total{outcome=\"was_there\"}", 1.0),
        ("tuban_imports_total{outcome=\"refused\"}", 1.0),
        ("tuban_imports_total{outcome=\"conflict\"}", 1.0),
        ("tuban_jobs_running", 0.0),
        ("tuban_imports_under_way", 0.0),
        // The survey has four patches: see `city::one_of_each`.
        ("tuban_findings_total", 4.0),
        ("tuban_rejects_total", 0.0),
        ("tuban_http_requests_total{method=\"GET\",route=\"/api/patches/{id}\",status=\"200\"}", 2.0),
        ("tuban_http_requests_total{method=\"GET\",route=\"/api/patches/{id}\",status=\"404\"}", 1.0),
        ("tuban_http_requests_total{method=\"GET\",route=\"page\",status=\"404\"}", 1.0),
        ("tuban_http_requests_total{method=\"other\",route=\"/api/layers\",status=\"405\"}", 1.0),
        ("tuban_http_request_duration_seconds_count{method=\"GET\",route=\"/api/patches/{id}\"}", 3.0),
        ("tuban_problems_total{code=\"not_found\"}", 2.0),
        ("tuban_atlas_current", 1.0),
    ] {
        assert_eq!(metric(&app, line).await, expected, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_name_the_layers_in_force_and_the_memory_they_take() {
    let app = TestApp::city().await;
    let answer = app.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"), "{}", answer.header("content-type"));
    assert!(answer.text().ends_with("# EOF\n"));
    for layer in app.read("/api/layers").await["layers"].as_array().unwrap() {
        let kind = text(&layer["kind"]);
        let line = format!("tuban_layer_in_force{{kind=\"{kind}\",layer=\"{}\",effective=\"2022-01-01\"}}", layer["id"]);
        assert_eq!(metric(&app, &line).await, 1.0);
        // Oracle: a position is two doubles.
        let vertices = metric(&app, &format!("tuban_layer_vertices{{kind=\"{kind}\"}}")).await;
        assert_eq!(metric(&app, &format!("tuban_layer_positions_bytes{{kind=\"{kind}\"}}")).await, 16.0 * vertices);
        assert!(vertices >= 4.0);
    }
    assert!(metric(&app, "process_resident_memory_bytes").await > 1e6);
}
