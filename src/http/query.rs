//! Parameters from words to values, once; what cannot be read is a problem that names the parameter.

use super::Problem;
use crate::geom::Bounds;
use crate::land::{NotAPeriod, Period, PeriodRange};
use axum::extract::{self, FromRequestParts, rejection::PathRejection};
use axum::http::request::Parts;
use axum_extra::extract::{Query as Repeatable, QueryRejection};
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// Reads a parameter.
pub fn read<T: FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|why| Problem::parameter(name, &format!("{why}")))
}

/// Reads a parameter that must be there.
pub fn read_needed<T: FromStr<Err: std::fmt::Display>>(name: &str, text: Option<&str>) -> Result<T, Problem> {
    read(name, text.ok_or_else(|| Problem::parameter(name, "is required"))?)
}

/// Reads a parameter that may be absent; an empty one counts as absent.
pub fn read_if<T: FromStr<Err: std::fmt::Display>>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    text.filter(|text| !text.is_empty()).map(|text| read(name, text)).transpose()
}

/// Reads a period.
pub fn period(name: &str, text: &str) -> Result<Period, Problem> {
    text.parse().map_err(|wrong: NotAPeriod| Problem::parameter_in_words(name, wrong.words()))
}

/// Reads `period` and `until`.
pub fn range(from: Option<&str>, until: Option<&str>) -> Result<Option<PeriodRange>, Problem> {
    let read = |name, text: Option<&str>| text.filter(|text| !text.is_empty()).map(|text| period(name, text)).transpose();
    let (period, until) = (read("period", from)?, read("until", until)?);
    match period {
        Some(period) => PeriodRange::new(period, until).map(Some).map_err(|why| Problem::parameter("until", &why)),
        None if until.is_some() => Err(Problem::parameter("period", "until needs a period to start from")),
        None => Ok(None),
    }
}

/// Reads `bbox=west,south,east,north`.
pub fn bbox(text: Option<&str>) -> Result<Option<Bounds>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = || Problem::parameter("bbox", "west,south,east,north in degrees");
    let numbers: Vec<f64> =
        text.split(',').map(|number| number.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect::<Option<_>>().ok_or_else(wrong)?;
    match numbers[..] {
        [west, south, east, north] if west <= east && south <= north => Ok(Some(Bounds { min: [west, south], max: [east, north] })),
        _ => Err(wrong()),
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::parameter("query", &rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::parameter("path", &rejection.body_text())
    }
}

/// `Query` whose rejection is a problem, and in which a parameter may be repeated.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(Repeatable::from_request_parts(parts, state).await?.0))
    }
}

/// `Path` whose rejection is a problem.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(extract::Path::from_request_parts(parts, state).await?.0))
    }
}
