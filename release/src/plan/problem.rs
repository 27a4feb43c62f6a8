//! Findings of a plan: one value each, all of them at once.

use std::ops::Range;

use serde::Serialize;

use crate::changelog::Commit;
use crate::snippet::{self, Message, Place, Severity};
use crate::table::Source;

/// A finding of the plan, with its place and the next step. The list of [`super::PlanReport`] that it is in decides whether it
/// stops a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A stable name for programs, such as `tree-dirty`.
    pub kind: &'static str,
    /// The problem and its place, in a sentence without a full stop.
    pub message: String,
    /// The next step.
    pub hint: Option<String>,
    /// The place in the table, in bytes.
    #[serde(skip)]
    pub span: Option<Range<usize>>,
    /// The commits that it is about.
    pub commits: Vec<Commit>,
}

impl Problem {
    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, span: None, commits: Vec::new() }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    pub(super) fn about(mut self, commits: Vec<Commit>) -> Self {
        self.commits = commits;
        self
    }

    /// As text for people: `prefix` and the message, the line of the table, the commits, the next step.
    pub fn render(&self, severity: Severity, prefix: &str, table: &Source, colour: bool) -> String {
        let commits = self.commits.iter().take(SHOWN).map(|commit| format!("\n  {commit}"));
        let more = self.commits.len().saturating_sub(SHOWN);
        let more = (more > 0).then(|| format!("\n  … and {more} more"));
        let title: String = std::iter::once(format!("{prefix}{}", self.message)).chain(commits).chain(more).collect();
        let place = |span: &Range<usize>| Place { path: table.path.as_path(), text: &table.text, span: span.clone() };
        let place = self.span.as_ref().map(place);
        let message = Message { severity, title: &title, place, hint: self.hint.as_deref() };
        snippet::render(&message, colour)
    }
}

/// How many commits or files a message for people lists; the JSON form lists all.
pub(super) const SHOWN: usize = 5;
