//! Strict query strings, before any handler: a parameter that the operation does not document is a mistake, and so is one that is empty, or that is there
//! twice where only one can count. It is answered with its name.
//!
//! The OpenAPI document is the list, so a handler need not repeat its names, and none can be forgotten: `sort=` on a list that cannot be
//! sorted would otherwise be answered with everything, as if it had been obeyed. So would `survey=`, as a script writes it whose variable is empty, and
//! `preview=` would record.

use super::Problem;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tuban_engine::model::Words;
use utoipa::openapi::{
    OpenApi, RefOr, Schema,
    path::{Parameter, ParameterIn},
};

/// Of each operation, by method and route, the names of its query parameters, and whether each may be there several times.
#[derive(Debug, Default)]
pub struct Parameters(HashMap<(Method, String), BTreeMap<String, bool>>);

impl Parameters {
    /// Those of every operation in the document.
    #[must_use]
    pub fn of(document: &OpenApi) -> Self {
        let mut all = HashMap::new();
        for (path, item) in &document.paths.paths {
            let operations =
                [(Method::GET, &item.get), (Method::POST, &item.post), (Method::PUT, &item.put), (Method::PATCH, &item.patch), (Method::DELETE, &item.delete)];
            for (method, operation) in operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?))) {
                let in_query = |parameter: &RefOr<Parameter>| match parameter {
                    RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => Some((parameter.name.clone(), is_list(parameter))),
                    _ => None,
                };
                all.insert((method, path.clone()), operation.parameters.iter().flatten().filter_map(in_query).collect());
            }
        }
        Self(all)
    }

    /// The first parameter of `query` that the operation does not have, else the first that is empty, else the first that is there again, as the problem it is.
    fn fault(&self, method: &Method, route: &str, query: &str) -> Option<Problem> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let known = self.0.get(&(method.clone(), route.to_owned()))?;
        let given = || form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !name.is_empty());
        let stranger = given().find(|(name, _)| !known.contains_key(&**name));
        let nothing = || given().find(|(_, value)| value.trim().is_empty());
        stranger.map(|(name, _)| unknown(&name, known)).or_else(|| nothing().map(|(name, _)| empty(&name))).or_else(|| {
            let mut seen = BTreeSet::new();
            let again = given().map(|(name, _)| name).find(|name| known.get(&**name) == Some(&false) && !seen.insert(name.clone()));
            again.map(|name| twice(&name))
        })
    }
}

/// Whether a parameter has several values.
fn is_list(parameter: &Parameter) -> bool {
    matches!(parameter.schema, Some(RefOr::T(Schema::Array(_))))
}

fn twice(name: &str) -> Problem {
    Problem::parameter(name, &Words::new("出现了不止一次，只能给一个值", "it is there more than once, but has one value"))
}

fn empty(name: &str) -> Problem {
    let why = Words::new("值是空的；不用这个参数时，请整个去掉", "it is empty; leave it out where nothing is meant");
    Problem::parameter(name, &why)
}

fn unknown(name: &str, known: &BTreeMap<String, bool>) -> Problem {
    let (zh, en) = if known.is_empty() {
        ("本接口没有查询参数".to_owned(), "there are none here".to_owned())
    } else {
        let all = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        (format!("可用的有：{all}"), format!("there are: {all}"))
    };
    let detail = Words::new(format!("没有名为 {name} 的参数；{zh}"), format!("there is no parameter {name}; {en}"));
    Problem { parameter: Some(name.to_owned()), ..Problem::new(StatusCode::BAD_REQUEST, "unknown_parameter", detail) }
}

/// Refuses a request with a parameter that its operation does not have, or that is empty.
pub async fn only_known(State(parameters): State<Arc<Parameters>>, route: MatchedPath, request: Request, next: Next) -> Response {
    let fault = request.uri().query().and_then(|query| parameters.fault(request.method(), route.as_str(), query));
    match fault {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}
