//! From a `config` message to connected parts, within a time-out.

use std::time::Duration;

use tokio::time::timeout;

use super::ears::Ears;
use super::message::Setup;
use super::speech::Speech;
use super::{Shared, Turn};
use crate::audio::NOISE_FILTER;
use crate::error::SessionError;
use crate::metrics::Depth;
use crate::provider::{ErrorKind, PlanError, Stt};

/// How long the providers may take to be ready; upstream's limit.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest name of a session.
const MAX_STREAM_ID: usize = 256;

/// What a session with audio consists of.
pub(super) struct Conversation {
    /// Ears; none once the provider has ended the stream.
    pub(super) stt: Option<Stt>,
    /// What waits for them.
    pub(super) unheard: Depth,
    /// What hears the same, to tell when a turn is over.
    pub(super) ears: Ears,
    pub(super) turn: Turn,
    pub(super) speech: Speech,
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
pub(super) async fn conversation(shared: &Shared, setup: Setup) -> Result<Option<Conversation>, SessionError> {
    let audio = setup.audio.unwrap_or(true);
    if audio && setup.stt_config.is_none() {
        return Err(SessionError::SttMissing);
    }
    if audio && setup.tts_config.is_none() {
        return Err(SessionError::TtsMissing);
    }
    if setup.livekit.is_some() {
        return Err(SessionError::RoomsUnavailable);
    }
    let (true, Some(stt), Some(tts)) = (audio, setup.stt_config, setup.tts_config) else { return Ok(None) };
    let plan = shared.providers.stt(&stt).map_err(refused)?;
    let voice = shared.providers.voice(&tts).map_err(refused)?;
    let (provider, ears) = (plan.provider(), Ears::new(shared, &stt));
    let begun = tokio::time::Instant::now();
    let stt = timeout(READY_TIMEOUT, plan.connect()).await.map_err(|_| SessionError::Timeout)?;
    let stt = stt.map_err(SessionError::Start)?;
    shared.metrics.stt_ready(provider, begun.elapsed());
    let (unheard, turn) = (shared.metrics.unheard(), Turn::new(shared.config.turn));
    Ok(Some(Conversation { stt: Some(stt), unheard, ears, turn, speech: Speech::new(voice) }))
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
