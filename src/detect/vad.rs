//! Whether somebody speaks, frame by frame: Silero's model, run by `rten`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueView};

use super::Error;

/// Samples a second that the model hears.
pub const RATE: u32 = 16_000;

/// Samples of a frame: 32 ms.
pub const FRAME: usize = 512;

/// Samples before the frame that the model hears with it. Without them nothing fails, and nothing is ever speech.
const CONTEXT: usize = 64;

/// The numbers that it remembers of a stream.
const STATE: [usize; 3] = [2, 1, 128];

/// Below this a frame is clearly no speech.
const CLEAR: f32 = 0.1;

/// Frames in a row that are clearly no speech, two thirds of a second. A memory that is dropped in a shorter pause is missed at
/// the beginning of the next word.
const CLEAR_FRAMES: u32 = 20;

/// Frames after which the memory is dropped at the next opportunity, about 2 s: after music or a long silence the model can
/// go deaf for good.
const FRESH_FRAMES: u32 = 63;

/// The model, which remembers nothing: one for all sessions.
pub struct VadModel {
    model: Model,
    inputs: [NodeId; 3],
    outputs: [NodeId; 2],
    /// Threads of its own: those that all models of the process share may be busy with a sentence for seconds.
    threads: Arc<ThreadPool>,
}

impl fmt::Debug for VadModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VadModel").field("parameters", &self.model.total_params()).finish_non_exhaustive()
    }
}

impl VadModel {
    /// Reads `silero_vad.onnx`.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let failed = |reason: String| Error::Load { path: path.to_owned(), reason };
        let model = Model::load_file(path).map_err(|e| failed(e.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|_| failed(format!("it has no `{name}`")));
        let inputs = [node("input")?, node("state")?, node("sr")?];
        let outputs = [node("output")?, node("stateN")?];
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = Arc::new(ThreadPool::with_num_threads(threads));
        Ok(Self { model, inputs, outputs, threads })
    }

    /// The answer, and what to remember.
    fn run(&self, input: &[f32], state: &[f32]) -> Result<(f32, Vec<f32>), Error> {
        let failed = |reason: &dyn fmt::Display| Error::Run(reason.to_string());
        let input = ValueView::from_shape([1, input.len()], input).map_err(|e| failed(&e))?;
        let state = ValueView::from_shape(STATE, state).map_err(|e| failed(&e))?;
        let rate = Value::from(RATE.cast_signed());
        let [at_input, at_state, at_rate] = self.inputs;
        let inputs = vec![(at_input, input.into()), (at_state, state.into()), (at_rate, rate.into())];
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let answer = self.model.run(inputs, &self.outputs, Some(options)).map_err(|e| failed(&e))?;
        let mut answer = answer.into_iter();
        let (Some(speech), Some(state)) = (answer.next(), answer.next()) else {
            return Err(failed(&"it answers with less than it should"));
        };
        let (_, speech) = speech.into_shape_vec::<f32, 2>().map_err(|e| failed(&e))?;
        let (_, state) = state.into_shape_vec::<f32, 3>().map_err(|e| failed(&e))?;
        speech.first().map(|speech| (*speech, state)).ok_or_else(|| failed(&"it answers with nothing"))
    }
}

/// One stream: what the model remembers belongs to it and to no other.
#[derive(Debug)]
pub struct Vad {
    model: Arc<VadModel>,
    state: Vec<f32>,
    /// The end of the frame before, and the frame.
    input: [f32; CONTEXT + FRAME],
    /// Frames since the memory was dropped, and those of them at the end that are clearly no speech.
    frames: u32,
    clear: u32,
}

impl Vad {
    /// A stream that begins.
    pub fn new(model: Arc<VadModel>) -> Self {
        Self { model, state: vec![0.0; STATE.iter().product()], input: [0.0; CONTEXT + FRAME], frames: 0, clear: 0 }
    }

    /// How probable it is that somebody speaks in the next frame, from 0 to 1. It takes some tenths of a millisecond.
    pub fn frame(&mut self, samples: &[i16; FRAME]) -> Result<f32, Error> {
        self.input.copy_within(FRAME.., 0);
        for (input, sample) in self.input.iter_mut().skip(CONTEXT).zip(samples) {
            *input = f32::from(*sample) / 32_768.0;
        }
        let (speech, state) = self.model.run(&self.input, &self.state)?;
        self.state = state;
        self.frames += 1;
        self.clear = if speech < CLEAR { self.clear + 1 } else { 0 };
        if self.frames >= FRESH_FRAMES && self.clear >= CLEAR_FRAMES {
            *self = Self::new(Arc::clone(&self.model));
        }
        Ok(speech)
    }
}
