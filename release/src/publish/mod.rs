//! Publish: brings forge and registries to the state that plan and parts ask for, up to public.
//!
//! desired(plan, parts) − actual(forge, registries) = actions ([`diff`]), executed phase by phase over all tracks.
//! A second run finds nothing to do; a run after a stop at any point finishes the job.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::atomic::{self, PathError};
use crate::attest;
use crate::digest::Digest;
use crate::forge::{self, Draft, Forge, Release};
use crate::image::ImageIndex;
use crate::manifest::Manifest;
use crate::name::{self, SUMS};
use crate::notes;
use crate::package;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::registry;
use crate::sbom;
use crate::sums;

mod attested;
mod destinations;
pub mod diff;
pub mod known;
mod parts;
pub(crate) mod referrers;
pub mod reuse;
mod track;

pub use destinations::Destinations;
pub use diff::Refusal;
pub use parts::{Error as PartsError, Only, Parts};
use reuse::Published;
use track::{ForgeTrack, ImageTrack};

/// The folder of the index's bundle, below the folder of the parts.
pub const INDEX: &str = "index";

/// The names under which the image is attested, one line per repository in the form of `sha256sum`: the index's digest, two
/// spaces, the repository.
const SUBJECTS: &str = "image.subjects";

/// The choices of the caller: tracks, dry run, host parts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// One track alone.
    pub only: Option<Only>,
    /// Stop when the draft is complete and compared.
    pub until_draft: bool,
    /// Say what would be done, do nothing.
    pub dry_run: bool,
    /// Accept parts of another compiler, or assembled on a host.
    pub allow_host_parts: bool,
}

/// The result of a run, track by track: the forge, then each registry.
#[derive(Debug, Default, serde::Serialize)]
pub struct Outcome {
    /// One per track.
    pub tracks: Vec<TrackOutcome>,
}

/// The result of one track. Where a write was tried, the state was read again.
#[derive(Debug, serde::Serialize)]
pub struct TrackOutcome {
    /// The forge's or registry's name.
    pub name: String,
    /// The actions that were done, in order.
    pub actions: Vec<String>,
    /// Those that were not.
    pub left: Vec<String>,
    /// The error that stopped it; `None` when nothing is left to do.
    pub stopped: Option<String>,
}

impl Outcome {
    /// Whether every track reached its end.
    pub fn complete(&self) -> bool {
        self.tracks.iter().all(|t| t.stopped.is_none() && t.left.is_empty())
    }
}

/// The reason why nothing, or not everything, was published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The parts do not fit.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// The desired state must not be reached.
    #[error("{place}: {refusal}")]
    Refused {
        /// The forge or registry.
        place: String,
        /// The reason.
        refusal: Refusal,
    },
    /// The attestations do not prove what is published.
    #[error(transparent)]
    Attest(#[from] attest::Error),
    /// A published part cannot be reused.
    #[error(transparent)]
    Reuse(#[from] reuse::Error),
    /// The forge could not do something.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// A registry could not be read.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The image's SBOM.
    #[error(transparent)]
    Sbom(#[from] sbom::Error),
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// It ended in the middle.
    #[error("{cause}")]
    Stopped {
        /// The reason.
        #[source]
        cause: Box<Error>,
        /// The actions that were done until then, and those that are left.
        outcome: Outcome,
    },
    /// The uploaded draft differs from the planned one.
    #[error("{forge}: after uploading, the draft {tag} still differs: {action}")]
    Differs {
        /// The forge.
        forge: String,
        /// The release's tag.
        tag: String,
        /// The first thing that would be left to do.
        action: String,
    },
}

/// Of an error before anything is written, which are all but [`Error::Stopped`].
const UNCHANGED: &str = "nothing was changed; run this again";

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Stopped { cause, .. } => match cause.hint() {
                Some(hint) if hint != UNCHANGED => Some(hint),
                _ => Some("run this again: it does what is left".to_owned()),
            },
            Self::Refused { refusal, .. } => Some(refusal.hint()),
            Self::Parts(e) => e.hint(),
            Self::Attest(e) => e.hint(),
            Self::Reuse(e) if e.hint().is_some() => e.hint(),
            Self::Differs { .. } => Some("another process is writing to this draft; run this again".to_owned()),
            Self::Forge(e) if e.hint().is_some() => e.hint(),
            _ => Some(UNCHANGED.to_owned()),
        }
    }

    /// Whether it is a refusal (exit 2) and not a failure (exit 1).
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Attest(e) => !matches!(e, attest::Error::File(_)),
            Self::Parts(e) => {
                matches!(e, PartsError::Foreign { .. } | PartsError::Host { .. } | PartsError::OtherExecutable { .. })
            }
            Self::Forge(e) => e.is_refusal(),
            Self::Stopped { cause, .. } => cause.is_refusal(),
            _ => matches!(self, Self::Refused { .. }),
        }
    }
}

/// Converges forge and registries towards the plan.
///
/// A registry that fails delays its own track alone and is named in the outcome; the forge's failure ends the run.
pub fn run(
    plan: &Plan,
    dist: &Path,
    destinations: Destinations<'_>,
    options: Options,
    progress: &Progress,
) -> Result<Outcome, Error> {
    let parts = read_parts(plan, dist, destinations, options, progress)?;
    let reasons = parts.concerns(plan);
    if !reasons.is_empty() && (destinations.is_project_origin || !options.allow_host_parts) {
        return Err(PartsError::Host { reasons }.into());
    }
    let waiting = |who: &str| progress.line(who);
    let _forge_lock = destinations.forge.lock(&waiting)?;
    let actual = actual(destinations.forge, &plan.tag)?;
    let work = Work::prepare(&Inputs { plan, parts: &parts, dist, releases: &actual.releases, destinations, options })?;
    let mut forge = match options.only {
        Some(Only::Images) => None,
        _ => Some(ForgeTrack::plan(destinations.forge, &work, &actual)?),
    };
    let mut images = Vec::new();
    if let Some(index) = work.index.as_ref().filter(|_| options.only != Some(Only::Binaries)) {
        for registry in destinations.registries {
            images.push(ImageTrack::plan(*registry, &parts, index, &work, &waiting)?);
        }
    }
    let last = last_phase(options, &actual.releases);
    let done = if options.dry_run { Ok(()) } else { track::execute(&mut forge, &mut images, last, progress) };
    let read_again = !options.dry_run;
    let forge = forge.map(|t| t.outcome(last, read_again));
    let images = images.into_iter().map(|t| t.outcome(last, read_again));
    let outcome = Outcome { tracks: forge.into_iter().chain(images).collect() };
    match done {
        Ok(()) => Ok(outcome),
        Err(cause) => Err(Error::Stopped { cause: Box::new(cause), outcome }),
    }
}

/// Restores parts that are not in `dist` from the forge or a registry, so that a run that finishes another run's work need not
/// build them.
fn read_parts(
    plan: &Plan,
    dist: &Path,
    destinations: Destinations<'_>,
    options: Options,
    progress: &Progress,
) -> Result<Parts, Error> {
    let missing = match Parts::read(plan, dist, options.only) {
        Err(PartsError::Missing { missing, .. }) => missing,
        other => return Ok(other?),
    };
    if let Some(published) = Published::find(plan, destinations)? {
        let is_missing = |name: &str| missing.iter().any(|m| m == name);
        let said = |what: &str| progress.line(&format!("{what} is taken from what was published before"));
        for target in plan.targets.iter().filter(|t| is_missing(&t.folder)) {
            published.binary(target, dist)?.inspect(|_| said(&target.folder));
        }
        for platform in plan.image.iter().flat_map(|i| &i.platforms) {
            let name = platform.name();
            if is_missing(&name) {
                published.image(platform, dist)?.inspect(|_| said(&name));
            }
        }
    }
    Ok(Parts::read(plan, dist, options.only)?)
}

fn actual(forge: &dyn Forge, tag: &str) -> Result<diff::ActualRelease, Error> {
    Ok(diff::ActualRelease { tagged: forge.tagged(tag)?, releases: forge.releases(tag)? })
}

/// Everything that the files of a run are made from.
struct Inputs<'a> {
    plan: &'a Plan,
    parts: &'a Parts,
    /// The folder of the parts.
    dist: &'a Path,
    /// The releases of the plan's tag that the forge has.
    releases: &'a [Release],
    destinations: Destinations<'a>,
    options: Options,
}

/// The files that are made from plan and parts before anything is compared: the manifest and the index.
pub(crate) struct Work {
    pub(crate) draft: Draft,
    pub(crate) commit: String,
    pub(crate) files: BTreeMap<String, (PathBuf, Digest)>,
    pub(crate) index: Option<ImageIndex>,
    pub(crate) index_file: PathBuf,
    pub(crate) tag: String,
    pub(crate) attested: Option<attested::Attested>,
}

impl Work {
    fn prepare(inputs: &Inputs<'_>) -> Result<Self, Error> {
        let Inputs { plan, parts, dist, releases, destinations, options } = *inputs;
        let folder = dist.join("publish");
        let index = parts.index(plan);
        let index_file = folder.join("index.json");
        if let Some((index, image)) = index.as_ref().zip(plan.image.as_ref()) {
            atomic::ensure(&index_file, &index.bytes)?;
            let line = |repository: &String| package::checksum_line(repository, index.digest);
            let lines: String = image.repositories.iter().map(line).collect();
            atomic::ensure(&folder.join(SUBJECTS), lines.as_bytes())?;
        }
        let mut files = BTreeMap::new();
        for (folder, part) in &parts.binaries {
            for entry in part.assets() {
                files.insert(entry.name.to_string(), (folder.join(&entry.name), entry.digest));
            }
        }
        let mut bytes = None;
        let mut notes = plan.notes.clone();
        if !parts.binaries.is_empty() {
            let manifest = manifest(plan, parts, index.as_ref(), releases)?;
            notes = notes::text(&plan.notes, &manifest);
            let bytes = bytes.insert(manifest.to_bytes().map_err(PartsError::from)?);
            let path = folder.join(&plan.manifest);
            atomic::ensure(&path, bytes)?;
            let checksum = package::checksum_line(&plan.manifest, Digest::of(bytes));
            let beside = name::checksum(&plan.manifest);
            atomic::ensure(&folder.join(&beside), checksum.as_bytes())?;
            files.insert(plan.manifest.clone(), (path, Digest::of(bytes)));
            files.insert(beside.clone(), (folder.join(beside), Digest::of(checksum.as_bytes())));
            let (sums, path) = (sums::text(&manifest, Digest::of(bytes)), folder.join(SUMS));
            atomic::ensure(&path, sums.as_bytes())?;
            files.insert(SUMS.to_owned(), (path, Digest::of(sums.as_bytes())));
        }
        let sbom = index.as_ref().map_or(Ok(None), |index| image_sbom(plan, parts, index, &folder))?;
        let index_of = index.as_ref();
        let input = attested::Input { plan, parts, dist, index: index_of, sbom, manifest: bytes.as_deref() };
        let attested = attested::gather(&input, destinations, options)?;
        if let Some(asset) = attested.as_ref().and_then(|a| a.asset.as_ref()) {
            let path = folder.join(&asset.name);
            atomic::ensure(&path, &asset.bytes)?;
            files.insert(asset.name.clone(), (path, Digest::of(&asset.bytes)));
        }
        let draft = Draft { tag: plan.tag.clone(), prerelease: plan.prerelease, notes };
        let tag = plan.image.as_ref().map(|i| i.tag.clone()).unwrap_or_default();
        let commit = plan.commit.clone();
        Ok(Self { draft, commit, files, index, index_file, tag, attested })
    }
}

/// The image's SBOM as a file, for who attests it, and as it is; `None` where a part was taken back without its own.
fn image_sbom(plan: &Plan, parts: &Parts, index: &ImageIndex, folder: &Path) -> Result<Option<Value>, Error> {
    let (Some(platforms), Some(image)) = (parts.sboms()?, &plan.image) else { return Ok(None) };
    let name = image.repositories.first().map_or(plan.name.as_str(), String::as_str);
    let bytes = sbom::image::document(plan, name, index.digest, &platforms)?;
    atomic::ensure(&folder.join("image.cdx.json"), &bytes)?;
    Ok(Some(serde_json::from_slice(&bytes).map_err(PartsError::from)?))
}

/// `--until draft` stops before the version tag; images alone are tagged only once their release is public.
fn last_phase(options: Options, releases: &[Release]) -> diff::Phase {
    let public = releases.iter().any(|r| !r.draft);
    match (options.until_draft, options.only) {
        (true, _) => diff::Phase::Draft,
        (false, Some(Only::Images)) if !public => diff::Phase::Stage,
        _ => diff::Phase::Public,
    }
}

/// The manifest of a release that went public before its image says `image: null` and stays so: a late image is tied
/// to it by its revision. Every other time it names the index.
fn manifest(plan: &Plan, parts: &Parts, index: Option<&ImageIndex>, releases: &[Release]) -> Result<Manifest, Error> {
    let flake_lock = plan.flake_lock;
    let without = parts.manifest(plan, flake_lock, None);
    let digest = Digest::of(&without.to_bytes().map_err(PartsError::from)?);
    let is_without =
        |asset: &forge::Asset| matches!(asset, forge::Asset::Uploaded { digest: d, .. } if *d == Some(digest));
    let public = releases.iter().find(|r| !r.draft).and_then(|r| r.assets.get(&plan.manifest));
    Ok(if public.is_some_and(is_without) { without } else { parts.manifest(plan, flake_lock, index) })
}
