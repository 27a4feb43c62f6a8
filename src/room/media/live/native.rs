//! The transport by the `livekit` crate, which links libwebrtc.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, SelectAll};
use futures_util::{FutureExt as _, StreamExt as _};
use livekit::options::TrackPublishOptions;
use livekit::prelude::{
    DataPacket, LocalAudioTrack, LocalTrack, RemoteParticipant, RemoteTrack, RemoteTrackPublication, Room,
    RoomEvent as LibraryEvent, RoomOptions, TrackKind, TrackSid, TrackSource,
};
use livekit::webrtc::audio_frame::AudioFrame;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use livekit::webrtc::audio_source::{AudioSourceOptions, RtcAudioSource};
use livekit::webrtc::audio_stream::native::NativeAudioStream;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::transport::{PLAYOUT_BUFFER_MS, RoomTransport, TRACK, TransportEvent, TransportOptions, WIRE};
use crate::room::media::{JoinError, Packet, Participant, RoomEvent};

/// A participant of the `livekit` crate.
pub(super) struct Native {
    room: Arc<Room>,
    events: mpsc::UnboundedReceiver<LibraryEvent>,
    /// The source of the agent's track, or none without audio.
    source: Option<NativeAudioSource>,
    /// Identities whose audio is subscribed to. Empty is all.
    listen: Vec<String>,
    /// The samples of all tracks, each in order and followed by its end.
    sounds: SelectAll<BoxStream<'static, TransportEvent>>,
    /// For each track, a sender that ends its samples when dropped.
    tracks: HashMap<TrackSid, oneshot::Sender<()>>,
    numbers: u64,
    over: bool,
}

impl Native {
    pub(super) async fn join(options: TransportOptions) -> Result<Self, JoinError> {
        let TransportOptions { url, token, audio, listen } = options;
        let failed = |error: livekit::RoomError| JoinError::Unreachable(error.to_string());
        let mut options = RoomOptions::default();
        // `publication` subscribes to the tracks that are needed.
        options.auto_subscribe = false;
        let (room, events) = Room::connect(&url, &token, options).await.map_err(failed)?;
        let (sounds, tracks) = (SelectAll::new(), HashMap::new());
        let mut joined =
            Self { room: Arc::new(room), events, source: None, listen, sounds, tracks, numbers: 0, over: false };
        if audio {
            joined.publish().await.map_err(failed)?;
        }
        joined.subscribe();
        Ok(joined)
    }

    /// Subscribes to audio that was published before joining, because no event reports it.
    fn subscribe(&self) {
        for (_, participant) in self.room.remote_participants() {
            for publication in participant.track_publications().values() {
                self.publication(&participant, publication);
            }
        }
    }

    /// Publishes the agent's track.
    async fn publish(&mut self) -> livekit::RoomResult<()> {
        let source = NativeAudioSource::new(AudioSourceOptions::default(), WIRE.sample_rate, 1, PLAYOUT_BUFFER_MS);
        let track = LocalAudioTrack::create_audio_track(TRACK, RtcAudioSource::Native(source.clone()));
        let options = TrackPublishOptions { source: TrackSource::Microphone, ..TrackPublishOptions::default() };
        self.source = Some(source);
        self.room.local_participant().publish_track(LocalTrack::Audio(track), options).await.map(|_| ())
    }

    /// Subscribes to a publication if it is audio that the session needs.
    fn publication(&self, participant: &RemoteParticipant, publication: &RemoteTrackPublication) {
        let identity = participant.identity();
        let wanted = self.listen.is_empty() || self.listen.iter().any(|one| one.as_str() == identity.as_str());
        if wanted && self.source.is_some() && publication.kind() == TrackKind::Audio {
            publication.set_subscribed(true);
        }
    }

    fn translate(&mut self, event: LibraryEvent) -> Option<TransportEvent> {
        let event = match event {
            LibraryEvent::ParticipantConnected(participant) => RoomEvent::Joined(describe(&participant)),
            LibraryEvent::ParticipantDisconnected(participant) => RoomEvent::Left(describe(&participant)),
            LibraryEvent::TrackPublished { publication, participant } => {
                self.publication(&participant, &publication);
                return None;
            }
            LibraryEvent::TrackSubscribed { track: RemoteTrack::Audio(track), publication, participant } => {
                let rate = i32::try_from(WIRE.sample_rate).unwrap_or(i32::MAX);
                self.listen_to(publication.sid(), NativeAudioStream::new(track.rtc_track(), rate, 1));
                RoomEvent::Track { participant: describe(&participant), sid: publication.sid().to_string() }
            }
            LibraryEvent::TrackUnsubscribed { publication, .. } => {
                self.tracks.remove(&publication.sid());
                return None;
            }
            LibraryEvent::DataReceived { payload, topic, participant, .. } => {
                let identity = participant.map(|participant| participant.identity()).map(String::from);
                let payload = Bytes::copy_from_slice(&payload);
                RoomEvent::Data { identity: identity.unwrap_or_default(), topic, payload }
            }
            LibraryEvent::Reconnecting => return Some(TransportEvent::Reconnecting),
            LibraryEvent::Reconnected => {
                // No event reports tracks of participants who were back before this session.
                self.subscribe();
                return Some(TransportEvent::Reconnected);
            }
            LibraryEvent::Disconnected { reason } => {
                self.over = true;
                RoomEvent::Lost(format!("{reason:?}"))
            }
            _ => return None,
        };
        Some(TransportEvent::Event(event))
    }

    fn listen_to(&mut self, sid: TrackSid, samples: NativeAudioStream) {
        let number = self.numbers;
        self.numbers += 1;
        let (listening, end) = oneshot::channel();
        let samples = samples.map(move |frame| TransportEvent::Samples(number, bytes(&frame.data))).take_until(end);
        self.sounds.push(samples.chain(stream::once(async move { TransportEvent::TrackEnded(number) })).boxed());
        self.tracks.insert(sid, listening);
    }
}

impl RoomTransport for Native {
    async fn next(&mut self) -> Option<TransportEvent> {
        loop {
            if self.over {
                return None;
            }
            let silent = self.sounds.is_empty();
            tokio::select! {
                biased;
                event = self.events.recv() => match event.map(|event| self.translate(event)) {
                    Some(Some(event)) => return Some(event),
                    Some(None) => {}
                    None => return None,
                },
                Some(sound) = self.sounds.next(), if !silent => return Some(sound),
            }
        }
    }

    fn play(&self, frame: Bytes) -> BoxFuture<'static, ()> {
        let source = self.source.clone();
        let play = async move {
            let samples: Vec<i16> = frame.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
            let count = u32::try_from(samples.len()).unwrap_or_default();
            let frame = AudioFrame {
                data: samples.into(),
                sample_rate: WIRE.sample_rate,
                num_channels: 1,
                samples_per_channel: count,
            };
            if let Some(source) = source
                && let Err(error) = source.capture_frame(&frame).await
            {
                tracing::debug!(?error, "dropped a frame of 10 ms");
            }
        };
        play.boxed()
    }

    fn clear(&self) {
        if let Some(source) = &self.source {
            source.clear_buffer();
        }
    }

    fn send(&self, packet: Packet) -> BoxFuture<'static, Result<(), String>> {
        let participant = self.room.local_participant();
        let Packet { topic, payload } = packet;
        let packet = DataPacket { payload, topic: Some(topic), reliable: true, ..DataPacket::default() };
        async move { participant.publish_data(packet).await.map_err(|error| error.to_string()) }.boxed()
    }

    async fn leave(self) {
        // Fails if the connection has ended already.
        self.room.close().await.ok();
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // The library keeps its connection until it is closed. A second close returns an error.
        let room = Arc::clone(&self.room);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { room.close().await.ok() });
        }
    }
}

fn describe(participant: &RemoteParticipant) -> Participant {
    Participant { identity: String::from(participant.identity()), name: participant.name() }
}

fn bytes(samples: &[i16]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(samples.len() * 2);
    for sample in samples {
        bytes.put_i16_le(*sample);
    }
    bytes.freeze()
}
