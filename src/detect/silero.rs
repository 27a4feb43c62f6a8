//! Silero's network, layer by layer: a spectrum, four convolutions and a memory (an LSTM).
//!
//! The general runtime that can run any model spends ten times longer on this one than its arithmetic takes: the graph has
//! hundreds of nodes that look at shapes and put the weights in another order, for each frame. Here the weights are put in order
//! once, when the file is read.

use std::fmt;

use rten_simd::ops::{BitOps as _, NumOps as _};
use rten_simd::{Isa, SimdOp, SimdUnaryOp as _};
use rten_vecmath::{Sigmoid, Tanh};

use super::onnx_file::{Constants, Problem};

/// Samples that the network takes at a time.
pub(super) const INPUT: usize = 576;
/// Samples that are mirrored at their end.
const MIRRORED: usize = 64;
/// Samples of a window of the spectrum, from one window to the next, and the number of windows.
const WINDOW: usize = 256;
const HOP: usize = 128;
const WINDOWS: usize = 4;
/// Frequencies of the spectrum.
const BINS: usize = 129;
/// Numbers that the network remembers of a stream, twice.
const MEMORY: usize = 128;

/// Outputs whose weights lie together.
const PANEL: usize = 32;

/// What the network remembers of a stream.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    /// What it said last.
    said: [f32; MEMORY],
    /// What it keeps to itself.
    kept: [f32; MEMORY],
}

impl Default for Memory {
    fn default() -> Self {
        Self { said: [0.0; MEMORY], kept: [0.0; MEMORY] }
    }
}

/// The network, which remembers nothing itself.
pub(super) struct Silero {
    spectrum: Layer,
    convolutions: [Layer; 4],
    memory: Layer,
    last: Vec<f32>,
    last_bias: f32,
}

impl fmt::Debug for Silero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Silero")
    }
}

impl Silero {
    /// From the constants of `silero_vad.onnx`, which holds a second network, for 8 kHz, under the same names: the window of the
    /// spectrum tells them apart.
    pub(super) fn new(file: &[u8]) -> Result<Self, Problem> {
        let constants = Constants::read(file)?;
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
        let gates = 4 * MEMORY;
        let [heard, said] = ["ih", "hh"].map(|part| take(&format!("decoder.rnn.weight_{part}"), &[gates, MEMORY]));
        let (heard, said) = (heard?, said?);
        let rows = heard.chunks_exact(MEMORY).zip(said.chunks_exact(MEMORY));
        let weights: Vec<f32> = rows.flat_map(|(heard, said)| heard.iter().chain(said)).copied().collect();
        let [heard, said] = ["ih", "hh"].map(|part| take(&format!("decoder.rnn.bias_{part}"), &[gates]));
        let bias: Vec<f32> = heard?.iter().zip(said?).map(|(heard, said)| heard + said).collect();
        let last_bias = take("decoder.decoder.2.bias", &[1])?.first().copied().unwrap_or_default();
        Ok(Self {
            spectrum: Layer::new(&basis, &[0.0; 2 * BINS], WINDOW),
            convolutions,
            memory: Layer::new(&weights, &bias, 2 * MEMORY),
            last: take("decoder.decoder.2.weight", &[1, MEMORY, 1])?,
            last_bias,
        })
    }

    /// How probable it is that somebody speaks, from 0 to 1.
    pub(super) fn run(&self, input: &[f32; INPUT], memory: &mut Memory) -> f32 {
        let [first, second, third, fourth] = &self.convolutions;
        let loud = loudness(&self.spectrum.apply(&windows(input)));
        let heard = bend(first.apply(&columns::<WINDOWS, WINDOWS>(&loud, 1)));
        let heard = bend(second.apply(&columns::<WINDOWS, 2>(&heard, 2)));
        let heard = bend(third.apply(&columns::<2, 1>(&heard, 2)));
        let heard = bend(fourth.apply(&columns::<1, 1>(&heard, 1)));
        let before: Vec<[f32; 1]> = heard.into_iter().take(MEMORY).chain(memory.said.map(|number| [number])).collect();
        memory.remember(self.memory.apply(&before).as_flattened_mut());
        let heard = memory.said.iter().zip(&self.last).map(|(said, weight)| said.max(0.0) * weight).sum::<f32>();
        1.0 / (1.0 + (-heard - self.last_bias).exp())
    }
}

impl Memory {
    /// By the gates: what is taken in, what is kept, what is new, and what of it is said.
    fn remember(&mut self, gates: &mut [f32]) {
        let mut gates = gates.chunks_exact_mut(MEMORY);
        let (Some(taken), Some(kept), Some(new), Some(shown)) =
            (gates.next(), gates.next(), gates.next(), gates.next())
        else {
            return;
        };
        for gate in [&mut *taken, &mut *kept, &mut *shown] {
            Sigmoid {}.map_mut(gate);
        }
        Tanh {}.map_mut(new);
        for (((memory, kept), taken), new) in self.kept.iter_mut().zip(&*kept).zip(&*taken).zip(&*new) {
            *memory = kept * *memory + taken * new;
        }
        self.said = self.kept;
        Tanh {}.map_mut(&mut self.said);
        self.said.iter_mut().zip(shown).for_each(|(said, shown)| *said *= *shown);
    }
}

/// The samples of each window, in a column each.
fn windows(input: &[f32; INPUT]) -> Vec<[f32; WINDOWS]> {
    let mirrored = input.iter().rev().skip(1).take(MIRRORED);
    let samples: Vec<f32> = input.iter().chain(mirrored).copied().collect();
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

/// How loud each frequency is, of its two parts.
fn loudness(spectrum: &[[f32; WINDOWS]]) -> Vec<[f32; WINDOWS]> {
    let (real, imaginary) = spectrum.split_at(BINS.min(spectrum.len()));
    let length = |real: &[f32; WINDOWS], imaginary: &[f32; WINDOWS]| {
        let mut length = *real;
        length.iter_mut().zip(imaginary).for_each(|(length, part)| *length = (*length * *length + part * part).sqrt());
        length
    };
    real.iter().zip(imaginary).map(|(real, imaginary)| length(real, imaginary)).collect()
}

/// What a filter over three moments takes in for each `step`-th of them, where outside is silence.
fn columns<const IN: usize, const OUT: usize>(rows: &[[f32; IN]], step: usize) -> Vec<[f32; OUT]> {
    let moment = |row: &[f32; IN], at: usize| at.checked_sub(1).and_then(|at| row.get(at)).copied().unwrap_or_default();
    let taps = |row| (0..3).map(move |tap| std::array::from_fn(|out| moment(row, out * step + tap)));
    rows.iter().flat_map(taps).collect()
}

/// Nothing is below silence.
fn bend<const COLUMNS: usize>(mut rows: Vec<[f32; COLUMNS]>) -> Vec<[f32; COLUMNS]> {
    rows.as_flattened_mut().iter_mut().for_each(|number| *number = number.max(0.0));
    rows
}

/// Weights and biases from one row of numbers to the next.
struct Layer {
    /// For each panel of outputs and each input: the weights from it to them.
    weights: Vec<[f32; PANEL]>,
    bias: Vec<[f32; PANEL]>,
    inputs: usize,
}

impl Layer {
    /// From the weights of each output, one after another. Where outputs are no whole number of panels, there are more that are
    /// always 0.
    fn new(weights: &[f32], bias: &[f32], inputs: usize) -> Self {
        let rows: Vec<&[f32]> = weights.chunks_exact(inputs).collect();
        let panel = |rows: &[&[f32]], input: usize| {
            let column = rows.iter().filter_map(|row| row.get(input).copied());
            filled(column)
        };
        let panels = rows.chunks(PANEL).flat_map(|rows| (0..inputs).map(move |input| panel(rows, input)));
        Self {
            weights: panels.collect(),
            bias: bias.chunks(PANEL).map(|bias| filled(bias.iter().copied())).collect(),
            inputs,
        }
    }

    /// The outputs of each column of inputs.
    fn apply<const COLUMNS: usize>(&self, inputs: &[[f32; COLUMNS]]) -> Vec<[f32; COLUMNS]> {
        Product { layer: self, inputs }.dispatch()
    }
}

/// A panel of these numbers and zeros.
fn filled(numbers: impl Iterator<Item = f32>) -> [f32; PANEL] {
    let mut panel = [0.0; PANEL];
    panel.iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
    panel
}

struct Product<'a, const COLUMNS: usize> {
    layer: &'a Layer,
    inputs: &'a [[f32; COLUMNS]],
}

impl<const COLUMNS: usize> SimdOp for Product<'_, COLUMNS> {
    type Output = Vec<[f32; COLUMNS]>;

    #[expect(clippy::inline_always, reason = "compiled for the processor's instructions only within the caller")]
    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> Self::Output {
        let ops = isa.f32();
        let mut out = Vec::with_capacity(self.layer.bias.len() * PANEL);
        for (panel, bias) in self.layer.weights.chunks_exact(self.layer.inputs).zip(&self.layer.bias) {
            let mut sums = [[0.0; PANEL]; COLUMNS];
            // As much of the panel as stays in the processor's registers while all inputs go by.
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
