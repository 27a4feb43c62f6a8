//! The limit of open files (connections included), and the answer to a client when no file descriptor is left.

use std::future::poll_fn;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use crate::bind::Listener;

/// File descriptors besides connections: models, cache, log, runtime, rejected clients.
const OTHERS: u64 = 128;

/// The bounds of the reserve, which is an eighth of the limit. Half of it may be used by connections to the metrics.
const FEWEST_SPARE: u64 = 6;
const MOST_SPARE: u64 = 32;

/// The pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// The time limit for the request of a rejected client. Other clients wait behind it, and most send their request at once.
const LINGER: Duration = Duration::from_millis(10);

/// The minimum time between two warnings.
const QUIET: Duration = Duration::from_secs(60);

const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 53\r\n\
    Retry-After: 5\r\nConnection: close\r\n\r\n{\"error\":\"The server has no file left; try it later\"}";

/// Raises the limit of open files as far as needed and allowed, and reserves the last file descriptors. Logs a warning if the
/// limit is too low.
pub(crate) fn prepare(connections: usize) -> Spare {
    // One file descriptor for the client and one for its provider.
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(OTHERS);
    let spare = Spare { limits: Mutex::new(set_aside(needed)), seen: Mutex::new(None) };
    if let Some(limit) = spare.limits().as_ref().map(|limits| limits.all).filter(|limit| *limit < needed) {
        let enough = limit.saturating_sub(OTHERS) / 2;
        warn!(
            "the limit of open files is {limit}, enough for about {enough} of {connections} connections \
             (`server.max_connections`); raise it to {needed} (`ulimit -n`, LimitNOFILE of systemd, --ulimit nofile of \
             containers), or lower `server.max_connections`"
        );
    }
    spare
}

/// The limits of open files.
#[derive(Debug)]
struct Limits {
    /// The hard limit.
    all: u64,
    /// The soft limit, except while a spare file descriptor is used.
    usual: u64,
}

impl Limits {
    fn of(all: u64) -> Self {
        Self { all, usual: all.saturating_sub((all / 8).clamp(FEWEST_SPARE, MOST_SPARE)) }
    }
}

/// Returns none if the system has no such limit or does not allow a change.
#[cfg(unix)]
fn set_aside(needed: u64) -> Option<Limits> {
    use rustix::process::{Resource, getrlimit};

    let limit = getrlimit(Resource::Nofile);
    let now = limit.current.unwrap_or(needed);
    let reachable = limit.maximum.map_or(needed, |most| most.min(needed)).max(now);
    [reachable, now].into_iter().map(Limits::of).find(|limits| limit_to(limits.usual))
}

#[cfg(not(unix))]
fn set_aside(_needed: u64) -> Option<Limits> {
    None
}

/// Sets the soft limit. Returns whether that worked.
#[cfg(unix)]
fn limit_to(files: u64) -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum }).is_ok()
}

#[cfg(not(unix))]
fn limit_to(_files: u64) -> bool {
    false
}

/// Spare file descriptors, for clients that are accepted when all others are in use. Shared by the listeners.
///
/// The soft limit stays below the hard one, and is raised to it for one call of `accept`. A descriptor above the usual limit is
/// free for the next client after it is closed, because no other part of the process can get it.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    limits: Mutex<Option<Limits>>,
    /// When the last connection found no file descriptor.
    seen: Mutex<Option<Instant>>,
}

impl Spare {
    /// Returns the number of connections that may use spare file descriptors for longer than a rejection.
    pub(crate) fn places(&self) -> usize {
        let spare = self.limits().as_ref().map_or(MOST_SPARE, |limits| limits.all.saturating_sub(limits.usual));
        usize::try_from(spare / 2).unwrap_or(1).max(1)
    }

    /// Accepts a connection with a spare file descriptor. Returns none if no client waits any more. Returns an error after a
    /// pause if the connection cannot be accepted.
    pub(crate) async fn accept(&self, listener: &Listener, error: io::Error) -> io::Result<Option<TcpStream>> {
        if !is_out_of_files(&error) {
            sleep(PAUSE).await;
            return Err(error);
        }
        self.say(&error);
        match poll_fn(|context| Poll::Ready(self.poll_accept(listener, context))).await {
            Poll::Ready(Ok(stream)) => Ok(Some(stream)),
            Poll::Ready(Err(error)) => {
                sleep(PAUSE).await;
                Err(error)
            }
            // The system reports this error even if no client waits.
            Poll::Pending => Ok(None),
        }
    }

    /// Tries once under the raised limit. The lock keeps two listeners from lowering it for each other.
    fn poll_accept(&self, listener: &Listener, context: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        let limits = self.limits();
        let Some(limits) = limits.as_ref() else {
            return listener.poll_accept(context);
        };
        limit_to(limits.all);
        let accepted = listener.poll_accept(context);
        limit_to(limits.usual);
        accepted
    }

    fn say(&self, error: &io::Error) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.replace(Instant::now()).is_none_or(|seen| seen.elapsed() > QUIET) {
            warn!(
                %error,
                "no file is left for new connections, which are rejected with 503; raise the limit of open files \
                 (`ulimit -n`), or lower `server.max_connections`"
            );
        }
    }

    fn limits(&self) -> MutexGuard<'_, Option<Limits>> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rejects a client with 503, because no file descriptor is left.
pub(crate) async fn refuse(stream: TcpStream) {
    // The connection ends in any case.
    timeout(LINGER, answer(stream)).await.ok();
}

#[cfg(unix)]
fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;

    Errno::from_io_error(error).is_some_and(|error| error == Errno::MFILE || error == Errno::NFILE)
}

#[cfg(not(unix))]
fn is_out_of_files(_error: &io::Error) -> bool {
    false
}

/// Sends the response and reads the request, because closing with unread bytes can drop the response.
async fn answer(mut stream: TcpStream) -> io::Result<()> {
    use tokio::io::AsyncWriteExt as _;

    stream.write_all(REFUSAL).await?;
    stream.shutdown().await?;
    let mut asked = [0; 1_024];
    while stream.read(&mut asked).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::REFUSAL;

    #[test]
    fn file_limit_response_has_its_content_length() {
        let text = std::str::from_utf8(REFUSAL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
