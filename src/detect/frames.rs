//! Frames of voice-activity detection out of a stream of samples.

use super::FRAME;

/// The samples of a stream that do not fill a frame yet.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    rest: Vec<i16>,
}

impl FrameBuffer {
    /// Appends samples and returns the frames that they complete.
    pub fn push(&mut self, samples: impl IntoIterator<Item = i16>) -> Vec<[i16; FRAME]> {
        self.rest.extend(samples);
        let (frames, rest) = self.rest.as_chunks();
        let (frames, used) = (frames.to_vec(), self.rest.len() - rest.len());
        self.rest.drain(..used);
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_the_same_however_samples_are_split() {
        let samples: Vec<i16> = (0..3_000).collect();
        let whole = FrameBuffer::default().push(samples.iter().copied());
        assert_eq!((whole.len(), whole[4][511]), (5, 2_559));
        for size in [1, 511, 512, 513, 1_500] {
            let mut buffer = FrameBuffer::default();
            let frames: Vec<_> = samples.chunks(size).flat_map(|chunk| buffer.push(chunk.iter().copied())).collect();
            assert_eq!(frames, whole, "{size}");
        }
    }
}
