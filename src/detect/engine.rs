//! What runs the model of turns: ONNX Runtime where it is there, `rten` everywhere.

use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueView};

use super::Error;
use super::mel::{BANDS, FRAMES};

/// The names of the model's ends, and what goes in: one spectrum.
pub(super) const INPUT: &str = "input_features";
pub(super) const OUTPUT: &str = "logits";
pub(super) const SHAPE: [usize; 3] = [1, BANDS, FRAMES];

/// Runs the model of turns.
pub(super) trait Engine: Send + Sync {
    /// How probable it is that all was said, from 0 to 1: the model ends with a sigmoid, whatever its output is called.
    fn ask(&self, features: &[f32]) -> Result<f32, Error>;
}

/// `rten`, which is in the program.
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
        let node = |name: &str| model.node_id(name).map_err(|_| failed(format!("it has no `{name}`")));
        let (input, output) = (node(INPUT)?, node(OUTPUT)?);
        // As with the other engine: a decision is wanted soon, not at once.
        Ok(Self { model, input, output, threads: Arc::new(ThreadPool::with_num_threads(1)) })
    }
}

impl Engine for Rten {
    fn ask(&self, features: &[f32]) -> Result<f32, Error> {
        let failed = |reason: String| Error::Run(reason);
        let input = ValueView::from_shape(SHAPE, features).map_err(|e| failed(e.to_string()))?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let answer = self.model.run(vec![(self.input, input.into())], &[self.output], Some(options));
        let answer = answer.map_err(|e| failed(e.to_string()))?.into_iter().next();
        let answer = answer.ok_or_else(|| failed("it answers with nothing".to_owned()))?;
        let (_, answer) = answer.into_shape_vec::<f32, 2>().map_err(|e| failed(e.to_string()))?;
        answer.first().copied().ok_or_else(|| failed("it answers with nothing".to_owned()))
    }
}
