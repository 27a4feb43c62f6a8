//! Whisper's text decoder (`TextDecoder` in `model.py` of openai/whisper), one token at a time with a cache of keys and values.

use super::layers::{Gemm, LayerNorm, Linear, Mlp, N_STATE, add, matrix};
use super::weights::{Weights, WeightsError};
use crate::local::Error;

const N_LAYER: usize = 4;
/// Tokens of the vocabulary, with the special ones (`n_vocab`).
pub(super) const VOCAB_SIZE: usize = 51_864;
/// Tokens of the longest text (`n_text_ctx`).
pub(super) const N_TEXT_CTX: usize = 448;

pub(super) struct Decoder {
    /// `[VOCAB_SIZE, N_STATE]`. It embeds tokens, and its transpose turns the last state into logits.
    token_embedding: Vec<f32>,
    /// `[N_TEXT_CTX, N_STATE]`.
    positional_embedding: Vec<f32>,
    layers: Vec<Layer>,
    ln: LayerNorm,
}

/// A `ResidualAttentionBlock` with cross-attention.
struct Layer {
    attn_ln: LayerNorm,
    /// The query, key and value projections, side by side.
    qkv: Linear,
    attn_out: Linear,
    cross_ln: LayerNorm,
    cross_q: Linear,
    /// The key and value projections of the audio, side by side.
    cross_kv: Linear,
    cross_out: Linear,
    mlp: Mlp,
}

/// The state of one decoding: what the decoder remembers of the audio and of the tokens so far.
pub(super) struct DecoderState {
    layers: Vec<LayerCache>,
    position: usize,
}

/// A layer's keys and values (the KV cache).
struct LayerCache {
    /// `[frames, 2 * N_STATE]`: keys and values of the audio, computed once.
    cross_kv: Vec<f32>,
    /// `[position, N_STATE]`, one row longer with each token.
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Decoder {
    pub(super) fn load(weights: &mut Weights) -> Result<Self, WeightsError> {
        let mut layers = Vec::new();
        for index in 0..N_LAYER {
            let attn = format!("decoder/layer_{index}/self_attention");
            let cross = format!("decoder/layer_{index}/attention");
            layers.push(Layer {
                attn_ln: LayerNorm::load(weights, &format!("{attn}/layer_norm"))?,
                qkv: Linear::load(weights, &format!("{attn}/linear_0"), N_STATE, N_STATE * 3)?,
                attn_out: Linear::load(weights, &format!("{attn}/linear_1"), N_STATE, N_STATE)?,
                cross_ln: LayerNorm::load(weights, &format!("{cross}/layer_norm"))?,
                cross_q: Linear::load(weights, &format!("{cross}/linear_0"), N_STATE, N_STATE)?,
                cross_kv: Linear::load(weights, &format!("{cross}/linear_1"), N_STATE, N_STATE * 2)?,
                cross_out: Linear::load(weights, &format!("{cross}/linear_2"), N_STATE, N_STATE)?,
                mlp: Mlp::load(weights, &format!("decoder/layer_{index}/ffn"))?,
            });
        }
        Ok(Self {
            token_embedding: weights.take("decoder/embeddings/weight", &[VOCAB_SIZE, N_STATE])?,
            positional_embedding: weights.take("decoder/position_encodings/encodings", &[N_TEXT_CTX, N_STATE])?,
            layers,
            ln: LayerNorm::load(weights, "decoder/layer_norm")?,
        })
    }

    /// Begins a text about `audio`, the encoder's output.
    pub(super) fn begin(&self, gemm: &Gemm, audio: &[f32]) -> Result<DecoderState, Error> {
        let cache = |layer: &Layer| {
            let cross_kv = layer.cross_kv.apply(gemm, audio)?;
            Ok(LayerCache { cross_kv, keys: Vec::new(), values: Vec::new() })
        };
        let layers = self.layers.iter().map(cache).collect::<Result<_, Error>>()?;
        Ok(DecoderState { layers, position: 0 })
    }

    /// Appends a token, and returns the logits of the one behind it.
    pub(super) fn decode_step(&self, gemm: &Gemm, state: &mut DecoderState, token: usize) -> Result<Vec<f32>, Error> {
        let row = |of: &[f32], index: usize| of.chunks_exact(N_STATE).nth(index).map(<[f32]>::to_vec);
        let too_long = || Error::Run(format!("the text is longer than {N_TEXT_CTX} tokens"));
        let mut x = row(&self.token_embedding, token).ok_or_else(too_long)?;
        add(&mut x, &row(&self.positional_embedding, state.position).ok_or_else(too_long)?);
        state.position += 1;
        let mut attended = Vec::new();
        for (layer, cache) in self.layers.iter().zip(&mut state.layers) {
            let qkv = layer.qkv.apply(gemm, &layer.attn_ln.apply(&x))?;
            let mut parts = qkv.chunks_exact(N_STATE);
            let (q, k, v) = (parts.next(), parts.next(), parts.next());
            cache.keys.extend(k.into_iter().flatten());
            cache.values.extend(v.into_iter().flatten());
            let q = matrix(q.unwrap_or_default(), N_STATE)?;
            gemm.attention(q, matrix(&cache.keys, N_STATE)?, matrix(&cache.values, N_STATE)?, &mut attended)?;
            add(&mut x, &layer.attn_out.apply(gemm, &attended)?);

            let q = layer.cross_q.apply(gemm, &layer.cross_ln.apply(&x))?;
            let kv = matrix(&cache.cross_kv, N_STATE * 2)?;
            let (k, v) = (kv.slice((.., ..N_STATE)), kv.slice((.., N_STATE..)));
            gemm.attention(matrix(&q, N_STATE)?, k, v, &mut attended)?;
            add(&mut x, &layer.cross_out.apply(gemm, &attended)?);
            layer.mlp.add(gemm, &mut x)?;
        }
        let x = self.ln.apply(&x);
        gemm.matmul(matrix(&x, N_STATE)?, matrix(&self.token_embedding, N_STATE)?.transposed(), 1.0, None)
    }
}
