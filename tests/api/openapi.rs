//! `/openapi.json`: the machine's version of docs/API.md.

use super::app::{TestApp, text};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;

/// Method and path of every row of the table in docs/API.md.
fn documented() -> BTreeSet<(String, String)> {
    let rows = include_str!("../../docs/API.md").lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.filter_map(|(request, _)| {
        let (method, url) = request.split_once(' ')?;
        Some((method.to_lowercase(), url.split('?').next()?.trim_end_matches(".mvt").to_owned()))
    })
    .collect()
}

/// Method and path of everything the document lists.
pub(super) fn listed(document: &Value) -> BTreeSet<(String, String)> {
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())))
        .collect()
}

/// Every operation of a service, with numbers in the place of what its path names.
pub(super) async fn operations(app: &TestApp) -> Vec<(Method, String)> {
    let named = |path: &str| path.replace("{source}", "county").replace(['{', '}'], "").replace("/id", "/1");
    listed(&app.read("/openapi.json").await).into_iter().map(|(method, path)| (method.to_uppercase().parse().unwrap(), named(&path))).collect()
}

/// Every `$ref` in a document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").map(text));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(elements) => elements.iter().for_each(|element| references(element, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_lists_every_route_that_is_documented_and_no_other() {
    let document = TestApp::bare().await.read("/openapi.json").await;
    let mut expected = documented();
    assert!(expected.remove(&("get".to_owned(), "/openapi.json".to_owned())), "the document does not list itself");
    assert!(expected.len() >= 14, "{expected:?}");
    assert_eq!(listed(&document), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_path_it_lists_is_a_route() {
    let app = TestApp::bare().await;
    for (method, url) in operations(&app).await {
        let answer = app.send(app.request(method.clone(), &url)).await;
        let says = answer.text();
        assert!(answer.status != 405 && !says.contains("没有这个地址"), "{method} {url}: {says}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_sound_openapi_document() {
    let document = TestApp::bare().await.read("/openapi.json").await;
    assert!(text(&document["openapi"]).starts_with("3.1."));
    for said in [&document["info"]["title"], &document["info"]["version"]] {
        assert!(!text(said).is_empty());
    }
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 30);
    for reference in found {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference} leads nowhere");
    }
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(!operation["responses"].as_object().unwrap().is_empty(), "{place}");
            assert!(operations.insert(text(&operation["operationId"])), "{place}: operationId is there twice");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path: BTreeSet<String> = parameters.iter().filter(|parameter| parameter["in"] == "path").map(|parameter| text(&parameter["name"])).collect();
            let wanted: BTreeSet<String> = path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}')).map(str::to_owned).collect();
            assert_eq!(in_path, wanted, "{place}");
            assert!(parameters.iter().filter(|parameter| parameter["in"] == "path").all(|parameter| parameter["required"] == true), "{place}");
        }
    }
}

/// Every operation refuses parameters that it does not have; whatever is named in a path may not be there; and what writes is refused to other sites.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_lists_the_errors_that_it_may_meet() {
    let document = TestApp::bare().await.read("/openapi.json").await;
    for (method, path) in listed(&document) {
        let said = &document["paths"][&path][&method]["responses"];
        let may_meet = [("400", path.starts_with("/api")), ("404", path.contains('{')), ("403", method != "get"), ("421", path.starts_with("/api"))];
        for (status, _) in may_meet.iter().filter(|(_, may)| *may) {
            let schema = &said[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
        }
    }
}

/// An error is described as what it is sent as.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_described_as_problems() {
    let document = TestApp::bare().await.read("/openapi.json").await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('4')) {
                assert!(response["content"]["application/problem+json"].is_object(), "{method} {path} {status}: {response}");
            }
        }
    }
}

/// Where the document is kept, so that every change of the interface is seen in review; the types of the page are made from it.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_the_document_that_is_kept() {
    let document = TestApp::bare().await.read("/openapi.json").await;
    let document = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if std::env::var_os("TUBAN_KEEP_OPENAPI").is_some() {
        std::fs::write(KEPT, document).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(KEPT).unwrap();
    let differs = document.lines().zip(kept.lines()).position(|(is, was)| is != was);
    assert!(document == kept, "docs/openapi.json is stale, first in line {}: run `make contract`", differs.map_or(0, |line| line + 1));
}

/// A member that may be null is always there, and every object says which of its members are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_null_is_always_there() {
    let document = TestApp::bare().await.read("/openapi.json").await;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let parts = schema["allOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
        for part in parts {
            let required: Vec<String> = part["required"].as_array().into_iter().flatten().map(text).collect();
            for (member, schema) in part["properties"].as_object().into_iter().flatten() {
                let may_be_null = schema["type"].as_array().is_some_and(|kinds| kinds.contains(&"null".into()))
                    || schema["oneOf"].as_array().is_some_and(|choices| choices.iter().any(|choice| choice["type"] == "null"));
                assert!(!may_be_null || required.contains(member), "{name}.{member}");
            }
        }
    }
}

/// Parameters have the types that they are read into.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_have_types_and_those_that_must_be_there_say_so() {
    let document = TestApp::bare().await.read("/openapi.json").await;
    let parameter = |path: &str, method: &str, name: &str| {
        let all = document["paths"][path][method]["parameters"].as_array().unwrap();
        all.iter().find(|parameter| parameter["name"] == name).unwrap().clone()
    };
    for (path, method, name, kind) in [
        ("/api/patches", "get", "survey", "integer"),
        ("/api/patches", "get", "limit", "integer"),
        ("/api/surveys", "post", "map", "array"),
        ("/api/surveys", "post", "period", "string"),
    ] {
        assert_eq!(parameter(path, method, name)["schema"]["type"], kind, "{path} {name}");
    }
    let levels = parameter("/api/surveys", "post", "level");
    assert_eq!((&levels["required"], &levels["schema"]["enum"]), (&true.into(), &serde_json::json!(["ministry", "province", "city"])));
    assert_eq!(parameter("/api/patches", "get", "limit")["schema"]["maximum"], 5000);
    for (path, method, required) in [
        ("/api/surveys", "post", vec!["period", "level"]),
        ("/api/layers", "post", vec!["kind", "name", "effective"]),
        ("/api/exports/findings", "get", vec!["format"]),
        ("/api/surveys/{id}", "delete", vec!["id", "reason"]),
        ("/api/surveys/{id}/restore", "post", vec!["id"]),
    ] {
        let all = document["paths"][path][method]["parameters"].as_array().unwrap();
        let said: Vec<String> = all.iter().filter(|parameter| parameter["required"] == true).map(|parameter| text(&parameter["name"])).collect();
        assert_eq!(said, required, "{method} {path}");
    }
}
