//! Speech recognition: up to 30 s of samples in, their English text out. Whisper tiny.en ("Robust Speech Recognition via
//! Large-Scale Weak Supervision", Radford et al. 2022) on the matrix product of `rten`, with greedy decoding.
//!
//! The files and names follow openai/whisper: `mel` is its `audio.py`, `encoder`, `decoder` and `layers` its `model.py`,
//! `tokenizer` its `tokenizer.py`, and this file its `decoding.py` and `transcribe.py`. `weights` reads the format of the model.

mod decoder;
mod encoder;
mod layers;
mod mel;
mod tokenizer;
mod weights;

use std::fmt;
use std::path::Path;

use rten_simd::SimdOp as _;
use rten_vecmath::Softmax;

use super::Error;
use crate::audio::mel::{LogMel, SAMPLE_RATE};
use crate::models::{self, Models};
use decoder::Decoder;
use encoder::Encoder;
use layers::Gemm;
use mel::MAX_FRAMES;
use tokenizer::{EOT, NO_SPEECH, NO_TIMESTAMPS, SOT, Tokenizer};
use weights::Weights;

/// Samples per second of the audio that [`Whisper::transcribe`] takes.
pub const RATE: u32 = SAMPLE_RATE;

/// Frames of 10 ms of the first attempt, at least. With less padding than this the model repeats short sentences. It was trained
/// on [`MAX_FRAMES`], 30 s, which take three times as long and are the second attempt.
const MIN_FRAMES: usize = 1_000;
/// Above this probability of [`NO_SPEECH`] the first attempt counts as silence (`no_speech_threshold` in `transcribe.py`).
const NO_SPEECH_THRESHOLD: f32 = 0.6;
/// With less padding than in training the model can be wrong about that. It gave 0.82 to one word that was repeated, and more to
/// music, clicks and breath. Above this value there is no second attempt.
const NO_SPEECH_CERTAIN: f32 = 0.85;
/// A text that only the second attempt found must have this mean probability. Speech had 0.6 to 0.97, a ringing telephone 0.1 to
/// 0.22. (`logprob_threshold` in `transcribe.py` is its logarithm, -1.)
const MIN_CONFIDENCE: f32 = 0.37;
/// More tokens than people say in a second, and the most of a text. On repeated words and on noise the decoder does not find an
/// end, and is stopped here.
const TOKENS_PER_SECOND: usize = 8;
const MAX_TOKENS: usize = 220;
/// Letters of the longest word. A longer one is a letter that the decoder repeats.
const MAX_WORD_LETTERS: usize = 45;

/// The text of one utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcription {
    /// Empty if the samples contain no speech.
    pub text: String,
    /// The geometric mean of the tokens' probabilities, from 0 to 1.
    pub confidence: f32,
}

/// The result of one attempt (`DecodingResult` in `decoding.py`).
struct Decoded {
    transcription: Transcription,
    /// The decoder wrote [`EOT`], and was not stopped.
    ended: bool,
    no_speech_prob: f32,
}

/// The model. It has no state of its own: one serves all sessions.
pub struct Whisper {
    log_mel: LogMel,
    encoder: Encoder,
    decoder: Decoder,
    tokenizer: Tokenizer,
}

impl fmt::Debug for Whisper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whisper")
    }
}

impl Whisper {
    /// Reads the model's three files.
    pub fn load(models: &Models) -> Result<Self, Error> {
        let files = [models::WHISPER, models::WHISPER_TOKENIZER, models::WHISPER_CONFIG].map(|name| models.find(name));
        let [weights, tokenizer, config] = files;
        let (weights, tokenizer, config) = (weights?, tokenizer?, config?);
        let failed = |path: &Path, problem: String| Error::Model { path: path.to_owned(), problem };
        let text = |path: &Path| std::fs::read_to_string(path).map_err(|e| failed(path, e.to_string()));
        let parsed = Tokenizer::parse(&text(&tokenizer)?, &text(&config)?);
        let tokenizer = parsed.map_err(|e| failed(&tokenizer, e.to_string()))?;
        let bytes = std::fs::read(&weights).map_err(|e| failed(&weights, e.to_string()))?;
        let parts = Weights::parse(&bytes).and_then(|mut weights| {
            let encoder = Encoder::load(&mut weights)?;
            Ok((encoder, Decoder::load(&mut weights)?))
        });
        let (encoder, decoder) = parts.map_err(|e| failed(&weights, e.to_string()))?;
        Ok(Self { log_mel: LogMel::new(), encoder, decoder, tokenizer })
    }

    /// Transcribes the first 30 s of samples at 16 kHz.
    ///
    /// Most utterances need one attempt, with little padding. A second one, with as much as in training, follows where the first
    /// found no end or may have missed speech.
    pub fn transcribe(&self, samples: &[i16]) -> Result<Transcription, Error> {
        let first = self.decode(samples, MIN_FRAMES)?;
        let doubtful = first.no_speech_prob > NO_SPEECH_THRESHOLD;
        if first.no_speech_prob > NO_SPEECH_CERTAIN || (first.ended && !doubtful) {
            return Ok(first.transcription);
        }
        let Decoded { mut transcription, ended, .. } = self.decode(samples, MAX_FRAMES)?;
        if doubtful && transcription.confidence < MIN_CONFIDENCE {
            transcription.text.clear();
        }
        if !ended {
            transcription.text = without_endless_word(&transcription.text);
        }
        Ok(transcription)
    }

    /// Decodes greedily, with zeros behind the samples up to `min_frames`.
    fn decode(&self, samples: &[i16], min_frames: usize) -> Result<Decoded, Error> {
        // Bound to this thread.
        let gemm = &Gemm::new();
        let audio = self.encoder.run(gemm, &mel::log_mel(&self.log_mel, samples, min_frames))?;
        let mut state = self.decoder.begin(gemm, &audio)?;
        let mut logits = self.decoder.decode_step(gemm, &mut state, SOT)?;
        let no_speech_prob = probability(&logits, NO_SPEECH);
        if no_speech_prob > NO_SPEECH_THRESHOLD {
            let transcription = Transcription { text: String::new(), confidence: 1.0 };
            return Ok(Decoded { transcription, ended: true, no_speech_prob });
        }
        logits = self.decoder.decode_step(gemm, &mut state, NO_TIMESTAMPS)?;
        let max_tokens = (samples.len() * TOKENS_PER_SECOND / RATE as usize + TOKENS_PER_SECOND).min(MAX_TOKENS);
        let (mut tokens, mut sum_logprob, mut ended) = (Vec::new(), 0.0, false);
        while let Some(token) = self.tokenizer.argmax(&logits, tokens.is_empty()) {
            sum_logprob += probability(&logits, token).max(f32::MIN_POSITIVE).ln();
            ended = token == EOT;
            if ended || tokens.len() == max_tokens {
                break;
            }
            tokens.push(token);
            logits = self.decoder.decode_step(gemm, &mut state, token)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 220 tokens")]
        let avg_logprob = sum_logprob / (tokens.len() + 1) as f32;
        let transcription = Transcription { text: self.tokenizer.decode(&tokens), confidence: avg_logprob.exp() };
        Ok(Decoded { transcription, ended, no_speech_prob })
    }
}

/// Returns the text before the first word that is longer than any real one.
fn without_endless_word(text: &str) -> String {
    let is_endless = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > MAX_WORD_LETTERS;
    let words: Vec<&str> = text.split(' ').take_while(|word| !is_endless(word)).collect();
    words.join(" ")
}

/// Returns the softmax of a token's logit.
fn probability(logits: &[f32], token: usize) -> f32 {
    let mut probabilities = logits.to_vec();
    Softmax::new_mut(&mut probabilities).dispatch();
    probabilities.get(token).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcription_is_cut_before_an_endless_word() {
        assert_eq!(without_endless_word(&format!("No, no {} no", "S".repeat(200))), "No, no");
        assert_eq!(without_endless_word(&"S".repeat(200)), "");
        let digits = "1-2-3-4-5-6-7-8-9-0-".repeat(20);
        assert_eq!(without_endless_word(&digits), digits);
    }
}
