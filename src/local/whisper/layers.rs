//! The layers of a transformer ("Attention Is All You Need", Vaswani et al. 2017), on row-major matrices: a row is a frame of
//! audio or a token.

use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_simd::{SimdOp as _, SimdUnaryOp as _};
use rten_tensor::NdTensorView;
use rten_tensor::prelude::*;
use rten_vecmath::{Gelu, Softmax};

use super::weights::{Weights, WeightsError};
use crate::local::Error;

/// A view of a matrix.
pub(super) type Matrix<'a> = NdTensorView<'a, f32, 2>;

/// Numbers of a row between the layers (`n_audio_state` and `n_text_state` of tiny.en).
pub(super) const N_STATE: usize = 384;
/// Attention heads (`n_audio_head` and `n_text_head`), and the columns of each.
const N_HEAD: usize = 6;
const HEAD_DIM: usize = N_STATE / N_HEAD;
/// Keeps layer normalisation from a division by zero. The value is `PyTorch`'s default.
const EPSILON: f32 = 1e-5;

/// Matrix multiplication on all processors. An executor belongs to the thread that it is made on.
pub(super) struct Gemm(GemmExecutor);

/// Views `values` as rows of so many columns.
pub(super) fn matrix(values: &[f32], columns: usize) -> Result<Matrix<'_>, Error> {
    let rows = values.len() / columns.max(1);
    NdTensorView::try_from_data([rows, columns], values).map_err(|e| Error::Run(e.to_string()))
}

impl Gemm {
    pub(super) fn new() -> Self {
        Self(GemmExecutor::default())
    }

    /// Returns `alpha * (a × b)`, plus `bias` in each row.
    pub(super) fn matmul(
        &self,
        a: Matrix<'_>,
        b: Matrix<'_>,
        alpha: f32,
        bias: Option<&[f32]>,
    ) -> Result<Vec<f32>, Error> {
        let mut out = vec![0.0; a.size(0) * b.size(1)];
        let options = GemmOptions { alpha, bias: bias.map(BiasVector::Row), ..GemmOptions::default() };
        let multiplied = self.0.gemm(&mut out, GemmInputA::Unpacked(a), GemmInputB::Unpacked(b), options);
        multiplied.map(|()| out).map_err(|e| Error::Run(e.to_string()))
    }

    /// Multi-head scaled dot-product attention: `softmax(q × kᵀ / √HEAD_DIM) × v` for each head, side by side in `out`.
    /// (`qkv_attention` in `model.py`.) `q` has a row for each row of `out`, `k` and `v` for each row attended to.
    pub(super) fn attention(
        &self,
        q: Matrix<'_>,
        k: Matrix<'_>,
        v: Matrix<'_>,
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        let (rows, attended) = (q.size(0), k.size(0));
        out.clear();
        out.resize(rows * N_STATE, 0.0);
        #[expect(clippy::cast_precision_loss, reason = "64 is exact in any type")]
        let scale = 1.0 / (HEAD_DIM as f32).sqrt();
        for head in 0..N_HEAD {
            let columns = head * HEAD_DIM..(head + 1) * HEAD_DIM;
            let [q, k, v] = [q, k, v].map(|whole| whole.slice((.., columns.clone())));
            let mut weights = self.matmul(q, k.transposed(), scale, None)?;
            for row in weights.chunks_exact_mut(attended) {
                Softmax::new_mut(row).dispatch();
            }
            let mixed = self.matmul(matrix(&weights, attended)?, v, 1.0, None)?;
            for (row, mixed) in out.chunks_exact_mut(N_STATE).zip(mixed.chunks_exact(HEAD_DIM)) {
                row.iter_mut().skip(columns.start).zip(mixed).for_each(|(out, mixed)| *out = *mixed);
            }
        }
        Ok(())
    }
}

/// A linear layer: `x × weightᵀ + bias`.
pub(super) struct Linear {
    /// `[outputs, inputs]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    pub(super) fn load(weights: &mut Weights, name: &str, inputs: usize, outputs: usize) -> Result<Self, WeightsError> {
        let bias = weights.take(&format!("{name}/bias"), &[outputs])?;
        Ok(Self { weight: weights.take(&format!("{name}/weight"), &[outputs, inputs])?, bias, inputs })
    }

    /// Loads a one-dimensional convolution with a kernel of three rows as the linear layer that [`Self::conv1d`] applies.
    pub(super) fn load_conv1d(weights: &mut Weights, name: &str, channels: usize) -> Result<Self, WeightsError> {
        let bias = weights.take(&format!("{name}/bias"), &[N_STATE])?;
        let weight = weights.take(&format!("{name}/weight"), &[N_STATE, channels, 3])?;
        Ok(Self { weight, bias, inputs: channels * 3 })
    }

    pub(super) fn apply(&self, gemm: &Gemm, input: &[f32]) -> Result<Vec<f32>, Error> {
        let weight = matrix(&self.weight, self.inputs)?.transposed();
        gemm.matmul(matrix(input, self.inputs)?, weight, 1.0, Some(&self.bias))
    }

    /// Convolves the rows with a kernel of three and one row of zero padding at each end. The three rows under the kernel
    /// become one row of a matrix (`im2col`), so that the convolution is a matrix product.
    pub(super) fn conv1d(&self, gemm: &Gemm, input: &[f32], stride: usize) -> Result<Vec<f32>, Error> {
        let channels = self.inputs / 3;
        let padding = vec![0.0; channels];
        let rows: Vec<&[f32]> =
            [&padding[..]].into_iter().chain(input.chunks_exact(channels)).chain([&padding[..]]).collect();
        let mut columns = Vec::with_capacity(input.len() / stride * 3);
        for kernel in rows.windows(3).step_by(stride) {
            if let [before, at, after] = kernel {
                columns.extend(before.iter().zip(*at).zip(*after).flat_map(|((a, b), c)| [*a, *b, *c]));
            }
        }
        self.apply(gemm, &columns)
    }
}

/// Layer normalisation (Ba et al. 2016): each row gets mean 0 and variance 1, then `gamma` and `beta` by column.
pub(super) struct LayerNorm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

impl LayerNorm {
    pub(super) fn load(weights: &mut Weights, name: &str) -> Result<Self, WeightsError> {
        let [gamma, beta] = ["gamma", "beta"].map(|part| weights.take(&format!("{name}/{part}"), &[N_STATE]));
        Ok(Self { gamma: gamma?, beta: beta? })
    }

    pub(super) fn apply(&self, input: &[f32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(input.len());
        for row in input.chunks_exact(N_STATE) {
            #[expect(clippy::cast_precision_loss, reason = "384 is exact in any type")]
            let count = N_STATE as f32;
            let mean = row.iter().sum::<f32>() / count;
            let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
            let scale = 1.0 / (variance + EPSILON).sqrt();
            let affine = row.iter().zip(&self.gamma).zip(&self.beta);
            out.extend(affine.map(|((value, gamma), beta)| (value - mean) * scale * gamma + beta));
        }
        out
    }
}

/// The feed-forward block: layer norm, a linear layer to four times the width, GELU, and one back.
pub(super) struct Mlp {
    ln: LayerNorm,
    up: Linear,
    down: Linear,
}

impl Mlp {
    pub(super) fn load(weights: &mut Weights, name: &str) -> Result<Self, WeightsError> {
        Ok(Self {
            ln: LayerNorm::load(weights, &format!("{name}/layer_norm"))?,
            up: Linear::load(weights, &format!("{name}/linear_0"), N_STATE, N_STATE * 4)?,
            down: Linear::load(weights, &format!("{name}/linear_1"), N_STATE * 4, N_STATE)?,
        })
    }

    /// Adds its output to `x`: the residual connection.
    pub(super) fn add(&self, gemm: &Gemm, x: &mut [f32]) -> Result<(), Error> {
        let mut hidden = self.up.apply(gemm, &self.ln.apply(x))?;
        gelu(&mut hidden);
        add(x, &self.down.apply(gemm, &hidden)?);
        Ok(())
    }
}

/// The activation function: Gaussian error linear units (Hendrycks and Gimpel 2016).
pub(super) fn gelu(values: &mut [f32]) {
    Gelu {}.map_mut(values);
}

pub(super) fn add(x: &mut [f32], values: &[f32]) {
    x.iter_mut().zip(values).for_each(|(x, value)| *x += value);
}
