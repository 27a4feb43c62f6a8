//! Model-based test of the rules of turns (`src/voice/turn.rs`): a simpler implementation of the same table, which keeps the whole
//! history and evaluates it at each step.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sayna::config;
use sayna::provider::Transcript;
use sayna::voice::{SpeakerActivity, Turn, VadEvent};

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Interim(&'static str),
    Final(&'static str),
    SpeechFinal(&'static str),
    Hear(SpeakerActivity),
}

fn result(text: &str, is_final: bool, is_speech_final: bool) -> Transcript {
    Transcript { transcript: text.to_owned(), is_final, is_speech_final, confidence: 0.5 }
}

fn forced() -> Transcript {
    Transcript { transcript: String::new(), is_final: true, is_speech_final: true, confidence: 1.0 }
}

/// An event of the history, with its time in milliseconds. `Forced` is an end that the model itself added.
#[derive(Debug, Clone, PartialEq)]
enum Happened {
    Interim,
    Blank,
    Text(u64, String),
    End,
    Forced(u64),
    Heard(u64, SpeakerActivity),
}

impl Happened {
    fn is_end(&self) -> bool {
        matches!(self, Self::End | Self::Forced(_))
    }
}

/// The table, evaluated on the history.
#[derive(Debug, Default)]
struct Model {
    history: Vec<Happened>,
    now: u64,
}

impl Model {
    /// Returns the texts since the last end of either kind.
    fn open(&self) -> Vec<(u64, String)> {
        let begin = self.history.iter().rposition(Happened::is_end).map_or(0, |at| at + 1);
        self.history[begin..]
            .iter()
            .filter_map(|h| if let Happened::Text(at, t) = h { Some((*at, t.clone())) } else { None })
            .collect()
    }

    /// Whether there is an interim result without a final one after it.
    fn words(&self) -> bool {
        let sent =
            |h: &&Happened| matches!(h, Happened::Interim | Happened::Blank | Happened::Text(..) | Happened::End);
        self.history.iter().rev().find(sent) == Some(&Happened::Interim)
    }

    /// Returns when the open turn ends if nothing else happens.
    fn due(&self) -> Option<u64> {
        let open = self.open();
        let (first, last) = open.first().zip(open.last())?;
        let timers = (last.0 + 1800).min(first.0 + 5000);
        let heard = |h: &Happened| matches!(h, Happened::Heard(_, a) if !matches!(a, SpeakerActivity::Decision(_)));
        let Some(at) = self.history.iter().rposition(heard) else { return Some(timers) };
        let after = &self.history[at + 1..];
        let decided = |all: bool| {
            after.iter().find_map(|h| match h {
                Happened::Heard(at, SpeakerActivity::Decision(done)) if *done == all => Some(*at),
                _ => None,
            })
        };
        Some(match &self.history[at] {
            Happened::Heard(_, SpeakerActivity::Speech) => last.0 + 5000,
            Happened::Heard(since, SpeakerActivity::Silence) if !after.iter().any(Happened::is_end) => {
                match (decided(true), decided(false)) {
                    (Some(at), _) if self.words() => timers.max(at + 800),
                    (Some(at), _) => at,
                    (None, Some(_)) => last.0 + 5000,
                    (None, None) => timers.max(since + 800),
                }
            }
            _ => timers,
        })
    }

    fn wait(&mut self, ms: u64, sent: &mut Vec<Transcript>) {
        let end = self.now + ms;
        while let Some(at) = self.due().filter(|at| *at <= end) {
            self.history.push(Happened::Forced(at.max(self.now)));
            sent.push(forced());
        }
        self.now = end;
    }

    fn text(&mut self, text: &str, sent: &mut Vec<Transcript>) {
        if text.trim().is_empty() {
            self.history.push(Happened::Blank);
        } else {
            self.history.push(Happened::Text(self.now, text.to_owned()));
            sent.push(result(text, true, false));
        }
    }

    fn end(&mut self, text: &str, sent: &mut Vec<Transcript>) {
        // An end without any text is ignored.
        if text.is_empty() && self.open().is_empty() && !self.words() {
            return;
        }
        let counts = |h: &Happened| h.is_end() || matches!(h, Happened::Text(..));
        let duplicate = match self.history.iter().rposition(counts).map(|at| self.history.split_at(at)) {
            Some((before, [Happened::Forced(at), ..])) if self.now < at + 500 => {
                let model = Model { history: before.to_vec(), now: 0 };
                let said = model.open().into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ");
                // The test's texts are words between single spaces.
                format!(" {said} ").contains(&format!(" {text} ")) || text.is_empty()
            }
            _ => false,
        };
        self.history.push(Happened::End);
        if !duplicate {
            sent.push(result(text, true, true));
        }
    }
}

fn times() -> config::Turn {
    config::Turn::default()
}

fn run(steps: &[Step]) -> (Vec<Transcript>, Vec<Transcript>) {
    let (mut model, mut expected) = (Model::default(), Vec::new());
    let (mut turn, mut sent) = (Turn::new(times()), Vec::new());
    let mut now = Instant::now();
    for step in steps {
        match step {
            Step::Wait(ms) => {
                model.wait(*ms, &mut expected);
                let end = now + Duration::from_millis(*ms);
                // As a caller that sleeps until the deadline.
                while let Some(at) = turn.deadline().filter(|at| *at <= end) {
                    sent.extend(turn.tick(at.max(now)));
                }
                now = end;
            }
            Step::Interim(text) => {
                if !text.trim().is_empty() {
                    model.history.push(Happened::Interim);
                }
                expected.push(result(text, false, false));
                sent.extend(turn.on(result(text, false, false), now));
            }
            Step::Final(text) => {
                model.text(text, &mut expected);
                sent.extend(turn.on(result(text, true, false), now));
            }
            Step::SpeechFinal(text) => {
                model.end(text, &mut expected);
                sent.extend(turn.on(result(text, true, true), now));
            }
            Step::Hear(activity) => {
                model.history.push(Happened::Heard(model.now, *activity));
                turn.hear(*activity, now);
            }
        }
        // What a decision has made due is sent before anything else happens.
        model.wait(0, &mut expected);
        sent.extend(turn.tick(now));
    }
    (sent, expected)
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " ", "a", "b", "a b", "c"])
}

fn activity() -> impl Strategy<Value = SpeakerActivity> {
    use SpeakerActivity::{Decision, Silence, Speech, Unknown};
    prop::sample::select(vec![Speech, Silence, Silence, Decision(true), Decision(false), Unknown])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::sample::select(vec![1, 499, 500, 799, 1000, 1799, 1800, 3200, 5000]).prop_map(Step::Wait),
        text().prop_map(Step::Interim),
        text().prop_map(Step::Final),
        prop::sample::select(vec!["", "a", "b", "a b", "c"]).prop_map(Step::SpeechFinal),
        activity().prop_map(Step::Hear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn turns_are_as_the_table_says(steps in proptest::collection::vec(step(), 0..40)) {
        let (sent, expected) = run(&steps);
        prop_assert_eq!(sent, expected);
    }
}

/// The table, row by row.
#[test]
fn each_row_of_the_table() {
    use Step::{Final, Interim, SpeechFinal, Wait};
    let said = |steps: &[Step]| -> Vec<(String, bool, bool)> {
        run(steps).0.into_iter().map(|t| (t.transcript, t.is_final, t.is_speech_final)).collect()
    };
    let (interim, last) = (|t: &str| (t.to_owned(), false, false), |t: &str| (t.to_owned(), true, false));
    let end = |t: &str| (t.to_owned(), true, true);
    assert_eq!(said(&[Interim("a")]), [interim("a")]);
    assert_eq!(said(&[Final(" "), Wait(9000)]), []);
    assert_eq!(said(&[Final("a"), Wait(1799)]), [last("a")]);
    assert_eq!(said(&[Final("a"), Wait(1800)]), [last("a"), end("")]);
    // Each text restarts the fallback, none of them the hard limit.
    assert_eq!(
        said(&[Final("a"), Wait(1700), Final("b"), Wait(1700), Final("c"), Wait(1599)]),
        [last("a"), last("b"), last("c")]
    );
    assert_eq!(said(&[Final("a"), Wait(1700), Final("b"), Wait(1700), Final("c"), Wait(1600)]).last(), Some(&end("")));
    assert_eq!(said(&[Final("a"), SpeechFinal("a b"), Wait(9000)]), [last("a"), end("a b")]);
    // A verdict that repeats the sent events is the same. One with more events, or a late one, is not.
    assert_eq!(said(&[Final("a"), Wait(1800), SpeechFinal("a")]), [last("a"), end("")]);
    assert_eq!(
        said(&[Final("Hello, there"), Wait(2299), SpeechFinal("hello there.")]),
        [last("Hello, there"), end("")]
    );
    assert_eq!(said(&[Final("a"), Wait(1800), SpeechFinal("a b")]), [last("a"), end(""), end("a b")]);
    assert_eq!(said(&[Final("a"), Wait(2300), SpeechFinal("a")]), [last("a"), end(""), end("a")]);
    // An empty one that no text came before is the end of nothing.
    assert_eq!(said(&[SpeechFinal("")]), []);
    assert_eq!(said(&[SpeechFinal(""), Interim("a"), SpeechFinal("")]), [interim("a"), end("")]);
    assert_eq!(said(&[Final("a"), SpeechFinal(""), SpeechFinal(""), Wait(9000)]), [last("a"), end("")]);
    assert_eq!(said(&[Final("a"), Wait(1800), SpeechFinal(""), SpeechFinal("a")]), [last("a"), end("")]);
    assert_eq!(said(&[Final("a"), Wait(9000), SpeechFinal("")]), [last("a"), end("")]);
    // What follows a forced end is the next turn, with its own verdict.
    assert_eq!(
        said(&[Final("a"), Wait(1800), Final("a"), SpeechFinal("a")]),
        [last("a"), end(""), last("a"), end("a")]
    );
}

/// The same with detectors.
#[test]
fn each_row_of_what_detectors_add() {
    use SpeakerActivity::{Decision, Silence, Speech, Unknown};
    use Step::{Final, Hear, Interim, SpeechFinal, Wait};
    let ended = |steps: &[Step]| run(steps).0.last() == Some(&forced());
    // A turn that is complete ends at once, whatever comes first: the text or the decision.
    assert!(ended(&[Final("a"), Hear(Speech), Hear(Silence), Hear(Decision(true))]));
    assert!(ended(&[Hear(Speech), Hear(Silence), Hear(Decision(true)), Final("a")]));
    // With words on their way, it ends behind them.
    assert!(!ended(&[Final("a"), Interim("b"), Hear(Silence), Hear(Decision(true)), Wait(1799)]));
    assert!(ended(&[Final("a"), Interim("b"), Hear(Silence), Hear(Decision(true)), Final("b")]));
    // One that is not, and speech, is waited for: until the hard limit since the last text.
    for more in [&[Hear(Speech)][..], &[Hear(Silence), Hear(Decision(false))]] {
        let after = |ms| [&[Final("a"), Wait(1000), Final("b")], more, &[Wait(ms)]].concat();
        assert!(!ended(&after(4999)) && ended(&after(5000)), "{more:?}");
    }
    // A second look may find it complete.
    assert!(ended(&[Final("a"), Hear(Silence), Hear(Decision(false)), Wait(400), Hear(Decision(true))]));
    // A decision that does not come is waited for, and then the timers decide.
    assert!(!ended(&[Final("a"), Wait(1700), Hear(Silence), Wait(799)]));
    assert!(ended(&[Final("a"), Wait(1700), Hear(Silence), Wait(800)]));
    assert!(ended(&[Final("a"), Hear(Speech), Hear(Unknown), Wait(1800)]));
    // A decision about a silence that is over, or about the turn before, says nothing.
    assert!(!ended(&[Final("a"), Hear(Silence), Hear(Speech), Hear(Decision(true)), Wait(4999)]));
    assert!(!ended(&[Hear(Silence), Hear(Decision(true)), SpeechFinal("a"), Final("b"), Wait(1799)]));
}

/// What a client is sent of the detectors.
#[test]
fn each_change_of_the_speaker_is_news_once() {
    use SpeakerActivity::{Decision, Silence, Speech, Unknown};
    use VadEvent::{SilenceDetected, SpeechResumed, SpeechStart, TurnEnd};
    let mut turn = Turn::new(times());
    let now = Instant::now();
    let mut hear =
        |heard: &[SpeakerActivity]| heard.iter().filter_map(|heard| turn.hear(*heard, now)).collect::<Vec<_>>();
    assert_eq!(hear(&[Speech, Speech, Silence, Decision(false)]), [SpeechStart, SilenceDetected]);
    // Once more the same question, with the other answer.
    assert_eq!(hear(&[Speech, Silence, Decision(false), Decision(true)]), [SpeechResumed, SilenceDetected, TurnEnd]);
    assert_eq!(hear(&[Decision(true), Speech, Unknown, Speech]), [SpeechStart, SpeechStart]);
}
