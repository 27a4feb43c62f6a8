//! Connects the providers and the room of a `config` message, within a time-out.

use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::audio_queue::AudioQueue;
use super::message::{LivekitSetup, Setup};
use super::speech::SpeechQueue;
use super::{Detectors, Shared, Turn};
use crate::audio::NOISE_FILTER;
use crate::error::SessionError;
use crate::metrics::QueueDepth;
use crate::provider::{ErrorKind, PlanError, Stt, SttOptions, Voice};
use crate::room::{AudioFormats, Connection, JoinError, JoinRequest};

/// How long the providers may take to be ready. It is upstream's limit.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest `stream_id`, in bytes.
const MAX_STREAM_ID: usize = 256;

/// The parts of a session with audio. The session owns it. Dropping it ends the transcription, the detectors and the synthesis at
/// once.
pub(super) struct Conversation {
    /// The transcription. `None` once the provider has ended the stream.
    pub(super) stt: Option<Stt>,
    /// Audio that waits for the provider, and its gauge in the metrics.
    pub(super) audio_queue: AudioQueue,
    pub(super) depth: QueueDepth,
    /// They receive the same audio, and decide when a turn is over.
    pub(super) detectors: Detectors,
    pub(super) turn: Turn,
    pub(super) speech: SpeechQueue,
}

/// Returns the name of the session: the client's, or a new UUID.
pub(super) fn stream_id(setup: &Setup) -> Result<String, SessionError> {
    let Some(id) = &setup.stream_id else { return Ok(uuid::Uuid::new_v4().to_string()) };
    if id.trim().is_empty() || id.len() > MAX_STREAM_ID || id.contains(char::is_control) {
        let reason = format!("stream_id must be 1 to {MAX_STREAM_ID} bytes without control characters");
        return Err(SessionError::Malformed(reason));
    }
    Ok(id.clone())
}

/// Disables the noise filter if this build has none. Returns whether the client had asked for it.
pub(super) fn leave_noise(setup: &mut Setup) -> bool {
    !NOISE_FILTER && setup.stt_config.as_mut().is_some_and(|stt| std::mem::take(&mut stt.noise_filter))
}

/// Connects the providers of `setup`. Dropping the future leaves nothing connected.
pub(super) async fn conversation(shared: &Shared, setup: &Setup) -> Result<Option<Conversation>, SessionError> {
    let audio = setup.audio.unwrap_or(true);
    if audio && setup.stt_config.is_none() {
        return Err(SessionError::SttMissing);
    }
    if audio && setup.tts_config.is_none() {
        return Err(SessionError::TtsMissing);
    }
    if let Some(livekit) = &setup.livekit {
        if shared.rooms.is_none() {
            return Err(SessionError::RoomsUnavailable);
        }
        if livekit.room_name.trim().is_empty() {
            return Err(SessionError::Malformed("livekit.room_name cannot be empty".to_owned()));
        }
    }
    let (true, Some(stt), Some(tts)) = (audio, &setup.stt_config, &setup.tts_config) else { return Ok(None) };
    let plan = shared.providers.stt(stt).map_err(refused)?;
    let voice = shared.providers.voice(tts).map_err(refused)?;
    let (provider, detectors, audio_queue) =
        (plan.provider(), Detectors::new(shared, stt), AudioQueue::new(stt.format()));
    let begun = tokio::time::Instant::now();
    let stt = timeout(READY_TIMEOUT, plan.connect()).await.map_err(|_| SessionError::Timeout)?;
    let stt = stt.map_err(SessionError::Start)?;
    shared.metrics.stt_ready(provider, begun.elapsed());
    let (depth, turn) = (shared.metrics.audio_queued(), Turn::new(shared.config.turn));
    Ok(Some(Conversation { stt: Some(stt), audio_queue, depth, detectors, turn, speech: SpeechQueue::new(voice) }))
}

/// Joins the room of `setup`, if it has one. Dropping the future leaves the room.
pub(super) async fn room(
    shared: &Shared,
    tenant: Option<&str>,
    setup: &Setup,
    voice: Option<&Voice>,
) -> Result<Option<Connection>, SessionError> {
    let (Some(livekit), Some(rooms)) = (&setup.livekit, &shared.rooms) else { return Ok(None) };
    if livekit.enable_recording {
        warn!("recording storage is not configured: the room is not recorded");
    }
    let audio = match (&setup.stt_config, voice) {
        (Some(stt), Some(voice)) => Some(formats(stt, voice)?),
        _ => None,
    };
    let room = livekit.room_name.clone();
    let (identity, name) = participant(livekit);
    let listen = livekit.listen_participants.clone();
    let request = JoinRequest { room, tenant: tenant.map(str::to_owned), identity, name, listen, audio };
    let joined = Connection::join(rooms, request).await.map(Some);
    joined.map_err(|error| match error {
        error if error.is_foreign() => SessionError::ForeignRoom(livekit.room_name.clone()),
        error => SessionError::Join(error),
    })
}

fn formats(stt: &SttOptions, voice: &Voice) -> Result<AudioFormats, SessionError> {
    let unknown = || SessionError::Join(JoinError::Encoding(stt.encoding.clone()));
    Ok(AudioFormats { input: stt.format().ok_or_else(unknown)?, output: voice.format() })
}

/// Returns the identity and the name of the session in its room.
pub(super) fn participant(livekit: &LivekitSetup) -> (String, String) {
    let LivekitSetup { sayna_participant_identity: identity, sayna_participant_name: name, .. } = livekit;
    let or = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    (or(identity, "sayna-ai"), or(name, "Sayna AI"))
}

/// Errors about credentials keep their text. Upstream puts its own words before the others, and SDKs compare them.
fn refused(error: PlanError) -> SessionError {
    match error.kind() {
        ErrorKind::UnknownProvider | ErrorKind::MissingServerAuth | ErrorKind::InvalidAuthInput => {
            SessionError::Plan(error)
        }
        _ => SessionError::Create(error),
    }
}
