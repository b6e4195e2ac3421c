//! The one place where an error becomes a status: RFC 9457 problems, with the place of the fault.

use super::request_id;
use crate::service::database::{StoreError, Thing};
use crate::service::{Refusal, RefusalKind, ServiceError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tuban_engine::model::{Reject, Words};

/// A problem as it is answered.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `/problems/` and a word for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// The word's sentence, Chinese.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened here, Chinese.
    pub detail: String,
    /// What happened here, English.
    pub detail_en: String,
    /// RFC 6901 pointer into what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub pointer: Option<String>,
    /// The parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub parameter: Option<String>,
    /// The first features refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Reject>,
    /// What to send with the file so that it can be taken, where that is right: a parameter and its value, e.g. `empty=yes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub offer: Option<String>,
    /// Where only people can know which is right: what they may send with the file, e.g. `classes=2007` and `classes=2017`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// What else there is to know, by name: counts, numbers of surveys.
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: serde_json::Map<String, serde_json::Value>,
    /// Where the fault is not the sender's: the request's id, to look for in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub reference: Option<String>,
}

/// The word of the problem that a response is, for those who count.
#[derive(Debug, Clone)]
pub(super) struct Code(pub String);

/// Rejects a problem carries at most.
const REJECTS: usize = 100;

impl Problem {
    /// A problem of `status`, named by a word.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: Words) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: title(status).to_owned(),
            status: status.as_u16(),
            detail: detail.zh,
            detail_en: detail.en,
            pointer: None,
            parameter: None,
            rejects: Vec::new(),
            offer: None,
            choices: Vec::new(),
            members: serde_json::Map::new(),
            reference: if status.is_server_error() { request_id::current_id() } else { None },
        }
    }

    /// A parameter that cannot be read: 400, naming it and saying why.
    #[must_use]
    pub fn parameter(name: &str, why: &Words) -> Self {
        let detail = Words::new(format!("参数 {name} 无法识别：{}", why.zh), format!("parameter {name}: {}", why.en));
        Self { parameter: Some(name.to_owned()), ..Self::new(StatusCode::BAD_REQUEST, "parameter", detail) }
    }

    /// 404; `what` is missing in Chinese and in English.
    #[must_use]
    pub fn not_found([zh, en]: [&str; 2], key: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", Words::new(format!("没有这个{zh}：{key}"), format!("there is no {en} {key}")))
    }

    /// 507: a disk takes nothing more; nothing was stored, and what is stored can be read.
    #[must_use]
    pub fn no_room() -> Self {
        let detail = Words::new(
            "服务器磁盘空间不足（或只读），没有入库；已有数据可正常查看，请通知管理员清理磁盘后重试",
            "a disk of the service is full or read-only, so nothing was stored; what is stored can be read; have room made, then try again",
        );
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", detail)
    }

    /// A defect of ours that was logged under this reference.
    #[must_use]
    pub fn logged(reference: String) -> Self {
        let detail = Words::new(format!("服务内部错误，请把编号 {reference} 告诉管理员"), format!("the service failed; tell its administrator {reference}"));
        Self { reference: Some(reference), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail) }
    }

    /// A defect of ours: logged whole here, once, and answered with nothing but where to look.
    #[must_use]
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        let reference = request_id::current_id().unwrap_or_else(request_id::new_id);
        tracing::error!(reference, %error, "a request failed through no fault of its sender");
        Self::logged(reference)
    }
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "请求无法识别",
        403 => "不允许",
        404 => "没有找到",
        405 => "不支持的方法",
        408 => "传输过慢",
        409 => "与已有数据冲突",
        410 => "已不保留",
        413 => "内容过大",
        415 => "格式不支持",
        421 => "不是发给本服务的",
        422 => "内容不能接受",
        429 => "请求过多",
        503 => "服务暂时不可用",
        507 => "磁盘空间不足",
        _ => "服务内部错误",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.extensions_mut().insert(Code(self.kind.trim_start_matches("/problems/").to_owned()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(
            status,
            StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::FORBIDDEN
                | StatusCode::MISDIRECTED_REQUEST
        ) {
            // The body was not read to its end, so nothing can follow it.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        }
        if status == StatusCode::INSUFFICIENT_STORAGE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::NotFound { what, key } => Self::not_found([chinese(*what), what.word()], key),
            StoreError::Conflict { period, level, existing } => Self {
                members: members(&serde_json::json!({ "existing": existing, "choices": ["on_conflict=replace", "on_conflict=add"] })),
                ..Self::new(
                    StatusCode::CONFLICT,
                    "survey_exists",
                    Words::new(
                        format!("{period} 的{}批次已有监测批次 {existing}；请选择替换原批次，或者追加为新批次", level_chinese(*level)),
                        format!(
                            "period {period} at level {level} already has survey {existing}; send on_conflict=replace to replace it or on_conflict=add to keep both"
                        ),
                    ),
                )
            },
            StoreError::PeriodTaken { period, level, survey, existing } => Self {
                members: members(&serde_json::json!({ "survey": survey, "existing": existing })),
                ..Self::new(
                    StatusCode::CONFLICT,
                    "period_taken",
                    Words::new(
                        format!(
                            "{period} 的{}批次现在是监测批次 {existing}，监测批次 {survey} 不能放到这里；请先撤回监测批次 {existing}，或把其中一个移到别的期次",
                            level_chinese(*level)
                        ),
                        format!(
                            "survey {existing} is the one of period {period} at level {level}, so survey {survey} cannot be; withdraw survey {existing} first, or move one of the two"
                        ),
                    ),
                )
            },
            StoreError::LayerInUse { layer, findings } => Self::new(
                StatusCode::CONFLICT,
                "layer_in_use",
                Words::new(
                    format!("图层 {layer} 是 {findings} 个套合结果的依据，不能删除"),
                    format!("{findings} findings rest on layer {layer}, so it cannot be removed"),
                ),
            ),
            StoreError::QueueFull { jobs, own: true } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "queue_full",
                Words::new(
                    format!("您已有 {jobs} 个任务未完成，请等其中一些完成或取消后再试"),
                    format!("{jobs} of your jobs are not over yet; wait until some are, or cancel some"),
                ),
            ),
            StoreError::QueueFull { jobs, own: false } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "queue_full",
                Words::new(format!("已有 {jobs} 个任务在排队，请稍后再试"), format!("{jobs} jobs wait already; try again later")),
            ),
            StoreError::AlreadyStored(survey) => Self::new(
                StatusCode::CONFLICT,
                "already_stored",
                Words::new(format!("同一文件已作为监测批次 {} 入库", survey.id), format!("the same file is already stored as survey {}", survey.id)),
            ),
            StoreError::Unavailable(why) => {
                tracing::warn!(why, "the database is not available");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    Words::new("数据库暂时不可用，请稍后再试", "the database is not available, try again shortly"),
                )
            }
            StoreError::NoRoom(why) => {
                tracing::error!(why, "a disk takes nothing more");
                Self::no_room()
            }
            StoreError::Damaged(what) => {
                tracing::error!(what, "what is stored is damaged");
                let words = Words::new(
                    "数据库中有损坏的数据，为避免给出错误数字，本次请求没有回答；请把编号告诉管理员，由管理员运行 tuban check-store 并从备份恢复",
                    "what is stored is damaged, so this was not answered lest the figures be wrong; tell the administrator the reference, who runs tuban check-store and restores a backup",
                );
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store_damaged", words)
            }
            StoreError::VerdictsWouldGo { .. } | StoreError::SentBefore { .. } | StoreError::Database(_) | StoreError::LeaseLost(_) => Self::internal(error),
        }
    }
}

fn members(of: &serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    of.as_object().cloned().unwrap_or_default()
}

/// What the store calls a thing, as people do.
fn chinese(what: Thing) -> &'static str {
    match what {
        Thing::Survey => "监测批次",
        Thing::Patch => "图斑",
        Thing::Layer => "图层",
        Thing::County => "行政区",
        Thing::Job => "任务",
    }
}

fn level_chinese(level: tuban_engine::model::Level) -> &'static str {
    use tuban_engine::model::Level;
    match level {
        Level::Ministry => "部级",
        Level::Province => "省级",
        Level::City => "市级",
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let status = match refusal.kind {
            RefusalKind::Unreadable => StatusCode::BAD_REQUEST,
            RefusalKind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            RefusalKind::Unacceptable => StatusCode::UNPROCESSABLE_ENTITY,
            RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            RefusalKind::Gone => StatusCode::GONE,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        };
        Self {
            pointer: refusal.pointer.clone(),
            offer: refusal.offer.clone(),
            choices: refusal.choices.clone(),
            rejects: refusal.rejects.iter().take(REJECTS).cloned().collect(),
            members: refusal.members.clone(),
            ..Self::new(status, &refusal.code, refusal.words.clone())
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        Self::of(&error)
    }
}

impl Problem {
    /// The problem an error amounts to.
    #[must_use]
    pub fn of(error: &ServiceError) -> Self {
        match error {
            ServiceError::Store(error) => error.into(),
            ServiceError::Refused(refusal) => Self::from(&**refusal),
            ServiceError::WaitsForRoom(_) => Self::no_room(),
            ServiceError::FailedJob(job) => Self::logged(job.clone()),
            ServiceError::Io(_) | ServiceError::Broken(_) | ServiceError::LateCrs(_) | ServiceError::Holders(_) => Self::internal(error),
        }
    }
}
