//! Accepts connections from a listener and limits their number.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet, yield_now};

use super::Ended;
use super::connection::{Place, connection};
use crate::bind::Listener;
use crate::files::{self, Spare};
use crate::metrics::Broken;
use crate::stall::{Exempt, Stalling};

/// The limits for the connections of one listener.
pub(super) struct Door {
    pub(super) router: Router,
    /// The free places of `server.max_connections`.
    pub(super) places: Arc<Semaphore>,
    /// The number of connections without a place that are served at a time. If all are in use, the oldest is closed.
    pub(super) beyond: usize,
    /// `server.write_timeout_seconds`.
    pub(super) write_timeout: Duration,
    pub(super) counts: Broken,
    pub(super) spare: Arc<Spare>,
    /// Whether a connection that got a spare file descriptor is served. Otherwise it is rejected.
    pub(super) serves_with_spare: bool,
}

/// The open connections of one listener.
#[derive(Default)]
pub(super) struct Connections {
    pub(super) all: JoinSet<()>,
    /// Connections without a place, the oldest first. Some may have ended.
    beyond: VecDeque<AbortHandle>,
}

impl Connections {
    /// Adds a connection without a place, and closes the oldest one if there are more than `limit`.
    async fn keep_beyond(&mut self, handle: AbortHandle, limit: usize) {
        self.beyond.retain(|handle| !handle.is_finished());
        self.beyond.push_back(handle);
        if self.beyond.len() > limit
            && let Some(oldest) = self.beyond.pop_front()
        {
            oldest.abort();
            // Until then it has a file descriptor. Its next step ends it at once.
            while !oldest.is_finished() {
                yield_now().await;
            }
        }
    }
}

impl Door {
    /// Accepts one connection, or removes one that has ended.
    pub(super) async fn accept(
        &self,
        listener: &Listener,
        connections: &mut Connections,
        stopping: &watch::Receiver<bool>,
        ended: &mut Ended,
    ) {
        let error = tokio::select! {
            Some(_) = connections.all.join_next() => return,
            accepted = listener.accept() => match accepted {
                Ok(stream) => return self.open(stream, connections, stopping).await,
                Err(error) => error,
            }
        };
        let refused = match self.spare.accept(listener, error).await {
            Ok(None) => return,
            Ok(Some(stream)) if self.serves_with_spare => return self.open(stream, connections, stopping).await,
            Ok(Some(stream)) => Some(stream),
            Err(_) => None,
        };
        ended.refused += 1;
        self.counts.refused.inc();
        if let Some(stream) = refused {
            files::refuse(stream).await;
        }
    }

    /// Starts to serve a connection.
    async fn open(&self, stream: TcpStream, connections: &mut Connections, stopping: &watch::Receiver<bool>) {
        // Sends small frames at once. Fails only on a socket that is closed already.
        stream.set_nodelay(true).ok();
        let place = Place::of(&self.places);
        let is_beyond = matches!(place, Place::Beyond);
        let exempt = Exempt::default();
        let stream = Stalling::accepted(stream, self.write_timeout, exempt.clone(), self.counts.clone());
        let serving = connection((stream, exempt), place, self.router.clone(), stopping.clone());
        let handle = connections.all.spawn(serving);
        if is_beyond {
            self.counts.beyond.inc();
            connections.keep_beyond(handle, self.beyond).await;
        }
    }
}
