//! The runtimes of the model of turns: ONNX Runtime (`onnx`) where it is installed, otherwise `rten`.

use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueView};

use super::Error;
use super::features::FRAMES;
use crate::audio::mel::N_MELS;

/// The names of the model's input and output, and the input's shape: one spectrogram.
pub(super) const INPUT: &str = "input_features";
pub(super) const OUTPUT: &str = "logits";
pub(super) const SHAPE: [usize; 3] = [1, N_MELS, FRAMES];

/// The error of an output without elements.
pub(super) fn empty() -> Error {
    Error::Run("its output is empty".to_owned())
}

/// Runs the model of turns.
pub(super) trait Engine: Send + Sync {
    /// Returns the probability of a complete turn, from 0 to 1. Although the output is named `logits`, the model ends with a
    /// sigmoid.
    fn run(&self, features: &[f32]) -> Result<f32, Error>;
}

/// The model in `rten`, which is part of the program.
pub(super) struct Rten {
    model: Model,
    input: NodeId,
    output: NodeId,
    threads: Arc<ThreadPool>,
}

impl Rten {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |reason: String| Error::Load { path: path.to_owned(), reason };
        let model = Model::load_file(path).map_err(|e| failed(e.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|_| failed(format!("it has no node `{name}`")));
        let (input, output) = (node(INPUT)?, node(OUTPUT)?);
        // One thread, as with the other engine: a decision may take some ten milliseconds, and the sessions need the rest.
        Ok(Self { model, input, output, threads: Arc::new(ThreadPool::with_num_threads(1)) })
    }
}

impl Engine for Rten {
    fn run(&self, features: &[f32]) -> Result<f32, Error> {
        let failed = |reason: String| Error::Run(reason);
        let input = ValueView::from_shape(SHAPE, features).map_err(|e| failed(e.to_string()))?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let outputs = self.model.run(vec![(self.input, input.into())], &[self.output], Some(options));
        let output = outputs.map_err(|e| failed(e.to_string()))?.into_iter().next().ok_or_else(empty)?;
        let (_, output) = output.into_shape_vec::<f32, 2>().map_err(|e| failed(e.to_string()))?;
        output.first().copied().ok_or_else(empty)
    }
}
