//! Files of the process, connections among them: how many it may have open, and what becomes of a client when none is left.

use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use crate::bind::Listener;

/// Files beside those of connections: models, the cache, the log, the runtime's own, clients that are refused.
const OTHERS: u64 = 128;

/// How long to wait where a connection cannot be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a refused client has for its request. Others wait behind it, and most requests come with their connection.
const LINGER: Duration = Duration::from_millis(10);

/// How long it is quiet before running out is said again.
const QUIET: Duration = Duration::from_secs(60);

const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 53\r\n\
    Retry-After: 5\r\nConnection: close\r\n\r\n{\"error\":\"The server has no file left; try it later\"}";

/// Raises the limit of open files as far as so many connections need and the system lets it. Says what is missing.
pub(crate) fn prepare(connections: usize) {
    // A file each for the client and for its provider.
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(OTHERS);
    if let Some(limit) = raise(needed).filter(|limit| *limit < needed) {
        let enough = limit.saturating_sub(OTHERS) / 2;
        warn!(
            "this process may open {limit} files: enough for some {enough} of {connections} connections \
             (`server.max_connections`); let it open {needed} (`ulimit -n`, LimitNOFILE of systemd, --ulimit nofile of \
             containers), or lower `server.max_connections`"
        );
    }
}

/// The limit that is in force; none where the system has none.
#[cfg(unix)]
fn raise(needed: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let now = current?;
    let reachable = maximum.map_or(needed, |most| most.min(needed));
    if reachable <= now {
        return Some(now);
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum });
    Some(if raised.is_ok() { reachable } else { now })
}

#[cfg(not(unix))]
fn raise(_needed: u64) -> Option<u64> {
    None
}

/// A file that is kept for the moment when there are no more: by its place a client is accepted and told so.
#[derive(Debug)]
pub(crate) struct Reserve {
    file: Option<File>,
    /// When running out was last seen.
    seen: Option<Instant>,
}

impl Reserve {
    pub(crate) fn new() -> Self {
        Self { file: open(), seen: None }
    }

    /// After a connection that could not be accepted for this reason: refuses it where it can, and waits a moment where not.
    pub(crate) async fn refuse(&mut self, listener: &Listener, error: &io::Error) {
        if !is_out_of_files(error) {
            sleep(PAUSE).await;
            return;
        }
        if self.seen.replace(Instant::now()).is_none_or(|seen| seen.elapsed() > QUIET) {
            warn!(
                %error,
                "no file is left for new connections, which are refused with 503 meanwhile: let this process open more \
                 (`ulimit -n`), or lower `server.max_connections`"
            );
        }
        if self.file.take().is_none() {
            sleep(PAUSE).await;
        } else if let Ok(Ok(stream)) = timeout(PAUSE, listener.accept()).await {
            // It is over either way.
            timeout(LINGER, refuse(stream)).await.ok();
        }
        self.file = open();
    }
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

fn open() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Answers, and reads what was asked: closing on bytes that were not read can take the answer with it.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
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
    fn the_refusal_has_the_length_that_it_names() {
        let text = std::str::from_utf8(REFUSAL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
