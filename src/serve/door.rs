//! Taking connections from a listener, and how many of them.

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

/// What becomes of the connections of one listener.
pub(super) struct Door {
    pub(super) router: Router,
    /// Those of `server.max_connections` that are free.
    pub(super) places: Arc<Semaphore>,
    /// How many connections without a place are served at a time. Where all are taken, the oldest is closed.
    pub(super) beyond: usize,
    /// `server.write_timeout_seconds`.
    pub(super) write_timeout: Duration,
    pub(super) counts: Broken,
    pub(super) spare: Arc<Spare>,
    /// Whether a connection that got a spare file is served. It is refused where not.
    pub(super) serves_with_spare: bool,
}

/// The connections that are open.
#[derive(Default)]
pub(super) struct Connections {
    pub(super) all: JoinSet<()>,
    /// Those of them that have no place, the oldest first; some may have ended.
    beyond: VecDeque<AbortHandle>,
}

impl Connections {
    /// Remembers a connection without a place, and closes the oldest one where there are more than `limit`.
    async fn keep_beyond(&mut self, handle: AbortHandle, limit: usize) {
        self.beyond.retain(|handle| !handle.is_finished());
        self.beyond.push_back(handle);
        if self.beyond.len() > limit
            && let Some(oldest) = self.beyond.pop_front()
        {
            oldest.abort();
            // It has its file until then. What it does between two steps takes no time.
            while !oldest.is_finished() {
                yield_now().await;
            }
        }
    }
}

impl Door {
    /// Takes one connection, or clears one away that has ended.
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

    /// Begins to serve a connection.
    async fn open(&self, stream: TcpStream, connections: &mut Connections, stopping: &watch::Receiver<bool>) {
        // Small frames should leave at once. A socket that refuses is already dead, as its first read will tell.
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
