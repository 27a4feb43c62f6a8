//! The arithmetic of a transformer, on rows of numbers: a row is a moment, or a word.

use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_simd::{SimdOp as _, SimdUnaryOp as _};
use rten_tensor::NdTensorView;
use rten_tensor::prelude::*;
use rten_vecmath::{Gelu, Softmax};

use super::weights::{Problem, Weights};
use crate::local::Error;

/// Rows of numbers.
pub(super) type Rows<'a> = NdTensorView<'a, f32, 2>;

/// As many numbers as a row has between the layers.
pub(super) const WIDTH: usize = 384;
/// Each head of an attention looks at its part of them.
const HEADS: usize = 6;
const HEAD: usize = WIDTH / HEADS;
/// What keeps a division from becoming one by zero.
const EPSILON: f32 = 1e-5;

/// Multiplies matrices, on all processors.
pub(super) struct Arithmetic(GemmExecutor);

pub(super) fn rows(values: &[f32], width: usize) -> Result<Rows<'_>, Error> {
    let count = values.len() / width.max(1);
    NdTensorView::try_from_data([count, width], values).map_err(|e| Error::Run(e.to_string()))
}

impl Arithmetic {
    pub(super) fn new() -> Self {
        Self(GemmExecutor::default())
    }

    /// `left` times `right`, times `factor`.
    pub(super) fn multiply(
        &self,
        left: Rows<'_>,
        right: Rows<'_>,
        factor: f32,
        bias: Option<&[f32]>,
    ) -> Result<Vec<f32>, Error> {
        let mut out = vec![0.0; left.size(0) * right.size(1)];
        let options = GemmOptions { alpha: factor, bias: bias.map(BiasVector::Row), ..GemmOptions::default() };
        let multiplied = self.0.gemm(&mut out, GemmInputA::Unpacked(left), GemmInputB::Unpacked(right), options);
        multiplied.map(|()| out).map_err(|e| Error::Run(e.to_string()))
    }

    /// What each row of `asks` finds in `values`, by how well it fits the row of `keys`.
    pub(super) fn attend(
        &self,
        asks: Rows<'_>,
        keys: Rows<'_>,
        values: Rows<'_>,
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        let (count, moments) = (asks.size(0), keys.size(0));
        out.clear();
        out.resize(count * WIDTH, 0.0);
        #[expect(clippy::cast_precision_loss, reason = "64 is a number of any kind")]
        let factor = 1.0 / (HEAD as f32).sqrt();
        for head in 0..HEADS {
            let part = head * HEAD..(head + 1) * HEAD;
            let (asks, keys, values) =
                (asks.slice((.., part.clone())), keys.slice((.., part.clone())), values.slice((.., part.clone())));
            let mut weights = self.multiply(asks, keys.transposed(), factor, None)?;
            for row in weights.chunks_exact_mut(moments) {
                Softmax::new_mut(row).dispatch();
            }
            let found = self.multiply(rows(&weights, moments)?, values, 1.0, None)?;
            for (row, found) in out.chunks_exact_mut(WIDTH).zip(found.chunks_exact(HEAD)) {
                row.iter_mut().skip(part.start).zip(found).for_each(|(out, found)| *out = *found);
            }
        }
        Ok(())
    }
}

/// Weights and biases between two rows.
pub(super) struct Linear {
    weights: Vec<f32>,
    bias: Vec<f32>,
    from: usize,
}

impl Linear {
    pub(super) fn take(weights: &mut Weights, name: &str, from: usize, to: usize) -> Result<Self, Problem> {
        let bias = weights.take(&format!("{name}/bias"), &[to])?;
        Ok(Self { weights: weights.take(&format!("{name}/weight"), &[to, from])?, bias, from })
    }

    /// Of a filter over three moments of rows: its weights as if the three stood in one row.
    pub(super) fn take_filter(weights: &mut Weights, name: &str, from: usize) -> Result<Self, Problem> {
        let bias = weights.take(&format!("{name}/bias"), &[WIDTH])?;
        Ok(Self { weights: weights.take(&format!("{name}/weight"), &[WIDTH, from, 3])?, bias, from: from * 3 })
    }

    pub(super) fn apply(&self, arithmetic: &Arithmetic, input: &[f32]) -> Result<Vec<f32>, Error> {
        let weights = rows(&self.weights, self.from)?.transposed();
        arithmetic.multiply(rows(input, self.from)?, weights, 1.0, Some(&self.bias))
    }

    /// Of a filter: each moment with those beside it, every `step`-th; outside is silence.
    pub(super) fn filter(&self, arithmetic: &Arithmetic, input: &[f32], step: usize) -> Result<Vec<f32>, Error> {
        let from = self.from / 3;
        let silence = vec![0.0; from];
        let moments: Vec<&[f32]> =
            [&silence[..]].into_iter().chain(input.chunks_exact(from)).chain([&silence[..]]).collect();
        let mut columns = Vec::with_capacity(input.len() / step * 3);
        for window in moments.windows(3).step_by(step) {
            if let [before, now, after] = window {
                columns.extend(before.iter().zip(*now).zip(*after).flat_map(|((a, b), c)| [*a, *b, *c]));
            }
        }
        self.apply(arithmetic, &columns)
    }
}

/// Brings each row to the same mean and spread.
pub(super) struct Norm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

impl Norm {
    pub(super) fn take(weights: &mut Weights, name: &str) -> Result<Self, Problem> {
        let [gamma, beta] = ["gamma", "beta"].map(|part| weights.take(&format!("{name}/{part}"), &[WIDTH]));
        Ok(Self { gamma: gamma?, beta: beta? })
    }

    pub(super) fn apply(&self, input: &[f32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(input.len());
        for row in input.chunks_exact(WIDTH) {
            #[expect(clippy::cast_precision_loss, reason = "384 is a number of any kind")]
            let count = WIDTH as f32;
            let mean = row.iter().sum::<f32>() / count;
            let spread = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
            let factor = 1.0 / (spread + EPSILON).sqrt();
            let scaled = row.iter().zip(&self.gamma).zip(&self.beta);
            out.extend(scaled.map(|((value, gamma), beta)| (value - mean) * factor * gamma + beta));
        }
        out
    }
}

/// Two layers with a bend between them.
pub(super) struct Feed {
    norm: Norm,
    up: Linear,
    down: Linear,
}

impl Feed {
    pub(super) fn take(weights: &mut Weights, name: &str) -> Result<Self, Problem> {
        Ok(Self {
            norm: Norm::take(weights, &format!("{name}/layer_norm"))?,
            up: Linear::take(weights, &format!("{name}/linear_0"), WIDTH, WIDTH * 4)?,
            down: Linear::take(weights, &format!("{name}/linear_1"), WIDTH * 4, WIDTH)?,
        })
    }

    /// Adds what it makes of the rows to them.
    pub(super) fn add(&self, arithmetic: &Arithmetic, state: &mut [f32]) -> Result<(), Error> {
        let mut inner = self.up.apply(arithmetic, &self.norm.apply(state))?;
        bend(&mut inner);
        add(state, &self.down.apply(arithmetic, &inner)?);
        Ok(())
    }
}

/// The bend: small where negative.
pub(super) fn bend(values: &mut [f32]) {
    Gelu {}.map_mut(values);
}

pub(super) fn add(state: &mut [f32], values: &[f32]) {
    state.iter_mut().zip(values).for_each(|(state, value)| *state += value);
}
