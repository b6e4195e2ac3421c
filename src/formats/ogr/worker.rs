//! One process of `tuban-ogr`: started, listened to under a clock, and ended whatever happens.

use super::batch::{Batch, nonsense};
use super::gdal_words;
use super::pace::Pace;
use super::pipes::Pipes;
use super::workshop::{Workshop, nobody_waits};
use crate::formats::{FeatureBatch, FeatureBounds, ReadError};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::{self, ErrorKind};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tuban_ogr_protocol::{Bounds, Header, Job, ReadWish, Sent, Task, Trouble, WriteWish, frame};

/// Bytes of a frame beside its last feature.
const FRAME: u64 = 2 << 20;
/// A layer may be so many times larger on its way than its file …
const SWELLING: u64 = 100;
/// … and so many times with its arcs: a circle is three numbers in a file, and 3600 vertices once it is straightened.
const SWELLING_BENT: u64 = 4000;
/// Once it is dead its last words are waited for so long: they are in the pipe, unless somebody else holds its other end.
const LISTENING: Duration = Duration::from_millis(200);

/// An answer.
pub(super) enum Frame {
    /// What is in the file.
    Header(Header),
    /// Some features.
    Batch(Vec<u8>),
    /// That was all.
    End(Sent),
}

/// One process.
pub struct Worker {
    child: Child,
    pipes: Pipes,
    /// Its exit status, once it has ended.
    ended: Option<ExitStatus>,
    bytes: u64,
    most_bytes: u64,
    most_bytes_bent: u64,
    patience: Duration,
    /// How long it may yet be waited for in all.
    left: Duration,
    pace: Pace,
    bounds: FeatureBounds,
}

impl Worker {
    /// Has `path` in `folder` described, and layer number `layer` of it streamed, with its fields under those names.
    pub fn read(
        workshop: &Workshop,
        folder: &Path,
        path: &Path,
        driver: &str,
        encoding: Option<&str>,
        layer: Option<(usize, &[String])>,
    ) -> Result<(Self, Header), ReadError> {
        let (layer, names) = layer.unzip();
        let wish = ReadWish { layer, encoding: encoding.map(str::to_owned), names: names.map(<[String]>::to_vec) };
        let mut worker = Self::start(workshop, folder, path, driver, Task::Read(wish))?;
        let size = size(folder);
        worker.most_bytes = workshop.allowance + SWELLING * size;
        worker.most_bytes_bent = workshop.allowance + SWELLING_BENT * size;
        match worker.next()? {
            Frame::Header(header) => Ok((worker, header)),
            _ => Err(nonsense()),
        }
    }

    /// Has `path` in `folder` made of the features that follow with [`push`](Self::push).
    pub fn write(workshop: &Workshop, folder: &Path, path: &Path, driver: &str, wish: WriteWish) -> Result<Self, ReadError> {
        Self::start(workshop, folder, path, driver, Task::Write(wish))
    }

    /// Sends on features: for each its values and its geometry, both behind their lengths.
    pub fn push(&mut self, features: &[u8]) -> Result<(), ReadError> {
        match self.waiting(|pipes, by| pipes.write(features, by)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::TimedOut => Err(self.post_mortem(&error)),
            // It stopped listening: its last answer says why, where there is one.
            Err(_) => self.end(),
        }
    }

    /// Waits until all is written.
    pub fn end(&mut self) -> Result<(), ReadError> {
        self.pipes.close();
        match self.next()? {
            Frame::End(_) => Ok(()),
            _ => Err(nonsense()),
        }
    }

    fn start(workshop: &Workshop, folder: &Path, path: &Path, driver: &str, task: Task) -> Result<Self, ReadError> {
        let program = workshop.program.as_ref().ok_or_else(missing)?;
        let FeatureBounds { vertices, text_bytes, .. } = workshop.feature_bounds();
        let job = Job {
            folder: folder.to_owned(),
            path: path.to_owned(),
            driver: driver.to_owned(),
            task,
            limits: workshop.limits,
            bounds: Bounds { vertices, text_bytes },
            fault: workshop.fault,
        };
        let mut line = serde_json::to_vec(&job).map_err(|error| ReadError::Io(error.into()))?;
        line.push(b'\n');
        // Nothing of this process's surroundings is passed on; what the libraries put aside goes into the folder, too.
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("SQLITE_TMPDIR", folder)
            .env("CPL_TMPDIR", folder)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn()?;
        let pipes = Pipes::of(&mut child, workshop.asked.clone())?;
        let (patience, left) = (workshop.patience, workshop.in_all);
        let (pace, bounds) = (Pace::new(workshop.least_rate, patience), workshop.feature_bounds());
        let mut worker = Self { child, pipes, ended: None, bytes: 0, most_bytes: u64::MAX, most_bytes_bent: u64::MAX, patience, left, pace, bounds };
        // Where it died already the reason is read from it below.
        let _ = worker.waiting(|pipes, by| pipes.write(&line, by));
        Ok(worker)
    }

    /// That features come as fast as they must.
    pub(super) fn keep_pace(&mut self, batch: &Batch) -> Result<(), ReadError> {
        if self.pace.come(batch.len(), batch.bytes()) {
            self.kill();
            return Err(too_few());
        }
        Ok(())
    }

    /// What one feature may be.
    pub(in crate::formats) fn bounds(&self) -> FeatureBounds {
        self.bounds
    }

    /// Bytes heard so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// So many of those bytes were straightened arcs, which took next to nothing in the file.
    pub(super) fn straightened(&mut self, bytes: u64) {
        self.most_bytes = self.most_bytes.saturating_add(bytes).min(self.most_bytes_bent);
    }

    /// How long it may yet be waited for in all.
    pub(in crate::formats) fn left(&self) -> Duration {
        self.left
    }

    /// Does something with its pipes that must not take longer than patience lasts.
    fn waiting<T>(&mut self, work: impl FnOnce(&mut Pipes, Instant) -> io::Result<T>) -> io::Result<T> {
        let began = Instant::now();
        let done = work(&mut self.pipes, began + self.patience.min(self.left));
        self.left = self.left.saturating_sub(began.elapsed());
        self.pace.wait(began.elapsed());
        done
    }

    /// The next answer.
    pub(super) fn next(&mut self) -> Result<Frame, ReadError> {
        let room = self.most_bytes.saturating_sub(self.bytes).min(FRAME + self.bounds.text_bytes + 16 * self.bounds.vertices);
        let heard = self.waiting(|pipes, by| {
            let mut head = [0; 5];
            pipes.read(&mut head, by)?;
            let [kind, length @ ..] = head;
            let length = u32::from_le_bytes(length);
            if u64::from(length) > room { Ok(None) } else { Ok(Some((kind, pipes.read_bytes(length as usize, by)?))) }
        });
        match heard {
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => Err(nobody_waits()),
            Err(error) => Err(self.post_mortem(&error)),
            Ok(None) => Err(flood()),
            Ok(Some((kind, bytes))) => {
                self.bytes += bytes.len() as u64;
                match kind {
                    frame::HEADER => serde_json::from_slice(&bytes).map(Frame::Header).map_err(|_| nonsense()),
                    frame::BATCH => Ok(Frame::Batch(bytes)),
                    frame::END if bytes.is_empty() => Ok(Frame::End(Sent::default())),
                    frame::END => serde_json::from_slice(&bytes).map(Frame::End).map_err(|_| nonsense()),
                    frame::TROUBLE => Err(serde_json::from_slice(&bytes).map_or_else(|_| nonsense(), |trouble| words(&trouble))),
                    _ => Err(nonsense()),
                }
            }
        }
    }

    /// Ends it, with whatever it started.
    fn kill(&mut self) {
        if self.ended.is_none() {
            // It may have ended by itself, but its number is its own until it has been waited for, which takes no time once it is dead.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            self.ended = self.child.wait().ok();
        }
    }

    /// Why there is no answer.
    fn post_mortem(&mut self, error: &io::Error) -> ReadError {
        let late = error.kind() == ErrorKind::TimedOut;
        // It stopped talking; it may still be on its way out, and how it went is worth knowing.
        let is_alive = || {
            let gone = waitid(WaitId::Pid(Pid::from_child(&self.child)), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT);
            matches!(gone, Ok(None))
        };
        let mut left = if late { 0 } else { 100 };
        while left > 0 && is_alive() {
            std::thread::sleep(Duration::from_millis(10));
            left -= 1;
        }
        self.kill();
        let status = self.ended;
        let words = self.pipes.last_words(Instant::now() + LISTENING);
        tracing::warn!(?status, words, late, "tuban-ogr ended without an answer");
        let signal = status.and_then(|status: ExitStatus| status.signal());
        match signal {
            _ if late => too_slow(self.patience, self.left),
            Some(XCPU) => ReadError::refused(
                "worker_cpu",
                "读取文件用尽了允许的处理时间，已中止；请检查文件或拆分后上传",
                "reading the file used up the processor time allowed; check the file or split it",
            ),
            // It is not ours: we did not wait in vain. The system ends what it has no memory for.
            Some(KILL) => out_of_memory(),
            _ if is_of_memory(&words) => out_of_memory(),
            _ => ReadError::refused(
                "worker_crashed",
                "读取程序在处理这个文件时崩溃，文件很可能已损坏，请重新导出",
                "the reader crashed on this file, which is most likely broken; export it again",
            ),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// SIGXCPU, and SIGKILL.
const XCPU: i32 = 24;
const KILL: i32 = 9;

/// Whether a message says that memory ran out, in the words of GDAL, SQLite, or the languages they are written in.
fn is_of_memory(message: &str) -> bool {
    let message = message.to_lowercase();
    ["memory", "bad_alloc", "cannot allocate"].iter().any(|word| message.contains(word))
}

fn out_of_memory() -> ReadError {
    ReadError::refused(
        "worker_memory",
        "读取文件所需内存超过上限，已中止；请检查文件或拆分后上传",
        "reading the file needs more memory than allowed; check the file or split it",
    )
}

/// The refusal of a file of which too little comes.
fn too_few() -> ReadError {
    ReadError::refused(
        "worker_slow",
        "读取文件太慢（每秒读出的要素少于下限），已中止；文件可能损坏或有意构造，请检查或另存后上传",
        "features came out of the file more slowly than they must, so reading was stopped; the file is broken or made to do harm: check it, or save it anew",
    )
}

/// The refusal of a file over which a process took too long: for one answer, or for all of them.
fn too_slow(patience: Duration, left: Duration) -> ReadError {
    let seconds = patience.as_secs();
    if left == Duration::ZERO {
        return ReadError::refused(
            "worker_timeout",
            "读取文件总用时过长，已中止；请检查文件或拆分后上传",
            "reading the file took too long in all and was stopped; check the file or split it",
        );
    }
    ReadError::refused(
        "worker_silent",
        format!("读取程序超过 {seconds} 秒没有应答，已中止；请检查文件或拆分后上传"),
        format!("tuban-ogr was silent for {seconds} seconds and was stopped; check the file or split it"),
    )
}

/// Bytes of the files in a folder and those below it: ours are three deep.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok().map(|metadata| if metadata.is_dir() { size(&entry.path()) } else { metadata.len() })).sum()
}

/// The refusal of a file out of which more comes than can be in it.
pub(super) fn flood() -> ReadError {
    ReadError::refused(
        "worker_flood",
        "读出的内容远超文件应有的大小，已中止；文件可能损坏或有意构造",
        "far more came out of the file than can be in it, so reading was stopped; the file is broken or made to do harm",
    )
}

fn missing() -> ReadError {
    ReadError::refused(
        "no_ogr",
        "读取这种格式需要程序 tuban-ogr（软件包 tuban-ogr，依赖 libgdal），本机没有安装；请管理员安装，或改用 GeoJSON",
        "this format needs the program tuban-ogr (package tuban-ogr, built on libgdal), which is not installed here; have it installed, or use GeoJSON",
    )
}

/// The refusal of a GeoPackage in which something is computed where a table should be.
fn not_a_table(code: &str, name: &str) -> ReadError {
    let (zh, en) = match code {
        "view" => ("视图", "a view"),
        "virtual_table" => ("虚拟表", "a virtual table"),
        "listing_trigger" => ("登记表上的触发器", "a trigger of a listing"),
        _ => ("有计算列的表", "a table with a computed column"),
    };
    ReadError::refused(
        "not_a_table",
        format!("GeoPackage 中的“{name}”是{zh}，只读取普通的表；请在 QGIS 等软件中另存为新的 GeoPackage 后上传"),
        format!("“{name}” in the GeoPackage is {en}, and only plain tables are read; save the layer as a new GeoPackage and upload that"),
    )
}

fn words(trouble: &Trouble) -> ReadError {
    let message = gdal_words::shown(&trouble.message);
    match &*trouble.code {
        "cannot_open" => ReadError::refused(
            "cannot_open",
            format!("文件打不开，可能已损坏或不是所称的格式（{message}），请重新导出"),
            format!("the file cannot be opened; it is broken or not what it says ({message}); export it again"),
        ),
        "view" | "virtual_table" | "listing_trigger" | "computed_column" => not_a_table(&trouble.code, &message),
        _ if is_of_memory(&trouble.message) => out_of_memory(),
        "escaped" => ReadError::refused("escaped", message.clone(), message),
        _ => {
            let why = gdal_words::translated(&trouble.message);
            let (zh, en) = trouble.row.map(|row| (format!("第 {row} 个要素"), format!("feature {row}"))).unzip();
            ReadError::refused(
                "broken_file",
                format!("文件读到{}出错：{}，没有读出的内容不能当作没有，整个文件未采用；请重新导出", zh.as_deref().unwrap_or("中途"), why.zh),
                format!(
                    "reading failed at {}: {}; what cannot be read does not count as absent, so nothing of the file was taken: export it again",
                    en.as_deref().unwrap_or("some place"),
                    why.en
                ),
            )
        }
    }
}
