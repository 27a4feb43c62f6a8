//! Files of the process, connections among them: how many it may have open, and what becomes of a client when none is left.

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

/// Files beside those of connections: models, the cache, the log, the runtime's own, clients that are refused.
const OTHERS: u64 = 128;

/// How many numbers are set aside: an eighth of all, within these bounds. Half of them may be held by connections to the metrics.
const FEWEST_SPARE: u64 = 6;
const MOST_SPARE: u64 = 32;

/// How long to wait where a connection cannot be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a refused client has for its request. Others wait behind it, and most requests come with their connection.
const LINGER: Duration = Duration::from_millis(10);

/// How long it is quiet before running out is said again.
const QUIET: Duration = Duration::from_secs(60);

const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 53\r\n\
    Retry-After: 5\r\nConnection: close\r\n\r\n{\"error\":\"The server has no file left; try it later\"}";

/// Raises the limit of open files as far as so many connections need and the system lets it, and sets its last numbers aside.
/// Says what is missing.
pub(crate) fn prepare(connections: usize) -> Spare {
    // A file each for the client and for its provider.
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(OTHERS);
    let spare = Spare { limits: Mutex::new(set_aside(needed)), seen: Mutex::new(None) };
    if let Some(limit) = spare.limits().as_ref().map(|limits| limits.all).filter(|limit| *limit < needed) {
        let enough = limit.saturating_sub(OTHERS) / 2;
        warn!(
            "this process may open {limit} files: enough for some {enough} of {connections} connections \
             (`server.max_connections`); let it open {needed} (`ulimit -n`, LimitNOFILE of systemd, --ulimit nofile of \
             containers), or lower `server.max_connections`"
        );
    }
    spare
}

/// The limits of open files.
#[derive(Debug)]
struct Limits {
    /// What the system lets the process open.
    all: u64,
    /// What is in force but for the moments in which a spare number is used.
    usual: u64,
}

impl Limits {
    fn of(all: u64) -> Self {
        Self { all, usual: all.saturating_sub((all / 8).clamp(FEWEST_SPARE, MOST_SPARE)) }
    }
}

/// None where the system has no such limit, or does not let it be changed.
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

/// Whether the soft limit could be set to this.
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

/// Numbers of files that nothing gets but a client that is accepted when all others are taken.
///
/// The soft limit stays below what the system allows, and is raised to it for one call of `accept`. A number from above the usual
/// limit is free for the next such client once it is closed: no other part of the process can take it.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    limits: Mutex<Option<Limits>>,
    /// When running out was last seen.
    seen: Mutex<Option<Instant>>,
}

impl Spare {
    /// How many connections may hold spare numbers for longer than a refusal takes.
    pub(crate) fn places(&self) -> usize {
        let spare = self.limits().as_ref().map_or(MOST_SPARE, |limits| limits.all.saturating_sub(limits.usual));
        usize::try_from(spare / 2).unwrap_or(1).max(1)
    }

    /// After a connection that could not be accepted for this reason: accepts it with a spare number. None where no client waits
    /// any more. An error where it cannot be accepted; it comes after a moment, in which there may be room again.
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
            // The system reports that no file is left before it looks whether a client waits.
            Poll::Pending => Ok(None),
        }
    }

    /// One attempt under the raised limit. The lock keeps two listeners from lowering it for each other.
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
                "no file is left for new connections, which are refused with 503 meanwhile: let this process open more \
                 (`ulimit -n`), or lower `server.max_connections`"
            );
        }
    }

    fn limits(&self) -> MutexGuard<'_, Option<Limits>> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a client that no file is left for it.
pub(crate) async fn refuse(stream: TcpStream) {
    // It is over either way.
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

/// Answers, and reads what was asked: closing on bytes that were not read can take the answer with it.
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
