//! Whether somebody speaks, frame by frame: Silero's model.

use std::path::Path;
use std::sync::Arc;

use super::Error;
use super::silero::{INPUT, Memory, Silero};

/// Samples a second that the model hears.
pub const RATE: u32 = 16_000;

/// Samples of a frame: 32 ms.
pub const FRAME: usize = 512;

/// Samples before the frame that the model hears with it. Without them nothing fails, and nothing is ever speech.
const CONTEXT: usize = INPUT - FRAME;

/// Below this a frame is clearly no speech.
const CLEAR: f32 = 0.1;

/// Frames in a row that are clearly no speech, two thirds of a second. A memory that is dropped in a shorter pause is missed at
/// the beginning of the next word.
const CLEAR_FRAMES: u32 = 20;

/// Frames after which the memory is dropped at the next opportunity, about 2 s: after music or a long silence the model can
/// go deaf for good.
const FRESH_FRAMES: u32 = 63;

/// Samples that are all nearer to 0 than this are a silence that the model need not be asked about: speech with a peak of twice
/// as much is none to it either.
const QUIET: u16 = 16;

/// The model, which remembers nothing: one for all sessions.
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

/// One stream: what the model remembers belongs to it and to no other.
#[derive(Debug)]
pub struct Vad {
    model: Arc<VadModel>,
    memory: Memory,
    /// The end of the frame before, and the frame.
    input: [f32; INPUT],
    /// Frames since the memory was dropped, and those of them at the end that are clearly no speech.
    frames: u32,
    clear: u32,
}

impl Vad {
    /// A stream that begins.
    pub fn new(model: Arc<VadModel>) -> Self {
        Self { model, memory: Memory::default(), input: [0.0; INPUT], frames: 0, clear: 0 }
    }

    /// How probable it is that somebody speaks in the next frame, from 0 to 1. It takes some hundredths of a millisecond, and
    /// next to nothing where a silence goes on.
    pub fn frame(&mut self, samples: &[i16; FRAME]) -> f32 {
        self.input.copy_within(FRAME.., 0);
        for (input, sample) in self.input.iter_mut().skip(CONTEXT).zip(samples) {
            *input = f32::from(*sample) / 32_768.0;
        }
        if self.frames == 0 && samples.iter().all(|sample| sample.unsigned_abs() < QUIET) {
            return 0.0;
        }
        let speech = self.model.0.run(&self.input, &mut self.memory);
        self.frames += 1;
        self.clear = if speech < CLEAR { self.clear + 1 } else { 0 };
        if self.frames >= FRESH_FRAMES && self.clear >= CLEAR_FRAMES {
            *self = Self::new(Arc::clone(&self.model));
        }
        speech
    }
}
