//! Closes connections whose peer does not read. Without it, an unread response would be kept forever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::{Response, StatusCode};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::metrics::Broken;

/// The size of the socket's send buffer. The system's own choice grows to megabytes, and it reports free space only when a third
/// is free. A client that reads at playback speed would seem to read nothing for half a minute.
const SEND_BUFFER: usize = 64 * 1024;

/// The minimum rate at which a client must read, in bytes per second. Lower than that of any audio.
const SLOWEST: usize = 512;

/// Ends the rule for a connection that becomes a session, which has pings instead.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exempt(Arc<AtomicBool>);

impl Exempt {
    /// Called with the response that makes the connection a session.
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

/// A stream that fails when its peer reads more slowly than [`SLOWEST`] for the time `limit`, while data is pending.
#[derive(Debug)]
pub(crate) struct Stalling<S> {
    stream: S,
    limit: Duration,
    exempt: Exempt,
    counts: Broken,
    waits: Option<Wait>,
}

/// The state since the peer stopped reading: the deadline, and the bytes that it has read since.
#[derive(Debug)]
struct Wait {
    deadline: Pin<Box<Sleep>>,
    taken: usize,
}

impl Stalling<TcpStream> {
    /// Wraps an accepted connection.
    pub(crate) fn accepted(stream: TcpStream, limit: Duration, exempt: Exempt, counts: Broken) -> Self {
        // Fails only on a socket that is closed already.
        SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER).ok();
        Self::new(stream, limit, exempt, counts)
    }
}

impl<S> Stalling<S> {
    fn new(stream: S, limit: Duration, exempt: Exempt, counts: Broken) -> Self {
        Self { stream, limit, exempt, counts, waits: None }
    }

    /// Returns the result of a write, or an error if the peer has been too slow for too long.
    fn watch(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.exempt.0.load(Ordering::Relaxed) {
            return written;
        }
        let limit = self.limit;
        match (&written, &mut self.waits) {
            (Poll::Ready(Ok(bytes)), Some(wait)) => {
                wait.taken = wait.taken.saturating_add(*bytes);
                let enough = usize::try_from(limit.as_secs()).unwrap_or(usize::MAX).saturating_mul(SLOWEST);
                if wait.taken >= enough {
                    self.waits = None;
                }
            }
            (Poll::Pending, waits) => {
                let wait = waits.get_or_insert_with(|| Wait { deadline: Box::pin(sleep(limit)), taken: 0 });
                ready!(wait.deadline.as_mut().poll(context));
                self.waits = None;
                self.counts.stalled.inc();
                tracing::debug!(seconds = limit.as_secs(), "a client did not read its response");
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            _ => {}
        }
        written
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
        // Everything there was has been taken.
        self.waits = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn stalling(size: usize) -> (Stalling<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(size);
        (Stalling::new(near, LIMIT, Exempt::default(), Broken::default()), far)
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_peer_is_disconnected_and_a_slow_one_is_not() {
        // Bytes that are taken every five seconds.
        for (taken, expected) in [(0, false), (1, false), (SLOWEST, false), (SLOWEST * 6, true)] {
            let (mut near, mut far) = stalling(64);
            let counts = near.counts.clone();
            let writing = tokio::spawn(async move { near.write_all(&vec![0; SLOWEST * 100]).await });
            while !writing.is_finished() {
                sleep(Duration::from_secs(5)).await;
                let mut bytes = vec![0; taken];
                // Its end is an end too.
                far.read_exact(&mut bytes).await.ok();
            }
            let written = writing.await.unwrap();
            assert_eq!(written.is_ok(), expected, "{taken}: {written:?}");
            assert_eq!(counts.stalled.get(), u64::from(!expected), "{taken}");
        }
    }

    /// An earlier wait does not count against a later response.
    #[tokio::test(start_paused = true)]
    async fn stall_limit_restarts_with_each_response() {
        let (mut near, mut far) = stalling(8);
        for _ in 0..3 {
            let (written, read) = tokio::join!(
                async {
                    near.write_all(&[0; 16]).await?;
                    near.flush().await
                },
                async {
                    sleep(LIMIT.saturating_sub(Duration::from_secs(1))).await;
                    far.read_exact(&mut [0; 16]).await
                }
            );
            assert!(written.is_ok() && read.is_ok(), "{written:?}");
            sleep(LIMIT * 2).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stall_limit_does_not_apply_to_sessions() {
        let (mut near, _far) = stalling(8);
        let answer =
            async { Ok::<_, ()>(Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).body(()).unwrap()) };
        near.exempt.clone().of_sessions(answer).await.unwrap();
        assert!(timeout(LIMIT * 100, near.write_all(&[0; 20])).await.is_err());
    }
}
