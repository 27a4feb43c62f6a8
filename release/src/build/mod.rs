//! Build: one target's executable → audit → archive, licences, SBOM → part; or one platform's image → part.

use std::path::{Path, PathBuf};

use crate::atomic::{self, At as _};
use crate::audit::{self, Finding, Needs};
use crate::embedded;
use crate::graph::Graph;
use crate::licences::Linked;
use crate::part::{self, BinaryPart, Built, FileEntry, ImagePart, InsideEntry, LAYOUT, Part};
use crate::plan::{Plan, PlannedPlatform, PlannedTarget};
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::table::{Builder, Compression, Program, Size, Table, Target};
use crate::triple::Triple;
use crate::{image, licences, package};

mod bundled;
mod cargo;
mod documents;
mod error;
mod features;
mod fetch;
mod host;
mod linked;
mod nix;

pub use bundled::{ModelError, without};
pub use cargo::{Rustc, second_home};
use documents::document;
pub use documents::fresh_sbom;
pub use error::Error;
use features::features;
pub use features::{models, natives};
pub use fetch::{Error as FetchError, Fetched, fetch};
pub use host::{describe_builders, restrict_to_host};
pub use nix::{Builders, Diagnosis, Error as NixError};

/// The inputs that every build of one run shares: plan, table, checkout and builders. The command owns it.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The checkout, or a copy of it.
    pub root: &'a Path,
    /// The table.
    pub table: &'a Table,
    /// The plan.
    pub plan: &'a Plan,
    /// The machine's compiler.
    pub rustc: &'a Rustc,
    /// The builder of each target.
    pub builders: &'a Builders,
    /// Cargo's target folder; its own choice where `None`.
    pub target_dir: Option<PathBuf>,
    /// Cargo's home; its own choice where `None`.
    pub home: Option<PathBuf>,
    /// Native inputs that this machine did not have.
    pub fetched: Fetched,
    /// Take a part that is there and whole instead of building it again.
    pub reuse: bool,
    /// Keep a binary that the audit would refuse; the findings are given back.
    pub keep_going: bool,
    /// Have Nix build what it has built already once more, and compare. Cargo is given other folders instead.
    pub again: bool,
}

impl<'a> Job<'a> {
    /// Builds everything again, with Cargo's own folders, and refuses what the audit refuses.
    pub fn new(root: &'a Path, table: &'a Table, plan: &'a Plan, rustc: &'a Rustc, builders: &'a Builders) -> Self {
        let (target_dir, home, fetched) = (None, None, Fetched::new());
        let (reuse, keep_going, again) = (false, false, false);
        Self { root, table, plan, rustc, builders, target_dir, home, fetched, reuse, keep_going, again }
    }
}

/// The content of an archive beside the binary: the files of a tree, which need not be a checkout, and its time.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a> {
    /// Its top folder.
    pub root: &'a Path,
    /// The table.
    pub table: &'a Table,
    /// The time of every entry, seconds since 1970.
    pub epoch: i64,
}

/// The part that a build has written, or has found whole from an earlier run.
#[derive(Debug, Clone)]
pub struct BuildOutcome<P> {
    /// The part.
    pub part: P,
    /// It was there already.
    pub reused: bool,
    /// The findings that would refuse a release.
    pub findings: Vec<Finding>,
}

/// Makes a program's part for a target, in its folder below `dist`.
pub fn binary(
    job: &Job<'_>,
    planned: &PlannedTarget,
    dist: &Path,
    progress: &Progress,
) -> Result<BuildOutcome<BinaryPart>, Error> {
    let target = entry(job.table, &planned.triple)?;
    let program = program(job.table, &planned.product)?;
    let out = dist.join(&planned.folder);
    let built = would_build(job, target, job.builders.binary(target)?, &planned.features);
    if let Some(part) = whole_binary(job, planned, &out, &built) {
        return Ok(BuildOutcome { part, reused: true, findings: Vec::new() });
    }
    let graph = Graph::resolve(job.root, &planned.product, &planned.triple, &built.features)?;
    let (archive, (needs, findings)) = match built.by {
        Builder::Cargo => {
            let executable = executable(job, target, planned, &graph, progress)?;
            let audited = audit_one(job, target, &executable)?;
            let tree = Tree { root: job.root, table: job.table, epoch: job.plan.commit_time };
            let linked = linked::of(job, &planned.triple, &built)?;
            (pack(tree, planned, &graph, &linked, &executable, &out)?, audited)
        }
        Builder::Nix => {
            let (archive, executable, _folder) = nix::archive(job, target, planned, &out, progress)?;
            embedded::check(&executable, &graph, job.table.build.crates)?;
            (archive, audit_one(job, target, &executable)?)
        }
    };
    check_budget(
        &archive.binary.name,
        archive.binary.size,
        program.binary_budget(target, &built.features, !built.left_out.is_empty()),
    )?;
    check_budget(&archive.archive.name, archive.archive.size, program.archive_budget(target))?;
    atomic::write(
        &out.join(&planned.sbom),
        &document(job, &planned.triple, &built, &graph, archive.binary.digest, None)?,
    )?;
    let part = BinaryPart {
        schema: part::SCHEMA,
        origin: job.plan.origin(),
        product: package::named(&planned.product)?,
        target: planned.triple.clone(),
        built,
        binary: archive.binary,
        files: program.packed_names(),
        limits: target.into(),
        needs,
        archive: archive.archive,
        checksum: archive.checksum,
        sbom: FileEntry::of(&out, &planned.sbom)?,
    };
    Part::Binary(part.clone()).write(&out)?;
    Ok(BuildOutcome { part, reused: false, findings })
}

/// Makes a platform's part in `dist/<os>-<arch>/`. The image carries the executable of the target's archive: the part in
/// `dist/<triple>/` is taken where it is whole, and made where it is not.
pub fn image(
    job: &Job<'_>,
    platform: &PlannedPlatform,
    dist: &Path,
    progress: &Progress,
) -> Result<BuildOutcome<ImagePart>, Error> {
    let target = entry(job.table, &platform.target)?;
    let planned = planned(job, &platform.target)?;
    let BuildOutcome { part: released, findings, .. } =
        binary(&Job { reuse: true, ..job.clone() }, planned, dist, progress)?;
    let out = dist.join(platform.folder());
    let by = job.builders.image(target)?;
    let mut built = Built { by, host_assembled: by == Builder::Cargo, ..released.built.clone() };
    let models = bundled::inside(job.table, &mut built)?;
    if let Some(part) = whole_image(job, &out, &built, &released) {
        return Ok(BuildOutcome { part, reused: true, findings });
    }
    let assembled = match by {
        Builder::Cargo => {
            let folder = Scratch::new_in(&out)?;
            let executable = folder.path().join(&released.binary.name);
            unpack(&dist.join(&planned.folder), planned, &released.binary.name, &executable)?;
            let compression = compression(job.table);
            let input = image::Input { plan: job.plan, platform, binary: &executable, models: &models, compression };
            image::assemble(&input, &out.join(LAYOUT))?
        }
        Builder::Nix => adopted(job, target, platform, &out, progress)?,
    };
    same_executable(platform, &assembled.binary, &released.binary)?;
    if let Some(image) = &job.table.image {
        check_budget(&format!("image {}", platform.name()), assembled.compressed, image.budget)?;
    }
    let graph = Graph::resolve(job.root, &planned.product, &platform.target, &built.features)?;
    let inventory = documents::inventory(job, &out, assembled.manifest)?;
    let sbom = document(job, &platform.target, &built, &graph, assembled.binary.digest, Some(&inventory))?;
    atomic::write(&out.join(part::SBOM), &sbom)?;
    let part = ImagePart {
        schema: part::SCHEMA,
        origin: job.plan.origin(),
        os: platform.os.clone(),
        arch: platform.arch.clone(),
        target: platform.target.clone(),
        built,
        binary: assembled.binary,
        manifest: assembled.manifest,
        manifest_size: assembled.manifest_size,
        compressed: assembled.compressed,
        sbom: Some(FileEntry::of(&out, part::SBOM)?),
    };
    Part::Image(part.clone()).write(&out)?;
    Ok(BuildOutcome { part, reused: false, findings })
}

fn compression(table: &Table) -> Compression {
    table.image.as_ref().map_or(Compression::Gzip, |i| i.compression)
}

/// The plan's entry of the server for a triple.
fn planned<'a>(job: &Job<'a>, triple: &Triple) -> Result<&'a PlannedTarget, Error> {
    let known = || job.plan.targets.iter().map(|t| t.folder.clone()).collect();
    job.plan.server(triple).ok_or_else(|| Error::Unknown { what: triple.to_string(), known: known() })
}

/// The table's program of a package.
pub fn program<'a>(table: &'a Table, name: &str) -> Result<Program<'a>, Error> {
    let known = || table.programs().map(|program| program.name().to_owned()).collect();
    table.program(name).ok_or_else(|| Error::Unknown { what: name.to_owned(), known: known() })
}

/// Unpacks the executable of the archive in `folder` to `to`.
fn unpack(folder: &Path, planned: &PlannedTarget, exe_name: &str, to: &Path) -> Result<(), package::Error> {
    let inside = format!("{}/{exe_name}", planned.stem);
    package::extract(&folder.join(&planned.archive), planned.archive_kind, &inside, to, u64::MAX)
}

/// One executable per platform: what the image starts is what the archive has.
fn same_executable(platform: &PlannedPlatform, image: &InsideEntry, released: &FileEntry) -> Result<(), Error> {
    if image.digest == released.digest {
        return Ok(());
    }
    Err(Error::OtherExecutable {
        platform: platform.name(),
        path: image.name.clone(),
        found: image.digest,
        archive: released.digest,
    })
}

/// Nix's image as the part's layout, which is either the old one or the whole new one.
fn adopted(
    job: &Job<'_>,
    target: &Target,
    platform: &PlannedPlatform,
    out: &Path,
    progress: &Progress,
) -> Result<image::Assembled, Error> {
    let folder = Scratch::new_in(out)?;
    let (made, layout) = (folder.path().join(LAYOUT), out.join(LAYOUT));
    nix::image(job, target, compression(job.table), &made, progress)?;
    let assembled = image::adopt(job.plan, platform, &made)?;
    if layout.exists() {
        std::fs::remove_dir_all(&layout).at("remove", &layout)?;
    }
    atomic::rename(&made, &layout)?;
    Ok(assembled)
}

/// Returns how a builder would build a target's binary. Nix has every input and the table's compiler; Cargo what this machine
/// has.
pub fn would_build(job: &Job<'_>, target: &Target, by: Builder, wanted: &[String]) -> Built {
    let (rustc, (features, left_out)) = match by {
        Builder::Nix => (job.table.release.toolchain.get_ref(), (wanted.to_vec(), Vec::new())),
        Builder::Cargo => (&job.rustc.version, features(job, target.triple.get_ref(), wanted)),
    };
    let inputs = features::inputs(job.table, target.triple.get_ref(), &features);
    Built {
        by,
        rustc: rustc.clone(),
        features,
        left_out,
        inputs,
        host_assembled: false,
        crates: job.table.build.crates,
    }
}

/// Archive and checksum of a binary that exists and has those features, in `out`.
pub fn archive(
    tree: Tree<'_>,
    planned: &PlannedTarget,
    features: &[String],
    binary: &Path,
    out: &Path,
) -> Result<package::Archive, Error> {
    let graph = Graph::resolve(tree.root, &planned.product, &planned.triple, features)?;
    let linked = linked::here(tree.table, features, &Fetched::new())?;
    pack(tree, planned, &graph, &linked, binary, out)
}

fn pack(
    tree: Tree<'_>,
    planned: &PlannedTarget,
    graph: &Graph,
    linked: &[Linked<'_>],
    binary: &Path,
    out: &Path,
) -> Result<package::Archive, Error> {
    embedded::check(binary, graph, tree.table.build.crates)?;
    let files = program(tree.table, &planned.product)?.packed();
    let files = files.map(|(name, path)| (name.to_owned(), tree.root.join(path.get_ref())));
    let input = package::Input {
        stem: &planned.stem,
        archive: &planned.archive,
        kind: planned.archive_kind,
        epoch: tree.epoch,
        binary,
        exe_name: planned.triple.exe_name(&planned.product),
        files: files.collect(),
        third_party: licences::third_party(tree.root, graph, linked)?,
    };
    Ok(package::package(&input, out)?)
}

/// The table's entry of a triple.
pub fn entry<'a>(table: &'a Table, triple: &Triple) -> Result<&'a Target, Error> {
    table.target(triple).ok_or_else(|| Error::Unknown {
        what: triple.to_string(),
        known: table.targets.iter().map(|t| t.triple.get_ref().to_string()).collect(),
    })
}

fn executable(
    job: &Job<'_>,
    target: &Target,
    planned: &PlannedTarget,
    graph: &Graph,
    progress: &Progress,
) -> Result<PathBuf, Error> {
    let (triple, features) = (target.triple.get_ref(), graph.features.as_slice());
    if let Some(reason) = job.rustc.lacks(triple) {
        return Err(Error::NotHere { what: triple.to_string(), reason });
    }
    // A rehearsal says it with what else a release would be refused for.
    if !job.keep_going {
        cargo::nothing_from_outside(job.root, job.home.as_deref())?;
    }
    // A library without its licences may not be released. Checked before Cargo works for minutes.
    licences::third_party(job.root, graph, &linked::here(job.table, features, &job.fetched)?)?;
    let call = cargo::Call {
        root: job.root,
        name: &planned.product,
        triple,
        features,
        crates: embedded::List::variable(graph)?,
        floor: &target.floor,
        build: &job.table.build,
        natives: natives(job.table, features),
        fetched: &job.fetched,
        target_dir: job.target_dir.as_deref(),
        home: job.home.as_deref(),
    };
    cargo::build(&call, job.rustc, progress)
}

fn audit_one(job: &Job<'_>, target: &Target, executable: &Path) -> Result<(Needs, Vec<Finding>), Error> {
    let facts = audit::read(executable)?;
    let findings = audit::findings(&facts, Some(&audit::Expectations::from(target)));
    if findings.is_empty() || job.keep_going {
        return Ok((facts.needs(), findings));
    }
    Err(Error::Findings { what: target.triple.get_ref().to_string(), findings })
}

fn check_budget(what: &str, found: u64, budget: Size) -> Result<(), Error> {
    if found <= budget.0 { Ok(()) } else { Err(Error::Budget { what: what.to_owned(), found, budget: budget.0 }) }
}

/// Returns the part in the folder if it is of this plan, built in this way, and whole. Anything else is built again.
fn whole_binary(job: &Job<'_>, planned: &PlannedTarget, out: &Path, built: &Built) -> Option<BinaryPart> {
    let Ok(Some(Part::Binary(part))) = Part::read(out) else { return None };
    let same = job.reuse && part.origin == job.plan.origin() && part.built == *built;
    let same = same && part.product == planned.product && part.target == planned.triple;
    (same && part.check(out).is_ok()).then_some(part)
}

fn whole_image(job: &Job<'_>, out: &Path, built: &Built, released: &BinaryPart) -> Option<ImagePart> {
    let Ok(Some(Part::Image(part))) = Part::read(out) else { return None };
    let same = job.reuse && part.origin == job.plan.origin() && part.built == *built;
    let same = same && part.binary.digest == released.binary.digest;
    let whole = |sbom: &FileEntry| FileEntry::of(out, &sbom.name).is_ok_and(|found| found == *sbom);
    let same = same && part.sbom.as_ref().is_none_or(whole);
    (same && image::check(&out.join(LAYOUT), part.manifest).is_ok()).then_some(part)
}
