//! Voice-activity detection, frame by frame: the model `silero_vad.onnx` of snakers4/silero-vad.

use std::path::Path;
use std::sync::Arc;

use super::Error;
use super::silero::{INPUT, Silero, State};

/// Samples per second of the model's input.
pub const RATE: u32 = 16_000;

/// Samples of a frame: 32 ms.
pub const FRAME: usize = 512;

/// The probability above which a frame is speech, the model's own default (`threshold` in Silero's `VADIterator`).
pub const ACTIVATION_THRESHOLD: f32 = 0.5;

/// Samples before the frame that belong to the model's input. Without them it reports no error and never any speech.
const CONTEXT: usize = INPUT - FRAME;

/// The probability below which a frame is clearly silence.
const CLEAR_SILENCE: f32 = 0.1;

/// Consecutive frames of clear silence, 0.64 s, after which the state may be reset. A reset in a shorter pause costs the beginning
/// of the next word.
const RESET_SILENCE_FRAMES: u32 = 20;

/// Frames after which the state is reset at the next opportunity, about 2 s. After music or a long silence the model may otherwise
/// never report speech again.
const RESET_FRAMES: u32 = 63;

/// A frame with all samples below this amplitude is silence, and the model need not run. It reports none for speech with twice
/// this peak either.
const QUIET: u16 = 16;

/// The model. It has no state: one serves all sessions.
#[derive(Debug)]
pub struct VadModel(Silero);

impl VadModel {
    /// Reads `silero_vad.onnx`.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let failed = |reason: String| Error::Load { path: path.to_owned(), reason };
        let file = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
        Silero::new(&file).map(Self).map_err(|e| failed(e.to_string()))
    }
}

/// The detection of one stream: the model's state belongs to it alone.
#[derive(Debug)]
pub struct Vad {
    model: Arc<VadModel>,
    state: State,
    /// The end of the frame before, and the frame.
    input: [f32; INPUT],
    /// Frames since the last reset.
    frames: u32,
    /// Consecutive frames of clear silence up to now.
    clear: u32,
}

impl Vad {
    /// Begins a stream.
    pub fn new(model: Arc<VadModel>) -> Self {
        Self { model, state: State::default(), input: [0.0; INPUT], frames: 0, clear: 0 }
    }

    /// Returns the probability of speech in the next frame, from 0 to 1. It computes for some hundredths of a millisecond, and for
    /// next to nothing within a silence.
    pub fn predict(&mut self, samples: &[i16; FRAME]) -> f32 {
        self.input.copy_within(FRAME.., 0);
        for (input, sample) in self.input.iter_mut().skip(CONTEXT).zip(samples) {
            *input = f32::from(*sample) / 32_768.0;
        }
        if self.frames == 0 && samples.iter().all(|sample| sample.unsigned_abs() < QUIET) {
            return 0.0;
        }
        let speech = self.model.0.run(&self.input, &mut self.state);
        self.frames += 1;
        self.clear = if speech < CLEAR_SILENCE { self.clear + 1 } else { 0 };
        if self.frames >= RESET_FRAMES && self.clear >= RESET_SILENCE_FRAMES {
            *self = Self::new(Arc::clone(&self.model));
        }
        speech
    }
}
