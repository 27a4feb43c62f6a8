//! A session's connection to a room. [`Connection`] is the session's end, `RoomTask` the other one; `task.rs` shows who sends
//! what.

mod clip;
mod loading;
mod mixer;
#[cfg(feature = "livekit")]
mod native;
#[cfg(not(feature = "livekit"))]
mod none;
mod presence;
#[cfg(debug_assertions)]
mod subprocess;
mod task;
mod track;
mod transport;

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tracing::debug;

use clip::Clip;
#[cfg(feature = "livekit")]
use native::Native as Library;
#[cfg(not(feature = "livekit"))]
use none::NoTransport as Library;
use presence::Presence;
use serde::{Deserialize, Serialize};
use task::RoomTask;
use track::Audio;
use transport::{RoomTransport, TransportOptions};

use super::{JoinError, JoinRequest, LoadingAudio, Packet, RoomEvent, RoomWakeup, Rooms};
use crate::room::{Livekit, TwirpError};

pub use clip::ClipError;

/// The time limit for joining. Upstream's value.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The time limit for leaving.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// The capacity of the queue of events for the session: 0.6 seconds of audio.
const EVENTS: usize = 64;

/// The capacity of the queue of playout commands: 2 seconds of frames, and one command for the end of the utterance.
const SPEECH: usize = 200 + 1;

/// The capacity of the queue of messages to the room.
const PACKETS: usize = 16;

/// A command for the track. [`Connection::clear`] begins an epoch, and commands of older epochs are ignored. Commands without an
/// epoch are always executed, because their speech must not be interrupted.
#[derive(Debug)]
enum PlayoutCommand {
    /// Plays audio.
    Speech(Option<u64>, Bytes),
    /// Ends an utterance.
    End(Option<u64>),
}

/// The task's ends of a connection's channels.
#[derive(Debug)]
struct RoomChannels {
    events: mpsc::Sender<RoomEvent>,
    commands: mpsc::Receiver<PlayoutCommand>,
    packets: mpsc::Receiver<Packet>,
    /// The epoch: the number of calls of [`Connection::clear`].
    cleared: watch::Receiver<u64>,
    /// The clip to play under speech, or none.
    loading: watch::Receiver<Option<Clip>>,
    /// Receives a value if the room must not be deleted.
    stays: oneshot::Receiver<()>,
}

/// A session's connection to a room, owned by the session. [`Connection::leave`] leaves the room and keeps it. Dropping the
/// connection leaves the room too, and deletes it.
#[derive(Debug)]
pub(crate) struct Connection {
    room: String,
    events: mpsc::Receiver<RoomEvent>,
    commands: mpsc::Sender<PlayoutCommand>,
    packets: mpsc::Sender<Packet>,
    cleared: watch::Sender<u64>,
    /// The loading sound of the session's `config`, if there is one.
    clip: Option<Clip>,
    loading: watch::Sender<Option<Clip>>,
    stay: oneshot::Sender<()>,
    /// Closes when the task has left the room.
    left: oneshot::Receiver<()>,
}

impl Connection {
    /// Joins a room, and returns when the session is a participant.
    pub(crate) async fn join(rooms: &Rooms, request: JoinRequest) -> Result<Self, JoinError> {
        // Before LiveKit is asked for anything.
        if !cfg!(any(feature = "livekit", debug_assertions)) {
            return Err(JoinError::NotBuilt);
        }
        let JoinRequest { room, tenant, identity, name, listen, audio } = request;
        let audio = audio.map(Audio::new).transpose()?;
        let joined = async {
            let token = rooms.livekit.participant_token(tenant.as_deref(), &room, &identity, &name).await?;
            let options = TransportOptions {
                url: rooms.livekit.media_url(),
                token,
                audio: audio.is_some(),
                listen: listen.clone(),
            };
            let pending = PendingConnection { rooms, room, audio, listen };
            #[cfg(debug_assertions)]
            if let Some(program) = subprocess::program() {
                return Ok(pending.connect(subprocess::Subprocess::join(&program, &options).await?));
            }
            pending.library(options).await
        };
        timeout(JOIN_TIMEOUT, joined).await.map_err(|_| JoinError::Late)?
    }

    /// Returns the room's name.
    pub(crate) fn room(&self) -> &str {
        &self.room
    }

    /// Waits for the next event, or, if speech waits, until the queue accepts it. Cancel safe.
    pub(crate) async fn next(&mut self, speech_waits: bool) -> RoomWakeup {
        tokio::select! {
            event = self.events.recv() => RoomWakeup::Event(event),
            // The channel of events reports a connection that has ended.
            Ok(_) = self.commands.reserve_many(2), if speech_waits => RoomWakeup::RoomForSpeech,
        }
    }

    /// Queues speech. [`Self::clear`] drops it later, unless `kept` is true. Returns the speech if the queue is full. A
    /// connection that has ended accepts everything.
    pub(crate) fn speak(&self, speech: Bytes, kept: bool) -> Result<(), Bytes> {
        if self.commands.capacity() < 2 {
            return Err(speech);
        }
        match self.commands.try_send(PlayoutCommand::Speech(self.epoch(kept), speech)) {
            Err(mpsc::error::TrySendError::Full(PlayoutCommand::Speech(_, speech))) => Err(speech),
            _ => Ok(()),
        }
    }

    /// Ends the current utterance.
    pub(crate) fn end_utterance(&self, kept: bool) {
        // `speak` leaves a place for it. An end without audio before it may be lost.
        self.commands.try_send(PlayoutCommand::End(self.epoch(kept))).ok();
    }

    fn epoch(&self, kept: bool) -> Option<u64> {
        (!kept).then(|| *self.cleared.borrow())
    }

    /// Drops speech that is queued or buffered, unless it is to be kept.
    pub(crate) fn clear(&mut self) {
        self.cleared.send_modify(|epoch| *epoch += 1);
    }

    /// Decodes and stores the loading sound.
    pub(crate) async fn load(&mut self, sound: &LoadingAudio) -> Result<(), ClipError> {
        self.clip = Some(Clip::new(sound).await?);
        Ok(())
    }

    /// Plays the loading sound until it is stopped. Returns false without a loading sound.
    pub(crate) fn start_loading(&self) -> bool {
        self.loading.send_replace(self.clip.clone());
        self.clip.is_some()
    }

    /// Fades the loading sound out.
    pub(crate) fn stop_loading(&self) {
        self.loading.send_replace(None);
    }

    /// Queues a message to all participants. Returns false if the queue is full.
    pub(crate) fn send(&self, packet: Packet) -> bool {
        self.packets.try_send(packet).is_ok()
    }

    /// Leaves the room without deleting it.
    pub(crate) async fn leave(self) {
        let Self { stay, left, events, commands, .. } = self;
        // The task may have ended already.
        stay.send(()).ok();
        drop((events, commands));
        left.await.ok();
    }
}

/// A connection before its transport has joined.
struct PendingConnection<'a> {
    rooms: &'a Rooms,
    room: String,
    audio: Option<Audio>,
    listen: Vec<String>,
}

impl PendingConnection<'_> {
    /// Joins with the library that this build has.
    async fn library(self, options: TransportOptions) -> Result<Connection, JoinError> {
        // Boxed, because the library's state while it joins is large and would be a part of every session.
        Ok(self.connect(Box::pin(Library::join(options)).await?))
    }

    /// Starts the task between the session and a transport that has joined.
    fn connect(self, transport: impl RoomTransport) -> Connection {
        let Self { rooms, room, audio, listen } = self;
        let (happened, events) = mpsc::channel(EVENTS);
        let (commands, playout) = mpsc::channel(SPEECH);
        let (packets, packed) = mpsc::channel(PACKETS);
        let (cleared, clear) = watch::channel(0);
        let (loading, loads) = watch::channel(None);
        let (stay, stays) = oneshot::channel();
        let (leaving, left) = oneshot::channel();
        let channels = RoomChannels {
            events: happened,
            commands: playout,
            packets: packed,
            cleared: clear,
            loading: loads,
            stays,
        };
        let (livekit, name) = (rooms.livekit.clone(), room.clone());
        rooms.tasks.spawn(async move {
            let _leaving: oneshot::Sender<()> = leaving;
            let task = RoomTask { transport, audio, listen, channels, presence: Presence::default() };
            if task.run().await
                && let Err(error) = livekit.close(&name).await
            {
                debug!(%error, room = name, "could not delete the room, LiveKit deletes it later");
            }
        });
        Connection { room, events, commands, packets, cleared, clip: None, loading, stay, left }
    }
}

impl Livekit {
    /// Returns the URL of the media server, with the scheme ws or wss.
    fn media_url(&self) -> String {
        self.api.strip_prefix("http").map_or_else(|| self.api.clone(), |rest| format!("ws{rest}"))
    }

    /// Deletes a room, which disconnects its participants.
    async fn close(&self, room: &str) -> Result<(), TwirpError> {
        #[derive(Serialize)]
        struct Of<'a> {
            room: &'a str,
        }
        #[derive(Deserialize)]
        struct Done {}
        let Done {} = self.call(room, "RoomService/DeleteRoom", LEAVE_TIMEOUT, &Of { room }).await?;
        Ok(())
    }
}
