//! The page, built by `make` from `web/` and carried in the binary.

use super::Problem;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Page;

/// Any path that is no route: a file of the page, or 404.
pub async fn page(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") || !matches!(method, Method::GET | Method::HEAD) {
        return Problem::not_found(["地址", "address"], uri.path()).into_response();
    }
    let path = if path.is_empty() { "index.html" } else { path };
    match Page::get(path) {
        Some(file) => {
            // Vite names files by their content; only the page itself must be asked for again.
            let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            ([(header::CONTENT_TYPE, file.metadata.mimetype().to_owned()), (header::CACHE_CONTROL, caching.to_owned())], file.data).into_response()
        }
        None => Problem::not_found(["地址", "address"], uri.path()).into_response(),
    }
}

/// A route asked with a method it does not have.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let words = tuban_engine::model::Words::new(format!("{} 不支持 {method}", uri.path()), format!("{} does not take {method}", uri.path()));
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", words)
}
