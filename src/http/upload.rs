//! A file comes in: streamed to disk under a limit, hashed on the way, or it waits here already. What is made of it is a job, answered when it is done or at once.

use super::{Client, Desk, Problem, jobs, spooled::Spooled, waiting::Waiting};
use crate::scope::Scope;
use crate::service::{Folder, Service, ServiceError, jobs::Done};
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Multipart, Request},
    http::{StatusCode, header},
    response::Response,
};
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;
use tuban_engine::model::Words;

/// A file that was sent, or waits under a token, and how its sender wants to be answered.
pub(super) struct Arrived {
    pub file: Arc<Spooled>,
    token: Option<String>,
    asynchronous: bool,
}

impl Arrived {
    /// Takes the request's file in; nothing is read where it waits under the token `from`.
    pub async fn take(desk: &Desk, client: Client, from: Option<String>, request: Request) -> Result<Self, Problem> {
        // Asked again when it is queued; a gigabyte should not be sent in vain.
        desk.service.may_queue(&desk.quota(client)).await?;
        let asynchronous = jobs::prefers_async(request.headers());
        let file = match &from {
            Some(token) => desk.waiting.get(token)?,
            None => Arc::new(spool(desk, request).await?),
        };
        Ok(Self { file, token: from, asynchronous })
    }

    /// Answers for the job that was made of it: with `answer` when it is done, or at once with the job. What was sent is in the queue and no longer needed here.
    pub async fn answer(self, desk: &Desk, scope: &Scope, job: &str, answer: impl FnOnce(Done) -> Option<Response>) -> Result<Response, Problem> {
        let ended = ended(Arc::clone(&desk.service), scope.clone(), job.to_owned(), Arc::clone(&desk.waiting), self.token);
        drop(self.file);
        if self.asynchronous {
            tokio::spawn(ended);
            return jobs::accepted_as_preferred(desk, scope, job).await;
        }
        jobs::answered(desk, scope, job, ended, answer).await
    }
}

/// Waits for an import to end. What waited under a token and was taken in need not wait any longer; what was refused may yet be corrected.
async fn ended(service: Arc<Service>, scope: Scope, job: String, waiting: Arc<Waiting>, token: Option<String>) -> Result<Done, ServiceError> {
    let done = service.ended(&scope, &job).await?;
    if let Some(token) = token {
        waiting.forget(&token);
    }
    Ok(done)
}

/// A body on its way to disk.
struct Spooling {
    file: tokio::fs::File,
    path: TempPath,
    folder: Arc<Folder>,
}

impl Spooling {
    fn begin(desk: &Desk) -> Result<Self, Problem> {
        let folder = desk.service.spool_folder()?;
        let (file, path) = tempfile::NamedTempFile::new_in(&folder.path).map_err(|error| Problem::internal(&error))?.into_parts();
        Ok(Self { file: tokio::fs::File::from_std(file), path, folder })
    }
}

/// Streams a request's file to disk, under the limit.
pub(super) async fn spool(desk: &Desk, request: Request) -> Result<Spooled, Problem> {
    let limit = desk.limits.upload_bytes;
    let announced = request.body().size_hint().lower();
    if announced > limit {
        return Err(too_large(limit));
    }
    if !desk.service.has_room_for(announced, desk.limits.reserve_bytes) {
        return Err(Problem::no_room());
    }
    let form = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if form { spool_form(desk, request).await } else { write_out(desk, None, request.into_body().into_data_stream()).await }
}

/// Bytes a form may have before its file. A form is kept in memory as far as its parts have not been told apart.
const FORM_HEAD: u64 = 4 << 20;

async fn spool_form(desk: &Desk, request: Request) -> Result<Spooled, Problem> {
    let left = Arc::new(AtomicU64::new(FORM_HEAD));
    let reading = Arc::clone(&left);
    let limited = |body: Body| {
        Body::from_stream(body.into_data_stream().map(move |chunk| {
            let chunk = chunk.map_err(|why| why.to_string())?;
            let size = chunk.len() as u64;
            let within = reading.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(size))).is_ok_and(|left| left > size);
            if within { Ok(chunk) } else { Err("too much before the file".to_owned()) }
        }))
    };
    let bad_form = |why: &str| if left.load(Ordering::Relaxed) == 0 { too_large(FORM_HEAD) } else { bad_body(why) };
    let mut parts = Multipart::from_request(request.map(limited), &()).await.map_err(|why| bad_body(&why.body_text()))?;
    while let Some(part) = parts.next_field().await.map_err(|why| bad_form(&why.body_text()))? {
        if part.name() == Some("file") {
            // From here on the file's own limit holds.
            left.store(u64::MAX, Ordering::Relaxed);
            let name = part.file_name().map(str::to_owned);
            return write_out(desk, name, part).await;
        }
    }
    Err(bad_body("the form has no part named file"))
}

async fn write_out<E: std::fmt::Display>(desk: &Desk, name: Option<String>, body: impl Stream<Item = Result<Bytes, E>>) -> Result<Spooled, Problem> {
    let limit = desk.limits.upload_bytes;
    let failed = |error: std::io::Error| Problem::from(ServiceError::from(error));
    // Not before the first byte: a client that sends none takes no file descriptor.
    let mut spooling = None;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut body = std::pin::pin!(body);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|why| bad_body(&why.to_string()))?;
        size += chunk.len() as u64;
        if size > limit {
            return Err(too_large(limit));
        }
        hash.update(&chunk);
        let Spooling { file, .. } = match &mut spooling {
            Some(spooling) => spooling,
            none => none.insert(Spooling::begin(desk)?),
        };
        file.write_all(&chunk).await.map_err(failed)?;
    }
    let Spooling { mut file, path, folder } = spooling.map_or_else(|| Spooling::begin(desk), Ok)?;
    file.flush().await.map_err(failed)?;
    Ok(Spooled::new(path, folder, (crate::service::hexadecimal(&hash.finalize()), size), name))
}

pub(super) fn too_large(limit: u64) -> Problem {
    let mib = limit >> 20;
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        Words::new(
            format!("文件超过上限 {mib} MiB；请分县上传，或请管理员调大 --max-upload"),
            format!("the file is larger than {mib} MiB; upload it county by county, or have --max-upload raised"),
        ),
    )
}

fn bad_body(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", Words::new(format!("上传内容无法读取：{why}"), format!("the upload cannot be read: {why}")))
}
