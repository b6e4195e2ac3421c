//! What `/openapi.json` says beside what each handler says of itself.

use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

/// Errors are sent as this.
const PROBLEM: &str = "application/problem+json";

/// The document, with what holds for many operations: whose errors are problems, and which errors each may meet wherever it is.
pub(super) fn described(mut openapi: OpenApi) -> OpenApi {
    openapi.info = InfoBuilder::new()
        .title("Tuban 图斑")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Land-use monitoring: what does every patch occupy, and why. Errors are RFC 9457 problems."))
        .build();
    for (path, item) in &mut openapi.paths.paths {
        let reads = item.get.iter_mut().map(|operation| (operation, false));
        let writes = [&mut item.post, &mut item.delete].into_iter().flatten().map(|operation| (operation, true));
        for (operation, writes) in reads.chain(writes) {
            describe(operation, path.starts_with("/api"), writes);
        }
    }
    openapi
}

fn describe(operation: &mut Operation, is_api: bool, writes: bool) {
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with('4'), response) {
            response.content = std::mem::take(&mut response.content).into_values().map(|content| (PROBLEM.to_owned(), content)).collect();
        }
    }
    let in_path =
        operation.parameters.iter().flatten().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path));
    let everywhere = [
        (is_api, "400", "a parameter is unknown or cannot be understood"),
        (in_path, "404", "there is nothing of that number or name"),
        (writes, "403", "a page of another site asks: `cross_site`"),
        (is_api, "421", "the request is for a host that was not configured: `unknown_host`"),
    ];
    for (_, status, why) in everywhere.into_iter().filter(|(holds, ..)| *holds) {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(why)));
    }
}

fn problem(why: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(why).content(PROBLEM, content).build()
}
