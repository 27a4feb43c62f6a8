//! One connection: its place among `server.max_connections`, its time limits, and its end.

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

/// How long the head of a connection's first request may take.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a kept connection stays without a request: longer than the proxies before it keep theirs (nginx and AWS' load
/// balancers 60 s), as a proxy that sends into a connection that ends reports 502.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The largest head of a request; hyper's own limit is ten times as much, which a thousand clients could make it keep.
pub(super) const MAX_HEAD_BYTES: usize = 32 * 1024;

/// [`HEAD_TIMEOUT`] once the server was told to stop: a first request that is on its way still gets its answer,
/// but one that never comes (browsers connect in advance) does not hold up the end.
const LAST_HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection beyond the limit may take for its one request and the answer.
const BEYOND_TIMEOUT: Duration = Duration::from_secs(5);

/// The place of a connection among `server.max_connections`.
pub(super) enum Place {
    /// Its own, until its end or that of the session that it becomes.
    Taken(Slot),
    /// None was free.
    Beyond,
}

impl Place {
    /// Takes a place where one is free.
    pub(super) fn of(places: &Arc<Semaphore>) -> Self {
        Arc::clone(places).try_acquire_owned().map_or(Self::Beyond, |permit| Self::Taken(Slot(Arc::new(permit))))
    }
}

/// One connection, from its first byte to its last; the place is given back then, or with the session that it became.
pub(super) async fn connection(stream: Watched, place: Place, router: Router, stop: watch::Receiver<bool>) {
    match place {
        Place::Taken(slot) => serve(stream, Some(slot), router, stop).await,
        // What it may ask is answered in no time. A client that is slow must not hold the reserve.
        Place::Beyond => {
            timeout(BEYOND_TIMEOUT, serve(stream, None, router, stop)).await.ok();
        }
    }
}

/// A stream that ends where its client takes nothing, unless it becomes a session's.
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
    // How a connection ends is the client's business: hyper has answered what could be answered.
    loop {
        tokio::select! {
            _ = &mut connection => return,
            () = &mut first, if waits => if is_used() { waits = false } else { return },
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    // hyper would close a connection that has not said anything yet, with the request that is on its way.
    if !is_used() {
        let ended = timeout(LAST_HEAD_TIMEOUT, &mut connection).await.is_ok();
        if ended || !is_used() {
            return;
        }
    }
    connection.as_mut().graceful_shutdown();
    connection.await.ok();
}
