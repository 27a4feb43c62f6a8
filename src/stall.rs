//! A connection whose peer has to take what is written to it: an answer that is not read would be held for ever.

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

/// What the system may hold of an answer. Its own choice grows to megabytes, and it reports room again only when a third is free:
/// a client that reads as fast as it plays would seem to take nothing for half a minute.
const SEND_BUFFER: usize = 64 * 1024;

/// Bytes for each second that a client has to take at least: less than any audio, spoken while it comes.
const SLOWEST: usize = 512;

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

/// A stream that fails once its peer has taken less than [`SLOWEST`] for as long as `limit`, while there was something to take.
#[derive(Debug)]
pub(crate) struct Stalling<S> {
    stream: S,
    limit: Duration,
    exempt: Exempt,
    counts: Broken,
    waits: Option<Wait>,
}

/// The peer did not take everything; what it has taken since.
#[derive(Debug)]
struct Wait {
    deadline: Pin<Box<Sleep>>,
    taken: usize,
}

impl Stalling<TcpStream> {
    /// A connection that was accepted.
    pub(crate) fn accepted(stream: TcpStream, limit: Duration, exempt: Exempt, counts: Broken) -> Self {
        // A socket that refuses is already dead, as its first read will tell.
        SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER).ok();
        Self::new(stream, limit, exempt, counts)
    }
}

impl<S> Stalling<S> {
    fn new(stream: S, limit: Duration, exempt: Exempt, counts: Broken) -> Self {
        Self { stream, limit, exempt, counts, waits: None }
    }

    /// The outcome of a write, unless the peer has been too slow for too long.
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
                tracing::debug!(seconds = limit.as_secs(), "a client did not read its answer");
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
    async fn a_peer_that_takes_too_little_is_left_and_a_slow_one_is_not() {
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

    /// What was waited for once does not count when there is more to take much later.
    #[tokio::test(start_paused = true)]
    async fn a_peer_has_its_time_for_each_answer() {
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
    async fn a_session_has_rules_of_its_own() {
        let (mut near, _far) = stalling(8);
        let answer =
            async { Ok::<_, ()>(Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).body(()).unwrap()) };
        near.exempt.clone().of_sessions(answer).await.unwrap();
        assert!(timeout(LIMIT * 100, near.write_all(&[0; 20])).await.is_err());
    }
}
