//! Entry points to the parsers of vendors' bytes, for the fuzz targets only.

use serde_json::json;
use uuid::Uuid;

use super::stt::fuzzing::Conversation;
use super::{Credential, Name, SttOptions, Transcript, voices};
use crate::audio::Format;
use crate::config::Secret;

/// Parses these messages of a vendor's recognition in order: results, other messages, or errors.
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

/// Decodes the body of a response of Google's text-to-speech, which arrives in these pieces.
pub fn body(format: Format, pieces: &[&[u8]]) -> Option<Vec<u8>> {
    super::tts::fuzzing::body(format, pieces)
}

/// Returns the ids of the voices in a vendor's list.
pub fn list(provider: Name, body: &[u8]) -> Option<Vec<String>> {
    voices::fuzzing(provider, body)
}
