//! Query strings and paths from text to values, once, by one extractor; what cannot be read is a problem that names the parameter.
//!
//! The type of a field says everything of its parameter: how it is read, whether it must be there, and its schema in the OpenAPI document.

use super::Problem;
use super::values::Value;
use axum::extract::{self, FromRequestParts, RawPathParams, path::ErrorKind, rejection::PathRejection};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use tuban_engine::model::{Period, PeriodRange, Words};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ArrayBuilder, RefOr, Required, Schema};

/// The parameters of a request, in their order.
#[derive(Debug)]
pub struct Given<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Given<'q> {
    /// Takes a query string apart.
    fn of(query: &'q str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// What is given under a name.
    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, text)| &**text)
    }

    /// Reads the field of a query.
    pub fn field<F: Field>(&self, name: &str) -> Result<F, Problem> {
        F::read(name, self.texts(name))
    }
}

/// A field of a query: a [`Value`] that must be there, an `Option` of one that may be absent, or a `Vec` of one that may be repeated.
pub trait Field: Sized {
    /// Whether the parameter must be there.
    const REQUIRED: bool;

    /// Reads what is given under the parameter's name.
    fn read<'t>(name: &str, texts: impl Iterator<Item = &'t str>) -> Result<Self, Problem>;

    /// Its JSON Schema.
    fn schema() -> Schema;
}

/// Reads one value of a parameter.
pub fn value<V: Value>(name: &str, text: &str) -> Result<V, Problem> {
    V::read(text).map_err(|why| Problem::parameter(name, &why))
}

impl<V: Value> Field for V {
    const REQUIRED: bool = true;

    fn read<'t>(name: &str, mut texts: impl Iterator<Item = &'t str>) -> Result<Self, Problem> {
        value(name, texts.next().ok_or_else(|| Problem::parameter(name, &V::missing()))?)
    }

    fn schema() -> Schema {
        V::schema().into()
    }
}

impl<V: Value> Field for Option<V> {
    const REQUIRED: bool = false;

    fn read<'t>(name: &str, mut texts: impl Iterator<Item = &'t str>) -> Result<Self, Problem> {
        texts.next().map(|text| value(name, text)).transpose()
    }

    fn schema() -> Schema {
        V::schema().into()
    }
}

impl<V: Value> Field for Vec<V> {
    const REQUIRED: bool = false;

    fn read<'t>(name: &str, texts: impl Iterator<Item = &'t str>) -> Result<Self, Problem> {
        texts.map(|text| value(name, text)).collect()
    }

    fn schema() -> Schema {
        ArrayBuilder::new().items(RefOr::T(V::schema().into())).into()
    }
}

/// How the OpenAPI document describes a field.
pub fn described<F: Field>(name: &str, description: &[&str]) -> Parameter {
    let description = description.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n");
    let required = if F::REQUIRED { Required::True } else { Required::False };
    ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).description(Some(description)).required(required).schema(Some(F::schema())).build()
}

/// A type that is read from a query string: [`query!`](crate::http::query::query) makes them.
pub trait FromQuery: Sized {
    /// Reads the fields in their order; the first one that cannot be read is the problem.
    fn from_query(given: &Given<'_>) -> Result<Self, Problem>;
}

/// Declares the parameters of an operation: a struct whose fields are read from the query string and listed in the OpenAPI document, with their doc comments.
macro_rules! query {
    ($(#[$outer:meta])* $visible:vis struct $name:ident { $($(#[doc = $doc:literal])* $field:ident: $type:ty),+ $(,)? }) => {
        $(#[$outer])*
        $visible struct $name { $($(#[doc = $doc])* $field: $type),+ }

        impl $crate::http::query::FromQuery for $name {
            fn from_query(given: &$crate::http::query::Given<'_>) -> Result<Self, $crate::http::Problem> {
                Ok(Self { $($field: given.field(stringify!($field))?),+ })
            }
        }

        impl utoipa::IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
                vec![$($crate::http::query::described::<$type>(stringify!($field), &[$($doc),*])),+]
            }
        }
    };
}
pub(super) use query;

/// `period` and `until` together.
pub fn range(from: Option<Period>, until: Option<Period>) -> Result<Option<PeriodRange>, Problem> {
    match from {
        Some(from) => PeriodRange::new(from, until).map(Some).map_err(|why| Problem::parameter("until", &why)),
        None if until.is_some() => Err(Problem::parameter("period", &Words::new("给了 until，就要给出从哪一期开始", "until needs a period to start from"))),
        None => Ok(None),
    }
}

/// Extracts the parameters of an operation; the rejection is a problem that names the parameter at fault.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: FromQuery, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        T::from_query(&Given::of(parts.uri.query().unwrap_or_default())).map(Self)
    }
}

/// A path that names no thing: the part at fault, by its name.
fn no_such_place(rejection: &PathRejection, parts: Option<&RawPathParams>) -> Problem {
    let found = match rejection {
        PathRejection::FailedToDeserializePathParams(failed) => match failed.kind() {
            ErrorKind::ParseError { value, .. } | ErrorKind::ParseErrorAtIndex { value, .. } | ErrorKind::ParseErrorAtKey { value, .. } => Some(value),
            _ => None,
        },
        _ => None,
    };
    let Some(value) = found else { return Problem::parameter("path", &Words::new("地址无法读取", "the path cannot be read")) };
    let name = parts.and_then(|parts| parts.iter().find(|(_, text)| text == value)).map_or("path", |(name, _)| name);
    let words = Words::new(format!("“{value}”应为整数，且不过大或过小"), format!("“{value}” must be a whole number, and neither too large nor too small"));
    Problem::parameter(name, &words)
}

/// `Path` whose rejection is a problem.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let raw = RawPathParams::from_request_parts(parts, state).await.ok();
        let read = extract::Path::from_request_parts(parts, state).await;
        read.map(|path| Self(path.0)).map_err(|rejection| no_such_place(&rejection, raw.as_ref()))
    }
}
