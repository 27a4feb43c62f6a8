//! A voice: English text in, samples at 22 050 Hz out, a sentence at a time. Piper's network, run by `rten`; what a word sounds
//! like is found without espeak, whose licence would be that of the whole program.

mod normal;
mod phonemes;
mod pieces;
mod spelling;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use rten::{Model, NodeId, Value};
use serde::Deserialize;

use super::Error;
use crate::models::{self, Models};
use normal::Token;
use phonemes::Dictionary;
pub use pieces::Piece;

/// Samples a second.
pub const RATE: u32 = 22_050;

/// The files of the voice.
pub(super) const FILES: [&str; 3] = [models::VOICE, models::VOICE_CONFIG, models::DICTIONARY];

/// The symbols around a sentence, and the one between its sounds.
const BEGIN: char = '^';
const END: char = '$';
const PAD: char = '_';

/// How a sentence is to be said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    /// 1 is usual, 2 is twice as fast.
    pub rate: f32,
    /// Chance in the melody and in the length of sounds: without it a sentence is the same each time, and a little dull.
    pub lively: bool,
}

/// A text that is ready to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentences {
    /// In order.
    pub pieces: Vec<Piece>,
    /// The scripts of what is left out; a pause and the script's name are heard in its place.
    pub skipped: Vec<&'static str>,
}

/// A voice, which remembers nothing: one for all sessions.
pub struct Voice {
    model: Model,
    inputs: [NodeId; 3],
    output: NodeId,
    symbols: HashMap<char, i32>,
    dictionary: Dictionary,
    /// Noise in the melody and in the length of sounds, as the voice was made for.
    noise: [f32; 2],
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voice").field("symbols", &self.symbols.len()).finish_non_exhaustive()
    }
}

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

impl Voice {
    /// Reads the voice and the dictionary.
    pub fn load(models: &Models) -> Result<Self, Error> {
        let [path, config, dictionary] = FILES.map(|name| models.find(name));
        let (path, config, dictionary) = (path?, config?, dictionary?);
        let failed = |path: &Path, problem: String| Error::Model { path: path.to_owned(), problem };
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| failed(path, e.to_string()));
        let dictionary = Dictionary::new(read(&dictionary)?);
        let parsed: Config = serde_json::from_str(&read(&config)?).map_err(|e| failed(&config, e.to_string()))?;
        if parsed.audio.sample_rate != RATE {
            return Err(failed(&config, format!("a voice of {} Hz", parsed.audio.sample_rate)));
        }
        let model = Model::load_file(&path).map_err(|e| failed(&path, e.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|e| failed(&path, e.to_string()));
        let (inputs, output) = ([node("input")?, node("input_lengths")?, node("scales")?], node("output")?);
        let first = |(symbol, ids): (char, Vec<i32>)| ids.first().map(|id| (symbol, *id));
        let symbols = parsed.phoneme_id_map.into_iter().filter_map(first).collect();
        let noise = [parsed.inference.noise_scale, parsed.inference.noise_w];
        Ok(Self { model, inputs, output, symbols, dictionary, noise })
    }

    /// What of a text there is to say, sentence by sentence; long ones in pieces.
    pub fn sentences(&self, text: &str) -> Sentences {
        let sentences = normal::sentences(text);
        let foreign = |token: &Token| if let Token::Foreign(script) = token { Some(*script) } else { None };
        let skipped = sentences.iter().flatten().filter_map(foreign).collect();
        let sounds = sentences.iter().map(|sentence| self.dictionary.pronounce(sentence));
        Sentences { pieces: pieces::pieces(sounds), skipped }
    }

    /// Says a piece of [`Voice::sentences`], and a pause behind it.
    pub fn say(&self, piece: &Piece, manner: Manner) -> Result<Vec<i16>, Error> {
        let ids = self.ids(&piece.sounds);
        let length = i32::try_from(ids.len()).unwrap_or(i32::MAX);
        let [noise, noise_w] = if manner.lively { self.noise } else { [0.0; 2] };
        let scales = vec![noise, 1.0 / manner.rate, noise_w];
        let failed = |reason: &dyn fmt::Display| Error::Run(reason.to_string());
        let value = |ids: Vec<i32>| {
            let shape = [1, ids.len()];
            Value::from_shape(shape, ids)
        };
        let [input, lengths, at_scales] = self.inputs;
        let inputs = vec![
            (input, value(ids).map_err(|e| failed(&e))?.into()),
            (lengths, Value::from_shape([1], vec![length]).map_err(|e| failed(&e))?.into()),
            (at_scales, Value::from_shape([3], scales).map_err(|e| failed(&e))?.into()),
        ];
        let answer = self.model.run(inputs, &[self.output], None).map_err(|e| failed(&e))?;
        let audio = answer.into_iter().next().ok_or_else(|| failed(&"it answers with nothing"))?;
        let (_, audio) = audio.into_shape_vec::<f32, 4>().map_err(|e| failed(&e))?;
        #[expect(clippy::cast_possible_truncation, reason = "it is within the bounds of 16 bits")]
        let sample = |sample: f32| (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16;
        Ok(audio.into_iter().map(sample).chain(std::iter::repeat_n(0, piece.pause)).collect())
    }

    /// Each symbol's number, and the pad's behind it.
    fn ids(&self, sounds: &str) -> Vec<i32> {
        let id = |symbol: char| self.symbols.get(&symbol).copied();
        let pad = id(PAD).unwrap_or_default();
        let mut ids: Vec<i32> = id(BEGIN).into_iter().chain([pad]).collect();
        for symbol in sounds.chars().filter_map(id) {
            ids.extend([symbol, pad]);
        }
        ids.extend(id(END));
        ids
    }
}
