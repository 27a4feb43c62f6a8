//! The end of a failed run: one text, one next step, one exit status.

use crate::rehearse::{self, reproduce};
use crate::shown::shown;
use crate::table;
use crate::verify::files;
use crate::{
    atomic, attest, audit, build, changelog, forge, git, graph, licences, package, part, plan, promote, publish,
    registry, sbom, watch,
};

/// A check failed, or work is left.
pub const INCOMPLETE: u8 = 1;
/// Refused, wrong usage, or something that cannot be read.
pub const REFUSED: u8 = 2;

/// The end of a run that did not succeed: text, hint and exit status. Errors of all stages are converted to it, and `main`
/// prints it.
#[derive(Debug)]
pub struct Failure {
    /// The problem and its place.
    pub text: String,
    /// The same as people read it, with its own heading and colours, where it points into a file.
    pub shown: Option<String>,
    /// The next step, where the text does not have it already.
    pub hint: Option<String>,
    /// The exit status.
    pub status: u8,
    /// The work that was done before, if any.
    pub done: Option<publish::Outcome>,
}

impl Failure {
    /// A failure before anything was done.
    pub fn new(text: impl Into<String>, hint: Option<String>, status: u8) -> Self {
        let hint = hint.map(|hint| shown(&hint).into_owned());
        Self { text: shown(&text.into()).into_owned(), shown: None, hint, status, done: None }
    }

    /// A refusal that is rendered, with colours or without.
    pub fn rendered(render: impl Fn(bool) -> String) -> Self {
        let plain = render(false);
        let text = plain.trim_end();
        let shown = Some(render(true).trim_end().to_owned());
        Self { shown, ..Self::new(text.strip_prefix("error: ").unwrap_or(text), None, REFUSED) }
    }

    /// Wrong usage.
    pub fn usage(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(text, Some(hint.into()), REFUSED)
    }
}

impl Failure {
    /// The end of a run that only looks: it says nothing of what was looked at.
    #[must_use]
    pub fn of_this_machine(self) -> Self {
        Self { status: REFUSED, ..self }
    }
}

/// An error's text with those of its sources that it does not already contain, as it may be printed: much of it was written
/// by servers, by other programs and in the files of others.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    shown(&text).into_owned()
}

macro_rules! failures {
    ($($error:ty => $status:expr, $hint:expr;)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let status: fn(&$error) -> u8 = $status;
                let hint: fn(&$error) -> Option<String> = $hint;
                Self::new(chain(&error), hint(&error), status(&error))
            }
        }
    )*};
}

failures! {
    atomic::PathError => |_| INCOMPLETE, |_| None;
    attest::Error => |_| REFUSED, attest::Error::hint;
    audit::Error => |_| REFUSED, audit::Error::hint;
    build::Error => |e| if e.is_usage() { REFUSED } else { INCOMPLETE }, build::Error::hint;
    changelog::Error => |_| REFUSED, changelog::Error::hint;
    files::Error => |_| REFUSED, files::Error::hint;
    forge::Error => |e| if e.is_refusal() { REFUSED } else { INCOMPLETE }, forge::Error::hint;
    git::Error => |_| REFUSED, git::Error::hint;
    publish::reuse::Error => |_| INCOMPLETE, publish::reuse::Error::hint;
    graph::Error => |_| INCOMPLETE, graph::Error::hint;
    licences::Error => |_| INCOMPLETE, licences::Error::hint;
    package::Error => |_| INCOMPLETE, package::Error::hint;
    part::Error => |_| INCOMPLETE, |_| None;
    promote::Error => |e| if matches!(e, promote::Error::Refused(_) | promote::Error::Tag(_)) { REFUSED } else { INCOMPLETE }, promote::Error::hint;
    registry::Error => |e| if e.is_usage() { REFUSED } else { INCOMPLETE }, registry::Error::hint;
    reproduce::Error => |_| INCOMPLETE, |_| None;
    sbom::Error => |_| INCOMPLETE, sbom::Error::hint;
    watch::Error => |_| REFUSED, watch::Error::hint;
    serde_json::Error => |_| INCOMPLETE, |_| None;
}

impl From<publish::Error> for Failure {
    fn from(error: publish::Error) -> Self {
        let status = if error.is_refusal() { REFUSED } else { INCOMPLETE };
        let failure = Self::new(chain(&error), error.hint(), status);
        let done = if let publish::Error::Stopped { outcome, .. } = error { Some(outcome) } else { None };
        Self { done, ..failure }
    }
}

impl From<table::Error> for Failure {
    fn from(error: table::Error) -> Self {
        Self::rendered(|colour| error.render(colour))
    }
}

impl From<plan::Error> for Failure {
    fn from(error: plan::Error) -> Self {
        Self::rendered(|colour| error.render(colour))
    }
}

impl From<rehearse::Error> for Failure {
    fn from(error: rehearse::Error) -> Self {
        match error {
            rehearse::Error::Plan(e) => e.into(),
            rehearse::Error::Build(e) => e.into(),
            rehearse::Error::Publish(e) if !e.is_refusal() => e.into(),
            other => Self::new(chain(&other), other.hint(), INCOMPLETE),
        }
    }
}
