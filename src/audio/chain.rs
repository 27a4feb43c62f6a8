//! The processing steps for the samples of one channel.

#[cfg(feature = "noise-filter")]
use super::denoise::{Denoiser, RATE};
use super::{Error, Resampler};

/// A processing step.
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

/// The steps from one rate to another. The output is as long as the input, to the sample, and aligned with it.
#[derive(Debug)]
pub(super) struct Chain {
    stages: Vec<Stage>,
    from: u64,
    to: u64,
    /// The buffer between two steps; kept to reuse its memory.
    between: Vec<i16>,
    taken: u64,
    given: u64,
}

impl Chain {
    /// Changes the rate, if it differs.
    pub(super) fn resampling(from: u32, to: u32) -> Result<Self, Error> {
        Ok(Self::new(resampler(from, to)?.into_iter().collect(), from, to))
    }

    /// Changes the rate, and runs the noise filter.
    #[cfg(feature = "noise-filter")]
    pub(super) fn filtering(from: u32, to: u32) -> Result<Self, Error> {
        let denoiser = Stage::Denoise(Denoiser::new());
        let stages = [resampler(from, RATE)?, Some(denoiser), resampler(RATE, to)?];
        Ok(Self::new(stages.into_iter().flatten().collect(), from, to))
    }

    /// Changes the rate, and runs the noise filter.
    #[cfg(not(feature = "noise-filter"))]
    pub(super) fn filtering(_from: u32, _to: u32) -> Result<Self, Error> {
        Err(Error::NoFilter)
    }

    fn new(stages: Vec<Stage>, from: u32, to: u32) -> Self {
        Self { stages, from: from.into(), to: to.into(), between: Vec::new(), taken: 0, given: 0 }
    }

    /// Replaces `samples` by the output so far.
    pub(super) fn push(&mut self, samples: &mut Vec<i16>) {
        self.taken += samples.len() as u64;
        for stage in &mut self.stages {
            stage.push(samples.drain(..), &mut self.between);
            std::mem::swap(samples, &mut self.between);
        }
        self.given += samples.len() as u64;
    }

    /// Writes the rest of the output to `samples`, which must be empty.
    pub(super) fn finish(&mut self, samples: &mut Vec<i16>) {
        for stage in &mut self.stages {
            stage.push(samples.drain(..), &mut self.between);
            stage.finish(&mut self.between);
            std::mem::swap(samples, &mut self.between);
        }
        // Each change of the rate rounds the length. From above 48 kHz and back, that may be off by a sample.
        let total = (self.taken * self.to + self.from / 2) / self.from;
        samples.resize(usize::try_from(total.saturating_sub(self.given)).unwrap_or_default(), 0);
        self.given = total;
    }
}

fn resampler(from: u32, to: u32) -> Result<Option<Stage>, Error> {
    (from != to).then(|| Resampler::new(from, to).map(|resampler| Stage::Resample(Box::new(resampler)))).transpose()
}
