//! The pipes to a process: each has a time limit, so that a reader or writer always returns, also where another process holds the other end.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::Weak;
use std::time::{Duration, Instant};

/// How often it is looked whether anybody still waits for the answer.
const LOOK: Duration = Duration::from_millis(500);
/// What a process says on stderr is kept so far, bytes.
const LAST_WORDS: usize = 4096;
/// Bytes made room for at a time: what a length says is not believed before it has come.
const PORTION: usize = 1 << 20;

/// The three of them.
pub(super) struct Pipes {
    input: Option<ChildStdin>,
    answers: ChildStdout,
    errors: Option<ChildStderr>,
    last_words: Vec<u8>,
    asked: Option<Weak<()>>,
}

impl Pipes {
    /// Those of a process that was started with them. Once the holder of `asked` is gone, waiting ends with `ConnectionAborted`.
    pub fn of(child: &mut Child, asked: Option<Weak<()>>) -> io::Result<Self> {
        let (Some(input), Some(answers), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(ErrorKind::BrokenPipe.into());
        };
        ioctl_fionbio(&input, true)?;
        ioctl_fionbio(&answers, true)?;
        ioctl_fionbio(&errors, true)?;
        Ok(Self { input: Some(input), answers, errors: Some(errors), last_words: Vec::new(), asked })
    }

    /// Writes all of it.
    pub fn write(&mut self, mut bytes: &[u8], by: Instant) -> io::Result<()> {
        while let (Some(input), false) = (&mut self.input, bytes.is_empty()) {
            match input.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::OUT, by)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says that nothing more is written.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// Reads until `into` is full.
    pub fn read(&mut self, mut into: &mut [u8], by: Instant) -> io::Result<()> {
        while !into.is_empty() {
            match self.answers.read(into) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => into = &mut into[read..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::IN, by)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads so many bytes.
    pub fn read_bytes(&mut self, length: usize, by: Instant) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let start = bytes.len();
            bytes.resize(length.min(start + PORTION), 0);
            self.read(&mut bytes[start..], by)?;
        }
        Ok(bytes)
    }

    /// What it said on stderr, as far as that is there by then.
    pub fn last_words(&mut self, by: Instant) -> String {
        while let Some(errors) = &self.errors {
            if ready(&mut [PollFd::new(errors, PollFlags::IN)], by).is_err() {
                break;
            }
            self.listen();
        }
        String::from_utf8_lossy(&self.last_words).into_owned()
    }

    /// Waits until its input can be written or its answers read. Meanwhile it is listened to on stderr, so that it never waits for that.
    fn wait(&mut self, wish: PollFlags, by: Instant) -> io::Result<()> {
        loop {
            let pipe = match &self.input {
                Some(input) if wish == PollFlags::OUT => PollFd::new(input, wish),
                _ => PollFd::new(&self.answers, wish),
            };
            let mut pipes = vec![pipe];
            pipes.extend(self.errors.as_ref().map(|errors| PollFd::new(errors, PollFlags::IN)));
            let look = if self.asked.is_some() { by.min(Instant::now() + LOOK) } else { by };
            match ready(&mut pipes, look) {
                Err(error) if error.kind() == ErrorKind::TimedOut && look < by => {
                    if self.asked.as_ref().is_some_and(|asked| asked.strong_count() == 0) {
                        return Err(ErrorKind::ConnectionAborted.into());
                    }
                    continue;
                }
                done => done?,
            }
            let come = !pipes[0].revents().is_empty();
            self.listen();
            if come {
                return Ok(());
            }
        }
    }

    fn listen(&mut self) {
        let mut heard = [0; LAST_WORDS];
        while let Some(errors) = &mut self.errors {
            match errors.read(&mut heard) {
                Ok(read) if read > 0 => {
                    let kept = read.min(LAST_WORDS - self.last_words.len());
                    self.last_words.extend_from_slice(&heard[..kept]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => self.errors = None,
            }
        }
    }
}

/// Waits until one of them is ready.
fn ready(pipes: &mut [PollFd<'_>], by: Instant) -> io::Result<()> {
    loop {
        let left = by.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            return Err(ErrorKind::TimedOut.into());
        }
        match poll(pipes, Some(&Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) })) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
