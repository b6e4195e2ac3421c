//! Parameters from words to values, once; what cannot be read is a problem that names the parameter.

use super::Problem;
use crate::geom::Bounds;
use crate::land::{COUNTIES, NotAPeriod, Period, PeriodRange};
use crate::monitor::Monitor;
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

/// Reads a parameter that may be absent.
pub fn read_if<T: FromStr<Err: std::fmt::Display>>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    text.map(|text| read(name, text)).transpose()
}

/// Reads a period.
pub fn period(name: &str, text: &str) -> Result<Period, Problem> {
    text.parse().map_err(|wrong: NotAPeriod| Problem::parameter_in_words(name, &wrong.words()))
}

/// Reads `period` and `until`.
pub fn range(from: Option<&str>, until: Option<&str>) -> Result<Option<PeriodRange>, Problem> {
    let read = |name, text: Option<&str>| text.map(|text| period(name, text)).transpose();
    let (period, until) = (read("period", from)?, read("until", until)?);
    match period {
        Some(period) => PeriodRange::new(period, until).map(Some).map_err(|why| Problem::parameter("until", &why)),
        None if until.is_some() => Err(Problem::parameter("period", "until needs a period to start from")),
        None => Ok(None),
    }
}

/// Reads `bbox=west,south,east,north`. One written latitude first is told from one that is elsewhere by `city`, the box of the counties in force.
pub fn bbox(text: Option<&str>, city: Option<&Bounds>) -> Result<Option<Bounds>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let wrong = |why: &str| Problem::parameter("bbox", &format!("west,south,east,north in degrees (西,南,东,北): {why}"));
    let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect();
    let Some([west, south, east, north]) = numbers.and_then(|numbers| <[f64; 4]>::try_from(numbers).ok()) else {
        return Err(wrong("four numbers (四个数)"));
    };
    let swapped = || wrong("longitude comes first (经度在前，纬度在后)");
    if south.abs() > 90.0 || north.abs() > 90.0 {
        return Err(swapped());
    }
    if west.abs() > 180.0 || east.abs() > 180.0 {
        return Err(wrong("degrees, not metres (应为度，不是米)"));
    }
    if west > east || south > north {
        return Err(wrong("west ≤ east, south ≤ north (西≤东，南≤北)"));
    }
    let bounds = Bounds { min: [west, south], max: [east, north] };
    let latitude_first = Bounds { min: [south, west], max: [north, east] };
    match city {
        Some(city) if !bounds.touches(city) && latitude_first.touches(city) => Err(swapped()),
        _ => Ok(Some(bounds)),
    }
}

/// Reads `county`: six digits, or the name of a county.
///
/// # Errors
/// Where it is neither; the problem lists the counties in force.
pub async fn county(monitor: &Monitor, text: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    if text.len() == 6 && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(Some(text.to_owned()));
    }
    let counties = monitor.counties().await?;
    let in_force = counties.iter().find(|county| county.name == text).map(|county| county.code.clone());
    let of_standard = || COUNTIES.iter().find(|(_, name)| *name == text).map(|(code, _)| (*code).to_owned());
    in_force.or_else(of_standard).map(Some).ok_or_else(|| {
        let all: Vec<String> = counties.iter().map(|county| format!("{} {}", county.code, county.name)).collect();
        Problem::parameter("county", &format!("six digits or a name (六位代码或名称): {}", all.join("、")))
    })
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
