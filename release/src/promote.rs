//! Promote: `latest`, on the forge and in the registries, moves to a release that has been verified in public.

use semver::Version;
use serde::Serialize;

use crate::digest::Digest;
use crate::forge::{self, Forge};
use crate::name::{NotATag, Tag};
use crate::publish::known::{self, Known, LATEST, Latest};
use crate::publish::{Refusal, diff};
use crate::registry::{self, Registry};
use crate::verify::{Report, Request, Verdict};

/// The result of a promotion: the moves that were made, or would be.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The version that was asked for.
    pub version: Version,
    /// One sentence per place that changes.
    pub moves: Vec<String>,
    /// The reason where nothing moves.
    pub stays: Option<String>,
    /// Findings that do not count: newer versions that only Git has, a foreign `latest` that stays.
    pub notes: Vec<String>,
}

fn outcome(row: &crate::verify::Row) -> &'static str {
    if row.verdict == Verdict::NotSeen { "was not seen" } else { "failed" }
}

/// The reason why `latest` is not moved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It must not move there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The release failed verification, or could not be verified.
    #[error("{tag} is not promoted: row {} {}: {}", row.number, outcome(row), row.evidence)]
    Unverified {
        /// The release's tag.
        tag: String,
        /// The first row that does not hold.
        row: crate::verify::Row,
    },
    /// Forge or registries could not be read.
    #[error(transparent)]
    Known(#[from] known::Error),
    /// The forge could not do something.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// A registry could not do something.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// A place could not be written after others were.
    #[error("{source}; {}", sentence(done, left))]
    Partly {
        /// One sentence per place that was written, in the order of the run.
        done: Vec<String>,
        /// The same of those that were not; the first is the one that failed.
        left: Vec<String>,
        /// The error that ended the run.
        source: Box<Self>,
    },
    /// The text is not a release tag.
    #[error(transparent)]
    Tag(#[from] NotATag),
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => Some(refusal.hint()),
            Self::Unverified { row, .. } if row.verdict == Verdict::NotSeen => {
                Some("it could not be verified from here: see to the cause, then promote again".to_owned())
            }
            Self::Unverified { .. } => Some("finish it with `sayna-release publish`, then promote again".to_owned()),
            Self::Partly { .. } => Some("promote again: it does what is left".to_owned()),
            _ => None,
        }
    }
}

/// Moves `latest` to a verified release. `back` allows an older version, on purpose; `dry_run` only says what it would do.
pub fn run(request: &Request<'_>, report: &Report, back: bool, dry_run: bool) -> Result<Outcome, Error> {
    let version = request.tag.parse::<Tag>()?.into_version();
    if !version.pre.is_empty() {
        // Refused by the rule itself, before anything is read.
        diff::latest(&version, None, &[], back)?;
    }
    // Whether `latest` is right is what is about to be mended: every other row has to hold.
    let broken = report.rows.iter().find(|r| r.id != "latest" && r.verdict.stops_promotion());
    if let Some(row) = broken {
        return Err(Error::Unverified { tag: request.tag.to_owned(), row: row.clone() });
    }
    let known = Known::read(request.forge, request.registries, request.table, request.git_versions)?;
    let moves = Moves::decide(request, report, &Rule { known: &known, version: &version, back })?;
    if !dry_run {
        moves.execute(request.forge)?;
    }
    let stays = moves.said.is_empty().then(|| match known.newest().filter(|newest| **newest > version) {
        Some(newest) => format!("{newest} is newer and keeps `latest`"),
        None => format!("{version} is `latest` already"),
    });
    let mut notes: Vec<String> = known.not_counted(&version).into_iter().collect();
    notes.extend(moves.left);
    Ok(Outcome { version, moves: moves.said, stays, notes })
}

/// The inputs of the rule that decides whether `latest` of one place moves.
struct Rule<'a> {
    known: &'a Known,
    version: &'a Version,
    /// An older version than the newest is allowed.
    back: bool,
}

/// The writes of a promotion, decided when everything has been read.
#[derive(Default)]
struct Moves<'a> {
    /// The id of the release that is made `latest` on the forge.
    forge: Option<String>,
    registries: Vec<(&'a dyn Registry, Digest)>,
    /// One sentence per place that changes.
    said: Vec<String>,
    /// One per place whose `latest` is foreign and stays so.
    left: Vec<String>,
}

impl<'a> Moves<'a> {
    fn decide(request: &Request<'a>, report: &Report, rule: &Rule<'_>) -> Result<Self, Error> {
        let (known, version) = (rule.known, rule.version);
        let mut moves = Self::default();
        let forge = request.forge;
        if moves.place(&forge.name(), request.tag, &known.forge, rule)? {
            moves.forge = Some(public_id(forge, request.tag)?);
        } else if known.forge.version() == Some(version) && forge.picks_latest() {
            // What a forge has picked itself, it takes from it again when the next release is public.
            moves.forge = Some(public_id(forge, request.tag)?);
        }
        for (registry, latest) in request.registries.iter().zip(&known.registries) {
            let Some(index) = report.index else { continue };
            if moves.place(&registry.name(), &index.to_string(), latest, rule)? {
                // It is written by its bytes: where they cannot be had, nothing is moved anywhere.
                registry.manifest(index)?;
                moves.registries.push((*registry, index));
            }
        }
        Ok(moves)
    }

    /// Whether `latest` of one place moves; says so, or what is left there.
    fn place(&mut self, place: &str, to: &str, latest: &Latest, rule: &Rule<'_>) -> Result<bool, Error> {
        let moves = diff::latest(rule.version, latest.version(), &rule.known.public, rule.back)?;
        match (moves, latest) {
            (true, Latest::Foreign(_)) => self.said.push(format!("{place}: {LATEST} = {to}, in the place of {latest}")),
            (true, _) => self.said.push(format!("{place}: {LATEST} = {to}")),
            (false, Latest::Foreign(_)) => {
                let newest =
                    rule.known.newest().map_or_else(String::new, |v| format!("; `promote --tag v{v}` sets it"));
                self.left.push(format!("{place}: {LATEST} is {latest}{newest}"));
            }
            (false, _) => {}
        }
        Ok(moves)
    }

    fn execute(&self, forge: &dyn Forge) -> Result<(), Error> {
        let mut done = 0;
        let written = self.write(forge, &mut done);
        written.map_err(|source| {
            let (done, left) = self.said.split_at_checked(done).unwrap_or_default();
            Error::Partly { done: done.to_vec(), left: left.to_vec(), source: Box::new(source) }
        })
    }

    /// Writes each place in the order of `said`, and counts those that were written.
    fn write(&self, forge: &dyn Forge, done: &mut usize) -> Result<(), Error> {
        if let Some(id) = &self.forge {
            forge.set_latest(id)?;
            // What a forge had picked itself is set without a word.
            *done += usize::from(self.said.first().is_some_and(|said| said.starts_with(&forge.name())));
        }
        for (registry, index) in &self.registries {
            registry.tag(LATEST, *index)?;
            *done += 1;
        }
        Ok(())
    }
}

/// The places that were written, and those that were not.
fn sentence(done: &[String], left: &[String]) -> String {
    let list = |places: &[String]| if places.is_empty() { "nothing".to_owned() } else { places.join(", ") };
    format!("done: {}; not done: {}", list(done), list(left))
}

fn public_id(forge: &dyn Forge, tag: &str) -> Result<String, forge::Error> {
    let public = forge.releases(tag)?.into_iter().find(|release| !release.draft);
    let missing = || forge::Error::Missing { forge: forge.name(), what: tag.to_owned() };
    Ok(public.ok_or_else(missing)?.id)
}
