//! A session's place in a room, where rooms can be joined.

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

/// How long joining may take; upstream's limit.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long leaving may.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// What happens in the room and waits for the session: 0.6 seconds of audio.
const EVENTS: usize = 64;

/// Frames of speech that wait for the track: 2 seconds. One more place is for the end of their utterance.
const SPEECH: usize = 200 + 1;

/// Messages that wait to be sent.
const PACKETS: usize = 16;

/// What goes to the track. What is of an older epoch is left out; what may not be interrupted has none.
#[derive(Debug)]
enum PlayoutCommand {
    /// Audio.
    Speech(Option<u64>, Bytes),
    /// The end of an utterance.
    End(Option<u64>),
}

/// The task's ends of a connection's channels.
#[derive(Debug)]
struct RoomChannels {
    events: mpsc::Sender<RoomEvent>,
    commands: mpsc::Receiver<PlayoutCommand>,
    packets: mpsc::Receiver<Packet>,
    /// How often speech has been dropped.
    cleared: watch::Receiver<u64>,
    /// What shall sound under speech.
    loading: watch::Receiver<Option<Clip>>,
    /// Says that the room stays.
    stays: oneshot::Receiver<()>,
}

/// Somebody in a room. Dropped, it leaves, and takes the room with it.
#[derive(Debug)]
pub(crate) struct Connection {
    room: String,
    events: mpsc::Receiver<RoomEvent>,
    commands: mpsc::Sender<PlayoutCommand>,
    packets: mpsc::Sender<Packet>,
    cleared: watch::Sender<u64>,
    /// The loading sound, if there is one.
    clip: Option<Clip>,
    loading: watch::Sender<Option<Clip>>,
    stay: oneshot::Sender<()>,
    /// Closes when it has left.
    left: oneshot::Receiver<()>,
}

impl Connection {
    /// Joins, and returns once the session is in the room.
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

    /// The room's name.
    pub(crate) fn room(&self) -> &str {
        &self.room
    }

    /// What happens next, or, where speech waits, that there is room for it. Cancel safe.
    pub(crate) async fn next(&mut self, speech_waits: bool) -> RoomWakeup {
        tokio::select! {
            event = self.events.recv() => RoomWakeup::Event(event),
            // Of a connection that has ended the events tell.
            Ok(_) = self.commands.reserve_many(2), if speech_waits => RoomWakeup::RoomForSpeech,
        }
    }

    /// Puts speech behind what is there, which [`Self::clear`] may drop unless it is to be kept; gives it back where there is no
    /// room. What has ended takes everything.
    pub(crate) fn speak(&self, speech: Bytes, kept: bool) -> Result<(), Bytes> {
        if self.commands.capacity() < 2 {
            return Err(speech);
        }
        match self.commands.try_send(PlayoutCommand::Speech(self.epoch(kept), speech)) {
            Err(mpsc::error::TrySendError::Full(PlayoutCommand::Speech(_, speech))) => Err(speech),
            _ => Ok(()),
        }
    }

    /// What comes next is another utterance.
    pub(crate) fn end_utterance(&self, kept: bool) {
        // There is a place for it behind every frame; an end without audio before it may be left out.
        self.commands.try_send(PlayoutCommand::End(self.epoch(kept))).ok();
    }

    fn epoch(&self, kept: bool) -> Option<u64> {
        (!kept).then(|| *self.cleared.borrow())
    }

    /// Drops all speech that is not played yet and may be dropped.
    pub(crate) fn clear(&mut self) {
        self.cleared.send_modify(|epoch| *epoch += 1);
    }

    /// Takes the loading sound, which is not played yet.
    pub(crate) async fn load(&mut self, sound: &LoadingAudio) -> Result<(), ClipError> {
        self.clip = Some(Clip::new(sound).await?);
        Ok(())
    }

    /// Has the loading sound played until it is stopped; false where there is none.
    pub(crate) fn start_loading(&self) -> bool {
        self.loading.send_replace(self.clip.clone());
        self.clip.is_some()
    }

    /// Has it fade out.
    pub(crate) fn stop_loading(&self) {
        self.loading.send_replace(None);
    }

    /// Sends a message to everybody; false where too many wait.
    pub(crate) fn send(&self, packet: Packet) -> bool {
        self.packets.try_send(packet).is_ok()
    }

    /// Leaves, and lets the room be.
    pub(crate) async fn leave(self) {
        let Self { stay, left, events, commands, .. } = self;
        // Where it has ended already, nobody has to be told.
        stay.send(()).ok();
        drop((events, commands));
        left.await.ok();
    }
}

/// What a session needs of a room, until there is a connection.
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

    /// Connects a session with what a library gave.
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
                debug!(%error, room = name, "the room is left to LiveKit's own time-out");
            }
        });
        Connection { room, events, commands, packets, cleared, clip: None, loading, stay, left }
    }
}

impl Livekit {
    /// Where participants connect.
    fn media_url(&self) -> String {
        self.api.strip_prefix("http").map_or_else(|| self.api.clone(), |rest| format!("ws{rest}"))
    }

    /// Ends a room for everybody in it.
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
