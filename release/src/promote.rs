//! Promote: `latest`, on the forge and in the registries, moves to a release that has been verified in public.

use semver::Version;
use serde::Serialize;

use crate::forge;
use crate::publish::known::{self, LATEST};
use crate::publish::{Refusal, diff};
use crate::registry;
use crate::verify::{Report, Request};

/// What was moved, or would be.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The version that was asked for.
    pub version: Version,
    /// One sentence per place that changes.
    pub moves: Vec<String>,
    /// Why nothing moves where nothing does.
    pub stays: Option<String>,
}

/// Why `latest` stays where it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It must not move there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The release failed verification.
    #[error("{tag} is not promoted: row {} failed: {}", row.number, row.evidence)]
    Unverified {
        /// The release's tag.
        tag: String,
        /// The first row that failed.
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
    /// The tag is none.
    #[error("{0} is not v and a semantic version")]
    Tag(String),
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => Some(refusal.hint()),
            Self::Unverified { .. } => Some("finish it with `sayna-release publish`, then promote again".to_owned()),
            _ => None,
        }
    }
}

/// Moves `latest` to a verified release. `back` allows an older version, on purpose; `dry_run` only says what it would do.
pub fn run(request: &Request<'_>, report: &Report, back: bool, dry_run: bool) -> Result<Outcome, Error> {
    let version = known::version_of_tag(request.tag).ok_or_else(|| Error::Tag(request.tag.to_owned()))?;
    if !version.pre.is_empty() {
        // Refused by the rule itself, before anything is read.
        diff::latest(&version, None, &[], back)?;
    }
    // Whether `latest` is right is what is about to be mended: every other row has to hold.
    let broken = report.rows.iter().find(|r| r.id != "latest" && r.verdict.stops_promotion());
    if let Some(row) = broken {
        return Err(Error::Unverified { tag: request.tag.to_owned(), row: row.clone() });
    }
    let all = known::stable(request.forge, request.registries, request.git_versions)?;
    let mut moves = Vec::new();
    let current = known::forge_latest(request.forge)?;
    let moving = diff::latest(&version, current.as_ref(), &all, back)?;
    if moving {
        moves.push(format!("{}: latest = {}", request.forge.name(), request.tag));
    }
    // What a forge has picked itself, it takes from it again when the next release is public.
    let picked = current.as_ref() == Some(&version) && request.forge.picks_latest();
    if (moving || picked) && !dry_run {
        let public = request.forge.releases(request.tag)?.into_iter().find(|release| !release.draft);
        let missing = || forge::Error::Missing { forge: request.forge.name(), what: request.tag.to_owned() };
        request.forge.set_latest(&public.ok_or_else(missing)?.id)?;
    }
    for registry in request.registries {
        let Some(index) = report.index else { continue };
        if diff::latest(&version, known::registry_latest(*registry)?.as_ref(), &all, back)? {
            moves.push(format!("{}: {LATEST} = {}", registry.name(), index));
            if !dry_run {
                registry.tag(LATEST, index)?;
            }
        }
    }
    let newest = all.iter().max().filter(|newest| **newest > version);
    let stays = match (moves.is_empty(), newest) {
        (false, _) => None,
        (true, Some(newest)) => Some(format!("{newest} is newer and keeps `latest`")),
        (true, None) => Some(format!("{version} is `latest` already")),
    };
    Ok(Outcome { version, moves, stays })
}
