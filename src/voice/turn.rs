//! When a turn ends: the rules for a provider that is late to say so, or never does.
//!
//! Pure: results and the time go in, what the client is told comes out. The clock is the caller's, which asks at
//! [`Turn::deadline`] and before each result.

use std::time::Instant;

use crate::config;
use crate::provider::Transcript;

/// The state of one session's turns.
#[derive(Debug)]
pub struct Turn {
    times: config::Turn,
    /// Final texts that wait for the end of their turn.
    open: Option<Open>,
    /// A turn that was ended here, until the provider can no longer mean the same one.
    forced: Option<Forced>,
}

#[derive(Debug)]
struct Open {
    texts: Words,
    /// Restarted by each final text.
    fallback: Instant,
    /// Set by the first and never moved.
    hard: Instant,
}

#[derive(Debug)]
struct Forced {
    texts: Words,
    at: Instant,
}

impl Turn {
    /// No turn yet.
    pub fn new(times: config::Turn) -> Self {
        Self { times, open: None, forced: None }
    }

    /// Whether final texts wait for the end of their turn.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// When [`Self::tick`] has something to say at the earliest.
    pub fn deadline(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| open.fallback.min(open.hard))
    }

    /// Ends a turn whose time is over: the result with an empty text that clients take as its end, as they have the
    /// texts already.
    pub fn tick(&mut self, now: Instant) -> Option<Transcript> {
        if self.deadline()? > now { None } else { self.force(now) }
    }

    /// Ends the turn that is open, if there is one.
    pub fn force(&mut self, now: Instant) -> Option<Transcript> {
        let open = self.open.take()?;
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
            Some(result)
        }
    }

    /// The provider's own end of a turn: told, unless it is the one that was just told here.
    fn speech_final(&mut self, result: &Transcript, now: Instant) -> bool {
        self.open = None;
        let Some(forced) = self.forced.take() else { return true };
        let late = now.saturating_duration_since(forced.at) >= self.times.duplicate;
        late || !forced.texts.contain(&Words::of(&result.transcript))
    }

    fn is_text(&mut self, result: &Transcript, now: Instant) -> bool {
        let words = Words::of(&result.transcript);
        if result.transcript.trim().is_empty() {
            return false;
        }
        // What comes after a forced end belongs to the next turn, and so does the verdict that follows.
        self.forced = None;
        let open = self.open.get_or_insert_with(|| Open {
            texts: Words::default(),
            fallback: now,
            hard: now + self.times.hard,
        });
        open.fallback = now + self.times.fallback;
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
