//! When a turn ends: the rules for a provider that is late to say so, or never does.
//!
//! Pure: results, what the detectors hear and the time go in, what the client is told comes out. The clock is the caller's,
//! which asks at [`Turn::deadline`] and before each result.

use std::time::{Duration, Instant};

use crate::config;
use crate::provider::Transcript;

/// How long a decision of the detectors is waited for. Without it, the timers decide as if nobody had been asked.
pub const DECISION: Duration = Duration::from_millis(800);

/// How long after the end of speech its final text may take. A server that stops waits for it.
const FINAL: Duration = Duration::from_secs(2);

/// What the detectors hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeakerActivity {
    /// Somebody speaks.
    Speech,
    /// Nobody speaks any more; a decision follows, if it can be made.
    Silence,
    /// Whether what was said before the silence was all. May come more than once in a silence.
    Decision(bool),
    /// Nothing any more.
    Unknown,
}

/// What of that is news to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum VadEvent {
    /// Somebody begins to speak.
    SpeechStart,
    /// Nobody speaks any more.
    SilenceDetected,
    /// Somebody goes on, before the turn was found to be over.
    SpeechResumed,
    /// What was said sounds complete.
    TurnEnd,
}

/// What is known of the speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpeakerState {
    /// Nothing: the timers decide alone.
    Unknown,
    Speaking,
    /// Silent since then, and not decided yet.
    Silent(Instant),
    /// Silent, but there is more to be said.
    Unfinished,
    /// Silent, and done since then.
    Finished(Instant),
}

/// The state of one session's turns.
#[derive(Debug)]
pub struct Turn {
    times: config::Turn,
    speaker: SpeakerState,
    /// Words were heard that are in no final text yet.
    words: bool,
    /// Final texts that wait for the end of their turn.
    open: Option<Open>,
    /// A turn that was ended here, until the provider can no longer mean the same one.
    forced: Option<Forced>,
    /// When the detectors heard the end of speech whose final text has not come yet.
    spoken: Option<Instant>,
}

#[derive(Debug)]
struct Open {
    texts: Words,
    /// Restarted by each final text.
    fallback: Instant,
    /// Set by the first and never moved.
    hard: Instant,
    /// The hard limit where a detector says that there is more to come: restarted by each final text.
    latest: Instant,
}

#[derive(Debug)]
struct Forced {
    texts: Words,
    at: Instant,
}

impl Turn {
    /// No turn yet.
    pub fn new(times: config::Turn) -> Self {
        Self { times, speaker: SpeakerState::Unknown, words: false, open: None, forced: None, spoken: None }
    }

    /// Whether final texts wait for the end of their turn.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the speaker is in the middle of a sentence, or its final text has still to come: a turn is open, an interim
    /// result has words, the detectors hear speech, or heard it less than `FINAL` ago.
    pub fn is_in_sentence(&self, now: Instant) -> bool {
        let expected = self.spoken.is_some_and(|at| now.saturating_duration_since(at) < FINAL);
        self.is_open() || self.words || self.speaker == SpeakerState::Speaking || expected
    }

    /// When [`Self::tick`] has something to say at the earliest.
    pub fn deadline(&self) -> Option<Instant> {
        let open = self.open.as_ref()?;
        let timers = open.fallback.min(open.hard);
        Some(match self.speaker {
            SpeakerState::Unknown => timers,
            SpeakerState::Speaking | SpeakerState::Unfinished => open.latest,
            SpeakerState::Silent(at) => timers.max(at + DECISION),
            // The rest of the words is on its way; an end before it would cut the turn in two.
            SpeakerState::Finished(at) if self.words => timers.max(at + DECISION),
            SpeakerState::Finished(at) => at,
        })
    }

    /// What the detectors hear. [`Self::tick`] comes first, as before a result.
    pub fn hear(&mut self, activity: SpeakerActivity, now: Instant) -> Option<VadEvent> {
        let before = self.speaker;
        if activity == SpeakerActivity::Silence && before == SpeakerState::Speaking {
            self.spoken = Some(now);
        }
        self.speaker = match (activity, self.speaker) {
            (SpeakerActivity::Speech, _) => SpeakerState::Speaking,
            (SpeakerActivity::Silence, _) => SpeakerState::Silent(now),
            (SpeakerActivity::Unknown, _) => SpeakerState::Unknown,
            (SpeakerActivity::Decision(true), SpeakerState::Silent(_) | SpeakerState::Unfinished) => {
                SpeakerState::Finished(now)
            }
            (SpeakerActivity::Decision(false), SpeakerState::Silent(_)) => SpeakerState::Unfinished,
            // Of a silence that is over, or of a turn that has ended meanwhile.
            (SpeakerActivity::Decision(_), state) => state,
        };
        match (before, self.speaker) {
            (SpeakerState::Silent(_) | SpeakerState::Unfinished, SpeakerState::Speaking) => {
                Some(VadEvent::SpeechResumed)
            }
            (SpeakerState::Unknown | SpeakerState::Finished(_), SpeakerState::Speaking) => Some(VadEvent::SpeechStart),
            (SpeakerState::Speaking, SpeakerState::Silent(_)) => Some(VadEvent::SilenceDetected),
            (SpeakerState::Silent(_) | SpeakerState::Unfinished, SpeakerState::Finished(_)) => Some(VadEvent::TurnEnd),
            _ => None,
        }
    }

    /// Ends a turn whose time is over: the result with an empty text that clients take as its end, as they have the
    /// texts already.
    pub fn tick(&mut self, now: Instant) -> Option<Transcript> {
        if self.deadline()? > now { None } else { self.force(now) }
    }

    /// Ends the turn that is open, if there is one.
    pub fn force(&mut self, now: Instant) -> Option<Transcript> {
        let open = self.open.take()?;
        self.over();
        self.forced = Some(Forced { texts: open.texts, at: now });
        Some(Transcript { transcript: String::new(), is_final: true, is_speech_final: true, confidence: 1.0 })
    }

    /// What the client is told of a result. [`Self::tick`] comes first: a deadline before `now` has passed.
    pub fn on(&mut self, result: Transcript, now: Instant) -> Option<Transcript> {
        if result.is_speech_final {
            self.speech_final(&result, now).then_some(result)
        } else if result.is_final {
            self.is_text(&result, now).then_some(result)
        } else {
            self.words |= !result.transcript.trim().is_empty();
            Some(result)
        }
    }

    /// The turn has ended; what was decided about it says nothing of the next one.
    fn over(&mut self) {
        if self.speaker != SpeakerState::Speaking {
            self.speaker = SpeakerState::Unknown;
        }
    }

    /// The provider's own end of a turn: told, unless it is the one that was just told here.
    fn speech_final(&mut self, result: &Transcript, now: Instant) -> bool {
        if result.transcript.trim().is_empty() && self.open.is_none() && !self.words {
            // Nothing was said, so nothing has ended.
            return false;
        }
        self.open = None;
        self.words = false;
        self.spoken = None;
        self.over();
        let Some(forced) = self.forced.take() else { return true };
        let late = now.saturating_duration_since(forced.at) >= self.times.duplicate;
        late || !forced.texts.contain(&Words::of(&result.transcript))
    }

    fn is_text(&mut self, result: &Transcript, now: Instant) -> bool {
        let words = Words::of(&result.transcript);
        self.words = false;
        if result.transcript.trim().is_empty() {
            return false;
        }
        self.spoken = None;
        // What comes after a forced end belongs to the next turn, and so does the verdict that follows.
        self.forced = None;
        let open = self.open.get_or_insert_with(|| Open {
            texts: Words::default(),
            fallback: now,
            hard: now + self.times.hard,
            latest: now,
        });
        open.fallback = now + self.times.fallback;
        open.latest = now + self.times.hard;
        open.texts.0.extend(words.0);
        true
    }
}

/// A text as it is compared: without capitals, punctuation and the width of blanks, which providers change at the end of
/// a turn.
#[derive(Debug, Default)]
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let bare = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Self(text.split_whitespace().map(bare).filter(|word: &String| !word.is_empty()).collect())
    }

    fn contain(&self, other: &Self) -> bool {
        other.0.is_empty() || self.0.windows(other.0.len()).any(|window| window == other.0)
    }
}
