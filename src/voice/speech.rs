//! What is to be spoken: a queue of texts, one synthesis at a time, and which of them may be interrupted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::audio::Framer;
use crate::provider::{self, TtsError, Voice};

/// Texts that wait at a time. More than any answer has sentences; a client that sends more does not listen.
const MAX_QUEUE: usize = 256;

/// The largest binary frame.
const MAX_FRAME: usize = 16 * 1024;

/// The mouth of one session.
pub(super) struct SpeechQueue {
    voice: Voice,
    queue: Queue,
    current: Option<Current>,
    /// Cut from what has come, in order, not handed over yet.
    frames: VecDeque<Bytes>,
    /// The frames above are the last of their utterance.
    ended: bool,
    /// When the running utterance was asked for, until its first audio has come.
    asked: Option<Instant>,
    /// The text that was spoken last, for vendors that fit the next to it.
    previous: Option<String>,
}

/// The texts that wait, and what is to be known of the others.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Text>,
    /// Whether the text that is spoken, or was last, may not be interrupted.
    kept: bool,
    /// Whether an utterance has come to an end that no `tts_playback_complete` has followed yet.
    spoken: bool,
    /// Whether one of those that may not be interrupted has.
    kept_spoken: bool,
}

/// A text, and whether it may not be interrupted.
#[derive(Debug)]
struct Text {
    text: String,
    kept: bool,
}

impl Queue {
    /// The text whose turn it is.
    fn begin(&mut self) -> Option<String> {
        let Text { text, kept } = self.waiting.pop_front()?;
        self.kept = kept;
        Some(text)
    }

    /// The text that is spoken has come to its end.
    fn end(&mut self) {
        self.spoken = true;
        self.kept_spoken |= self.kept;
    }

    /// Drops the texts that may be interrupted; true where the one that is spoken, if one is, goes too. From then on only the end
    /// of a text that may not be interrupted still has to be reported.
    fn clear(&mut self, speaking: bool) -> bool {
        self.waiting.retain(|text| text.kept);
        self.spoken = self.kept_spoken;
        !(speaking && self.kept)
    }

    /// Whether all has come to its end since this was last true.
    fn take_complete(&mut self, silent: bool) -> bool {
        let complete = silent && self.waiting.is_empty() && std::mem::take(&mut self.spoken);
        self.kept_spoken &= !complete;
        complete
    }
}

/// The utterance that is being synthesised.
struct Current {
    text: String,
    audio: provider::Synthesis,
    framer: Framer,
}

/// What [`SpeechQueue::next`] has to say.
#[derive(Debug)]
pub(super) enum Step {
    /// Audio to hand over; with the first of an utterance, how long it took.
    Audio(Bytes, Option<Duration>),
    /// An utterance ended, all of it.
    Ended,
    /// An utterance ended early.
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

    /// Speaks `text` after what is there already; gives it back where too much is.
    pub(super) fn push(&mut self, text: String, allow_interruption: bool) -> Result<(), String> {
        if self.queue.waiting.len() >= MAX_QUEUE {
            return Err(text);
        }
        self.queue.waiting.push_back(Text { text, kept: !allow_interruption });
        Ok(())
    }

    /// Whether there is anything to speak.
    pub(super) fn is_busy(&self) -> bool {
        self.is_speaking() || !self.queue.waiting.is_empty()
    }

    fn is_speaking(&self) -> bool {
        self.current.is_some() || !self.frames.is_empty() || self.ended
    }

    /// Whether what is spoken now, or was last, may not be interrupted.
    pub(super) fn is_kept(&self) -> bool {
        self.queue.kept
    }

    /// Drops what may be interrupted; whether what is spoken now, if anything is, was.
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

    /// Whether the queue has just run empty after something was to be spoken; true once.
    pub(super) fn take_complete(&mut self) -> bool {
        let silent = !self.is_speaking();
        self.queue.take_complete(silent)
    }

    /// The next audio. Waits for ever where there is nothing to speak. Cancel safe.
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
                    // A text that failed has ended too, for a client that waits for `tts_playback_complete`.
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

/// A compressed clip comes from the cache in one piece: cut, so that no socket has to hold all of it.
fn pieces(mut whole: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!whole.is_empty()).then(|| whole.split_to(whole.len().min(MAX_FRAME))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_kept_or_dropped_by_what_was_said_of_it() {
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
        assert!(queue.clear(false) && queue.take_complete(true), "the end of b is told");
        queue.waiting.push_back(text("f", false));
        queue.begin();
        assert!(!queue.kept && queue.clear(true) && !queue.take_complete(true));
    }
}
