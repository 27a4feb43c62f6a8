//! A connection whose peer has to take what is written to it: an answer that nobody reads would be held for ever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::metrics::Broken;

/// Where that ends, for what has rules of its own: a session's socket is closed by its pings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exempt(Arc<AtomicBool>);

impl Exempt {
    /// Holds from the answer on that makes the connection a session's.
    pub(crate) async fn of_sessions<B, E>(
        self,
        answer: impl Future<Output = Result<Response<B>, E>>,
    ) -> Result<Response<B>, E> {
        let answer = answer.await;
        if answer.as_ref().is_ok_and(|answer| answer.status() == StatusCode::SWITCHING_PROTOCOLS) {
            self.0.store(true, Ordering::Relaxed);
        }
        answer
    }
}

/// A stream that fails once its peer has taken nothing for as long as `limit`, while there was something to take.
#[derive(Debug)]
pub(crate) struct Stalling<S> {
    stream: S,
    limit: Duration,
    exempt: Exempt,
    counts: Broken,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Stalling<S> {
    pub(crate) fn new(stream: S, limit: Duration, exempt: Exempt, counts: Broken) -> Self {
        Self { stream, limit, exempt, counts, deadline: None }
    }

    /// The outcome of a write, unless it has been waited for long enough.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() || self.exempt.0.load(Ordering::Relaxed) {
            self.deadline = None;
            return written;
        }
        let limit = self.limit;
        ready!(self.deadline.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(context));
        self.deadline = None;
        self.counts.stalled.inc();
        tracing::debug!(seconds = limit.as_secs(), "a client did not read its answer");
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_a_byte_in_time_goes_on_and_one_that_takes_nothing_ends() {
        let limit = Duration::from_secs(30);
        let (near, mut far) = duplex(8);
        let (exempt, counts) = (Exempt::default(), Broken::default());
        let mut near = Stalling::new(near, limit, exempt.clone(), counts.clone());
        let writing = tokio::spawn(async move {
            let ended = near.write_all(&[0; 20]).await.map_err(|error| error.kind());
            (ended, near)
        });
        for _ in 0..4 {
            sleep(limit.saturating_sub(Duration::from_secs(1))).await;
            far.read_u8().await.unwrap();
        }
        let (ended, mut near) = writing.await.unwrap();
        assert_eq!((ended, counts.stalled.get()), (Err(io::ErrorKind::TimedOut), 1));
        // A socket with rules of its own waits.
        exempt.0.store(true, Ordering::Relaxed);
        let waited = tokio::time::timeout(limit * 100, near.write_all(&[0; 20])).await;
        assert!(waited.is_err());
    }
}
