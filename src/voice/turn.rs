//! When a turn ends: the rules for a provider that is late to report it, or never does.
//!
//! Pure: results, reports of the detectors and the time go in, results for the client come out. The caller owns the clock. It
//! calls [`Turn::tick`] at [`Turn::deadline`] and before each result.

use std::time::{Duration, Instant};

use crate::config;
use crate::provider::Transcript;

/// How long a turn waits for a decision of the detectors. Without one, the timers decide as if there were no detectors.
pub const DECISION: Duration = Duration::from_millis(800);

/// How long after the end of speech its final text may take. A shutdown waits for it.
const FINAL: Duration = Duration::from_secs(2);

/// A report of the detectors about the speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeakerActivity {
    /// The speaker speaks.
    Speech,
    /// The speaker has become silent. A decision follows, if it can be made.
    Silence,
    /// Whether the turn before the silence was complete. There may be several in one silence.
    Decision(bool),
    /// The detectors have failed or fallen behind.
    Unknown,
}

/// The `event` of a `vad_event` message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum VadEvent {
    /// A speaker begins to speak.
    SpeechStart,
    /// The speaker has become silent.
    SilenceDetected,
    /// The speaker continues before the turn was found to be over.
    SpeechResumed,
    /// The turn sounds complete.
    TurnEnd,
}

/// The state of the speaker, as far as the detectors know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpeakerState {
    /// Unknown: the timers decide alone.
    Unknown,
    Speaking,
    /// Silent since then, without a decision yet.
    Silent(Instant),
    /// Silent, but the turn is not complete.
    Unfinished,
    /// Silent, and the turn is complete since then.
    Finished(Instant),
}

/// The state of one conversation's turns. The conversation owns it; it ends with it.
#[derive(Debug)]
pub struct Turn {
    times: config::Turn,
    speaker: SpeakerState,
    /// An interim result had words that no final text contains yet.
    words: bool,
    /// The turn whose final texts have arrived but not its end.
    open: Option<Open>,
    /// A turn that was ended here. The provider's own end of the same turn is dropped for `turn.duplicate`.
    forced: Option<Forced>,
    /// When the detectors reported the end of speech whose final text has not arrived yet.
    spoken: Option<Instant>,
}

#[derive(Debug)]
struct Open {
    texts: Words,
    /// Restarted by each final text.
    fallback: Instant,
    /// Set by the first final text and never moved.
    hard: Instant,
    /// The hard limit if a detector decided that the turn is not complete. Restarted by each final text.
    latest: Instant,
}

#[derive(Debug)]
struct Forced {
    texts: Words,
    at: Instant,
}

impl Turn {
    /// Creates the state before the first turn.
    pub fn new(times: config::Turn) -> Self {
        Self { times, speaker: SpeakerState::Unknown, words: false, open: None, forced: None, spoken: None }
    }

    /// Returns whether final texts wait for the end of their turn.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Returns whether the speaker is in the middle of a sentence, or its final text has still to arrive: a turn is open, an
    /// interim result has words, the detectors report speech, or did so less than `FINAL` ago.
    pub fn is_in_sentence(&self, now: Instant) -> bool {
        let expected = self.spoken.is_some_and(|at| now.saturating_duration_since(at) < FINAL);
        self.is_open() || self.words || self.speaker == SpeakerState::Speaking || expected
    }

    /// Returns the earliest time at which [`Self::tick`] may end the turn.
    pub fn deadline(&self) -> Option<Instant> {
        let open = self.open.as_ref()?;
        let timers = open.fallback.min(open.hard);
        Some(match self.speaker {
            SpeakerState::Unknown => timers,
            SpeakerState::Speaking | SpeakerState::Unfinished => open.latest,
            SpeakerState::Silent(at) => timers.max(at + DECISION),
            // The rest of the words has still to arrive. An end before it would split the turn.
            SpeakerState::Finished(at) if self.words => timers.max(at + DECISION),
            SpeakerState::Finished(at) => at,
        })
    }

    /// Takes a report of the detectors. Returns the event for the client, if it is one. Call [`Self::tick`] first.
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
            // About a silence that is over, or a turn that has ended.
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

    /// Ends a turn whose deadline has passed. Returns a result with an empty text: clients have the texts already, and take it as
    /// the end of the turn.
    pub fn tick(&mut self, now: Instant) -> Option<Transcript> {
        if self.deadline()? > now { None } else { self.force(now) }
    }

    /// Ends the open turn, if there is one.
    pub fn force(&mut self, now: Instant) -> Option<Transcript> {
        let open = self.open.take()?;
        self.over();
        self.forced = Some(Forced { texts: open.texts, at: now });
        Some(Transcript { transcript: String::new(), is_final: true, is_speech_final: true, confidence: 1.0 })
    }

    /// Takes a result of the provider. Returns it if it goes to the client. Call [`Self::tick`] first, because a deadline before
    /// `now` has passed.
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

    /// Ends the turn. A decision about it says nothing about the next one.
    fn over(&mut self) {
        if self.speaker != SpeakerState::Speaking {
            self.speaker = SpeakerState::Unknown;
        }
    }

    /// Returns whether the provider's end of a turn goes to the client. It does not if the same turn was just ended here.
    fn speech_final(&mut self, result: &Transcript, now: Instant) -> bool {
        if result.transcript.trim().is_empty() && self.open.is_none() && !self.words {
            // There was no turn to end.
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
        // A text after a forced end belongs to the next turn, and so does the end that follows.
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

/// A text in comparable form: without case, punctuation and spacing, which providers change at the end of a turn.
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
