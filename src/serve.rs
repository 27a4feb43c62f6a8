//! A listener to a running server to its orderly end.
//!
//! The caller owns the socket and the signal to stop, so a test binds port 0 and stops when it likes. What one client
//! can hold is bounded in number (connections), and a request's head in size and time, and
//! nothing a client does can hold up the end beyond `server.shutdown_seconds`.

use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::{Config, Server};

/// Connections at a time; the next ones wait in the system's queue. Below 1024, which is how many files a process
/// may have open by default on most systems.
const MAX_CONNECTIONS: usize = 1000;

/// How long the head of a request may take, and a kept connection stay without one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest head of a request; hyper's own limit is ten times as much, which a thousand clients could make it keep.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// [`HEAD_TIMEOUT`] once the server was told to stop: a first request that is on its way still gets its answer,
/// but one that never comes (browsers connect in advance) does not hold up the end.
const LAST_HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait where a connection cannot be accepted because the system is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {host} port {port}: {source}")]
pub struct BindError {
    /// `server.host`.
    pub host: String,
    /// `server.port`.
    pub port: u16,
    /// What the system said.
    pub source: io::Error,
}

impl BindError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.source.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there; stop it, or choose another port: `PORT=3002 sayna`, or `server.port` \
                 in the configuration (0 takes any free one)"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 are often reserved for the system; choose a higher one with PORT or `server.port`"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have that address; HOST or `server.host` must be one of its own, or 0.0.0.0 \
                 for all of them"
            }
            _ => "check HOST (`server.host`) and PORT (`server.port`); `sayna check` shows where they come from",
        };
        Some(hint.to_owned())
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Connections that were still busy when the time to stop was over, and were cut.
    pub cut: usize,
    /// Connections that the system could not hand over.
    pub refused: usize,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")?;
        if self.cut > 0 {
            write!(f, "; cut {} that took longer", connections(self.cut))?;
        }
        if self.refused > 0 {
            write!(f, "; the system could not hand over {}", connections(self.refused))?;
        }
        Ok(())
    }
}

fn connections(count: usize) -> String {
    format!("{count} connection{}", if count == 1 { "" } else { "s" })
}

/// Takes the address that the configuration names.
pub async fn bind(server: &Server) -> Result<TcpListener, BindError> {
    let error = |source| BindError { host: server.host.clone(), port: server.port, source };
    TcpListener::bind((server.host.as_str(), server.port)).await.map_err(error)
}

/// Serves `listener` until `shutdown` completes and the requests that ran then are answered.
pub async fn serve(config: Config, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Ended {
    run(crate::http::router(), config.server.shutdown, listener, shutdown).await
}

async fn run(router: Router, limit: Duration, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Ended {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut ended = Ended::default();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            // First, so that no flood of connections keeps it from being seen.
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &slots) => if let Ok((stream, slot)) = accepted {
                connections.spawn(connection(stream, slot, router.clone(), stopping.clone()));
            } else {
                ended.refused += 1;
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(limit, all_ended).await.is_err() {
        ended.cut = connections.len();
        connections.shutdown().await;
    }
    ended
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Small frames should leave at once. A socket that refuses is already dead, as its first read will tell.
    stream.set_nodelay(true).ok();
    Ok((stream, slot))
}

/// One connection, from its first byte to its last; `_slot` is given back then.
async fn connection(stream: TcpStream, _slot: OwnedSemaphorePermit, router: Router, mut stop: watch::Receiver<bool>) {
    let used = Arc::new(AtomicBool::new(false));
    let service = TowerToHyperService::new(router);
    let mark = Arc::clone(&used);
    let service = hyper::service::service_fn(move |request| {
        mark.store(true, Ordering::Relaxed);
        hyper::service::Service::call(&service, request)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    // How a connection ends is the client's business: hyper has answered what could be answered.
    tokio::select! {
        _ = &mut connection => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    // hyper closes a connection between two requests by itself, but waits for the first one.
    if !used.load(Ordering::Relaxed) {
        let ended = timeout(LAST_HEAD_TIMEOUT, &mut connection).await.is_ok();
        if ended || !used.load(Ordering::Relaxed) {
            return;
        }
    }
    connection.await.ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::{mpsc, oneshot};

    const REQUEST: &[u8] = b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n";

    /// A server with one slow path: the test learns that a request runs, and decides when it may end.
    struct World {
        address: SocketAddr,
        running: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
        stop: oneshot::Sender<()>,
        server: tokio::task::JoinHandle<Ended>,
    }

    impl World {
        async fn new(limit: Duration) -> Self {
            let (entered, running) = mpsc::unbounded_channel();
            let slow = move || {
                let (release, released) = oneshot::channel();
                entered.send(release).unwrap();
                async { released.await.map_or("dropped", |()| "done") }
            };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel();
            let shutdown = async { stopped.await.unwrap_or_default() };
            let server = tokio::spawn(run(Router::new().route("/slow", get(slow)), limit, listener, shutdown));
            Self { address, running, stop, server }
        }

        async fn request(&mut self) -> (TcpStream, oneshot::Sender<()>) {
            let mut client = TcpStream::connect(self.address).await.unwrap();
            client.write_all(REQUEST).await.unwrap();
            let release = self.running.recv().await.unwrap();
            (client, release)
        }
    }

    #[tokio::test]
    async fn a_running_request_is_finished() {
        let mut world = World::new(Duration::from_secs(3600)).await;
        let (mut client, release) = world.request().await;
        world.stop.send(()).unwrap();
        // The listener is closed before anything else is waited for: from here on nobody gets in.
        while TcpStream::connect(world.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!world.server.is_finished());
        release.send(()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"), "{answer}");
        assert_eq!(world.server.await.unwrap(), Ended::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_longer_is_cut() {
        let mut world = World::new(Duration::from_secs(10)).await;
        let (_client, _release) = world.request().await;
        let begin = tokio::time::Instant::now();
        world.stop.send(()).unwrap();
        assert_eq!(world.server.await.unwrap(), Ended { cut: 1, refused: 0 });
        assert_eq!(begin.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_never_ends_is_given_up() {
        let world = World::new(Duration::ZERO).await;
        let begin = tokio::time::Instant::now();
        let mut client = TcpStream::connect(world.address).await.unwrap();
        client.write_all(b"GET /slow HT").await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
    }

    #[tokio::test]
    async fn a_head_beyond_the_limit_is_refused() {
        let world = World::new(Duration::ZERO).await;
        let mut client = TcpStream::connect(world.address).await.unwrap();
        let mut head = b"GET /slow HTTP/1.1\r\nHost: ".to_vec();
        // Not a byte more than is read: closing on unread bytes can take the answer with it.
        head.resize(MAX_HEAD_BYTES, b'a');
        client.write_all(&head).await.unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 431");
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_wait_for_a_place() {
        let slots = Arc::new(Semaphore::new(1));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _clients = (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
        let first = accept(&listener, &slots).await.unwrap();
        let mut second = pin!(accept(&listener, &slots));
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(second.as_mut().poll(cx))).await.is_pending());
        drop(first);
        drop(second.await.unwrap());
    }
}
