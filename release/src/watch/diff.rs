//! Wanted issue − open issues = actions. Pure: no clock, no network.

use std::fmt;

use serde::Serialize;

use crate::forge::github::{Closing, Issue};

/// The text that the one open issue should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// One line.
    pub title: String,
    /// Markdown; its first line is the marker.
    pub body: String,
}

/// An open issue of the watch, and the comments that it has from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The issue.
    pub issue: Issue,
    /// The texts of the watch's own comments.
    pub comments: Vec<String>,
}

/// One write to the forge. [`diff`] returns them in order; `--dry-run` prints one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open the issue.
    Open(Wanted),
    /// Set its title and its text.
    Edit {
        /// The issue.
        number: u64,
        /// The text.
        wanted: Wanted,
    },
    /// Say on an issue why it is closed.
    Comment {
        /// The issue.
        number: u64,
        /// The text.
        body: String,
    },
    /// Close it.
    Close {
        /// The issue.
        number: u64,
        /// The reason.
        why: Closing,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(_) => f.write_str("open the issue"),
            Self::Edit { number, .. } => write!(f, "edit issue #{number}"),
            Self::Comment { number, .. } => write!(f, "comment on issue #{number}"),
            Self::Close { number, .. } => write!(f, "close issue #{number}"),
        }
    }
}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Returns the actions that leave exactly one open issue with the wanted text, or none where nothing is wanted. The oldest
/// issue is kept. `closing` is the comment for an issue whose matter is settled.
pub fn diff(wanted: Option<&Wanted>, seen: &[Seen], closing: &str) -> Vec<Action> {
    let mut open: Vec<&Seen> = seen.iter().collect();
    open.sort_by_key(|seen| seen.issue.number);
    let Some(wanted) = wanted else {
        return open.iter().flat_map(|seen| close(seen, closing, Closing::Completed)).collect();
    };
    let Some((kept, rest)) = open.split_first() else { return vec![Action::Open(wanted.clone())] };
    let number = kept.issue.number;
    let is_same = (same(&kept.issue.title), same(&kept.issue.body)) == (same(&wanted.title), same(&wanted.body));
    let edit = (!is_same).then(|| Action::Edit { number, wanted: wanted.clone() });
    let second = format!("Issue #{number} reports the same. This one is closed.");
    let rest = rest.iter().flat_map(|seen| close(seen, &second, Closing::NotPlanned));
    edit.into_iter().chain(rest).collect()
}

/// Forges trim texts.
fn same(text: &str) -> &str {
    text.trim()
}

fn close(seen: &Seen, comment: &str, why: Closing) -> Vec<Action> {
    let number = seen.issue.number;
    let is_said = seen.comments.iter().any(|said| same(said) == same(comment));
    let say = (!is_said).then(|| Action::Comment { number, body: comment.to_owned() });
    say.into_iter().chain([Action::Close { number, why }]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(body: &str) -> Wanted {
        Wanted { title: "t".to_owned(), body: body.to_owned() }
    }

    fn seen(number: u64, body: &str, comments: &[&str]) -> Seen {
        let (author, title) = ("a".to_owned(), "t".to_owned());
        let issue = Issue { number, author, title, body: body.to_owned(), labels: vec![] };
        Seen { issue, comments: comments.iter().map(ToString::to_string).collect() }
    }

    fn said(wanted: Option<&Wanted>, seen: &[Seen]) -> Vec<String> {
        diff(wanted, seen, "fine").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_issue_is_opened_edited_and_closed_and_nothing_is_done_twice() {
        let finding = wanted("x\n");
        assert_eq!(said(Some(&finding), &[]), ["open the issue"]);
        assert!(said(Some(&finding), &[seen(7, "x", &[])]).is_empty());
        assert_eq!(said(Some(&finding), &[seen(7, "y", &["fine"])]), ["edit issue #7"]);
        assert_eq!(said(None, &[seen(7, "x", &["more"])]), ["comment on issue #7", "close issue #7"]);
        assert_eq!(said(None, &[seen(7, "x", &["fine\n"])]), ["close issue #7"], "stopped after the comment");
        assert!(said(None, &[]).is_empty());
    }

    #[test]
    fn of_two_issues_the_older_is_kept() {
        let both = [seen(9, "x", &[]), seen(7, "x", &[])];
        assert_eq!(said(Some(&wanted("x")), &both), ["comment on issue #9", "close issue #9"]);
        assert_eq!(said(None, &both).len(), 4);
    }
}
