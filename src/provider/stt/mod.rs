//! Recognition: audio in, results out.
//!
//! To the outside a transcription is a pair of bounded channels and a handle that stops it when dropped; which vendor is
//! behind it cannot be seen.

mod azure;
mod backlog;
mod cartesia;
mod clock;
mod connection;
mod deepgram;
mod dialect;
mod elevenlabs;
mod error;
#[cfg(fuzzing)]
pub(super) mod fuzzing;
mod input;
#[cfg(feature = "local")]
mod local;
mod pause;
mod stream;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::{Credential, Name, OptionsError, PlanError, Shared, SttOptions};
use dialect::{AudioConversion, Dialect};
pub use error::SttError;
use stream::SttStream;

/// What a transcription says.
#[derive(Debug, Clone)]
pub enum SttEvent {
    /// Words.
    Result(Transcript),
    /// The connection was lost and is sought again; audio is kept meanwhile. For logs, not for clients.
    Reconnecting(SttError),
    /// The provider reports an error, or the transcription has failed for good: then no further event comes.
    Error(SttError),
}

/// Recognised words.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The words.
    pub transcript: String,
    /// They will not change any more.
    pub is_final: bool,
    /// The speaker has ended.
    pub is_speech_final: bool,
    /// From 0 to 1.
    pub confidence: f32,
}

impl Transcript {
    /// Whatever a vendor says: what is the end is final, and a confidence is a number from 0 to 1.
    fn new(transcript: String, is_final: bool, is_speech_final: bool, confidence: f32) -> Self {
        let confidence = if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) };
        Self { transcript, is_final: is_final || is_speech_final, is_speech_final, confidence }
    }
}

/// A transcription as it is to be, checked; nobody has been asked yet.
pub struct SttPlan {
    shared: Arc<Shared>,
    credential: Credential,
    engine: Engine,
}

/// Who recognises.
enum Engine {
    /// A vendor, in its protocol.
    Vendor(Box<dyn Dialect>, AudioConversion),
    /// This machine.
    #[cfg(feature = "local")]
    Local(AudioConversion),
}

impl fmt::Debug for SttPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SttPlan").field("provider", &self.provider()).finish_non_exhaustive()
    }
}

impl SttPlan {
    pub(super) fn new(shared: Arc<Shared>, options: &SttOptions) -> Result<Self, PlanError> {
        let provider = Name::parse(&options.provider)?;
        if provider == Name::Google {
            // Its recognition is gRPC only.
            return Err(super::Unsupported(provider.to_string()).into());
        }
        let credential = Credential::resolve(provider, options.auth.as_ref(), &shared.config)?;
        #[cfg(feature = "local")]
        if provider == Name::Local {
            return Ok(Self { shared, credential, engine: Engine::Local(local::conversion(options)?) });
        }
        let base = shared.vendor(provider).and_then(|vendor| vendor.stt_url.as_ref());
        let (dialect, conversion) = choose(options, &credential, base)?;
        Ok(Self { shared, credential, engine: Engine::Vendor(dialect, conversion) })
    }

    /// Whose engine.
    pub fn provider(&self) -> Name {
        self.credential.provider
    }

    /// Connects, and returns once the provider takes audio.
    pub async fn connect(self) -> Result<Stt, SttError> {
        let Self { shared, credential, engine } = self;
        let provider = credential.provider;
        let (audio, taken) = mpsc::channel(stream::AUDIO);
        let (sender, events) = mpsc::channel(stream::EVENTS);
        let (stop, stopped) = oneshot::channel();
        let (ready, connected) = oneshot::channel();
        let stt = Stt { audio, events, provider, shared: Arc::clone(&shared), _stop: stop };
        match engine {
            Engine::Vendor(dialect, conversion) => {
                tokio::spawn(
                    SttStream::new(shared, credential, (dialect, conversion), taken, sender).run(ready, stopped),
                );
            }
            #[cfg(feature = "local")]
            Engine::Local(conversion) => {
                tokio::spawn(local::run(shared, conversion, taken, sender, ready, stopped));
            }
        }
        let gone = |_| Err(SttError::Unreachable { provider, reason: "the server is ending".to_owned() });
        connected.await.unwrap_or_else(gone).map(|()| stt)
    }
}

/// A running transcription. Dropping it ends it at once; dropping [`Stt::audio`] alone lets it end in order: the last results
/// come, then no more events.
#[derive(Debug)]
pub struct Stt {
    /// Audio as announced, in pieces of any size. When it is full, the provider is too slow.
    pub audio: mpsc::Sender<Bytes>,
    /// What comes of it.
    pub events: mpsc::Receiver<SttEvent>,
    provider: Name,
    shared: Arc<Shared>,
    /// Closes when this is dropped, which the task sees.
    _stop: oneshot::Sender<Infallible>,
}

impl Stt {
    /// Counts audio that the provider had no room for.
    pub fn dropped(&self, bytes: usize) {
        self.shared.stats.dropped(self.provider, bytes);
    }
}

/// Chooses the vendor's protocol for these options, and the conversion from the client's audio to the vendor's.
fn choose(
    options: &SttOptions,
    credential: &Credential,
    base: Option<&Url>,
) -> Result<(Box<dyn Dialect>, AudioConversion), OptionsError> {
    match credential.provider {
        Name::Deepgram => deepgram::Deepgram::choose(options, credential, base),
        Name::ElevenLabs => elevenlabs::ElevenLabs::choose(options, credential, base),
        Name::Cartesia => cartesia::Cartesia::choose(options, credential, base),
        Name::Azure => azure::Azure::choose(options, credential, base),
        Name::Google => Err(OptionsError::NotByProvider {
            provider: Name::Google,
            field: "stt_config",
            value: options.model.clone(),
            hint: "its recognition is not built in",
        }),
        Name::Local => Err(OptionsError::NotByProvider {
            provider: Name::Local,
            field: "stt_config",
            value: options.model.clone(),
            hint: "nobody else is asked",
        }),
    }
}
