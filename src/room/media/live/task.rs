//! The task between a session and a library: it mixes, converts and paces.

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

/// A connection, seen from the library's side.
pub(super) struct RoomTask<T> {
    pub(super) transport: T,
    pub(super) audio: Option<Audio>,
    /// Whom the session listens to; everybody where empty.
    pub(super) listen: Vec<String>,
    pub(super) channels: RoomChannels,
    pub(super) presence: Presence,
}

/// What happens next.
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

/// What is on its way.
#[derive(Default)]
struct Running {
    playing: Option<BoxFuture<'static, ()>>,
    sending: Option<BoxFuture<'static, Result<(), String>>>,
    /// For which the session had no room.
    waiting: Option<RoomEvent>,
}

impl<T: RoomTransport> RoomTask<T> {
    /// Runs until the session has left or the connection has ended; whether the room goes with the session.
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
                        warn!(error, "a message did not get into the room");
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
                // The session learns of it by the end of the channel.
                Next::Transport(None) => break false,
            }
        };
        // What is on its way holds a part of the library.
        drop(running);
        let Self { transport, channels: RoomChannels { mut stays, .. }, .. } = self;
        if timeout(LEAVE_TIMEOUT, transport.leave()).await.is_err() {
            debug!("LiveKit did not take the good-bye in time");
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

    /// The next 10 ms for the track, if anything is to be heard.
    fn frame(&mut self) -> Option<Bytes> {
        // Speech that waits comes first: the loading sound alone in the middle of it would be a gap.
        while self.audio.as_ref().is_some_and(Audio::is_loading_alone)
            && let Ok(command) = self.channels.commands.try_recv()
        {
            self.execute(command);
        }
        self.audio.as_mut()?.next(now())
    }

    fn execute(&mut self, command: PlayoutCommand) {
        // What was said after other speech was dropped is not to be dropped with it.
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
        // What is being played is left to end: a library may take nothing else before.
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

    /// Passes on what happened; what the session has no room for, unless it is audio, waits.
    fn handle(&mut self, event: TransportEvent) -> Option<RoomEvent> {
        let heard = |identity: &str| self.listen.is_empty() || self.listen.iter().any(|one| one == identity);
        let event = match (event, &mut self.audio) {
            (TransportEvent::Samples(track, samples), Some(Audio { input, .. })) => {
                let audio = input.push(track, &samples);
                if !audio.is_empty() {
                    // A session that does not keep up loses what is newest; it says so itself where its provider is the cause.
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
                warn!("the connection to LiveKit is lost, trying again");
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

    /// Gives back what the session has no room for.
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

/// Waits until then, if that is ever.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// What runs, if anything does.
async fn done<T>(running: &mut Option<BoxFuture<'static, T>>) -> T {
    match running {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}
