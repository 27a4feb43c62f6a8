//! Runs a server, from its listener to its shutdown.
//!
//! The caller owns the listener and the stop signal, so a test can bind port 0 and stop at any time. The number of connections
//! and the size and time of a request's head are bounded. No client can delay the shutdown beyond `server.shutdown_seconds`.

mod connection;
mod door;

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use self::door::{Connections, Door};
use crate::app::{App, SetupError};
use crate::bind::{BindError, Listener};
use crate::config::Config;
use crate::files::{self, Spare};
use crate::metrics::{Broken, Metrics};

/// The number of connections beyond `server.max_connections` that are served at a time. They get health checks and 503, so that
/// an orchestrator sees a full server as alive and clients are rejected at once. If all are in use, the oldest is closed.
const RESERVE: usize = 64;

/// The time for sessions to send their close frames after `server.shutdown_seconds`.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The result of a shutdown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Connections that were still busy after `server.shutdown_seconds`, and were closed.
    pub cut: usize,
    /// Connections that the system could not accept.
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

/// A server that is ready to run.
#[derive(Debug)]
pub struct Prepared {
    app: App,
    metrics: Option<TcpListener>,
    spare: Arc<Spare>,
}

/// Why a server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A part cannot be built.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The address of the metrics cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
}

impl Prepared {
    /// Returns the address of `/metrics`, if it is served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }
}

/// Builds every part of a server. Must be called inside the runtime that runs it.
pub async fn prepare(config: Config) -> Result<Prepared, PrepareError> {
    let spare = Arc::new(files::prepare(config.server.max_connections));
    let metrics = match config.metrics.listen {
        None => None,
        Some(address) => {
            let (host, port) = (address.ip().to_string(), address.port());
            let bound = TcpListener::bind(address).await;
            Some(bound.map_err(|source| BindError { host, port, is_metrics: true, source })?)
        }
    };
    Ok(Prepared { app: App::new(config)?, metrics, spare })
}

/// Serves `listener` until `shutdown` completes, the requests that ran then are answered and the sessions have ended.
pub async fn serve(prepared: Prepared, listener: Listener, shutdown: impl Future<Output = ()>) -> Ended {
    let Prepared { app, metrics, spare } = prepared;
    let server = &app.shared.config.server;
    let scraped = metrics.map(|listener| {
        let door = door_of_metrics(Arc::clone(&app.shared.metrics), Arc::clone(&spare), server.write_timeout);
        tokio::spawn(serve_metrics(door, listener.into()))
    });
    let parts = Parts {
        limit: server.shutdown,
        draining: app.shared.draining.clone(),
        cut: app.shared.cut.clone(),
        sessions: app.sessions.clone(),
        door: Door {
            places: Arc::clone(&app.places),
            beyond: RESERVE,
            write_timeout: server.write_timeout,
            counts: app.shared.metrics.broken.clone(),
            spare,
            serves_with_spare: false,
            router: crate::http::router(app.clone()),
        },
    };
    let ended = run(parts, listener, shutdown).await;
    if let Some(scraped) = scraped {
        scraped.abort();
    }
    ended
}

/// Serves `/metrics` on its own, internal address.
///
/// A connection has one request, and the oldest is closed for a new one. So a scrape is always answered, whatever other clients
/// do at that address, and also when no file descriptor is left.
fn door_of_metrics(metrics: Arc<Metrics>, spare: Arc<Spare>, write_timeout: Duration) -> Door {
    let scrape = async |State(metrics): State<Arc<Metrics>>| match metrics.text() {
        Ok(text) => {
            let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, media)], text).into_response()
        }
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    Door {
        router: Router::new().route("/metrics", get(scrape)).with_state(metrics),
        places: Arc::new(Semaphore::new(0)),
        beyond: spare.places(),
        write_timeout,
        // The metrics count connections of the main address only.
        counts: Broken::default(),
        spare,
        serves_with_spare: true,
    }
}

/// Never ends by itself.
async fn serve_metrics(door: Door, listener: Listener) {
    let (_stop, stopping) = watch::channel(false);
    let (mut connections, mut ended) = (Connections::default(), Ended::default());
    loop {
        door.accept(&listener, &mut connections, &stopping, &mut ended).await;
    }
}

/// The parts of a running server. Owned by [`serve`] until its end.
struct Parts {
    door: Door,
    limit: Duration,
    /// Cancelled when no new work may begin.
    draining: CancellationToken,
    /// Cancelled after `server.shutdown_seconds`.
    cut: CancellationToken,
    sessions: TaskTracker,
}

async fn run(parts: Parts, listener: Listener, shutdown: impl Future<Output = ()>) -> Ended {
    let (stop, stopping) = watch::channel(false);
    let mut connections = Connections::default();
    let mut ended = Ended::default();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            // First, so that a flood of connections cannot hide the signal.
            biased;
            () = &mut shutdown => break,
            () = parts.door.accept(&listener, &mut connections, &stopping, &mut ended) => {}
        }
    }
    info!(sessions = parts.sessions.len(), connections = connections.all.len(), "stopping");
    parts.draining.cancel();
    parts.sessions.close();
    stop.send_replace(true);
    // New requests get only the answer that the server stops. Shutdown does not wait for them.
    let mut late = Connections::default();
    let mut refused = Ended::default();
    let all_ended = async {
        while connections.all.join_next().await.is_some() {}
        parts.sessions.wait().await;
    };
    let in_time = tokio::select! {
        ended = timeout(parts.limit, all_ended) => ended.is_ok(),
        () = async { loop { parts.door.accept(&listener, &mut late, &stopping, &mut refused).await } } => false,
    };
    drop(listener);
    if !in_time {
        ended.cut = connections.all.len() + parts.sessions.len();
        parts.cut.cancel();
        connections.all.shutdown().await;
        timeout(LAST_WORDS, parts.sessions.wait()).await.ok();
    }
    late.all.shutdown().await;
    ended
}

#[cfg(test)]
mod tests {
    use super::connection::{HEAD_TIMEOUT, MAX_HEAD_BYTES};
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::{mpsc, oneshot};

    const REQUEST: &[u8] = b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n";

    /// A server with one slow path. The test sees that a request runs, and decides when it ends.
    struct World {
        address: SocketAddr,
        running: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
        stop: oneshot::Sender<()>,
        server: tokio::task::JoinHandle<Ended>,
    }

    impl World {
        async fn new(limit: Duration) -> Self {
            Self::with_places(limit, 10).await
        }

        async fn with_places(limit: Duration, places: usize) -> Self {
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
            let parts = Parts {
                limit,
                draining: CancellationToken::new(),
                cut: CancellationToken::new(),
                sessions: TaskTracker::new(),
                door: Door {
                    router: Router::new().route("/slow", get(slow)).route("/", get(async || "quick")),
                    places: Arc::new(Semaphore::new(places)),
                    beyond: RESERVE,
                    write_timeout: Duration::from_secs(30),
                    counts: Broken::default(),
                    spare: Arc::default(),
                    serves_with_spare: false,
                },
            };
            let server = tokio::spawn(run(parts, listener.into(), shutdown));
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
    async fn shutdown_finishes_a_running_request() {
        let mut world = World::new(Duration::from_secs(3600)).await;
        let (mut client, release) = world.request().await;
        world.stop.send(()).unwrap();
        // New requests are answered, because a load balancer must learn that the server stops.
        let mut late = TcpStream::connect(world.address).await.unwrap();
        late.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        late.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("quick"), "{answer}");
        assert!(!world.server.is_finished());
        release.send(()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"), "{answer}");
        assert_eq!(world.server.await.unwrap(), Ended::default());
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_cuts_a_late_request() {
        let mut world = World::new(Duration::from_secs(10)).await;
        let (_client, _release) = world.request().await;
        let begin = tokio::time::Instant::now();
        world.stop.send(()).unwrap();
        assert_eq!(world.server.await.unwrap(), Ended { cut: 1, refused: 0 });
        assert_eq!(begin.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn endless_request_head_times_out() {
        let world = World::new(Duration::ZERO).await;
        let begin = tokio::time::Instant::now();
        let mut client = TcpStream::connect(world.address).await.unwrap();
        client.write_all(b"GET /slow HT").await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
    }

    #[tokio::test]
    async fn oversized_request_head_is_rejected() {
        let world = World::new(Duration::ZERO).await;
        let mut client = TcpStream::connect(world.address).await.unwrap();
        let mut head = b"GET /slow HTTP/1.1\r\nHost: ".to_vec();
        // Not a byte more than is read, because closing with unread bytes can drop the response.
        head.resize(MAX_HEAD_BYTES, b'a');
        client.write_all(&head).await.unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 431");
    }

    /// Silent clients, more than the reserve has, and one that sends a request.
    #[tokio::test]
    async fn flood_of_idle_connections_does_not_block_a_request() {
        let world = World::with_places(Duration::ZERO, 1).await;
        let mut idle = Vec::new();
        for _ in 0..3 * RESERVE {
            idle.push(TcpStream::connect(world.address).await.unwrap());
        }
        let mut client = TcpStream::connect(world.address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("quick") && answer.to_lowercase().contains("connection: close"), "{answer}");
        // The oldest were closed, but not the one within the limit.
        assert_eq!(idle[1].read(&mut [0]).await.unwrap_or(0), 0);
        let mut within = idle.swap_remove(0);
        within.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        within.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("quick"), "{answer}");
    }
}
