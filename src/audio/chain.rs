//! What is done to the samples of one channel, step by step.

#[cfg(feature = "noise-filter")]
use super::denoise::{Denoiser, RATE};
use super::{Error, Resampler};

/// One step.
#[derive(Debug)]
enum Stage {
    Resample(Box<Resampler>),
    #[cfg(feature = "noise-filter")]
    Denoise(Denoiser),
}

impl Stage {
    fn push(&mut self, samples: impl IntoIterator<Item = i16>, out: &mut Vec<i16>) {
        match self {
            Self::Resample(resampler) => resampler.push(samples, out),
            #[cfg(feature = "noise-filter")]
            Self::Denoise(denoiser) => denoiser.push(samples, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<i16>) {
        match self {
            Self::Resample(resampler) => resampler.finish(out),
            #[cfg(feature = "noise-filter")]
            Self::Denoise(denoiser) => denoiser.finish(out),
        }
    }
}

/// Steps from one rate to another. What comes out is as long as what went in, to the sample, and in step with it.
#[derive(Debug)]
pub(super) struct Chain {
    stages: Vec<Stage>,
    from: u64,
    to: u64,
    /// What goes from one step to the next; kept for its memory.
    between: Vec<i16>,
    taken: u64,
    given: u64,
}

impl Chain {
    /// Changes the rate, where it is another one.
    pub(super) fn resampling(from: u32, to: u32) -> Result<Self, Error> {
        Ok(Self::new(resampler(from, to)?.into_iter().collect(), from, to))
    }

    /// Takes the noise out on the way.
    #[cfg(feature = "noise-filter")]
    pub(super) fn filtering(from: u32, to: u32) -> Result<Self, Error> {
        let denoiser = Stage::Denoise(Denoiser::new());
        let stages = [resampler(from, RATE)?, Some(denoiser), resampler(RATE, to)?];
        Ok(Self::new(stages.into_iter().flatten().collect(), from, to))
    }

    /// Takes the noise out on the way.
    #[cfg(not(feature = "noise-filter"))]
    pub(super) fn filtering(_from: u32, _to: u32) -> Result<Self, Error> {
        Err(Error::NoFilter)
    }

    fn new(stages: Vec<Stage>, from: u32, to: u32) -> Self {
        Self { stages, from: from.into(), to: to.into(), between: Vec::new(), taken: 0, given: 0 }
    }

    /// Takes all of `samples` and leaves there what can be told by now.
    pub(super) fn push(&mut self, samples: &mut Vec<i16>) {
        self.taken += samples.len() as u64;
        for stage in &mut self.stages {
            stage.push(samples.drain(..), &mut self.between);
            std::mem::swap(samples, &mut self.between);
        }
        self.given += samples.len() as u64;
    }

    /// Leaves the rest in `samples`, which is empty.
    pub(super) fn finish(&mut self, samples: &mut Vec<i16>) {
        for stage in &mut self.stages {
            stage.push(samples.drain(..), &mut self.between);
            stage.finish(&mut self.between);
            std::mem::swap(samples, &mut self.between);
        }
        // Each change of the rate rounds the length; from above 48 kHz and back that may be a sample.
        let total = (self.taken * self.to + self.from / 2) / self.from;
        samples.resize(usize::try_from(total.saturating_sub(self.given)).unwrap_or_default(), 0);
        self.given = total;
    }
}

fn resampler(from: u32, to: u32) -> Result<Option<Stage>, Error> {
    (from != to).then(|| Resampler::new(from, to).map(|resampler| Stage::Resample(Box::new(resampler)))).transpose()
}
