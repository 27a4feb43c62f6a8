//! Recognition: audio in, results out.
//!
//! A caller sees a pair of bounded channels and a handle that stops the transcription when it is dropped. It cannot see the
//! vendor.
//!
//! | file | role |
//! |---|---|
//! | `stream.rs` | the task of a transcription: connects, reconnects, sends audio, receives results |
//! | `connection.rs` | one WebSocket |
//! | `input.rs`, `backlog.rs` | conversion of the audio, and what is kept for a reconnect |
//! | `clock.rs`, `pause.rs` | keep-alive, time-outs, and silence for clients that send none |
//! | `dialect.rs` | the trait that each vendor's file implements |

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

/// An event of a transcription.
#[derive(Debug, Clone)]
pub enum SttEvent {
    /// An interim or final result.
    Result(Transcript),
    /// The connection was lost and is retried. Audio is kept until then. For logs, not for clients.
    Reconnecting(SttError),
    /// The provider reports an error, or the transcription has failed for good. In the latter case no further event follows.
    Error(SttError),
}

/// A result of recognition.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The text.
    pub transcript: String,
    /// The text will not change.
    pub is_final: bool,
    /// The speaker's turn has ended.
    pub is_speech_final: bool,
    /// The confidence, from 0 to 1.
    pub confidence: f32,
}

impl Transcript {
    /// Corrects what a vendor may get wrong: the end of a turn is final, and a confidence is a number from 0 to 1.
    fn new(transcript: String, is_final: bool, is_speech_final: bool, confidence: f32) -> Self {
        let confidence = if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) };
        Self { transcript, is_final: is_final || is_speech_final, is_speech_final, confidence }
    }
}

/// A validated transcription that is not connected yet. [`Self::connect`] consumes it.
pub struct SttPlan {
    shared: Arc<Shared>,
    credential: Credential,
    engine: Engine,
}

/// The engine of a transcription.
enum Engine {
    /// A vendor, with its protocol.
    Vendor(Box<dyn Dialect>, AudioConversion),
    /// The engine in this process.
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

    /// Returns the provider.
    pub fn provider(&self) -> Name {
        self.credential.provider
    }

    /// Connects, and returns once the provider accepts audio.
    pub async fn connect(self) -> Result<Stt, SttError> {
        let Self { shared, credential, engine } = self;
        let provider = credential.provider;
        let (audio, taken) = mpsc::channel(stream::AUDIO);
        let (sender, events) = mpsc::channel(stream::EVENTS);
        let (stop, stopped) = oneshot::channel();
        let (ready, connected) = oneshot::channel();
        let stt = Stt { audio, events, provider, shared: Arc::clone(&shared), _stop: stop };
        let channels = TaskChannels { audio: taken, events: sender, ready, stop: stopped };
        match engine {
            Engine::Vendor(dialect, conversion) => {
                tokio::spawn(SttStream::run(shared, credential, dialect, conversion, channels));
            }
            #[cfg(feature = "local")]
            Engine::Local(conversion) => {
                tokio::spawn(local::run(shared, conversion, channels));
            }
        }
        let gone = |_| Err(SttError::Unreachable { provider, reason: "the server is ending".to_owned() });
        connected.await.unwrap_or_else(gone).map(|()| stt)
    }
}

/// The ends of a transcription's channels that its task owns. [`Stt`] has the others.
struct TaskChannels {
    audio: mpsc::Receiver<Bytes>,
    events: mpsc::Sender<SttEvent>,
    /// Receives the outcome of the first connection.
    ready: oneshot::Sender<Result<(), SttError>>,
    /// Closes when the caller drops its [`Stt`].
    stop: oneshot::Receiver<Infallible>,
}

/// The caller's end of a running transcription. Dropping it ends the transcription at once. Dropping only [`Stt::audio`] ends it
/// in order: the last results follow, then no more events.
#[derive(Debug)]
pub struct Stt {
    /// Takes audio in the format of the options, in pieces of any size. A full channel means that the provider is too slow.
    pub audio: mpsc::Sender<Bytes>,
    /// Returns the events.
    pub events: mpsc::Receiver<SttEvent>,
    provider: Name,
    shared: Arc<Shared>,
    /// Closes when this value is dropped, which stops the task.
    _stop: oneshot::Sender<Infallible>,
}

impl Stt {
    /// Counts audio that was dropped because the provider is too slow.
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
            hint: "speech-to-text of Google is not supported",
        }),
        Name::Local => Err(OptionsError::NotByProvider {
            provider: Name::Local,
            field: "stt_config",
            value: options.model.clone(),
            hint: "no vendor is involved",
        }),
    }
}
