//! Content negotiation: a request that refuses `identity` is answered all the same.
//!
//! RFC 9110, 12.5.3 lets a server disregard `Accept-Encoding`. Answering 406 instead would come too late: the layer that compresses does so once the handler is
//! done, when an upload is stored already.

use axum::extract::Request;
use axum::http::{HeaderValue, header};

/// Takes what is said of `identity` and `*` out of the header, so that what is left can always be satisfied.
pub(super) async fn only_real_ones(mut request: Request) -> Request {
    let headers = request.headers_mut();
    let said: Vec<&str> = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|said| said.to_str().ok()).flat_map(|said| said.split(',')).collect();
    let name = |one: &str| one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let real: Vec<&str> = said.iter().copied().filter(|one| !matches!(name(one).as_str(), "" | "identity" | "*")).collect();
    if real.len() == said.len() {
        return request;
    }
    let left = (!real.is_empty()).then(|| HeaderValue::try_from(real.join(",")));
    headers.remove(header::ACCEPT_ENCODING);
    if let Some(Ok(left)) = left {
        headers.insert(header::ACCEPT_ENCODING, left);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn left(said: &[&'static str]) -> Option<String> {
        let mut request = Request::default();
        for said in said {
            request.headers_mut().append(header::ACCEPT_ENCODING, HeaderValue::from_static(said));
        }
        only_real_ones(request).await.headers().get(header::ACCEPT_ENCODING).map(|left| left.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn only_what_names_a_coding_is_left() {
        assert_eq!(left(&["identity;q=0"]).await, None);
        assert_eq!(left(&["*;q=0"]).await, None);
        assert_eq!(left(&["identity;q=0, gzip;q=0.5"]).await.unwrap().trim(), "gzip;q=0.5");
        assert_eq!(left(&["gzip;q=0", "Identity; q=0"]).await.as_deref(), Some("gzip;q=0"));
        assert_eq!(left(&["gzip, br"]).await.as_deref(), Some("gzip, br"));
        assert_eq!(left(&[]).await, None);
    }
}
