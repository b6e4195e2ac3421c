//! Who is asking: the one place where a request gets its [`Scope`].

use crate::scope::Scope;
use axum::{extract::FromRequestParts, http::request::Parts};
use std::convert::Infallible;

/// Without accounts every request may see and change everything.
impl<S: Send + Sync> FromRequestParts<S> for Scope {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Scope::all())
    }
}
