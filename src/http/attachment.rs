//! A file as an answer, to be saved under its name.

use super::Problem;
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::Stream;
use std::fmt::Write;

/// A file to be saved under its name.
pub(super) fn attachment(
    name: &str,
    media_type: &str,
    length: u64,
    chunks: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> Result<Response, Problem> {
    let value = |text: &str| HeaderValue::try_from(text).map_err(|error| Problem::internal(&error));
    let headers = [
        (header::CONTENT_TYPE, value(media_type)?),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (header::CONTENT_DISPOSITION, value(&disposition(name))?),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// RFC 6266: a name for those that know letters only, and the name itself as RFC 5987 writes it.
fn disposition(name: &str) -> String {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let mut text = format!("attachment; filename=\"export.{ending}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
