//! Confirmed verdicts from a table: looked at before they count, then recorded all or none.

use super::{
    Desk, Problem,
    answers::FiledAnswer,
    query::{Query, query},
    upload::{spool, too_large},
    values::YesOrNo,
};
use crate::scope::Scope;
use crate::service::{
    ServiceError,
    verdicts::{Change, Filed, Filer, TABLE_BYTES},
};
use axum::{
    Json,
    extract::{Request, State},
};
use serde::Serialize;
use std::collections::BTreeMap;
use tuban_engine::model::{Reject, Signature};
use utoipa::ToSchema;

query! {
    /// Whose verdicts they are.
    #[derive(Debug)]
    pub struct VerdictsQuery {
        /// Only patches of the survey with this number; else patch ids must be of one survey only, or the table says which.
        survey: Option<i64>,
        /// Who files; “—” where absent.
        by: Option<String>,
        /// `yes`: only tell what would change; `no` (default): record all, or none where a row is wrong.
        preview: Option<YesOrNo>,
    }
}

/// What a table of verdicts changed, or would.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Filing)]
pub struct VerdictsAnswer {
    /// Whether nothing was recorded because a preview was asked for.
    preview: bool,
    /// Who files.
    by: String,
    /// Patches that had no confirmed verdict.
    new: u64,
    /// Patches that had another one.
    changed: u64,
    /// Patches that had the very same: it stays with who filed it and when.
    same: u64,
    /// Rows without a verdict: nothing changes for them.
    without: u64,
    /// Rows that are wrong; all verdicts stay out while there are any.
    refused: u64,
    /// The heading of each column that was taken for one of ours; several where an area is there in several units.
    columns: BTreeMap<&'static str, Vec<String>>,
    /// What changes, row by row; the first thousand.
    changes: Vec<ChangeAnswer>,
    /// What is wrong with which row; the first thousand faults.
    rejects: Vec<Reject>,
}

/// A patch whose confirmed verdict changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FilingChange)]
struct ChangeAnswer {
    /// Row in the spreadsheet, from 1; the heading has one, too.
    row: u64,
    patch_id: String,
    /// What it had; null where it had none.
    before: Option<FiledAnswer>,
    after: FiledAnswer,
}

impl VerdictsAnswer {
    fn new(filed: Filed, filer: &Filer) -> Self {
        let mut columns: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for (ours, heading) in filed.columns {
            columns.entry(ours).or_default().push(heading);
        }
        Self {
            preview: filer.preview,
            by: filer.by.clone().unwrap_or_else(|| Signature::NOBODY.to_owned()),
            new: filed.new,
            changed: filed.changed,
            same: filed.same,
            without: filed.without,
            refused: filed.refused_rows,
            columns,
            changes: filed.changes.into_iter().map(Into::into).collect(),
            rejects: filed.refused,
        }
    }
}

impl From<Change> for ChangeAnswer {
    fn from(change: Change) -> Self {
        let Change { row, before, after } = change;
        Self { row, patch_id: after.patch_id.clone(), before: before.map(|before| FiledAnswer::new(&before, None)), after: FiledAnswer::new(&after, None) }
    }
}

/// Takes confirmed verdicts in: a table (CSV or XLSX) as raw body or as part `file` of a form.
#[utoipa::path(post, path = "/api/verdicts", tag = "patches", params(VerdictsQuery), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = OK, body = VerdictsAnswer), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = PAYLOAD_TOO_LARGE, body = Problem),
        (status = UNPROCESSABLE_ENTITY, body = Problem)))]
pub async fn file_verdicts(
    State(desk): State<Desk>,
    scope: Scope,
    Query(query): Query<VerdictsQuery>,
    request: Request,
) -> Result<Json<VerdictsAnswer>, Problem> {
    let filer = Filer { survey: query.survey, by: query.by.map(|by| by.trim().to_owned()), preview: YesOrNo::is_yes(query.preview) };
    let spooled = spool(&desk, request).await?;
    if spooled.bytes > TABLE_BYTES {
        return Err(too_large(TABLE_BYTES));
    }
    // A table in memory is many times as long as its file.
    let _turn = desk.inspections.acquire().await;
    let table = std::fs::File::open(spooled.path()).map_err(ServiceError::from)?;
    let filed = desk.service.file_table(&scope, &filer, table).await?;
    Ok(Json(VerdictsAnswer::new(filed, &filer)))
}
