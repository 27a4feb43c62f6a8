//! Whisper's tokenizer (`tokenizer.py` of openai/whisper): the vocabulary of GPT-2, byte-level byte-pair encoding, of which only
//! the decoding half is needed, and the special tokens of the English models.

use std::collections::HashMap;

use serde::Deserialize;

/// Special tokens: end of text, `<|startoftranscript|>`, `<|nospeech|>` and `<|notimestamps|>`.
pub(super) const EOT: usize = 50_256;
pub(super) const SOT: usize = 50_257;
pub(super) const NO_SPEECH: usize = 50_361;
pub(super) const NO_TIMESTAMPS: usize = 50_362;

/// The vocabulary, and the tokens that the decoder may choose.
pub(super) struct Tokenizer {
    /// By token. Bytes, because a token may end within a character.
    vocabulary: Vec<Vec<u8>>,
    /// By token, whether it may be chosen (`SuppressTokens` in `decoding.py`).
    allowed: Vec<bool>,
    /// The same at the beginning of a text (`SuppressBlank`).
    allowed_first: Vec<bool>,
}

/// `tokenizer.json`, as far as it is used.
#[derive(Deserialize)]
struct TokenizerFile {
    model: Vocabulary,
}

#[derive(Deserialize)]
struct Vocabulary {
    vocab: HashMap<String, usize>,
}

/// `config.json` of a converted model.
#[derive(Deserialize)]
struct Config {
    suppress_ids: Vec<usize>,
    suppress_ids_begin: Vec<usize>,
}

impl Tokenizer {
    /// Parses `tokenizer.json` and `config.json`.
    pub(super) fn parse(tokenizer: &str, config: &str) -> Result<Self, serde_json::Error> {
        let tokenizer: TokenizerFile = serde_json::from_str(tokenizer)?;
        let config: Config = serde_json::from_str(config)?;
        let bytes = unicode_to_bytes();
        let mut vocabulary = vec![Vec::new(); EOT];
        for (text, token) in tokenizer.model.vocab {
            if let Some(place) = vocabulary.get_mut(token) {
                *place = text.chars().filter_map(|c| bytes.get(&c).copied()).collect();
            }
        }
        let mut allowed = vec![true; EOT + 1];
        let suppress = |allowed: &mut [bool], tokens: &[usize]| {
            for token in tokens {
                if let Some(allowed) = allowed.get_mut(*token) {
                    *allowed = false;
                }
            }
        };
        suppress(&mut allowed, &config.suppress_ids);
        let mut allowed_first = allowed.clone();
        suppress(&mut allowed_first, &config.suppress_ids_begin);
        Ok(Self { vocabulary, allowed, allowed_first })
    }

    /// Returns the allowed token with the highest logit.
    pub(super) fn argmax(&self, logits: &[f32], first: bool) -> Option<usize> {
        let allowed = if first { &self.allowed_first } else { &self.allowed };
        let known = logits.iter().copied().zip(allowed).enumerate();
        let known = known.filter(|(_, (_, allowed))| **allowed).map(|(token, (logit, _))| (token, logit));
        known.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(token, _)| token)
    }

    /// Returns the text of tokens, without the space at its beginning.
    pub(super) fn decode(&self, tokens: &[usize]) -> String {
        let bytes: Vec<u8> = tokens.iter().filter_map(|token| self.vocabulary.get(*token)).flatten().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

/// Returns the characters that stand for bytes in the vocabulary: printable ones for themselves, those from U+0100 for the others
/// (the inverse of `bytes_to_unicode` in GPT-2's `encoder.py`).
fn unicode_to_bytes() -> HashMap<char, u8> {
    let mut next = 256_u32;
    let character = |byte: u8| match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
        _ => {
            next += 1;
            char::from_u32(next - 1).unwrap_or_default()
        }
    };
    let characters: Vec<char> = (0..=u8::MAX).map(character).collect();
    characters.into_iter().zip(0..=u8::MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokenizer_decodes_bytes_and_suppresses_tokens() {
        let file = r#"{"model": {"vocab": {"Hello": 0, "Ġwor": 1, "ld": 2, "ĠÃ©": 3, "!": 4}}}"#;
        let tokenizer = Tokenizer::parse(file, r#"{"suppress_ids": [4], "suppress_ids_begin": [0]}"#).unwrap();
        assert_eq!(tokenizer.decode(&[0, 1, 2, 3, 4, 60_000]), "Hello world é!");
        let logits = [5.0, 1.0, 2.0, 3.0, 9.0];
        assert_eq!(tokenizer.argmax(&logits, true), Some(3));
        assert_eq!(tokenizer.argmax(&logits, false), Some(0));
    }
}
