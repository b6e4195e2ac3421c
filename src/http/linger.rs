//! A connection that is closed without being reset, and that does not wait for ever for a reader.
//!
//! Closing a socket that still has bytes to read resets it, and then the last answer may never be seen: a client that is told 413 in the middle of its upload
//! would only know that the connection broke. So what is still on its way is swallowed for a moment first. A client that takes less of its answer than the least
//! rate is left at once.

use super::connections::Place;
use super::pace::{Pace, Patience};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy, sink};
use tokio::net::TcpStream;

/// Longest time bytes are swallowed.
const WITHIN: Duration = Duration::from_secs(5);

/// A stream that lingers when it is dropped.
pub struct Lingering {
    /// With the place that it takes among its client's connections, to its very end.
    open: Option<(TcpStream, Place)>,
    /// With whom reads what is written.
    patience: Patience,
}

impl Lingering {
    /// That stream, whose other end reads at that pace.
    pub fn new(stream: TcpStream, place: Place, pace: Pace) -> Self {
        Self { open: Some((stream, place)), patience: Patience::new(pace) }
    }

    fn stream(self: Pin<&mut Self>) -> io::Result<Pin<&mut TcpStream>> {
        // There is one until the drop.
        self.get_mut().open.as_mut().map(|(stream, _)| Pin::new(stream)).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn paced(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            self.patience.moved(*written.as_ref().unwrap_or(&0));
            return Poll::Ready(written);
        }
        ready!(self.patience.poll_end(context));
        // A client that does not read cannot be told anything.
        self.open = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let (Some((mut stream, place)), Ok(runtime)) = (self.open.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let _place = place;
                tokio::time::timeout(WITHIN, copy(&mut stream, &mut sink())).await
            });
        }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(context, into)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.as_mut().stream()?.poll_write(context, bytes);
        self.paced(context, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = self.as_mut().stream()?.poll_write_vectored(context, bytes);
        self.paced(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(context)
    }
}
