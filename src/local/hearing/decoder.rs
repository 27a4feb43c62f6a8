//! The half of Whisper that writes: word by word, looking at what was heard and at what it has written.

use super::layers::{Arithmetic, Feed, Linear, Norm, WIDTH, add, rows};
use super::weights::{Problem, Weights};
use crate::local::Error;

const LAYERS: usize = 4;
/// As many words and parts of words as there are.
pub(super) const WORDS: usize = 51_864;
/// As many as one text may have.
pub(super) const POSITIONS: usize = 448;

pub(super) struct Decoder {
    words: Vec<f32>,
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: Norm,
}

struct Layer {
    norm: Norm,
    into: Linear,
    out: Linear,
    heard_norm: Norm,
    heard_ask: Linear,
    /// Keys and values of what was heard, side by side.
    heard_into: Linear,
    heard_out: Linear,
    feed: Feed,
}

/// A text that is being written.
pub(super) struct Writing {
    layers: Vec<Memory>,
    position: usize,
}

/// What a layer remembers of a text.
struct Memory {
    heard: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Decoder {
    pub(super) fn take(weights: &mut Weights) -> Result<Self, Problem> {
        let mut layers = Vec::new();
        for index in 0..LAYERS {
            let own = format!("decoder/layer_{index}/self_attention");
            let heard = format!("decoder/layer_{index}/attention");
            layers.push(Layer {
                norm: Norm::take(weights, &format!("{own}/layer_norm"))?,
                into: Linear::take(weights, &format!("{own}/linear_0"), WIDTH, WIDTH * 3)?,
                out: Linear::take(weights, &format!("{own}/linear_1"), WIDTH, WIDTH)?,
                heard_norm: Norm::take(weights, &format!("{heard}/layer_norm"))?,
                heard_ask: Linear::take(weights, &format!("{heard}/linear_0"), WIDTH, WIDTH)?,
                heard_into: Linear::take(weights, &format!("{heard}/linear_1"), WIDTH, WIDTH * 2)?,
                heard_out: Linear::take(weights, &format!("{heard}/linear_2"), WIDTH, WIDTH)?,
                feed: Feed::take(weights, &format!("decoder/layer_{index}/ffn"))?,
            });
        }
        Ok(Self {
            words: weights.take("decoder/embeddings/weight", &[WORDS, WIDTH])?,
            positions: weights.take("decoder/position_encodings/encodings", &[POSITIONS, WIDTH])?,
            layers,
            norm: Norm::take(weights, "decoder/layer_norm")?,
        })
    }

    /// A text about what was heard.
    pub(super) fn begin(&self, arithmetic: &Arithmetic, heard: &[f32]) -> Result<Writing, Error> {
        let memory = |layer: &Layer| {
            let heard = layer.heard_into.apply(arithmetic, heard)?;
            Ok(Memory { heard, keys: Vec::new(), values: Vec::new() })
        };
        let layers = self.layers.iter().map(memory).collect::<Result<_, Error>>()?;
        Ok(Writing { layers, position: 0 })
    }

    /// Writes a word, and says how well each word would fit behind it.
    pub(super) fn write(&self, arithmetic: &Arithmetic, writing: &mut Writing, word: usize) -> Result<Vec<f32>, Error> {
        let row = |of: &[f32], index: usize| of.chunks_exact(WIDTH).nth(index).map(<[f32]>::to_vec);
        let too_long = || Error::Run("a text longer than the model can write".to_owned());
        let mut state = row(&self.words, word).ok_or_else(too_long)?;
        add(&mut state, &row(&self.positions, writing.position).ok_or_else(too_long)?);
        writing.position += 1;
        let mut found = Vec::new();
        for (layer, memory) in self.layers.iter().zip(&mut writing.layers) {
            let inner = layer.into.apply(arithmetic, &layer.norm.apply(&state))?;
            let mut parts = inner.chunks_exact(WIDTH);
            let (ask, key, value) = (parts.next(), parts.next(), parts.next());
            memory.keys.extend(key.into_iter().flatten());
            memory.values.extend(value.into_iter().flatten());
            let ask = rows(ask.unwrap_or_default(), WIDTH)?;
            arithmetic.attend(ask, rows(&memory.keys, WIDTH)?, rows(&memory.values, WIDTH)?, &mut found)?;
            add(&mut state, &layer.out.apply(arithmetic, &found)?);

            let ask = layer.heard_ask.apply(arithmetic, &layer.heard_norm.apply(&state))?;
            let heard = rows(&memory.heard, WIDTH * 2)?;
            let (keys, values) = (heard.slice((.., ..WIDTH)), heard.slice((.., WIDTH..)));
            arithmetic.attend(rows(&ask, WIDTH)?, keys, values, &mut found)?;
            add(&mut state, &layer.heard_out.apply(arithmetic, &found)?);
            layer.feed.add(arithmetic, &mut state)?;
        }
        let state = self.norm.apply(&state);
        arithmetic.multiply(rows(&state, WIDTH)?, rows(&self.words, WIDTH)?.transposed(), 1.0, None)
    }
}
