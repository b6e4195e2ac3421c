//! Why something was not done: refused, with the reason and the place, or failed.

use crate::formats::ReadError;
use crate::scope::Scope;
use crate::store::{StoreError, is_no_room};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use tuban_engine::model::{Reject, Words};
use tuban_geom::Crs;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// What was sent cannot be taken, with the reason and the place.
    #[error("{}", .0.words.en)]
    Refused(Box<Refusal>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file names its CRS only after its features, which were read in another: read it again in this one.
    #[error("the CRS {0} is named only after the features")]
    LateCrs(Crs),
    /// Counties with these codes hold others and are to be left out, which is known only after all were read: read the file again without them.
    #[error("counties {0:?} hold others")]
    Holders(std::collections::BTreeSet<String>),
    /// The disk.
    #[error("file: {0}")]
    Io(std::io::Error),
    /// A defect of ours.
    #[error("{0}")]
    Broken(String),
    /// The job waits until a full disk has room, and is carried out then.
    #[error("job {0} waits for room on a disk")]
    WaitsForRoom(String),
    /// A defect of ours, met by the node that carried this job out, and logged there.
    #[error("job {0} failed")]
    FailedJob(String),
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// It is not what it says it is: 400.
    Unreadable,
    /// It is of a kind that is not taken: 415.
    Unsupported,
    /// It can be read but not accepted: 422.
    Unacceptable,
    /// It is in order, but cannot be done here or now: 503.
    Unavailable,
    /// It was there, and is not kept any more: 410.
    Gone,
    /// It would do something that was not asked for: 409.
    Conflict,
    /// Who asks may not do it: 403.
    Forbidden,
}

/// What was sent cannot be taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// How bad it is.
    pub kind: RefusalKind,
    /// A word for programs.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub words: Words,
    /// RFC 6901 pointer to the fault.
    pub pointer: Option<String>,
    /// Features refused, where that is why.
    pub rejects: Vec<Reject>,
    /// What to say with the file so that it can be taken, as a parameter of the API: `empty=yes`.
    #[serde(default)]
    pub offer: Option<String>,
    /// Where only people can know which is right: what they may say, each as a parameter of the API and its value.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What else programs need to know, by name: counts, numbers of surveys.
    #[serde(default)]
    pub members: serde_json::Map<String, serde_json::Value>,
}

impl Refusal {
    /// A refusal without a place.
    #[must_use]
    pub fn new(kind: RefusalKind, code: &'static str, words: Words) -> Self {
        Self { kind, code: Cow::Borrowed(code), words, pointer: None, rejects: Vec::new(), offer: None, choices: Vec::new(), members: serde_json::Map::new() }
    }

    /// With these answers to choose among.
    #[must_use]
    pub fn choices(self, choices: &[&str]) -> Self {
        Self { choices: choices.iter().map(|choice| (*choice).to_owned()).collect(), ..self }
    }

    /// With these members, an object.
    #[must_use]
    pub fn with(self, members: serde_json::Value) -> Self {
        let members = if let serde_json::Value::Object(members) = members { members } else { serde_json::Map::new() };
        Self { members, ..self }
    }
}

/// Refuses what is for *all* only to a scope of counties.
pub(super) fn for_all_only(scope: &Scope) -> Result<(), Refusal> {
    let words = || Words::new("只有全市范围的用户可以执行此操作（涉及所有县区）", "this concerns all counties, so only who may see all of them may do it");
    if scope.is_all() { Ok(()) } else { Err(Refusal::new(RefusalKind::Forbidden, "for_all_only", words())) }
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<std::io::Error> for ServiceError {
    /// A disk that takes nothing more is told as one, whether the store or this process meets it.
    fn from(error: std::io::Error) -> Self {
        if is_no_room(&error) { Self::Store(error.into()) } else { Self::Io(error) }
    }
}

impl ServiceError {
    /// Whether a disk takes nothing more, so that the same succeeds once there is room.
    #[must_use]
    pub fn is_no_room(&self) -> bool {
        matches!(self, Self::Store(StoreError::NoRoom(_)))
    }
}

impl From<ReadError> for ServiceError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error.into(),
            ReadError::CrsAfterFeatures(crs) => Self::LateCrs(crs),
            ReadError::Refused(refused) => {
                let kind = match refused.code {
                    "unsupported_format" | "no_ogr" => RefusalKind::Unsupported,
                    "several_layers" | "no_such_layer" | "no_polygons" => RefusalKind::Unacceptable,
                    _ => RefusalKind::Unreadable,
                };
                Refusal { pointer: refused.pointer, ..Refusal::new(kind, refused.code, refused.words) }.into()
            }
        }
    }
}
