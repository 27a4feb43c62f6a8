//! Whisper's audio encoder (`AudioEncoder` in `model.py` of openai/whisper): a log-mel spectrogram in, a row of [`N_STATE`]
//! features for each 20 ms out.

use super::layers::{Gemm, LayerNorm, Linear, Mlp, N_STATE, add, gelu, matrix};
use super::weights::{Weights, WeightsError};
use crate::audio::mel::N_MELS;
use crate::local::Error;

const N_LAYER: usize = 4;
/// Rows of the longest output: 30 s (`n_audio_ctx`).
const N_AUDIO_CTX: usize = 1_500;

pub(super) struct Encoder {
    conv1: Linear,
    conv2: Linear,
    /// `[N_AUDIO_CTX, N_STATE]`: sinusoids.
    positional_embedding: Vec<f32>,
    layers: Vec<Layer>,
    ln_post: LayerNorm,
}

/// A `ResidualAttentionBlock` without cross-attention.
struct Layer {
    attn_ln: LayerNorm,
    /// The query, key and value projections, side by side.
    qkv: Linear,
    attn_out: Linear,
    mlp: Mlp,
}

impl Encoder {
    pub(super) fn load(weights: &mut Weights) -> Result<Self, WeightsError> {
        let mut layers = Vec::new();
        for index in 0..N_LAYER {
            let attn = format!("encoder/layer_{index}/self_attention");
            layers.push(Layer {
                attn_ln: LayerNorm::load(weights, &format!("{attn}/layer_norm"))?,
                qkv: Linear::load(weights, &format!("{attn}/linear_0"), N_STATE, N_STATE * 3)?,
                attn_out: Linear::load(weights, &format!("{attn}/linear_1"), N_STATE, N_STATE)?,
                mlp: Mlp::load(weights, &format!("encoder/layer_{index}/ffn"))?,
            });
        }
        Ok(Self {
            conv1: Linear::load_conv1d(weights, "encoder/conv1", N_MELS)?,
            conv2: Linear::load_conv1d(weights, "encoder/conv2", N_STATE)?,
            positional_embedding: weights.take("encoder/position_encodings/encodings", &[N_AUDIO_CTX, N_STATE])?,
            layers,
            ln_post: LayerNorm::load(weights, "encoder/layer_norm")?,
        })
    }

    /// Encodes a spectrogram of shape `[frames, N_MELS]` as `[frames / 2, N_STATE]`, at most [`N_AUDIO_CTX`] rows.
    pub(super) fn run(&self, gemm: &Gemm, log_mel: &[f32]) -> Result<Vec<f32>, Error> {
        let mut x = self.conv1.conv1d(gemm, log_mel, 1)?;
        gelu(&mut x);
        let mut x = self.conv2.conv1d(gemm, &x, 2)?;
        gelu(&mut x);
        x.truncate(self.positional_embedding.len());
        add(&mut x, &self.positional_embedding);
        let mut attended = Vec::new();
        for layer in &self.layers {
            let qkv = layer.qkv.apply(gemm, &layer.attn_ln.apply(&x))?;
            let qkv = matrix(&qkv, N_STATE * 3)?;
            let part = |index: usize| qkv.slice((.., index * N_STATE..(index + 1) * N_STATE));
            gemm.attention(part(0), part(1), part(2), &mut attended)?;
            add(&mut x, &layer.attn_out.apply(gemm, &attended)?);
            layer.mlp.add(gemm, &mut x)?;
        }
        Ok(self.ln_post.apply(&x))
    }
}
