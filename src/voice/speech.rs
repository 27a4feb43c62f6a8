//! What is to be spoken: a queue of texts, one synthesis at a time, and whether it may be interrupted.

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
pub(super) struct Speech {
    voice: Voice,
    queue: VecDeque<String>,
    current: Option<Current>,
    /// Cut from what has come, in order, not handed over yet.
    frames: VecDeque<Bytes>,
    /// The frames above are the last of their utterance.
    ended: bool,
    /// When the running utterance was asked for, until its first audio has come.
    asked: Option<Instant>,
    /// The text that was spoken last, for vendors that fit the next to it.
    previous: Option<String>,
    window: Window,
    /// Whether an utterance has come to an end that no `tts_playback_complete` has followed yet.
    spoken: bool,
}

/// The utterance that is being synthesised.
struct Current {
    text: String,
    audio: provider::Speech,
    framer: Framer,
}

/// What [`Speech::next`] has to say.
#[derive(Debug)]
pub(super) enum Step {
    /// Audio to hand over; with the first of an utterance, how long it took.
    Audio(Bytes, Option<Duration>),
    /// An utterance ended, all of it.
    Ended,
    /// An utterance ended early.
    Failed(TtsError),
}

impl Speech {
    pub(super) fn new(voice: Voice) -> Self {
        Self {
            voice,
            queue: VecDeque::new(),
            current: None,
            frames: VecDeque::new(),
            ended: false,
            asked: None,
            previous: None,
            window: Window::default(),
            spoken: false,
        }
    }

    pub(super) fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Speaks `text` after what is there already; gives it back where too much is.
    pub(super) fn push(&mut self, text: String, allow_interruption: bool, now: Instant) -> Result<(), String> {
        if self.queue.len() >= MAX_QUEUE {
            return Err(text);
        }
        self.queue.push_back(text);
        self.window.command(allow_interruption, now);
        Ok(())
    }

    /// Whether there is anything to speak.
    pub(super) fn is_busy(&self) -> bool {
        self.current.is_some() || !self.queue.is_empty() || !self.frames.is_empty() || self.ended
    }

    /// Drops all there is to speak, if that is allowed now; says whether it was.
    pub(super) fn clear(&mut self, now: Instant) -> bool {
        if !self.window.may_clear(self.is_busy(), now) {
            return false;
        }
        // Dropping a synthesis cancels its request.
        self.current = None;
        self.queue.clear();
        self.frames.clear();
        self.ended = false;
        self.previous = None;
        self.spoken = false;
        true
    }

    /// Whether the queue has just run empty after something was to be spoken; true once.
    pub(super) fn take_complete(&mut self) -> bool {
        !self.is_busy() && std::mem::take(&mut self.spoken)
    }

    /// The next audio. Waits for ever where there is nothing to speak. Cancel safe.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return self.hand_over(frame);
            }
            if std::mem::take(&mut self.ended) {
                self.spoken = true;
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
                    // Whoever waits for the end of what was to be spoken is told of it in this case too.
                    self.spoken = true;
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
        let Some(text) = self.queue.pop_front() else { return };
        let audio = self.voice.speak(&text, self.previous.as_deref());
        let framer = Framer::new(&self.voice.format());
        self.asked = Some(Instant::now());
        self.current = Some(Current { text, audio, framer });
    }

    fn hand_over(&mut self, frame: Bytes) -> Step {
        let now = Instant::now();
        let sounds = self.voice.format().duration(frame.len()).unwrap_or_default();
        self.window.grow(sounds, now);
        Step::Audio(frame, self.asked.take().map(|asked| now.saturating_duration_since(asked)))
    }
}

/// A compressed clip comes from the cache in one piece: cut, so that no socket has to hold all of it.
fn pieces(mut whole: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!whole.is_empty()).then(|| whole.split_to(whole.len().min(MAX_FRAME))))
}

/// Until when `clear` is ignored. The latest `speak` decides whether it is at all.
#[derive(Debug, Default)]
struct Window {
    blocked: bool,
    until: Option<Instant>,
}

impl Window {
    fn command(&mut self, allow_interruption: bool, now: Instant) {
        self.blocked = !allow_interruption;
        if self.blocked {
            self.until = Some(self.until.map_or(now, |until| until.max(now)));
        }
    }

    fn grow(&mut self, sounds: Duration, now: Instant) {
        if self.blocked {
            self.until = Some(self.until.map_or(now, |until| until.max(now)) + sounds);
        }
    }

    /// An utterance that is still to come, or still sounds, is not cleared.
    fn may_clear(&self, busy: bool, now: Instant) -> bool {
        !self.blocked || (!busy && self.until.is_none_or(|until| until <= now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_speak_decides_whether_clear_works() {
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        let mut window = Window::default();
        assert!(window.may_clear(true, begin));
        window.command(false, begin);
        assert!(!window.may_clear(true, after(1)) && window.may_clear(false, after(1)));
        window.grow(Duration::from_millis(100), after(50));
        window.grow(Duration::from_millis(100), after(50));
        assert!(!window.may_clear(false, after(249)) && window.may_clear(false, after(250)));
        window.command(true, after(60));
        assert!(window.may_clear(true, after(61)));
    }
}
