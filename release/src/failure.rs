//! What the program says when it cannot go on: one text, one way out, one exit status.

use crate::table;
use crate::verify::files;
use crate::{atomic, attest, held, rehearse, reproduce, sbom};
use crate::{audit, build, changelog, forge, git, graph, licences, package, part, plan, promote, publish, registry};

/// A check failed, or work is left.
pub const INCOMPLETE: u8 = 1;
/// Refused, wrong usage, or something that cannot be read.
pub const REFUSED: u8 = 2;

/// The end of a run that did not succeed. `main` prints it.
#[derive(Debug)]
pub struct Failure {
    /// What was wrong, and where.
    pub text: String,
    /// What to do next, where the text does not say it already.
    pub hint: Option<String>,
    /// The exit status.
    pub status: u8,
}

impl Failure {
    /// Wrong usage.
    pub fn usage(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { text: text.into(), hint: Some(hint.into()), status: REFUSED }
    }
}

/// An error's text with those of its sources that it does not already contain.
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
    text
}

macro_rules! failures {
    ($($error:ty => $status:expr, $hint:expr;)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let status: fn(&$error) -> u8 = $status;
                let hint: fn(&$error) -> Option<String> = $hint;
                Self { status: status(&error), hint: hint(&error), text: chain(&error) }
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
    held::Error => |_| INCOMPLETE, held::Error::hint;
    graph::Error => |_| INCOMPLETE, graph::Error::hint;
    licences::Error => |_| INCOMPLETE, licences::Error::hint;
    package::Error => |_| INCOMPLETE, package::Error::hint;
    part::Error => |_| INCOMPLETE, |_| None;
    promote::Error => |e| if matches!(e, promote::Error::Refused(_) | promote::Error::Tag(_)) { REFUSED } else { INCOMPLETE }, promote::Error::hint;
    publish::Error => |e| if e.is_refusal() { REFUSED } else { INCOMPLETE }, publish::Error::hint;
    registry::Error => |e| if e.is_usage() { REFUSED } else { INCOMPLETE }, registry::Error::hint;
    reproduce::Error => |_| INCOMPLETE, |_| None;
    sbom::Error => |_| INCOMPLETE, sbom::Error::hint;
    serde_json::Error => |_| INCOMPLETE, |_| None;
}

impl From<table::Error> for Failure {
    fn from(error: table::Error) -> Self {
        Self { text: error.render(true), hint: None, status: REFUSED }
    }
}

impl From<plan::Error> for Failure {
    fn from(error: plan::Error) -> Self {
        Self { text: error.render(true), hint: None, status: REFUSED }
    }
}

impl From<rehearse::Error> for Failure {
    fn from(error: rehearse::Error) -> Self {
        match error {
            rehearse::Error::Plan(e) => e.into(),
            rehearse::Error::Build(e) => e.into(),
            other => Self { hint: other.hint(), text: chain(&other), status: INCOMPLETE },
        }
    }
}
