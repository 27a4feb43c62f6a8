//! Verify: looks at a published release as a stranger would and fills in the checklist, every row with its evidence.
//!
//! Each file has one row that answers for its bytes. Rows that need it say "not checked: row N" when that one fails, so
//! that a single wrong byte makes a single row fail.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::attest::VerifiedStatement;
use crate::attest::rebuild::Rebuilt;
use crate::digest::Digest;
use crate::forge::Forge;
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::registry::Registry;
use crate::table::Table;

mod assets;
mod attested;
mod binaries;
mod context;
mod crates;
mod fault;
pub mod files;
mod image;
mod itself;
mod latest;
mod machine;
mod program;
mod rebuilt;
mod referrers;
mod rows;
mod stated;

pub use binaries::{NotReproduced, Reproduce, Reproduced};
use context::Context;
use fault::Fault;

/// A release to verify, and everything that it is compared with. The caller owns all of it.
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
    /// The forge of the release.
    pub forge: &'a dyn Forge,
    /// The registries of the image.
    pub registries: &'a [&'a dyn Registry],
    /// Stable versions among Git's tags: they are said and do not count.
    pub git_versions: &'a [semver::Version],
    /// A second build, where one is asked for.
    pub reproduce: Option<Reproduce<'a>>,
    /// SBOM bytes as the checkout makes them, by asset name.
    pub sboms: &'a BTreeMap<String, Vec<u8>>,
    /// `latest` has been moved and must be there.
    pub promoted: bool,
    /// Findings that would refuse a release are reported, and fail nothing.
    pub rehearsal: bool,
    /// The forge is the table's own: what it has is attested, or it fails.
    pub is_project_origin: bool,
    /// The forge is on another machine: what it has is executed only where it is attested.
    pub remote: bool,
    /// The roots that attestations are traced back to, where the built-in ones are too old.
    pub trusted_root: Option<&'a Path>,
}

/// The result of a row.
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
    /// It could not be seen, by no fault of the release.
    NotSeen,
    /// Another row has to be true first.
    NotChecked {
        /// That row's number.
        row: usize,
    },
}

/// One line of the checklist: a claim, its result, and the evidence.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// From 1.
    pub number: usize,
    /// Stable name for machines.
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// The result.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The evidence, or the problem.
    pub evidence: String,
}

/// The filled-in checklist. `promote` takes it, and refuses a release with a failed row.
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
    /// The verified statements.
    pub attestations: Vec<VerifiedStatement>,
    /// The manifest, where it could be read.
    #[serde(skip)]
    pub manifest: Option<Manifest>,
    /// The digest of the manifest's own bytes, where it could be read.
    #[serde(skip)]
    pub manifest_digest: Option<Digest>,
    /// The image's index, where there is one.
    #[serde(skip)]
    pub index: Option<Digest>,
    /// The files that a second build of this run gave bit by bit; `None` where there was none, or it differed.
    #[serde(skip)]
    pub reproduced: Option<Rebuilt>,
}

impl Report {
    /// Whether no row failed, or hangs on one that did.
    pub fn passed(&self) -> bool {
        !self.rows.iter().any(|r| r.verdict.stops_promotion())
    }

    /// Whether the signatures of the project's workflows were verified. A rehearsal has none.
    pub fn signed(&self) -> bool {
        self.rows.iter().any(|r| r.id == "attested" && r.verdict == Verdict::Ok)
    }

    /// Whether some row does not hold by a fault of the release itself, and not because it could not be seen.
    pub fn failed(&self) -> bool {
        self.rows.iter().any(|r| r.verdict == Verdict::Failed)
    }
}

/// The result of a row: evidence with a verdict, or the fault.
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

/// Fills in the checklist. `folder` is for downloads and belongs to the caller.
pub fn run(request: Request<'_>, folder: &Path) -> Report {
    let mut context = Context::new(request, folder);
    let mut done: Vec<Row> = Vec::new();
    for (position, check) in rows::ROWS.iter().filter(|c| (c.wanted)(&request)).enumerate() {
        context.check = check;
        let blocking = done.iter().find(|r| check.needs.contains(&r.id) && r.verdict.stops_promotion());
        let (verdict, evidence) = match blocking {
            Some(row) => (Verdict::NotChecked { row: row.number }, format!("not checked: row {}", row.number)),
            None => match (check.run)(&mut context) {
                Ok(found) => (found.verdict, found.evidence),
                Err(Fault::Release(reason)) => (Verdict::Failed, reason),
                Err(Fault::Unseen(reason)) => (Verdict::NotSeen, reason),
            },
        };
        done.push(Row { number: position + 1, id: check.id, title: check.title, verdict, evidence });
    }
    let mut attestations = context.proofs.into_inner().unwrap_or_default();
    attestations.extend(context.image_proofs.into_inner().unwrap_or_default());
    attestations.extend(context.rebuilt.into_inner().unwrap_or_default());
    Report {
        tag: request.tag.to_owned(),
        forge: request.forge.name(),
        registries: request.registries.iter().map(|r| r.name()).collect(),
        rows: done,
        index: context.image.into_inner().flatten().as_ref().map(image::Expected::index),
        manifest: context.manifest.into_inner(),
        manifest_digest: context.manifest_digest.into_inner(),
        reproduced: context.reproduced.into_inner(),
        attestations,
    }
}

impl Verdict {
    /// Whether a release with such a row may not become `latest`.
    pub fn stops_promotion(&self) -> bool {
        matches!(self, Self::Failed | Self::NotSeen | Self::NotChecked { .. })
    }
}
