//! Cache keys: what two syntheses must have in common to be the same audio.

use ring::digest::{Context, SHA256};

use crate::provider::tts::dialect::VoiceRequest;

/// The digest of a voice, or of a text in a voice. It is cryptographic because clients choose the texts: no client can construct
/// one with the key of another client's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::provider) struct Key([u8; 32]);

impl Key {
    /// Returns the digest of a voice: provider, URL, voice, model, format, rate, speed, credentials and pronunciations.
    pub(in crate::provider::tts) fn of_voice(request: &VoiceRequest<'_>) -> Self {
        let (options, format) = (request.options, request.format);
        let mut parts = vec![
            request.credential.provider.as_str().as_bytes().to_vec(),
            request.base.map(|base| base.as_str().as_bytes().to_vec()).unwrap_or_default(),
            options.voice_id.clone().unwrap_or_default().into_bytes(),
            options.model.clone().into_bytes(),
            format.encoding.name().as_bytes().to_vec(),
            format.sample_rate.to_be_bytes().to_vec(),
            format!("{:.3}", request.rate).into_bytes(),
            request.credential.fingerprint().to_vec(),
        ];
        for pronunciation in &options.pronunciations {
            parts.extend([pronunciation.word.clone().into_bytes(), pronunciation.pronunciation.clone().into_bytes()]);
        }
        Self::of(&parts)
    }

    /// Returns the digest of a text in the voice of this key.
    pub(in crate::provider::tts) fn of_text(self, text: &str) -> Self {
        Self::of(&[self.0.to_vec(), text.as_bytes().to_vec()])
    }

    /// Hashes each part with its length before it, so that two different lists of parts never have the same bytes.
    fn of(parts: &[Vec<u8>]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Self(context.finish().as_ref().try_into().unwrap_or_default())
    }

    /// Returns the name of its file: half of the digest in 32 hexadecimal digits.
    pub(super) fn name(&self) -> String {
        format!("{:032x}", self.0.first_chunk().map_or(0, |half| u128::from_be_bytes(*half)))
    }

    #[cfg(test)]
    pub(super) fn of_number(number: u8) -> Self {
        Self([number; 32])
    }
}
