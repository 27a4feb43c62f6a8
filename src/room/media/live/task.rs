//! The task between a session and a transport. It mixes and converts incoming audio, and converts and paces outgoing audio.
//!
//! Three parties pass messages. The channels are those of [`RoomChannels`], and no sender ever blocks.
//!
//! ```text
//! session (Connection)           RoomTask                        transport (LiveKit)
//!        |                          |                                   |
//!        |                          |<-- TransportEvent::Samples -------|  one track, 10 ms
//!        |                          |    RoomInput: mix, convert        |
//!        |<-- RoomEvent::Audio -----|    newest dropped if full         |
//!        |                          |<-- TransportEvent::Event ---------|  joined, left, message
//!        |<-- RoomEvent ------------|    waits if full                  |
//!        |                          |                                   |
//!        |--- PlayoutCommand ------>|    RoomOutput: convert, cut       |
//!        |    Speech, End           |--- play(10 ms) ------------------>|  done when it accepts more
//!        |--- cleared (epoch) ----->|--- clear() ---------------------->|  drops its buffer of 200 ms
//!        |--- loading (clip) ------>|    mixed under speech             |
//!        |--- Packet -------------->|--- send() ----------------------->|
//!        |                          |                                   |
//!        |--- stay, drop ---------->|--- leave() ---------------------->|
//!        |<-- left closes ----------|    deletes the room without stay  |
//! ```
//!
//! The session ends the task by dropping its receiver of events. The transport ends it by returning none.

use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::presence::Presence;
use super::track::Audio;
use super::transport::{RoomTransport, TransportEvent};
use super::{LEAVE_TIMEOUT, PlayoutCommand, RoomChannels};
use crate::room::media::{Packet, RoomEvent};

/// The task of one connection, which owns its transport. Ends when the session has left or the transport has ended.
pub(super) struct RoomTask<T> {
    pub(super) transport: T,
    pub(super) audio: Option<Audio>,
    /// Identities whose messages the session receives. Empty is all.
    pub(super) listen: Vec<String>,
    pub(super) channels: RoomChannels,
    pub(super) presence: Presence,
}

/// What the task does next.
enum Next {
    Gone,
    Cleared,
    Loading,
    Played,
    Sent(Result<(), String>),
    Playout(Option<PlayoutCommand>),
    Packet(Option<Packet>),
    Delivered,
    Due,
    Absent,
    Transport(Option<TransportEvent>),
}

/// Operations of the transport that are running, and an event that waits.
#[derive(Default)]
struct Running {
    playing: Option<BoxFuture<'static, ()>>,
    sending: Option<BoxFuture<'static, Result<(), String>>>,
    /// An event that did not fit into the session's queue. It is sent when space frees up.
    waiting: Option<RoomEvent>,
}

impl<T: RoomTransport> RoomTask<T> {
    /// Runs until the session has left or the connection has ended. Returns whether the room is to be deleted.
    pub(super) async fn run(mut self) -> bool {
        let mut running = Running::default();
        let gone = loop {
            if running.playing.is_none()
                && let Some(frame) = self.frame()
            {
                running.playing = Some(self.transport.play(frame));
            }
            match self.next(&mut running).await {
                Next::Gone | Next::Playout(None) => break true,
                Next::Cleared => self.clear(),
                Next::Loading => self.loading(),
                Next::Played => running.playing = None,
                Next::Sent(sent) => {
                    running.sending = None;
                    if let Err(error) = sent {
                        warn!(error, "could not send a message to the room");
                    }
                }
                Next::Playout(Some(command)) => self.execute(command),
                Next::Packet(packet) => running.sending = packet.map(|packet| self.transport.send(packet)),
                Next::Delivered => running.waiting = None,
                Next::Due => {}
                Next::Absent => {
                    let gone = self.presence.gone(now());
                    running.waiting = gone.and_then(|participant| self.deliver(RoomEvent::Left(participant)));
                }
                Next::Transport(Some(event)) => running.waiting = self.handle(event),
                // The session sees the end of the channel.
                Next::Transport(None) => break false,
            }
        };
        // Running operations hold a part of the transport.
        drop(running);
        let Self { transport, channels: RoomChannels { mut stays, .. }, .. } = self;
        if timeout(LEAVE_TIMEOUT, transport.leave()).await.is_err() {
            debug!("leaving the room timed out");
        }
        gone && stays.try_recv().is_err()
    }

    async fn next(&mut self, running: &mut Running) -> Next {
        let Running { playing, sending, waiting } = running;
        let RoomChannels { commands, packets, cleared, loading, events, .. } = &mut self.channels;
        let (plays, sends, waits) = (playing.is_some(), sending.is_some(), waiting.is_some());
        let (absent, due) = (self.presence.deadline(), self.audio.as_ref().and_then(Audio::due));
        let full = self.audio.as_ref().is_some_and(|audio| !audio.output.is_empty());
        tokio::select! {
            biased;
            () = events.closed() => Next::Gone,
            Ok(()) = cleared.changed() => Next::Cleared,
            Ok(()) = loading.changed() => Next::Loading,
            () = done(playing), if plays => Next::Played,
            sent = done(sending), if sends => Next::Sent(sent),
            packet = packets.recv(), if !sends && !packets.is_closed() => Next::Packet(packet),
            command = commands.recv(), if !full => Next::Playout(command),
            permit = events.reserve(), if waits => {
                if let (Ok(permit), Some(event)) = (permit, waiting.take()) {
                    permit.send(event);
                }
                Next::Delivered
            }
            () = until(due), if !plays => Next::Due,
            () = until(absent), if !waits => Next::Absent,
            event = self.transport.next(), if !waits => Next::Transport(event),
        }
    }

    /// Returns the next 10 ms for the track, if there is audio to play.
    fn frame(&mut self) -> Option<Bytes> {
        // Queued speech comes first, because the loading sound alone would be a gap in it.
        while self.audio.as_ref().is_some_and(Audio::is_loading_alone)
            && let Ok(command) = self.channels.commands.try_recv()
        {
            self.execute(command);
        }
        self.audio.as_mut()?.next(now())
    }

    fn execute(&mut self, command: PlayoutCommand) {
        // Speech that was queued after a clear must not be dropped by it.
        if self.channels.cleared.has_changed().unwrap_or_default() {
            self.channels.cleared.mark_unchanged();
            self.clear();
        }
        let (Some(Audio { output, .. }), current) = (&mut self.audio, *self.channels.cleared.borrow()) else { return };
        match command {
            PlayoutCommand::Speech(epoch, speech) if epoch.is_none_or(|epoch| epoch == current) => {
                output.push(speech, epoch.is_none());
            }
            PlayoutCommand::End(epoch) if epoch.is_none_or(|epoch| epoch == current) => output.end(),
            PlayoutCommand::Speech(..) | PlayoutCommand::End(_) => {}
        }
    }

    fn clear(&mut self) {
        // The running `play` is not cancelled, because a transport accepts no other one before it is done.
        if self.audio.as_mut().is_none_or(|audio| audio.clear(now())) {
            self.transport.clear();
        }
    }

    fn loading(&mut self) {
        let (Some(Audio { loading, .. }), clip) = (&mut self.audio, self.channels.loading.borrow().clone()) else {
            return;
        };
        match clip {
            Some(clip) => loading.start(clip),
            None => loading.stop(),
        }
    }

    /// Handles an event of the transport. Returns an event that does not fit into the session's queue.
    fn handle(&mut self, event: TransportEvent) -> Option<RoomEvent> {
        let heard = |identity: &str| self.listen.is_empty() || self.listen.iter().any(|one| one == identity);
        let event = match (event, &mut self.audio) {
            (TransportEvent::Samples(track, samples), Some(Audio { input, .. })) => {
                let audio = input.push(track, &samples);
                if !audio.is_empty() {
                    // The newest audio is dropped if the session falls behind. The session reports it if its provider is the
                    // cause.
                    self.channels.events.try_send(RoomEvent::Audio(audio)).ok();
                }
                return None;
            }
            (TransportEvent::TrackEnded(track), Some(Audio { input, .. })) => {
                input.remove(track);
                return None;
            }
            (TransportEvent::Samples(..) | TransportEvent::TrackEnded(_), None) => return None,
            (TransportEvent::Reconnecting, _) => {
                warn!("lost the connection to LiveKit, reconnecting");
                self.presence.reconnecting();
                return None;
            }
            (TransportEvent::Reconnected, _) => {
                self.presence.reconnected(now());
                return None;
            }
            (TransportEvent::Event(RoomEvent::Left(participant)), _) => {
                self.presence.left(participant, now());
                return None;
            }
            (TransportEvent::Event(RoomEvent::Joined(participant)), _) if !self.presence.joined(&participant) => {
                return None;
            }
            (TransportEvent::Event(RoomEvent::Data { identity, .. }), _) if !heard(&identity) => return None,
            (TransportEvent::Event(event), _) => event,
        };
        self.deliver(event)
    }

    /// Sends an event to the session. Returns it if the queue is full.
    fn deliver(&self, event: RoomEvent) -> Option<RoomEvent> {
        match self.channels.events.try_send(event) {
            Err(mpsc::error::TrySendError::Full(event)) => Some(event),
            _ => None,
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Waits until the deadline, or forever without one.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits for the operation, or forever if none is running.
async fn done<T>(running: &mut Option<BoxFuture<'static, T>>) -> T {
    match running {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}
