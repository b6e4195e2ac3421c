//! One process of `tuban-ogr`: started, listened to under a watch, and ended whatever happens.

use super::agreement::{Header, Job, Limits, Task, Trouble, WriteWish};
use super::batch::nonsense;
use crate::formats::ReadError;
use std::ffi::OsString;
use std::io::{BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where workers are found and what they may cost.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The program; none where it is not installed.
    pub program: Option<PathBuf>,
    /// Where job folders are made.
    pub scratch: PathBuf,
    /// Longest wait for one answer.
    pub patience: Duration,
    /// What a process may cost.
    pub limits: Limits,
    /// A way to misbehave, for tests.
    pub fault: Option<&'static str>,
}

/// Largest frame: as large as the largest feature of GeoJSON.
const LARGEST_FRAME: usize = 256 << 20;
/// A layer may be so many times larger on its way than its file …
const SWELLING: u64 = 100;
/// … and so much besides, bytes.
const ALLOWANCE: u64 = 256 << 20;
/// What a process says on stderr is kept so far, bytes.
const LAST_WORDS: u64 = 4096;

impl Workshop {
    /// The worker named by `TUBAN_OGR`, else the one beside this program; job folders in `scratch`.
    #[must_use]
    pub fn new(scratch: PathBuf) -> Self {
        let limits = Limits { memory_bytes: 2 << 30, cpu_s: 900, file_bytes: 4 << 30, files: 64 };
        Self { program: program(), scratch, patience: Duration::from_mins(1), limits, fault: None }
    }

    /// What the names of job folders begin with.
    pub const FOLDER: &str = "job-";

    /// A folder for one job, locked, and gone with the value.
    pub(in crate::formats) fn folder(&self) -> Result<Folder, ReadError> {
        let folder = tempfile::Builder::new().prefix(Self::FOLDER).tempdir_in(&self.scratch)?;
        let lock = std::fs::File::open(folder.path())?;
        lock.lock()?;
        Ok(Folder { path: folder.path().canonicalize()?, folder, lock })
    }
}

/// A job's folder.
#[derive(Debug)]
pub(in crate::formats) struct Folder {
    pub path: PathBuf,
    #[expect(dead_code, reason = "held to be dropped")]
    folder: tempfile::TempDir,
    #[expect(dead_code, reason = "held to be dropped: while it is, no other process takes the folder for abandoned")]
    lock: std::fs::File,
}

fn program() -> Option<PathBuf> {
    const NAME: &str = "tuban-ogr";
    if let Some(named) = std::env::var_os("TUBAN_OGR").filter(|named: &OsString| !named.is_empty()) {
        return Some(named.into()).filter(|named: &PathBuf| named.is_file());
    }
    let own = std::env::current_exe().ok()?;
    // Cargo puts test programs one folder deeper.
    own.ancestors().skip(1).take(2).map(|folder| folder.join(NAME)).find(|program| program.is_file())
}

/// An answer.
pub(super) enum Frame {
    /// What is in the file.
    Header(Header),
    /// Some features.
    Batch(Vec<u8>),
    /// That was all.
    End,
}

/// One process.
pub struct Worker {
    answers: BufReader<ChildStdout>,
    input: Option<ChildStdin>,
    watch: Arc<Watch>,
    watcher: Option<std::thread::JoinHandle<()>>,
    last_words: Option<std::thread::JoinHandle<Vec<u8>>>,
    bytes: u64,
    most_bytes: u64,
    patience: Duration,
}

/// What the watching thread and the reading one share.
struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    child: Child,
    /// By when an answer must have come; none while nobody waits.
    deadline: Option<Instant>,
    over: bool,
    killed: bool,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Kills the process where an answer is late.
    fn stand(&self) {
        let mut state = self.lock();
        while !state.over {
            state = match state.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    state.killed = true;
                    state.over = true;
                    // It may have ended by itself; then there is nothing to kill.
                    let _ = state.child.kill();
                    state
                }
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }
}

impl Worker {
    /// Has `path` in `folder` described, and layer number `layer` of it streamed.
    pub fn read(
        workshop: &Workshop,
        folder: &Path,
        path: &Path,
        driver: &str,
        layer: Option<usize>,
        encoding: Option<&str>,
    ) -> Result<(Self, Header), ReadError> {
        let mut worker = Self::start(workshop, folder, path, driver, Task::Read { layer, encoding })?;
        worker.input = None;
        worker.most_bytes = ALLOWANCE + SWELLING * size(folder);
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
        let sent = self.watched(|worker| worker.input.as_mut().map_or(Ok(()), |input| input.write_all(features).and_then(|()| input.flush())));
        // It stopped listening: its last answer says why, where there is one.
        sent.or_else(|_| self.end())
    }

    /// Waits until all is written.
    pub fn end(&mut self) -> Result<(), ReadError> {
        self.input = None;
        match self.next()? {
            Frame::End => Ok(()),
            _ => Err(nonsense()),
        }
    }

    fn start(workshop: &Workshop, folder: &Path, path: &Path, driver: &str, task: Task<'_>) -> Result<Self, ReadError> {
        let program = workshop.program.as_ref().ok_or_else(missing)?;
        let job = Job { folder, path, driver, task, limits: workshop.limits, fault: workshop.fault };
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
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (mut input, answers, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // Where it died already the reason is read from it below.
        let _ = input.as_mut().map(|input| input.write_all(&line));
        let watch = Arc::new(Watch { state: Mutex::new(State { child, deadline: None, over: false, killed: false }), changed: Condvar::new() });
        let watcher = {
            let watch = Arc::clone(&watch);
            Some(std::thread::spawn(move || watch.stand()))
        };
        let last_words = errors.map(|errors| {
            std::thread::spawn(move || {
                let mut errors = BufReader::new(errors);
                let mut kept = Vec::new();
                let _ = (&mut errors).take(LAST_WORDS).read_to_end(&mut kept);
                let _ = std::io::copy(&mut errors, &mut std::io::sink());
                kept
            })
        });
        let answers = BufReader::with_capacity(64 << 10, answers.ok_or_else(nonsense)?);
        Ok(Self { answers, input, watch, watcher, last_words, bytes: 0, most_bytes: u64::MAX, patience: workshop.patience })
    }

    /// Bytes heard so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Does something that must not take longer than patience lasts.
    fn watched<T>(&mut self, work: impl FnOnce(&mut Self) -> std::io::Result<T>) -> std::io::Result<T> {
        let deadline = Instant::now() + self.patience;
        self.watch.set(|state| state.deadline = Some(deadline));
        let done = work(self);
        self.watch.set(|state| state.deadline = None);
        done
    }

    /// The next answer.
    pub(super) fn next(&mut self) -> Result<Frame, ReadError> {
        let heard = self.watched(|worker| {
            let mut head = [0; 5];
            worker.answers.read_exact(&mut head)?;
            let [kind, length @ ..] = head;
            let length = u32::from_le_bytes(length) as usize;
            if length > LARGEST_FRAME || worker.bytes + length as u64 > worker.most_bytes {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            (&mut worker.answers).take(length as u64).read_to_end(&mut bytes)?;
            if bytes.len() < length {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Some((kind, bytes)))
        });
        match heard {
            Err(_) => Err(self.post_mortem()),
            Ok(None) => Err(flood()),
            Ok(Some((kind, bytes))) => {
                self.bytes += bytes.len() as u64;
                match kind {
                    b'H' => serde_json::from_slice(&bytes).map(Frame::Header).map_err(|_| nonsense()),
                    b'B' => Ok(Frame::Batch(bytes)),
                    b'E' => Ok(Frame::End),
                    b'X' => Err(serde_json::from_slice(&bytes).map_or_else(|_| nonsense(), |trouble| words(&trouble))),
                    _ => Err(nonsense()),
                }
            }
        }
    }

    /// Why there is no answer.
    fn post_mortem(&mut self) -> ReadError {
        let (killed, status) = {
            let mut state = self.watch.lock();
            // It stopped talking; it may still be on its way out.
            let mut left = 100;
            while left > 0 && matches!(state.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(10));
                left -= 1;
            }
            let _ = state.child.kill();
            (state.killed, state.child.wait().ok())
        };
        self.watch.set(|state| state.over = true);
        let words = self.last_words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        tracing::warn!(?status, words, killed, "tuban-ogr ended without an answer");
        let seconds = self.patience.as_secs();
        let signal = status.and_then(|status: ExitStatus| status.signal());
        match signal {
            _ if killed => ReadError::refused(
                "worker_timeout",
                format!("读取文件超过 {seconds} 秒没有进展，已中止；请检查文件或拆分后上传"),
                format!("reading the file made no progress for {seconds} seconds and was stopped; check the file or split it"),
            ),
            // SIGXCPU, or the kernel's own SIGKILL once that was not heard.
            Some(24 | 9) => ReadError::refused(
                "worker_cpu",
                "读取文件用尽了允许的处理时间，已中止；请检查文件或拆分后上传",
                "reading the file used up the processor time allowed; check the file or split it",
            ),
            _ if words.contains("memory") || words.contains("alloc") => ReadError::refused(
                "worker_memory",
                "读取文件所需内存超过上限，已中止；请检查文件或拆分后上传",
                "reading the file needs more memory than allowed; check the file or split it",
            ),
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
        self.input = None;
        self.watch.set(|state| {
            state.over = true;
            // It may have ended by itself. Waiting for what was killed takes no time, and leaves no zombie.
            let _ = state.child.kill();
            let _ = state.child.wait();
        });
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
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

fn words(trouble: &Trouble) -> ReadError {
    // GDAL names files of ours, which say nothing to the sender.
    let message: String = trouble.message.split_whitespace().map(|word| if word.contains('/') { "…" } else { word }).collect::<Vec<_>>().join(" ");
    match trouble.code.as_str() {
        "cannot_open" => ReadError::refused(
            "cannot_open",
            format!("文件打不开，可能已损坏或不是所称的格式（{message}），请重新导出"),
            format!("the file cannot be opened; it is broken or not what it says ({message}); export it again"),
        ),
        "escaped" => ReadError::refused("escaped", message.clone(), message),
        _ => ReadError::refused(
            "broken_file",
            format!("文件读到中途出错（{message}），请重新导出"),
            format!("the file is broken in the middle ({message}); export it again"),
        ),
    }
}
