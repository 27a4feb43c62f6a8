//! What parses a vendor's bytes, for the fuzz targets alone.

use serde_json::json;
use uuid::Uuid;

use super::stt::fuzzing::Conversation;
use super::{Credential, Name, SttOptions, Transcript, voices};
use crate::audio::Format;
use crate::config::Secret;

/// What a connection to a vendor's recognition makes of these messages, in order: words, "ready", "finished", or an error.
pub fn hear(provider: Name, messages: &[&[u8]]) -> Vec<Result<Option<Transcript>, String>> {
    let region = (provider == Name::Azure).then(|| "x".to_owned());
    let credential = Credential { provider, own: false, key: Secret::new("k"), region };
    let options = json!({
        "provider": provider.as_str(), "language": "en-US", "sample_rate": 16_000, "channels": 1, "punctuation": true,
        "encoding": "linear16", "model": "",
    });
    let Ok(options) = serde_json::from_value::<SttOptions>(options) else { return Vec::new() };
    let Some(mut conversation) = Conversation::new(&options, &credential, Uuid::nil()) else { return Vec::new() };
    messages.iter().map(|message| conversation.hear(message)).collect()
}

/// The audio in a body of Google's speech, which comes in these pieces.
pub fn body(format: Format, pieces: &[&[u8]]) -> Option<Vec<u8>> {
    super::tts::fuzzing::body(format, pieces)
}

/// The ids of the voices in a vendor's list.
pub fn list(provider: Name, body: &[u8]) -> Option<Vec<String>> {
    voices::fuzzing(provider, body)
}
