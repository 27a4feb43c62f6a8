//! Speech synthesis: English text in, samples at 22 050 Hz out, one sentence at a time. A voice of Piper, which is the network VITS
//! ("Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech", Kim et al. 2021), run by
//! `rten`.
//!
//! A text becomes words by `normalize` (text normalisation), words become phonemes by `g2p` (grapheme to phoneme) and
//! `letter_rules`, phonemes are cut by `pieces`, and the network turns a piece into samples. Piper itself gets phonemes from
//! espeak-ng, whose licence (GPL-3.0) would apply to the whole program.

mod g2p;
mod letter_rules;
mod normalize;
mod pieces;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use rten::{Model, NodeId, Value};
use serde::Deserialize;

use super::Error;
use crate::models::{self, Models};
use g2p::Dictionary;
use normalize::Token;
pub use pieces::Piece;

/// Samples per second.
pub const RATE: u32 = 22_050;

/// The files of the voice and its dictionary.
pub(super) const FILES: [&str; 3] = [models::VOICE, models::VOICE_CONFIG, models::DICTIONARY];

/// The symbols around a sentence and between its phonemes (`phonemes_to_ids` of Piper).
const BOS: char = '^';
const EOS: char = '$';
const PAD: char = '_';

/// The options of a synthesis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SynthesisOptions {
    /// Speed: 1 is normal, 2 is twice as fast. (The inverse of Piper's `length_scale`.)
    pub rate: f32,
    /// Random variation of melody and duration, as much as the voice was made for (Piper's `noise_scale` and `noise_w`). Without
    /// it a sentence is the same each time, and a little dull.
    pub noise: bool,
}

/// A text as the pieces that are synthesised one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentences {
    /// In order.
    pub pieces: Vec<Piece>,
    /// The names of the scripts that the voice cannot read. A pause and the script's name take the place of such words.
    pub skipped: Vec<&'static str>,
}

/// A voice. It has no state: one serves all sessions.
pub struct PiperVoice {
    model: Model,
    inputs: [NodeId; 3],
    output: NodeId,
    /// By phoneme, the voice's number of it.
    phoneme_ids: HashMap<char, i32>,
    dictionary: Dictionary,
    /// The voice's `noise_scale` (melody) and `noise_w` (durations).
    noise: [f32; 2],
}

impl fmt::Debug for PiperVoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PiperVoice").field("phoneme_ids", &self.phoneme_ids.len()).finish_non_exhaustive()
    }
}

/// The voice's `.onnx.json`.
#[derive(Deserialize)]
struct Config {
    audio: Audio,
    inference: Inference,
    phoneme_id_map: HashMap<char, Vec<i32>>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct Inference {
    noise_scale: f32,
    noise_w: f32,
}

impl PiperVoice {
    /// Reads the voice and the CMU dictionary.
    pub fn load(models: &Models) -> Result<Self, Error> {
        let [path, config, dictionary] = FILES.map(|name| models.find(name));
        let (path, config, dictionary) = (path?, config?, dictionary?);
        let failed = |path: &Path, problem: String| Error::Model { path: path.to_owned(), problem };
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| failed(path, e.to_string()));
        let dictionary = Dictionary::new(read(&dictionary)?);
        let parsed: Config = serde_json::from_str(&read(&config)?).map_err(|e| failed(&config, e.to_string()))?;
        if parsed.audio.sample_rate != RATE {
            return Err(failed(
                &config,
                format!("the sample rate is {} Hz; expected {RATE} Hz", parsed.audio.sample_rate),
            ));
        }
        let model = Model::load_file(&path).map_err(|e| failed(&path, e.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|e| failed(&path, e.to_string()));
        let (inputs, output) = ([node("input")?, node("input_lengths")?, node("scales")?], node("output")?);
        let first = |(phoneme, ids): (char, Vec<i32>)| ids.first().map(|id| (phoneme, *id));
        let phoneme_ids = parsed.phoneme_id_map.into_iter().filter_map(first).collect();
        let noise = [parsed.inference.noise_scale, parsed.inference.noise_w];
        Ok(Self { model, inputs, output, phoneme_ids, dictionary, noise })
    }

    /// Returns the sentences of a text as phonemes, the long ones cut into pieces.
    pub fn sentences(&self, text: &str) -> Sentences {
        let sentences = normalize::sentences(text);
        let foreign = |token: &Token| if let Token::Foreign(script) = token { Some(*script) } else { None };
        let skipped = sentences.iter().flatten().filter_map(foreign).collect();
        let phonemes = sentences.iter().map(|sentence| self.dictionary.phonemes(sentence));
        Sentences { pieces: pieces::pieces(phonemes), skipped }
    }

    /// Returns the samples of a piece of [`PiperVoice::sentences`] and of the pause behind it.
    pub fn synthesize(&self, piece: &Piece, options: SynthesisOptions) -> Result<Vec<i16>, Error> {
        let ids = self.ids(&piece.phonemes);
        let length = i32::try_from(ids.len()).unwrap_or(i32::MAX);
        let [noise, noise_w] = if options.noise { self.noise } else { [0.0; 2] };
        let scales = vec![noise, 1.0 / options.rate, noise_w];
        let failed = |reason: &dyn fmt::Display| Error::Run(reason.to_string());
        let value = |ids: Vec<i32>| {
            let shape = [1, ids.len()];
            Value::from_shape(shape, ids)
        };
        let [input, input_lengths, input_scales] = self.inputs;
        let inputs = vec![
            (input, value(ids).map_err(|e| failed(&e))?.into()),
            (input_lengths, Value::from_shape([1], vec![length]).map_err(|e| failed(&e))?.into()),
            (input_scales, Value::from_shape([3], scales).map_err(|e| failed(&e))?.into()),
        ];
        let outputs = self.model.run(inputs, &[self.output], None).map_err(|e| failed(&e))?;
        let audio = outputs.into_iter().next().ok_or_else(|| failed(&"its output is empty"))?;
        let (_, audio) = audio.into_shape_vec::<f32, 4>().map_err(|e| failed(&e))?;
        #[expect(clippy::cast_possible_truncation, reason = "clamped to 16 bits")]
        let sample = |sample: f32| (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16;
        Ok(audio.into_iter().map(sample).chain(std::iter::repeat_n(0, piece.pause)).collect())
    }

    /// Returns the ids of phonemes, with [`BOS`] and [`EOS`] around them and [`PAD`] between them.
    fn ids(&self, phonemes: &str) -> Vec<i32> {
        let id = |phoneme: char| self.phoneme_ids.get(&phoneme).copied();
        let pad = id(PAD).unwrap_or_default();
        let mut ids: Vec<i32> = id(BOS).into_iter().chain([pad]).collect();
        for phoneme in phonemes.chars().filter_map(id) {
            ids.extend([phoneme, pad]);
        }
        ids.extend(id(EOS));
        ids
    }
}
