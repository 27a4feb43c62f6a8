//! From a `config` message to connected parts, within a time-out.

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

/// How long the providers may take to be ready; upstream's limit.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest name of a session.
const MAX_STREAM_ID: usize = 256;

/// What a session with audio consists of.
pub(super) struct Conversation {
    /// The transcription. `None` once the provider has ended the stream.
    pub(super) stt: Option<Stt>,
    /// What waits for them, and how much of it there is.
    pub(super) audio_queue: AudioQueue,
    pub(super) depth: QueueDepth,
    /// What hears the same, to tell when a turn is over.
    pub(super) detectors: Detectors,
    pub(super) turn: Turn,
    pub(super) speech: SpeechQueue,
}

/// The name of the session: the client's, or a new one.
pub(super) fn stream_id(setup: &Setup) -> Result<String, SessionError> {
    let Some(id) = &setup.stream_id else { return Ok(uuid::Uuid::new_v4().to_string()) };
    if id.trim().is_empty() || id.len() > MAX_STREAM_ID || id.contains(char::is_control) {
        let reason = format!("stream_id must be 1 to {MAX_STREAM_ID} bytes without control characters");
        return Err(SessionError::Malformed(reason));
    }
    Ok(id.clone())
}

/// Where noise cannot be taken out, a session that wants it has it left in; true if so.
pub(super) fn leave_noise(setup: &mut Setup) -> bool {
    !NOISE_FILTER && setup.stt_config.as_mut().is_some_and(|stt| std::mem::take(&mut stt.noise_filter))
}

/// Connects what `setup` asks for. Dropped, it leaves nothing connected.
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

/// Joins the room that `setup` asks for, if it does. Dropped, it leaves nobody there.
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

/// Identity and name of the session in its room.
pub(super) fn participant(livekit: &LivekitSetup) -> (String, String) {
    let LivekitSetup { sayna_participant_identity: identity, sayna_participant_name: name, .. } = livekit;
    let or = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    (or(identity, "sayna-ai"), or(name, "Sayna AI"))
}

/// What is wrong with credentials is said as it is; upstream puts its own words before the rest.
fn refused(error: PlanError) -> SessionError {
    match error.kind() {
        ErrorKind::UnknownProvider | ErrorKind::MissingServerAuth | ErrorKind::InvalidAuthInput => {
            SessionError::Plan(error)
        }
        _ => SessionError::Create(error),
    }
}
