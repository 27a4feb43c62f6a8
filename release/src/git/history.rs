//! Commits and tags.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Checkout, Error};

/// An author or committer, with the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Seconds since 1970.
    pub time: i64,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Full id.
    pub id: String,
    /// Full ids of its parents; a merge has several.
    pub parents: Vec<String>,
    /// The author.
    pub author: Signature,
    /// The committer.
    pub committer: Signature,
    /// The whole message in UTF-8, whatever it was written in.
    pub message: String,
}

/// A tag that leads to a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// Full id of the commit.
    pub commit: String,
    /// The message of an annotated tag, without its signature.
    pub message: Option<String>,
}

/// Fields of a commit as `git log` prints them, each ended by NUL.
const FIELDS: [&str; 9] = ["%H", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%B"];

impl Checkout {
    /// The commits that `end`'s history has and `before`'s has not, newest first: by their time, or with `by_branch` so that
    /// a branch's commits stay together.
    pub fn commits(&self, end: &str, before: Option<&str>, by_branch: bool) -> Result<Vec<Commit>, Error> {
        let what = "read the history";
        let format = format!("--format=tformat:{}", FIELDS.join("%x00"));
        let mut arguments = vec!["log", "-z", "--no-show-signature", "--no-color", "--encoding=UTF-8", &format];
        arguments.extend(by_branch.then_some("--topo-order"));
        let before = before.map(|id| format!("^{id}"));
        arguments.extend([end].into_iter().chain(before.as_deref()).chain(["--"]));
        let out = self.git.call(what, &arguments).output()?;
        let out = out.strip_suffix(b"\0").unwrap_or(&out);
        let fields: Vec<Cow<'_, str>> =
            if out.is_empty() { Vec::new() } else { out.split(|byte| *byte == 0).map(text).collect() };
        fields
            .chunks(FIELDS.len())
            .map(|c| commit(c).ok_or_else(|| self.git.strange(what, c.join(" ").as_bytes())))
            .collect()
    }

    /// Whether the repository has a commit of that id, or of one that begins so.
    pub fn has_commit(&self, id: &str) -> bool {
        let call = self.git.call("look for a commit", ["cat-file", "-e", &format!("{id}^{{commit}}")]);
        call.answer().is_ok_and(|answer| answer.success)
    }

    /// Every tag that leads to a commit, by name; with `end`, those whose commit is in its history.
    pub fn tags_within(&self, end: Option<&str>) -> Result<Vec<Tag>, Error> {
        let what = "list the tags";
        let format = "--format=%(refname)%00%(if:equals=tag)%(objecttype)%(then)%(contents)%(end)%00";
        let merged = end.map(|id| format!("--merged={id}"));
        let arguments = ["for-each-ref", format].into_iter().chain(merged.as_deref()).chain(["refs/tags"]);
        let out = self.git.call(what, arguments).output()?;
        // Names that are no text are not those of a version.
        let fields: Vec<&[u8]> = out.split(|byte| *byte == 0).collect();
        let named = fields.chunks_exact(2).filter_map(|pair| {
            let [name, message] = pair else { return None };
            let name = std::str::from_utf8(name).ok()?.trim_start_matches('\n').strip_prefix("refs/tags/")?;
            Some((name, unsigned(&text(message))))
        });
        let named: Vec<_> = named.collect();
        let commits = self.peeled(&named.iter().map(|(name, _)| *name).collect::<Vec<_>>())?;
        let tag = |((name, message), commit): (_, Option<String>)| {
            let (name, message): (&str, String) = (name, message);
            Some(Tag { name: name.to_owned(), commit: commit?, message: (!message.is_empty()).then_some(message) })
        };
        Ok(named.into_iter().zip(commits).filter_map(tag).collect())
    }

    /// The commits that tags lead to, in their order; `None` for a tag of something else.
    fn peeled(&self, names: &[&str]) -> Result<Vec<Option<String>>, Error> {
        let what = "look at the tags";
        let asked: String = names.iter().flat_map(|name| ["refs/tags/", name, "^{commit}\n"]).collect();
        let form = "--batch-check=%(objecttype) %(objectname)";
        let out = self.git.call(what, ["cat-file", form]).input(asked.into_bytes()).output()?;
        let text = String::from_utf8_lossy(&out);
        let found: Vec<Option<String>> =
            text.lines().map(|line| line.strip_prefix("commit ").map(str::to_owned)).collect();
        if found.len() == names.len() { Ok(found) } else { Err(self.git.strange(what, &out)) }
    }

    /// When these commits were committed, in seconds since 1970.
    pub fn times(&self, commits: &[&str]) -> Result<HashMap<String, i64>, Error> {
        let what = "read the times of the tags";
        if commits.is_empty() {
            return Ok(HashMap::new());
        }
        let asked = commits.join("\n") + "\n";
        let call = self.git.call(what, ["rev-list", "--no-walk=unsorted", "--timestamp", "--stdin"]);
        let out = call.input(asked.into_bytes()).output()?;
        let text = String::from_utf8_lossy(&out);
        let time = |line: &str| {
            let (time, id) = line.split_once(' ')?;
            Some((id.to_owned(), time.parse().ok()?))
        };
        text.lines().map(|line| time(line).ok_or_else(|| self.git.strange(what, line.as_bytes()))).collect()
    }

    /// Those of the commits that change this one file and nothing else, against their first parent.
    pub fn changing_only(&self, commits: &[Commit], file: &str) -> Result<HashSet<String>, Error> {
        let pair = |commit: &Commit| Some(format!("{} {}\n", commit.id, commit.parents.first()?));
        let asked: String = commits.iter().filter_map(pair).collect();
        let options = ["diff-tree", "--stdin", "-z", "-r", "--name-only", "--no-renames"];
        let out = self.git.call("read the history", options).input(asked.into_bytes()).output()?;
        let ids: HashSet<&[u8]> = commits.iter().map(|commit| commit.id.as_bytes()).collect();
        let mut only = HashSet::new();
        let mut current = None;
        for word in out.split(|byte| *byte == 0).filter(|word| !word.is_empty()) {
            if let Some(id) = ids.get(word) {
                current = Some(String::from_utf8_lossy(id).into_owned());
                continue;
            }
            let Some(id) = &current else { continue };
            if word == file.as_bytes() {
                only.insert(id.clone());
            } else {
                only.remove(id);
                current = None;
            }
        }
        Ok(only)
    }
}

/// Git turns what a commit says it is written in into UTF-8. What says nothing, or not the truth, is taken for Windows-1252,
/// which has every letter of ISO-8859-1: better a wrong letter than a commit that is not there.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| windows_1252(*byte)).collect()),
    }
}

fn windows_1252(byte: u8) -> char {
    const UPPER: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let upper = byte.checked_sub(0x80).and_then(|at| UPPER.get(usize::from(at)));
    upper.copied().unwrap_or(char::from(byte))
}

fn commit(fields: &[Cow<'_, str>]) -> Option<Commit> {
    let [id, parents, author, author_email, author_time, committer, committer_email, time, message] = fields else {
        return None;
    };
    let signature = |name: &str, email: &str, time: &str| {
        Some(Signature { name: name.to_owned(), email: email.to_owned(), time: time.parse().unwrap_or_default() })
    };
    Some(Commit {
        id: id.to_string(),
        parents: parents.split_whitespace().map(str::to_owned).collect(),
        author: signature(author, author_email, author_time)?,
        committer: signature(committer, committer_email, time)?,
        message: message.trim_start_matches('\n').trim_end().to_owned(),
    })
}

/// A tag's message without the signature that stands below it (gitformat-signature(5)).
fn unsigned(message: &str) -> String {
    let begins = |line: &&str| {
        ["PGP SIGNATURE", "PGP MESSAGE", "SSH SIGNATURE", "SIGNED MESSAGE"]
            .iter()
            .any(|kind| **line == format!("-----BEGIN {kind}-----"))
    };
    let lines: Vec<&str> = message.lines().take_while(|line| !begins(line)).collect();
    lines.join("\n").trim().to_owned()
}
