//! Recognition: half a minute of speech at most in, its text out. Whisper's network for English, on the matrix arithmetic of
//! `rten`; and where one utterance ends and the next begins.

mod decoder;
mod encoder;
mod endpoint;
mod layers;
mod sound;
mod stream;
mod weights;
mod words;

use std::fmt;
use std::path::Path;

use rten_simd::SimdOp as _;
use rten_vecmath::Softmax;

use super::Error;
use crate::models::{self, Models};
use decoder::Decoder;
use encoder::Encoder;
pub use endpoint::Utterance;
use layers::Arithmetic;
pub use sound::RATE;
use sound::{LONGEST, Picture};
pub use stream::Stream;
use weights::Weights;
use words::{END, PROMPT, SILENCE, Words};

/// Moments of 10 ms that are looked at, at least: in less silence than this a short sentence is heard again and again. The
/// model was taught with [`LONGEST`], half a minute, which takes three times as long and is the resort.
const SHORT: usize = 1_000;
/// Whoever is surer than this that nobody spoke has heard nothing.
const NOBODY: f32 = 0.6;
/// Up to here, with less silence than the model was taught with, it may be wrong about that: of one word that was said over and
/// over it was sure to 0.82. Of music, clicks and breath it is surer.
const NOBODY_AT_ALL: f32 = 0.85;
/// What is heard at the second look alone must be at least as probable as this: of speech it was 0.6 to 0.97, of a telephone that
/// rings 0.1 to 0.22.
const SURE: f32 = 0.37;
/// More than anybody says. Where words are repeated, and where it hears noise, the model writes without end; it is stopped here.
const WORDS_A_SECOND: usize = 8;
const LONGEST_TEXT: usize = 220;
/// Letters of the longest word: what has more of them is a letter that is repeated without end.
const LONGEST_WORD: usize = 45;

/// What somebody said.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Empty where nobody spoke.
    pub text: String,
    /// From 0 to 1.
    pub confidence: f32,
}

/// What the model has written of some samples.
struct Draft {
    heard: Heard,
    /// It came to an end of its own.
    ended: bool,
    /// How probable it is that nobody spoke.
    nobody: f32,
}

/// Whisper, which remembers nothing: one for all sessions.
pub struct Whisper {
    picture: Picture,
    encoder: Encoder,
    decoder: Decoder,
    words: Words,
}

impl fmt::Debug for Whisper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whisper")
    }
}

impl Whisper {
    /// Reads the model.
    pub fn load(models: &Models) -> Result<Self, Error> {
        let files = [models::WHISPER, models::WHISPER_TOKENIZER, models::WHISPER_CONFIG].map(|name| models.find(name));
        let [weights, tokenizer, config] = files;
        let (weights, tokenizer, config) = (weights?, tokenizer?, config?);
        let failed = |path: &Path, problem: String| Error::Model { path: path.to_owned(), problem };
        let text = |path: &Path| std::fs::read_to_string(path).map_err(|e| failed(path, e.to_string()));
        let words = Words::read(&text(&tokenizer)?, &text(&config)?).map_err(|e| failed(&tokenizer, e.to_string()))?;
        let bytes = std::fs::read(&weights).map_err(|e| failed(&weights, e.to_string()))?;
        let parts = Weights::read(&bytes).and_then(|mut weights| {
            let encoder = Encoder::take(&mut weights)?;
            Ok((encoder, Decoder::take(&mut weights)?))
        });
        let (encoder, decoder) = parts.map_err(|e| failed(&weights, e.to_string()))?;
        Ok(Self { picture: Picture::new(), encoder, decoder, words })
    }

    /// What is said in these samples at 16 kHz; only the first half of a minute is heard. A text that does not come to an end is
    /// cut.
    pub fn hear(&self, samples: &[i16]) -> Result<Heard, Error> {
        let first = self.write(samples, SHORT)?;
        let doubtful = first.nobody > NOBODY;
        if first.nobody > NOBODY_AT_ALL || (first.ended && !doubtful) {
            return Ok(first.heard);
        }
        let Draft { mut heard, ended, .. } = self.write(samples, LONGEST)?;
        if doubtful && heard.confidence < SURE {
            heard.text.clear();
        }
        if !ended {
            heard.text = without_endless_word(&heard.text);
        }
        Ok(heard)
    }

    /// The text of the samples and the silence that makes so many moments of them.
    fn write(&self, samples: &[i16], least: usize) -> Result<Draft, Error> {
        // Bound to the thread that it is made on.
        let arithmetic = &Arithmetic::new();
        let picture = self.picture.take(arithmetic, samples, least)?;
        let sound = self.encoder.run(arithmetic, &picture)?;
        let mut writing = self.decoder.begin(arithmetic, &sound)?;
        let [begin, untimed] = PROMPT;
        let mut fits = self.decoder.write(arithmetic, &mut writing, begin)?;
        let nobody = probability(&fits, SILENCE);
        if nobody > NOBODY {
            return Ok(Draft { heard: Heard { text: String::new(), confidence: 1.0 }, ended: true, nobody });
        }
        fits = self.decoder.write(arithmetic, &mut writing, untimed)?;
        let most = (samples.len() * WORDS_A_SECOND / RATE as usize + WORDS_A_SECOND).min(LONGEST_TEXT);
        let (mut text, mut sureness, mut ended) = (Vec::new(), 0.0, false);
        while let Some(word) = self.words.best(&fits, text.is_empty()) {
            sureness += probability(&fits, word).max(f32::MIN_POSITIVE).ln();
            ended = word == END;
            if ended || text.len() == most {
                break;
            }
            text.push(word);
            fits = self.decoder.write(arithmetic, &mut writing, word)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "some hundred words at most")]
        let confidence = (sureness / (text.len() + 1) as f32).exp();
        Ok(Draft { heard: Heard { text: self.words.text(&text), confidence }, ended, nobody })
    }
}

/// The text as far as the first word that has no end.
fn without_endless_word(text: &str) -> String {
    let is_endless = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > LONGEST_WORD;
    let words: Vec<&str> = text.split(' ').take_while(|word| !is_endless(word)).collect();
    words.join(" ")
}

/// How probable a word is among all.
fn probability(fits: &[f32], word: usize) -> f32 {
    let mut shares = fits.to_vec();
    Softmax::new_mut(&mut shares).dispatch();
    shares.get(word).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_without_end_is_cut_off() {
        assert_eq!(without_endless_word(&format!("No, no {} no", "S".repeat(200))), "No, no");
        assert_eq!(without_endless_word(&"S".repeat(200)), "");
        let digits = "1-2-3-4-5-6-7-8-9-0-".repeat(20);
        assert_eq!(without_endless_word(&digits), digits);
    }
}
