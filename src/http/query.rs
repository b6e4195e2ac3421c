//! Parameters from words to values, once; what cannot be read is a problem that names the parameter.

use super::Problem;
use crate::service::{Service, why_not};
use axum::extract::{self, FromRequestParts, RawPathParams, path::ErrorKind, rejection::PathRejection};
use axum::http::request::Parts;
use axum_extra::extract::{Query as Repeatable, QueryRejection};
use serde::de::DeserializeOwned;
use std::{num::ParseIntError, str::FromStr};
use tuban_engine::model::{COUNTIES, NotAPeriod, NotAWord, Period, PeriodRange, Words};
use tuban_geom::{Bounds, UnknownCrs};

/// Why a text is no value of some kind, in both languages of the house: what a parser of another's says is for programmers.
pub trait Why {
    /// Chinese and English.
    fn words(&self) -> Words;
}

impl Why for ParseIntError {
    fn words(&self) -> Words {
        Words::new("应为整数，且不过大或过小", "must be a whole number, and neither too large nor too small")
    }
}

impl Why for jiff::Error {
    fn words(&self) -> Words {
        Words::new("应为日期，如 2022-04-01", "must be a day, such as 2022-04-01")
    }
}

impl Why for NotAWord {
    fn words(&self) -> Words {
        Self::words(self)
    }
}

impl Why for NotAPeriod {
    fn words(&self) -> Words {
        Self::words(self)
    }
}

impl Why for UnknownCrs {
    fn words(&self) -> Words {
        why_not(&self.name)
    }
}

/// Reads a parameter.
pub fn read<T: FromStr<Err: Why>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|why: T::Err| Problem::parameter(name, &why.words()))
}

/// A parameter that must be there.
pub fn needed<'t>(name: &str, text: Option<&'t str>) -> Result<&'t str, Problem> {
    text.ok_or_else(|| Problem::parameter(name, &Words::new("必须给出", "is required")))
}

/// Reads a parameter that must be there.
pub fn read_needed<T: FromStr<Err: Why>>(name: &str, text: Option<&str>) -> Result<T, Problem> {
    read(name, needed(name, text)?)
}

/// Reads a parameter that may be absent.
pub fn read_if<T: FromStr<Err: Why>>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    text.map(|text| read(name, text)).transpose()
}

/// Reads `limit`, from 1 to `most`; `usual` where it is absent.
pub fn limit(text: Option<&str>, usual: u32, most: u32) -> Result<u32, Problem> {
    let limit = read_if("limit", text)?.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::parameter("limit", &Words::new(format!("应为 1 到 {most}"), format!("must be 1 to {most}"))))
}

/// Reads a parameter of one word: whether it is said.
pub fn said(name: &str, word: &str, text: Option<&str>) -> Result<bool, Problem> {
    match text {
        None => Ok(false),
        Some(text) if text == word => Ok(true),
        Some(text) => Err(Problem::parameter(name, &NotAWord::new(text, &[word]).words())),
    }
}

/// Reads a parameter that says yes or no, of which `no` is usual.
pub fn yes_or_no(name: &str, text: Option<&str>) -> Result<bool, Problem> {
    match text {
        None | Some("no" | "false") => Ok(false),
        Some("yes" | "true") => Ok(true),
        Some(text) => Err(Problem::parameter(name, &NotAWord::new(text, &["yes", "no"]).words())),
    }
}

/// Reads `period` and `until`.
pub fn range(from: Option<&str>, until: Option<&str>) -> Result<Option<PeriodRange>, Problem> {
    let (period, until) = (read_if::<Period>("period", from)?, read_if::<Period>("until", until)?);
    match period {
        Some(period) => PeriodRange::new(period, until).map(Some).map_err(|why| Problem::parameter("until", &why)),
        None if until.is_some() => Err(Problem::parameter("period", &Words::new("给了 until，就要给出从哪一期开始", "until needs a period to start from"))),
        None => Ok(None),
    }
}

/// Reads `bbox=west,south,east,north`. One written latitude first is told from one that is elsewhere by `city`, the box of the counties in force.
pub fn bbox(text: Option<&str>, city: Option<&Bounds>) -> Result<Option<Bounds>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let wrong = |zh: &str, en: &str| {
        Problem::parameter("bbox", &Words::new(format!("应为“西,南,东,北”，单位为度：{zh}"), format!("must be west,south,east,north in degrees: {en}")))
    };
    let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect();
    let Some([west, south, east, north]) = numbers.and_then(|numbers| <[f64; 4]>::try_from(numbers).ok()) else {
        return Err(wrong("要四个数", "four numbers"));
    };
    let swapped = || wrong("经度在前，纬度在后", "longitude comes first");
    if south.abs() > 90.0 || north.abs() > 90.0 {
        return Err(swapped());
    }
    if west.abs() > 180.0 || east.abs() > 180.0 {
        return Err(wrong("这些数像是米，不是度", "degrees, not metres"));
    }
    if west > east || south > north {
        return Err(wrong("西 ≤ 东，南 ≤ 北", "west ≤ east, south ≤ north"));
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
pub async fn county(service: &Service, text: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    if text.len() == 6 && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(Some(text.to_owned()));
    }
    let counties = service.counties().await?;
    let in_force = counties.iter().find(|county| county.name == text).map(|county| county.code.clone());
    let of_standard = || COUNTIES.iter().find(|(_, name)| *name == text).map(|(code, _)| (*code).to_owned());
    in_force.or_else(of_standard).map(Some).ok_or_else(|| {
        let all: Vec<String> = counties.iter().map(|county| format!("{} {}", county.code, county.name)).collect();
        let all = all.join("、");
        Problem::parameter("county", &Words::new(format!("应为六位代码或名称：{all}"), format!("must be six digits or a name: {all}")))
    })
}

impl From<QueryRejection> for Problem {
    fn from(_: QueryRejection) -> Self {
        Self::parameter("query", &Words::new("查询参数无法读取", "the query string cannot be read"))
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
        let raw = RawPathParams::from_request_parts(parts, state).await.ok();
        let read = extract::Path::from_request_parts(parts, state).await;
        read.map(|path| Self(path.0)).map_err(|rejection| no_such_place(&rejection, raw.as_ref()))
    }
}
