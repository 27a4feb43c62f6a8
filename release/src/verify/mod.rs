//! Verify: looks at a published release as a stranger would and fills in the checklist, every row with its evidence.
//!
//! Each file has one row that answers for its bytes. Rows that need it say "not checked: row N" when that one fails, so
//! that a single wrong byte makes a single row fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::attest::VerifiedStatement;
use crate::bounded::{self, DOCUMENT};
use crate::digest::Digest;
use crate::forge::{Asset, Forge, Release};
use crate::manifest::Manifest;
use crate::name::{FileName, NotAFileName};
use crate::plan::Plan;
use crate::registry::Registry;
use crate::table::Table;

mod assets;
mod attested;
mod binaries;
mod fault;
pub mod files;
mod image;
mod latest;
mod machine;
mod program;
mod referrers;
mod rows;

pub use binaries::{NotReproduced, Reproduce, Reproduced};
use fault::Fault;

/// The object of the verification, and the sources to compare with.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "trait objects of the caller's")]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about places and run")]
pub struct Request<'a> {
    /// The release's tag.
    pub tag: &'a str,
    /// The plan of the checkout that this runs in; outside of one, the manifest says what was planned.
    pub plan: Option<&'a Plan>,
    /// Floors, libraries and files of the archives.
    pub table: &'a Table,
    /// Where the release is.
    pub forge: &'a dyn Forge,
    /// Where the images are.
    pub registries: &'a [&'a dyn Registry],
    /// Stable versions among Git's tags: they are said and do not count.
    pub git_versions: &'a [semver::Version],
    /// A second build, where one is asked for.
    pub reproduce: Option<Reproduce<'a>>,
    /// SBOM bytes as the checkout makes them, by asset name.
    pub sboms: &'a BTreeMap<String, Vec<u8>>,
    /// `latest` has been moved and must be there.
    pub promoted: bool,
    /// What a release would be refused for is said, and fails nothing.
    pub rehearsal: bool,
    /// The forge is the table's own: what it has is attested, or it fails.
    pub is_project_origin: bool,
    /// The forge is on another machine: what it has is executed only where it is attested.
    pub remote: bool,
    /// The roots that attestations are traced back to, where the built-in ones are too old.
    pub trusted_root: Option<&'a Path>,
}

/// How a row came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// True, and seen.
    Ok,
    /// Not true.
    Failed,
    /// True but for what a real release would be refused for.
    WouldRefuse,
    /// Nothing was claimed, nothing seen.
    NotHere,
    /// It could not be pass, by no fault of the release.
    NotSeen,
    /// Another row has to be true first.
    NotChecked {
        /// That row's number.
        row: usize,
    },
}

/// One line of the checklist.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// From 1.
    pub number: usize,
    /// Stable name for machines.
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// How it came out.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What was pass, or what is wrong.
    pub evidence: String,
}

/// The filled-in checklist.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The release's tag.
    pub tag: String,
    /// The forge's name.
    pub forge: String,
    /// The registries' names.
    pub registries: Vec<String>,
    /// Every row.
    pub rows: Vec<Row>,
    /// What was attested, statement by statement.
    pub attestations: Vec<VerifiedStatement>,
    /// The manifest, where it could be read.
    #[serde(skip)]
    pub manifest: Option<Manifest>,
    /// The image's index, where there is one.
    #[serde(skip)]
    pub index: Option<Digest>,
}

impl Report {
    /// Whether no row failed, or hangs on one that did.
    pub fn passed(&self) -> bool {
        !self.rows.iter().any(|r| r.verdict.stops_promotion())
    }

    /// Whether some row does not hold by a fault of the release itself, and not because it could not be seen.
    pub fn failed(&self) -> bool {
        self.rows.iter().any(|r| r.verdict == Verdict::Failed)
    }
}

/// What a row found: evidence with a verdict, or why it does not hold.
type Outcome = Result<Evidence, Fault>;

/// Evidence.
struct Evidence {
    verdict: Verdict,
    evidence: String,
}

#[expect(clippy::unnecessary_wraps, reason = "the end of every row that holds")]
fn pass(evidence: impl Into<String>) -> Outcome {
    Ok(Evidence { verdict: Verdict::Ok, evidence: evidence.into() })
}

/// What rows have read so far; a row may rely on what the rows that it needs have put here.
struct Context<'a> {
    request: Request<'a>,
    folder: PathBuf,
    release: Option<Release>,
    manifest: Option<Manifest>,
    archives: BTreeMap<String, PathBuf>,
    binaries: BTreeMap<String, PathBuf>,
    image: Option<image::Expected>,
    index: Option<crate::oci::Index>,
    images: Vec<image::PlatformImage>,
    proofs: Vec<VerifiedStatement>,
}

/// Fills in the checklist. `folder` is for downloads and belongs to the caller.
pub fn run(request: Request<'_>, folder: &Path) -> Report {
    let mut context = Context {
        request,
        folder: folder.to_owned(),
        release: None,
        manifest: None,
        archives: BTreeMap::new(),
        binaries: BTreeMap::new(),
        image: None,
        index: None,
        images: Vec::new(),
        proofs: Vec::new(),
    };
    let mut done: Vec<Row> = Vec::new();
    for (position, check) in rows::ROWS.iter().filter(|c| (c.wanted)(&request)).enumerate() {
        let blocking = done.iter().find(|r| check.needs.contains(&r.id) && r.verdict.stops_promotion());
        let (verdict, evidence) = match blocking {
            Some(row) => (Verdict::NotChecked { row: row.number }, format!("not checked: row {}", row.number)),
            None => match (check.run)(&mut context) {
                Ok(seen) => (seen.verdict, seen.evidence),
                Err(Fault::Release(reason)) => (Verdict::Failed, reason),
                Err(Fault::Unseen(reason)) => (Verdict::NotSeen, reason),
            },
        };
        done.push(Row { number: position + 1, id: check.id, title: check.title, verdict, evidence });
    }
    Report {
        tag: request.tag.to_owned(),
        forge: request.forge.name(),
        registries: request.registries.iter().map(|r| r.name()).collect(),
        rows: done,
        index: context.image.as_ref().map(image::Expected::index),
        manifest: context.manifest,
        attestations: context.proofs,
    }
}

impl Verdict {
    /// Whether a release with such a row may not become `latest`.
    pub fn stops_promotion(&self) -> bool {
        matches!(self, Self::Failed | Self::NotSeen | Self::NotChecked { .. })
    }
}

impl Context<'_> {
    fn release(&self) -> Result<&Release, String> {
        self.release.as_ref().ok_or_else(|| "the release was not read".to_owned())
    }

    fn manifest(&self) -> Result<&Manifest, String> {
        self.manifest.as_ref().ok_or_else(|| "the manifest was not read".to_owned())
    }

    /// The size limit of a downloaded asset: of an archive the budget of its target, else the limit of a document.
    fn largest(&self, name: &FileName) -> u64 {
        let binaries = self.manifest.iter().flat_map(|m| &m.binaries);
        let archive = binaries.filter(|b| b.archive.name == *name).find_map(|b| self.request.table.target(&b.target));
        archive.map_or(DOCUMENT, |target| bounded::above(target.budget.archive.0))
    }

    /// Downloads an asset once, into a folder where nothing else is.
    fn asset(&self, name: &str) -> Result<PathBuf, Fault> {
        let name: FileName = name.parse().map_err(|e: NotAFileName| e.to_string())?;
        let path = self.folder.join("assets").join(&name);
        if !path.exists() {
            let release = self.release()?;
            if let Some(Asset::Uploaded { size, .. }) = release.assets.get(name.as_str()) {
                bounded::check(&name, *size, self.largest(&name))?;
            }
            self.request.forge.download(release, &name, &path)?;
        }
        Ok(path)
    }
}
