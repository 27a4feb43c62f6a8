//! Notes of one release and the whole CHANGELOG.md, from commit subjects by `cliff.toml`.
//!
//! git-cliff's own library parses and renders; which commits belong to which release is decided here in the same way as
//! the git-cliff program does it, so that both give the same text. Dates are those of commits, never of today, and nothing
//! but the local history is read.

mod history;
mod length;
mod merges;
mod reverts;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use git_cliff_core::changelog::Changelog;
use git_cliff_core::config::{CommitParser, Config};
use git_cliff_core::release::Release;
use semver::Version;

use crate::atomic::{self, At as _, PathError};
use crate::git;
use crate::name;
use crate::public::Public;
use crate::table::{self, Source, Table};
use history::{Boundaries, History};
pub use length::{fitted, is_cut};

/// The file that says how notes are made.
pub const CONFIG: &str = "cliff.toml";
/// The file that [`write()`] writes.
pub const FILE: &str = "CHANGELOG.md";
/// The group of `cliff.toml` that its template does not show.
const HIDDEN: &str = "Hidden";
/// The group of commits that this program leaves out, highlights included.
const UNLISTED: &str = "Unlisted";
/// The group of `cliff.toml` for commits that no other rule matches.
const OTHER: &str = "Other";

/// A commit, for messages.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Commit {
    /// Full id.
    pub id: String,
    /// First line of its message.
    pub subject: String,
}

impl Commit {
    fn new(id: &str, message: &str) -> Self {
        Self { id: id.to_owned(), subject: message.lines().next().unwrap_or_default().to_owned() }
    }
}

impl std::fmt::Display for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", name::short(&self.id), self.subject)
    }
}

/// Which release's notes are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// That of an existing tag, as it was tagged.
    Tagged(String),
    /// That which HEAD would be under this tag; one that exists at an older commit counts as the previous release.
    Upcoming(String),
}

impl Request {
    /// The release of an existing tag, else what HEAD would be under that name.
    pub fn of(checkout: &git::Checkout, tag: &str) -> Result<Self, git::Error> {
        let exists = checkout.tags()?.contains_key(tag);
        Ok(if exists { Self::Tagged(tag.to_owned()) } else { Self::Upcoming(tag.to_owned()) })
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        match self {
            Self::Tagged(tag) | Self::Upcoming(tag) => tag,
        }
    }
}

/// The notes of one release, with the warnings of their making.
#[derive(Debug, Clone)]
pub struct Notes {
    /// The section of that release, with its heading; no header of the file.
    pub markdown: String,
    /// The release before it, in this history.
    pub previous: Option<String>,
    /// Commits that are not in the conventional form. They are listed under "Other".
    pub unconventional: Vec<Commit>,
    /// Whether there is nothing that a user would notice.
    pub is_empty: bool,
    /// The least version that these commits ask for, where there is a release before.
    pub asked: Option<Asked>,
    /// Commits that were reverted before this release, and their reverts: neither are in the notes.
    pub cancelled: Vec<Commit>,
    /// The whole length in characters of notes that were cut, as no forge takes them.
    pub cut_from: Option<usize>,
}

/// The version that the commits since the previous release ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The least version.
    pub version: Version,
    /// The commits that ask for this step and not for a smaller one.
    pub commits: Vec<Commit>,
}

/// The reason why no notes could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `cliff.toml` is missing or not readable, or `CHANGELOG.md` not writable.
    #[error(transparent)]
    File(#[from] PathError),
    /// `cliff.toml` is not what git-cliff understands.
    #[error("{}: {message}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The problem.
        message: String,
        /// Its text.
        text: String,
        /// Where, in bytes.
        span: Option<Range<usize>>,
    },
    /// The checkout cannot be read.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] table::Error),
    /// A tag that does not exist was asked for as an existing one.
    #[error("there is no tag {tag} in {}", root.display())]
    NoTag {
        /// The tag.
        tag: String,
        /// The checkout.
        root: PathBuf,
    },
    /// git-cliff stopped.
    #[error("git-cliff cannot {what}: {source}")]
    Cliff {
        /// The operation, as a verb.
        what: &'static str,
        /// The message of the server.
        source: Box<git_cliff_core::error::Error>,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(e) if e.path.ends_with(CONFIG) => {
                Some(format!("{CONFIG} belongs into the top folder, see the repository's"))
            }
            Self::Config { .. } => {
                Some("every key must stand in the file; git-cliff.org/docs/configuration lists them".to_owned())
            }
            Self::NoTag { .. } => {
                Some("`git tag --list 'v*'` shows those there are; `git fetch --tags` brings the forge's".to_owned())
            }
            Self::Git(e) => e.hint(),
            Self::Table(e) => e.hint(),
            Self::File(_) | Self::Cliff { .. } => None,
        }
    }
}

/// The notes of one release: of what came after the last version that is public, as far as that is known.
pub fn notes(root: &Path, request: &Request, public: &Public) -> Result<Notes, Error> {
    let table = table(root)?;
    let mut config = config(root)?;
    let boundaries = Boundaries { config: &config, table: table.as_ref(), public };
    let mut history = History::of_release(root, &boundaries, request)?;
    let cancelled = std::mem::take(&mut history.cancelled);
    config.git.commit_parsers.splice(0..0, cancelled.iter().map(|commit| unlisted(&commit.id)));
    let stood_for = merges::told(&mut history, &config)?;
    config.git.commit_parsers.splice(0..0, stood_for.iter().map(|id| unlisted(id)));
    let previous = history.previous.clone();
    let asked = asked(&history, &config, &cancelled)?;
    let mut changelog =
        Changelog::new(history.releases, body_only(config), None).map_err(cannot("read the commits"))?;
    changelog.releases.retain(|release| release.version.as_deref() == Some(request.tag()));
    let markdown = render(&changelog)?;
    let commits: Vec<_> = changelog.releases.iter().flat_map(|release| &release.commits).collect();
    let is_empty = commits.iter().all(|commit| matches!(commit.group.as_deref(), Some(HIDDEN | UNLISTED)));
    let unconventional = commits.iter().filter(|c| c.conv.is_none() && c.group.as_deref() == Some(OTHER));
    let unconventional = unconventional.map(|c| named(c)).collect();
    let cancelled = cancelled.iter().map(|c| Commit::new(&c.id, &c.message)).collect();
    let repository = table.as_ref().map_or_else(String::new, |table| table.forge.github.get_ref().clone());
    let whole = format!("https://github.com/{repository}/blob/{}/{FILE}", request.tag());
    let (markdown, cut_from) = length::cut(trimmed(&markdown), &whole, 0);
    Ok(Notes { markdown, previous, unconventional, is_empty, asked, cancelled, cut_from })
}

/// The whole CHANGELOG.md of HEAD's history. What is not released yet stands under `upcoming`, or under "Unreleased"
/// where that is not given or is a release already.
pub fn whole(root: &Path, upcoming: Option<&str>) -> Result<String, Error> {
    let table = table(root)?;
    let config = config(root)?;
    let boundaries = Boundaries { config: &config, table: table.as_ref(), public: &Public::default() };
    let history = History::whole(root, &boundaries, upcoming)?;
    let changelog = Changelog::new(history.releases, config, None).map_err(cannot("read the commits"))?;
    render(&changelog)
}

/// Writes [`whole()`] to CHANGELOG.md and says whether that changed the file.
pub fn write(root: &Path, upcoming: Option<&str>) -> Result<bool, Error> {
    let text = whole(root, upcoming)?;
    let path = root.join(FILE);
    let unchanged = fs::read_to_string(&path).is_ok_and(|before| before == text);
    if !unchanged {
        atomic::write(&path, text.as_bytes())?;
    }
    Ok(!unchanged)
}

/// The table beside `cliff.toml`, where there is one.
fn table(root: &Path) -> Result<Option<Table>, Error> {
    if root.join(table::FILE).is_file() { Ok(Some(Source::read(root)?.table)) } else { Ok(None) }
}

/// Reads `cliff.toml` as it stands. git-cliff's own loader would let `GIT_CLIFF__*` variables change it, and so the same
/// commit could have other notes on another machine.
fn config(root: &Path) -> Result<Config, Error> {
    let path = root.join(CONFIG);
    let text = fs::read_to_string(&path).at("read", &path)?;
    match toml::from_str::<Config>(&text) {
        Ok(mut config) => {
            config.remote.offline = true;
            config.git.commit_parsers.splice(0..0, ignored(root)?);
            Ok(config)
        }
        Err(e) => Err(Error::Config { path, message: e.message().to_owned(), span: e.span(), text }),
    }
}

/// The commits that `.cliffignore` names, as git-cliff reads it.
fn ignored(root: &Path) -> Result<Vec<CommitParser>, Error> {
    let path = root.join(git_cliff_core::IGNORE_FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).at("read", &path)?;
    let ids = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(ids.map(|id| CommitParser { sha: Some(id.to_owned()), skip: Some(true), ..CommitParser::default() }).collect())
}

/// The version that the commits of the last release in `history` ask for, by git-cliff's rules and `[bump]`.
fn asked(history: &History, config: &Config, cancelled: &[git::Commit]) -> Result<Option<Asked>, Error> {
    let (Some(base), Some(last)) = (&history.base, history.releases.last()) else { return Ok(None) };
    let before = Release { version: Some(name::Tag::of(base).to_string()), ..Release::default() };
    let mut commits = last.commits.clone();
    commits.retain(|c| !cancelled.iter().any(|gone| gone.id == c.id) && !is_quiet_merge(c));
    let next = Release { commits, previous: Some(Box::new(before)), ..Release::default() };
    let mut changelog = Changelog::new(vec![next], config.clone(), None).map_err(cannot("read the commits"))?;
    let bumped = changelog.bump_version().map_err(cannot("find the next version"))?;
    let Some(version) = bumped.and_then(|text| Version::parse(text.trim_start_matches('v')).ok()) else {
        return Ok(None);
    };
    let commits = changelog.releases.iter().flat_map(|release| &release.commits);
    let weight = |c: &git_cliff_core::commit::Commit<'_>| match &c.conv {
        Some(conv) if conv.breaking() => 2,
        Some(conv) if conv.type_() == "feat" => 1,
        _ => 0,
    };
    let heaviest = commits.clone().map(weight).max().unwrap_or(0);
    let commits = commits.filter(|c| weight(c) == heaviest).map(named).collect();
    Ok(Some(Asked { version, commits }))
}

/// A merge has no say of its own, but for a breaking change, which its title may be alone to name; as in `cliff.toml`.
fn is_quiet_merge(commit: &git_cliff_core::commit::Commit<'_>) -> bool {
    let breaking = || commit.clone().into_conventional().ok().and_then(|c| c.conv).is_some_and(|conv| conv.breaking());
    commit.merge_commit && !breaking()
}

/// Returns a rule that leaves one commit out. It stays among the release's commits, of which the last one dates the release.
fn unlisted(id: &str) -> CommitParser {
    CommitParser { sha: Some(id.to_owned()), group: Some(UNLISTED.to_owned()), ..CommitParser::default() }
}

fn body_only(mut config: Config) -> Config {
    config.changelog.header = None;
    config.changelog.footer = None;
    config
}

fn render(changelog: &Changelog<'_>) -> Result<String, Error> {
    let mut bytes = Vec::new();
    changelog.generate(&mut bytes).map_err(cannot("render the notes"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn trimmed(markdown: &str) -> String {
    let text = markdown.trim();
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

fn named(commit: &git_cliff_core::commit::Commit<'_>) -> Commit {
    Commit::new(&commit.id, commit.raw_message())
}

fn cannot(what: &'static str) -> impl Fn(git_cliff_core::error::Error) -> Error {
    move |source| Error::Cliff { what, source: Box::new(source) }
}
