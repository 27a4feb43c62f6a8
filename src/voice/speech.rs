//! The texts to be spoken: a queue, one synthesis at a time, and which of them may be interrupted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::audio::Framer;
use crate::provider::{self, TtsError, Voice};

/// The most texts that wait. No answer has as many sentences.
const MAX_QUEUE: usize = 256;

/// The largest binary frame, in bytes.
const MAX_FRAME: usize = 16 * 1024;

/// The output side of one conversation: texts in, frames of audio out. The conversation owns it. Dropping it cancels the
/// synthesis that is under way.
pub(super) struct SpeechQueue {
    voice: Voice,
    queue: Queue,
    current: Option<Current>,
    /// Frames in order that were not handed over yet.
    frames: VecDeque<Bytes>,
    /// The frames above are the last of their utterance.
    ended: bool,
    /// When the current synthesis was requested; `None` once its first audio has arrived.
    asked: Option<Instant>,
    /// The text that was spoken last. Some vendors fit the melody of the next text to it.
    previous: Option<String>,
}

/// The texts that wait, and what still has to be reported about the others.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Text>,
    /// Whether the current text, or the last one, may not be interrupted.
    kept: bool,
    /// Whether a text has ended since the last `tts_playback_complete`.
    spoken: bool,
    /// Whether one of those texts may not be interrupted.
    kept_spoken: bool,
}

/// A text, and whether it may not be interrupted.
#[derive(Debug)]
struct Text {
    text: String,
    kept: bool,
}

impl Queue {
    /// Takes the next text.
    fn begin(&mut self) -> Option<String> {
        let Text { text, kept } = self.waiting.pop_front()?;
        self.kept = kept;
        Some(text)
    }

    /// Records the end of the current text.
    fn end(&mut self) {
        self.spoken = true;
        self.kept_spoken |= self.kept;
    }

    /// Drops the texts that may be interrupted. Returns true where that includes the current one, or no text is current. From
    /// then on only the end of an uninterruptible text has to be reported.
    fn clear(&mut self, speaking: bool) -> bool {
        self.waiting.retain(|text| text.kept);
        self.spoken = self.kept_spoken;
        !(speaking && self.kept)
    }

    /// Returns whether everything has ended since this last returned true.
    fn take_complete(&mut self, silent: bool) -> bool {
        let complete = silent && self.waiting.is_empty() && std::mem::take(&mut self.spoken);
        self.kept_spoken &= !complete;
        complete
    }
}

/// The text that is being synthesised.
struct Current {
    text: String,
    audio: provider::Synthesis,
    framer: Framer,
}

/// What [`SpeechQueue::next`] returns.
#[derive(Debug)]
pub(super) enum Step {
    /// A frame of audio. The first frame of a text has its latency since the request.
    Audio(Bytes, Option<Duration>),
    /// A text ended normally.
    Ended,
    /// A text failed.
    Failed(TtsError),
}

impl SpeechQueue {
    pub(super) fn new(voice: Voice) -> Self {
        Self {
            voice,
            queue: Queue::default(),
            current: None,
            frames: VecDeque::new(),
            ended: false,
            asked: None,
            previous: None,
        }
    }

    pub(super) fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Queues a text. Returns it if [`MAX_QUEUE`] texts wait already.
    pub(super) fn push(&mut self, text: String, allow_interruption: bool) -> Result<(), String> {
        if self.queue.waiting.len() >= MAX_QUEUE {
            return Err(text);
        }
        self.queue.waiting.push_back(Text { text, kept: !allow_interruption });
        Ok(())
    }

    /// Returns whether there is anything to speak.
    pub(super) fn is_busy(&self) -> bool {
        self.is_speaking() || !self.queue.waiting.is_empty()
    }

    fn is_speaking(&self) -> bool {
        self.current.is_some() || !self.frames.is_empty() || self.ended
    }

    /// Returns whether the current text, or the last one, may not be interrupted.
    pub(super) fn is_kept(&self) -> bool {
        self.queue.kept
    }

    /// Drops the texts that may be interrupted. Returns whether the current one, if there is one, was dropped.
    pub(super) fn clear(&mut self) -> bool {
        let dropped = self.queue.clear(self.is_speaking());
        if dropped {
            // Dropping a synthesis cancels its request.
            self.current = None;
            self.frames.clear();
            self.ended = false;
            self.previous = None;
        }
        dropped
    }

    /// Returns true once when the queue has run empty after something was spoken.
    pub(super) fn take_complete(&mut self) -> bool {
        let silent = !self.is_speaking();
        self.queue.take_complete(silent)
    }

    /// Returns the next frame or end. It never completes while there is nothing to speak. Cancel safe.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return self.hand_over(frame);
            }
            if std::mem::take(&mut self.ended) {
                self.queue.end();
                return Step::Ended;
            }
            if self.current.is_none() {
                self.begin();
            }
            let Some(current) = &mut self.current else { return std::future::pending().await };
            match current.audio.next().await {
                Some(Ok(piece)) => self.frames.extend(current.framer.push(piece).flat_map(pieces)),
                Some(Err(error)) => {
                    self.current = None;
                    // A text that failed has also ended, because the client waits for `tts_playback_complete`.
                    self.queue.end();
                    return Step::Failed(error);
                }
                None => {
                    self.frames.extend(current.framer.finish());
                    self.previous = self.current.take().map(|current| current.text);
                    self.ended = true;
                }
            }
        }
    }

    fn begin(&mut self) {
        let Some(text) = self.queue.begin() else { return };
        let audio = self.voice.speak(&text, self.previous.as_deref());
        let framer = Framer::new(&self.voice.format());
        self.asked = Some(Instant::now());
        self.current = Some(Current { text, audio, framer });
    }

    fn hand_over(&mut self, frame: Bytes) -> Step {
        Step::Audio(frame, self.asked.take().map(|asked| asked.elapsed()))
    }
}

/// Splits a piece into frames for the socket. A compressed clip comes from the cache in one large piece.
fn pieces(mut whole: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!whole.is_empty()).then(|| whole.split_to(whole.len().min(MAX_FRAME))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_drops_the_texts_that_allow_interruption() {
        let text = |text: &str, kept| Text { text: text.to_owned(), kept };
        let mut queue = Queue::default();
        queue.waiting.extend([text("a", false), text("b", true), text("c", false), text("d", true)]);
        let left = |queue: &Queue| queue.waiting.iter().map(|text| text.text.clone()).collect::<Vec<_>>().concat();
        // Nothing is being spoken; "ended" stands for what was.
        assert!(queue.clear(false) && !queue.take_complete(true));
        assert_eq!(left(&queue), "bd");
        queue.begin();
        assert!(queue.kept && !queue.clear(true), "b goes on");
        queue.end();
        queue.waiting.push_back(text("e", false));
        queue.waiting.pop_front();
        assert!(!queue.take_complete(false), "e waits");
        assert!(queue.clear(false) && queue.take_complete(true), "the end of b is reported");
        queue.waiting.push_back(text("f", false));
        queue.begin();
        assert!(!queue.kept && queue.clear(true) && !queue.take_complete(true));
    }
}
