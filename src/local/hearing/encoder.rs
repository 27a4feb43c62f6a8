//! The half of Whisper that hears: a picture of the sound in, what it means out, a row for 20 ms.

use super::layers::{Arithmetic, Feed, Linear, Norm, WIDTH, add, bend, rows};
use super::sound::BANDS;
use super::weights::{Problem, Weights};
use crate::local::Error;

const LAYERS: usize = 4;
/// Moments of half a minute.
pub(super) const MOMENTS: usize = 1_500;

pub(super) struct Encoder {
    filters: [Linear; 2],
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: Norm,
}

struct Layer {
    norm: Norm,
    /// What is asked, the keys and the values, side by side.
    into: Linear,
    out: Linear,
    feed: Feed,
}

impl Encoder {
    pub(super) fn take(weights: &mut Weights) -> Result<Self, Problem> {
        let mut layers = Vec::new();
        for index in 0..LAYERS {
            let name = format!("encoder/layer_{index}/self_attention");
            layers.push(Layer {
                norm: Norm::take(weights, &format!("{name}/layer_norm"))?,
                into: Linear::take(weights, &format!("{name}/linear_0"), WIDTH, WIDTH * 3)?,
                out: Linear::take(weights, &format!("{name}/linear_1"), WIDTH, WIDTH)?,
                feed: Feed::take(weights, &format!("encoder/layer_{index}/ffn"))?,
            });
        }
        Ok(Self {
            filters: [
                Linear::take_filter(weights, "encoder/conv1", BANDS)?,
                Linear::take_filter(weights, "encoder/conv2", WIDTH)?,
            ],
            positions: weights.take("encoder/position_encodings/encodings", &[MOMENTS, WIDTH])?,
            layers,
            norm: Norm::take(weights, "encoder/layer_norm")?,
        })
    }

    /// At most [`MOMENTS`] rows, half as many as `picture` has.
    pub(super) fn run(&self, arithmetic: &Arithmetic, picture: &[f32]) -> Result<Vec<f32>, Error> {
        let [first, second] = &self.filters;
        let mut state = first.filter(arithmetic, picture, 1)?;
        bend(&mut state);
        let mut state = second.filter(arithmetic, &state, 2)?;
        bend(&mut state);
        state.truncate(self.positions.len());
        add(&mut state, &self.positions);
        let mut found = Vec::new();
        for layer in &self.layers {
            let inner = layer.into.apply(arithmetic, &layer.norm.apply(&state))?;
            let inner = rows(&inner, WIDTH * 3)?;
            let part = |index: usize| inner.slice((.., index * WIDTH..(index + 1) * WIDTH));
            arithmetic.attend(part(0), part(1), part(2), &mut found)?;
            add(&mut state, &layer.out.apply(arithmetic, &found)?);
            layer.feed.add(arithmetic, &mut state)?;
        }
        Ok(self.norm.apply(&state))
    }
}
