//! Silero's network, layer by layer: a short-time Fourier transform, four convolutions, an LSTM cell and a linear layer.
//!
//! A general runtime spends ten times longer on this model than its arithmetic takes. For each frame it walks a graph of hundreds
//! of nodes that compute shapes and reorder weights. Here the weights are reordered once, when the file is read.

use std::fmt;

use rten_simd::ops::{BitOps as _, NumOps as _};
use rten_simd::{Isa, SimdOp, SimdUnaryOp as _};
use rten_vecmath::{Sigmoid, Tanh};

use super::onnx_file::{Constants, OnnxFileError};

/// Samples of the network's input.
pub(super) const INPUT: usize = 576;
/// Samples that are reflected at its end.
const REFLECTED: usize = 64;
/// Samples of a window of the transform and from one to the next, and the number of windows.
const WINDOW: usize = 256;
const HOP: usize = 128;
const WINDOWS: usize = 4;
/// Frequencies of the transform.
const BINS: usize = 129;
/// Numbers of the LSTM's hidden state, and of its cell state.
const HIDDEN: usize = 128;

/// Outputs whose weights lie together.
const PANEL: usize = 32;

/// The LSTM's state: what the network remembers of a stream.
#[derive(Debug, Clone)]
pub(super) struct State {
    hidden: [f32; HIDDEN],
    cell: [f32; HIDDEN],
}

impl Default for State {
    fn default() -> Self {
        Self { hidden: [0.0; HIDDEN], cell: [0.0; HIDDEN] }
    }
}

/// The network's weights. It has no state: one serves all streams.
pub(super) struct Silero {
    stft: Layer,
    convolutions: [Layer; 4],
    lstm: Layer,
    /// The linear layer from the hidden state to the logit.
    output: Vec<f32>,
    output_bias: f32,
}

impl fmt::Debug for Silero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Silero")
    }
}

impl Silero {
    /// Reads the weights from `silero_vad.onnx`. The file also holds a network for 8 kHz with the same names. The two differ in
    /// the shape of the transform's basis.
    pub(super) fn new(file: &[u8]) -> Result<Self, OnnxFileError> {
        let constants = Constants::parse(file)?;
        let prefix = constants.prefix("stft.forward_basis_buffer", &[2 * BINS, 1, WINDOW])?;
        let take = |name: &str, shape: &[usize]| constants.numbers(prefix, name, shape);
        let basis = take("stft.forward_basis_buffer", &[2 * BINS, 1, WINDOW])?;
        let convolution = |number: usize, outputs: usize, inputs: usize| {
            let name = |part: &str| format!("encoder.{number}.reparam_conv.{part}");
            let weights = take(&name("weight"), &[outputs, inputs, 3])?;
            Ok(Layer::new(&weights, &take(&name("bias"), &[outputs])?, inputs * 3))
        };
        let convolutions =
            [convolution(0, 128, BINS)?, convolution(1, 64, 128)?, convolution(2, 64, 64)?, convolution(3, 128, 64)?];
        // The weights of the input and of the hidden state side by side, and one bias: one matrix product gives all gates.
        let gates = 4 * HIDDEN;
        let [input, hidden] = ["ih", "hh"].map(|part| take(&format!("decoder.rnn.weight_{part}"), &[gates, HIDDEN]));
        let (input, hidden) = (input?, hidden?);
        let rows = input.chunks_exact(HIDDEN).zip(hidden.chunks_exact(HIDDEN));
        let weights: Vec<f32> = rows.flat_map(|(input, hidden)| input.iter().chain(hidden)).copied().collect();
        let [input, hidden] = ["ih", "hh"].map(|part| take(&format!("decoder.rnn.bias_{part}"), &[gates]));
        let bias: Vec<f32> = input?.iter().zip(hidden?).map(|(input, hidden)| input + hidden).collect();
        let output_bias = take("decoder.decoder.2.bias", &[1])?.first().copied().unwrap_or_default();
        Ok(Self {
            stft: Layer::new(&basis, &[0.0; 2 * BINS], WINDOW),
            convolutions,
            lstm: Layer::new(&weights, &bias, 2 * HIDDEN),
            output: take("decoder.decoder.2.weight", &[1, HIDDEN, 1])?,
            output_bias,
        })
    }

    /// Returns the probability of speech, from 0 to 1, and updates the state.
    pub(super) fn run(&self, input: &[f32; INPUT], state: &mut State) -> f32 {
        let [first, second, third, fourth] = &self.convolutions;
        let spectrum = magnitudes(&self.stft.apply(&windows(input)));
        let x = relu(first.apply(&im2col::<WINDOWS, WINDOWS>(&spectrum, 1)));
        let x = relu(second.apply(&im2col::<WINDOWS, 2>(&x, 2)));
        let x = relu(third.apply(&im2col::<2, 1>(&x, 2)));
        let x = relu(fourth.apply(&im2col::<1, 1>(&x, 1)));
        let inputs: Vec<[f32; 1]> = x.into_iter().take(HIDDEN).chain(state.hidden.map(|number| [number])).collect();
        state.update(self.lstm.apply(&inputs).as_flattened_mut());
        let logit = state.hidden.iter().zip(&self.output).map(|(hidden, weight)| hidden.max(0.0) * weight).sum::<f32>();
        1.0 / (1.0 + (-logit - self.output_bias).exp())
    }
}

impl State {
    /// Applies the gates, in the order of `torch.nn.LSTMCell`: input, forget, cell and output.
    fn update(&mut self, gates: &mut [f32]) {
        let mut gates = gates.chunks_exact_mut(HIDDEN);
        let (Some(input), Some(forget), Some(cell), Some(output)) =
            (gates.next(), gates.next(), gates.next(), gates.next())
        else {
            return;
        };
        for gate in [&mut *input, &mut *forget, &mut *output] {
            Sigmoid {}.map_mut(gate);
        }
        Tanh {}.map_mut(cell);
        for (((state, forget), input), cell) in self.cell.iter_mut().zip(&*forget).zip(&*input).zip(&*cell) {
            *state = forget * *state + input * cell;
        }
        self.hidden = self.cell;
        Tanh {}.map_mut(&mut self.hidden);
        self.hidden.iter_mut().zip(output).for_each(|(hidden, output)| *hidden *= *output);
    }
}

/// Returns the samples of each window, as a column each.
fn windows(input: &[f32; INPUT]) -> Vec<[f32; WINDOWS]> {
    let reflected = input.iter().rev().skip(1).take(REFLECTED);
    let samples: Vec<f32> = input.iter().chain(reflected).copied().collect();
    let mut columns = vec![[0.0; WINDOWS]; WINDOW];
    for (window, samples) in samples.windows(WINDOW).step_by(HOP).enumerate() {
        for (column, sample) in columns.iter_mut().zip(samples) {
            if let Some(place) = column.get_mut(window) {
                *place = *sample;
            }
        }
    }
    columns
}

/// Returns the magnitude of each frequency. The real parts come first, then the imaginary parts.
fn magnitudes(spectrum: &[[f32; WINDOWS]]) -> Vec<[f32; WINDOWS]> {
    let (real, imaginary) = spectrum.split_at(BINS.min(spectrum.len()));
    let magnitude = |real: &[f32; WINDOWS], imaginary: &[f32; WINDOWS]| {
        let mut out = *real;
        out.iter_mut().zip(imaginary).for_each(|(out, part)| *out = (*out * *out + part * part).sqrt());
        out
    };
    real.iter().zip(imaginary).map(|(real, imaginary)| magnitude(real, imaginary)).collect()
}

/// Returns the columns under a kernel of three at each `stride`-th place, with zero padding, so that a convolution is a matrix
/// product.
fn im2col<const IN: usize, const OUT: usize>(rows: &[[f32; IN]], stride: usize) -> Vec<[f32; OUT]> {
    let value = |row: &[f32; IN], at: usize| at.checked_sub(1).and_then(|at| row.get(at)).copied().unwrap_or_default();
    let taps = |row| (0..3).map(move |tap| std::array::from_fn(|out| value(row, out * stride + tap)));
    rows.iter().flat_map(taps).collect()
}

fn relu<const COLUMNS: usize>(mut rows: Vec<[f32; COLUMNS]>) -> Vec<[f32; COLUMNS]> {
    rows.as_flattened_mut().iter_mut().for_each(|number| *number = number.max(0.0));
    rows
}

/// A linear layer, its weights in the order in which [`Product`] reads them.
struct Layer {
    /// For each panel of outputs and each input, the weights from the input to the outputs.
    weights: Vec<[f32; PANEL]>,
    bias: Vec<[f32; PANEL]>,
    inputs: usize,
}

impl Layer {
    /// Reorders `weights`, `[outputs, inputs]`. The last panel is filled up with zeros.
    fn new(weights: &[f32], bias: &[f32], inputs: usize) -> Self {
        let rows: Vec<&[f32]> = weights.chunks_exact(inputs).collect();
        let panel = |rows: &[&[f32]], input: usize| {
            let column = rows.iter().filter_map(|row| row.get(input).copied());
            padded(column)
        };
        let panels = rows.chunks(PANEL).flat_map(|rows| (0..inputs).map(move |input| panel(rows, input)));
        Self {
            weights: panels.collect(),
            bias: bias.chunks(PANEL).map(|bias| padded(bias.iter().copied())).collect(),
            inputs,
        }
    }

    /// Returns `weights × inputs + bias`, column by column.
    fn apply<const COLUMNS: usize>(&self, inputs: &[[f32; COLUMNS]]) -> Vec<[f32; COLUMNS]> {
        Product { layer: self, inputs }.dispatch()
    }
}

/// Returns a panel of these numbers, filled up with zeros.
fn padded(numbers: impl Iterator<Item = f32>) -> [f32; PANEL] {
    let mut panel = [0.0; PANEL];
    panel.iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
    panel
}

/// The matrix product of a layer and its inputs, with vector instructions.
struct Product<'a, const COLUMNS: usize> {
    layer: &'a Layer,
    inputs: &'a [[f32; COLUMNS]],
}

impl<const COLUMNS: usize> SimdOp for Product<'_, COLUMNS> {
    type Output = Vec<[f32; COLUMNS]>;

    #[expect(clippy::inline_always, reason = "only inside the caller is it compiled for the processor's instructions")]
    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> Self::Output {
        let ops = isa.f32();
        let mut out = Vec::with_capacity(self.layer.bias.len() * PANEL);
        for (panel, bias) in self.layer.weights.chunks_exact(self.layer.inputs).zip(&self.layer.bias) {
            let mut sums = [[0.0; PANEL]; COLUMNS];
            // As many columns of the panel as fit into registers while the loop runs over all inputs.
            for at in (0..PANEL).step_by(2 * ops.len()) {
                let [one, other] = ops.load_many::<2>(bias.split_at(at).1);
                let (mut ones, mut others) = ([one; COLUMNS], [other; COLUMNS]);
                for (weights, inputs) in panel.as_flattened().split_at(at).1.chunks(PANEL).zip(self.inputs) {
                    let [weight, next] = ops.load_many::<2>(weights);
                    for ((one, other), input) in ones.iter_mut().zip(&mut others).zip(inputs) {
                        let input = ops.splat(*input);
                        *one = ops.mul_add(weight, input, *one);
                        *other = ops.mul_add(next, input, *other);
                    }
                }
                for ((sums, one), other) in sums.iter_mut().zip(ones).zip(others) {
                    let (low, high) = sums.split_at_mut(at).1.split_at_mut(ops.len());
                    ops.store(one, low);
                    ops.store(other, high);
                }
            }
            out.extend((0..PANEL).map(|at| sums.map(|sums| sums.get(at).copied().unwrap_or_default())));
        }
        out
    }
}
