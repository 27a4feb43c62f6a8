//! One HTTP connection: its place among `server.max_connections`, its time limits, and its end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::app::{Beyond, Kept, Slot};
use crate::stall::{Exempt, Stalling};

/// The time limit for the head of a connection's first request.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The time after which an idle connection is closed. Longer than that of proxies (nginx and AWS load balancers: 60 s), because a
/// proxy that sends into a closing connection reports 502.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The size limit of a request's head, in bytes. Hyper's own limit is ten times as large, which is too much for a thousand
/// clients.
pub(super) const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Replaces [`HEAD_TIMEOUT`] during a shutdown. A first request that is on its way still gets its answer, but connections without
/// one (browsers connect in advance) do not delay the shutdown.
const LAST_HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// The time limit for the one request of a connection beyond the limit, and its answer.
const BEYOND_TIMEOUT: Duration = Duration::from_secs(5);

/// The place of a connection among `server.max_connections`.
pub(super) enum Place {
    /// A place of its own, until the connection or its session ends.
    Taken(Slot),
    /// No place was free.
    Beyond,
}

impl Place {
    /// Takes a place if one is free.
    pub(super) fn of(places: &Arc<Semaphore>) -> Self {
        Arc::clone(places).try_acquire_owned().map_or(Self::Beyond, |permit| Self::Taken(Slot(Arc::new(permit))))
    }
}

/// Serves one connection to its end. Its place is released then, or at the end of the session that it became.
pub(super) async fn connection(stream: Watched, place: Place, router: Router, stop: watch::Receiver<bool>) {
    match place {
        Place::Taken(slot) => serve(stream, Some(slot), router, stop).await,
        // Its one request is answered at once. A slow client must not occupy the reserve.
        Place::Beyond => {
            timeout(BEYOND_TIMEOUT, serve(stream, None, router, stop)).await.ok();
        }
    }
}

/// A stream that fails if its client does not read, until a session uses it.
type Watched = (Stalling<TcpStream>, Exempt);

async fn serve((stream, exempt): Watched, slot: Option<Slot>, router: Router, mut stop: watch::Receiver<bool>) {
    let used = Arc::new(AtomicBool::new(false));
    let service = TowerToHyperService::new(router);
    let mark = Arc::clone(&used);
    let keeps = slot.is_some();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        let extensions = request.extensions_mut();
        if mark.swap(true, Ordering::Relaxed) {
            extensions.insert(Kept);
        }
        match &slot {
            Some(slot) => drop(extensions.insert(slot.clone())),
            None => drop(extensions.insert(Beyond)),
        }
        exempt.clone().of_sessions(hyper::service::Service::call(&service, request))
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(keeps)
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let is_used = || used.load(Ordering::Relaxed);
    let (mut first, mut waits) = (pin!(sleep(HEAD_TIMEOUT)), true);
    // The error is the client's. Hyper has answered what it could.
    loop {
        tokio::select! {
            _ = &mut connection => return,
            () = &mut first, if waits => if is_used() { waits = false } else { return },
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    // Hyper would close a connection before its first request, which may be on its way.
    if !is_used() {
        let ended = timeout(LAST_HEAD_TIMEOUT, &mut connection).await.is_ok();
        if ended || !is_used() {
            return;
        }
    }
    connection.as_mut().graceful_shutdown();
    connection.await.ok();
}
