//! Commands that make parts, or what goes into them.

use std::path::{Path, PathBuf};

use super::destinations::OpenedDestinations;
use super::{Output, Workspace};
use crate::atomic::At as _;
use crate::build::{self, Builders, Job, Rustc, Tree};
use crate::cli::failure::Failure;
use crate::cli::{BuildArgs, BuilderChoice, CratesArgs, DestinationArgs, ImageArgs, PackageArgs, ReuseArgs, SbomArgs};
use crate::digest::Digest;
use crate::embedded::List;
use crate::git;
use crate::graph::Graph;
use crate::part::{BinaryPart, FileEntry, Part};
use crate::plan::{self, Plan, PlannedPlatform, PlannedTarget};
use crate::publish::reuse::{self, Published};
use crate::registry::Purpose;
use crate::table::Builder;
use crate::triple::Triple;

/// `build`
pub(super) fn build(here: &Workspace, args: &BuildArgs) -> Result<Output, Failure> {
    let made = here.plan(&args.tag, false, here.public(&args.tag)?)?;
    let rustc = Rustc::ask()?;
    let targets = targets(&made.plan, args.target.as_ref(), &rustc)?;
    let program = args.product.as_deref().map(|name| build::program(&here.source.table, name)).transpose()?;
    let _alone = here.alone(&args.out)?;
    let mut parts = Vec::new();
    for target in targets {
        if program.is_none_or(|program| program.name() == target.product) {
            parts.push(build_one(here, args, &made.plan, &rustc, target)?);
        }
    }
    Output::of(here.json, &parts, |parts| parts.iter().map(|part| built(here, args, part)).collect(), true)
}

/// The part of one program.
fn build_one(
    here: &Workspace,
    args: &BuildArgs,
    plan: &Plan,
    rustc: &Rustc,
    target: &PlannedTarget,
) -> Result<BinaryPart, Failure> {
    let dist = here.root.join(&args.out);
    if let Some(part) = reused(here, plan, &args.reuse, |published| published.binary(target, &dist))? {
        return Ok(part);
    }
    let builders = builders(here, args.builder, &target.triple)?;
    let mut job = here.job(plan, rustc, &builders);
    if args.fetch {
        let native = here.root.join("dist/native");
        let table = &here.source.table;
        let fetched = build::fetch(table, &target.triple, &target.features, &native, &here.progress);
        job.fetched = fetched.map_err(build::Error::from)?;
    }
    Ok(build::binary(&job, target, &dist, &here.progress)?.part)
}

fn built(here: &Workspace, args: &BuildArgs, part: &BinaryPart) -> String {
    let folder = here.shown(&args.out.join(part.folder()));
    let files = part.assets().map(|f| line(&folder, f));
    let without = build::without(&here.source.table, &part.built, false);
    files.into_iter().chain(without.iter().map(|what| format!("  without {what}\n"))).collect()
}

/// What the table's own forge and registries hold already of what is to be made; `None` where they hold nothing, or were not
/// to be asked.
fn reused<P>(
    here: &Workspace,
    plan: &Plan,
    args: &ReuseArgs,
    take: impl FnOnce(&Published<'_>) -> Result<Option<P>, reuse::Error>,
) -> Result<Option<P>, Failure> {
    if !args.reuse {
        return Ok(None);
    }
    let own = DestinationArgs { forge: None, registries: Vec::new(), here: false, trust: args.trust.clone() };
    let opened = OpenedDestinations::new(&here.source.table, &own, Purpose::DryRun, &here.progress)?;
    let registries = opened.registries();
    let Some(published) = Published::find(plan, opened.borrowed(&registries, &args.trust))? else { return Ok(None) };
    let part = take(&published)?;
    if part.is_some() {
        here.progress.line(&format!("taken from what {} has already", opened.forge.name()));
    }
    Ok(part)
}

/// Reports the builder in one line.
fn builders(here: &Workspace, choice: BuilderChoice, triple: &Triple) -> Result<Builders, build::Error> {
    let builders = Builders::find(&here.root, choice.named())?;
    here.progress.line(&builders.said(build::entry(&here.source.table, triple)?));
    Ok(builders)
}

fn line(folder: &Path, file: &FileEntry) -> String {
    format!("{}  {} bytes  {}\n", folder.join(&file.name).display(), file.size, file.digest)
}

/// Every program of the plan for a target; there is at least one.
fn targets<'a>(plan: &'a Plan, triple: Option<&Triple>, rustc: &Rustc) -> Result<Vec<&'a PlannedTarget>, Failure> {
    let wanted = triple.map_or(rustc.host.as_str(), Triple::as_str);
    let found: Vec<_> = plan.targets.iter().filter(|t| t.triple.as_str() == wanted).collect();
    let known = plan.targets.iter().filter(|t| t.product == plan.name).map(|t| t.triple.to_string());
    if found.is_empty() { Err(unknown(wanted, known)) } else { Ok(found) }
}

/// One of them: that of a product, or the server's.
fn target<'a>(
    plan: &'a Plan,
    triple: Option<&Triple>,
    product: Option<&str>,
    rustc: &Rustc,
) -> Result<&'a PlannedTarget, Failure> {
    let wanted = product.unwrap_or(&plan.name);
    let all = targets(plan, triple, rustc)?;
    let found = all.iter().find(|target| target.product == wanted).copied();
    found.ok_or_else(|| unknown(wanted, all.iter().map(|target| target.product.clone())))
}

fn unknown(what: &str, known: impl Iterator<Item = String>) -> Failure {
    build::Error::Unknown { what: what.to_owned(), known: known.collect() }.into()
}

/// `package`: of a tree without Git too, as Nix's sandbox has none.
pub(super) fn package(here: &Workspace, args: &PackageArgs) -> Result<Output, Failure> {
    if args.tag.tag.is_some() {
        here.plan(&args.tag, false, here.public(&args.tag)?)?;
    }
    let (root, table) = (&here.root, &here.source.table);
    let program = build::program(table, args.product.as_deref().unwrap_or(table.release.name.get_ref()))?;
    let planned = plan::target(root, program, build::entry(table, &args.target)?)?;
    // `--features ""` is a binary with none.
    let named = args.features.as_ref().map(|list| list.iter().filter(|f| !f.is_empty()).cloned().collect());
    let features: Vec<String> = named.unwrap_or_else(|| planned.features.clone());
    let tree = Tree { root, table, epoch: git::time_of(root)? };
    let archive = build::archive(tree, &planned, &features, &args.binary, &root.join(&args.out))?;
    let (files, folder) = ([archive.archive, archive.checksum], here.shown(&args.out));
    Output::of(here.json, &files, |files| files.iter().map(|f| line(&folder, f)).collect(), true)
}

/// `image`
pub(super) fn image(here: &Workspace, args: &ImageArgs) -> Result<Output, Failure> {
    let made = here.plan(&args.tag, false, here.public(&args.tag)?)?;
    let rustc = Rustc::ask()?;
    let platform = platform(&made.plan, args.platform.as_deref(), &rustc)?;
    let dist = here.root.join(&args.out);
    let _alone = here.alone(&args.out)?;
    let target = target(&made.plan, Some(&platform.target), None, &rustc)?;
    // An image that comes later than its release carries the executable that is public already.
    let taken = reused(here, &made.plan, &args.reuse, |published| match published.image(platform, &dist)? {
        Some(part) => Ok(Some(part)),
        None => published.binary(target, &dist).map(|_archive| None),
    })?;
    let part = if let Some(part) = taken {
        part
    } else {
        let builders = builders(here, args.builder, &platform.target)?;
        let job = here.job(&made.plan, &rustc, &builders);
        build::image(&job, platform, &dist, &here.progress)?.part
    };
    let folder = here.shown(&args.out.join(part.folder()).join(crate::part::LAYOUT));
    let mut text = format!("oci:{}  {} bytes compressed  {}\n", folder.display(), part.compressed, part.manifest);
    text.extend(build::without(&here.source.table, &part.built, true).iter().map(|what| format!("  without {what}\n")));
    Output::of(here.json, &part, |_| text, true)
}

fn platform<'a>(plan: &'a Plan, wanted: Option<&str>, rustc: &Rustc) -> Result<&'a PlannedPlatform, Failure> {
    let name = |p: &PlannedPlatform| p.name();
    let mut all = plan.image.iter().flat_map(|i| &i.platforms);
    let found = all.find(|p| match wanted {
        Some(wanted) => name(p) == wanted,
        None => p.target.as_str() == rustc.host,
    });
    let known = plan.image.iter().flat_map(|i| &i.platforms).map(name);
    found.ok_or_else(|| unknown(wanted.unwrap_or(&rustc.host), known))
}

/// `crates`: of any tree with a Cargo.lock, because Nix builds from the sources alone.
pub(super) fn crates(args: &CratesArgs, root: Option<&Path>) -> Result<Output, Failure> {
    let features: Vec<String> = args.features.iter().filter(|feature| !feature.is_empty()).cloned().collect();
    let root = root.unwrap_or(Path::new("."));
    let root = root.canonicalize().at("read", root)?;
    let graph = Graph::resolve(&root, &args.package, &args.target, &features).map_err(build::Error::from)?;
    let digits = List::variable(&graph).map_err(build::Error::from)?;
    Ok(Output::document(&(digits + "\n"), 0))
}

/// `sbom`
pub(super) fn sbom(here: &Workspace, args: &SbomArgs) -> Result<Output, Failure> {
    let made = here.plan(&args.tag, false, here.public(&args.tag)?)?;
    let rustc = Rustc::ask()?;
    let planned = target(&made.plan, args.target.as_ref(), args.product.as_deref(), &rustc)?;
    let builders = Builders::cargo();
    let job: Job<'_> = here.job(&made.plan, &rustc, &builders);
    let folder: PathBuf = here.root.join(&args.dist).join(&planned.folder);
    let bytes = match (&args.binary, Part::read(&folder)?) {
        (Some(binary), _) => {
            let target = build::entry(job.table, &planned.triple)?;
            let built = build::would_build(&job, target, Builder::Cargo, &planned.features);
            let (digest, _size) = Digest::of_file(binary).at("read", binary)?;
            build::fresh_sbom(&job, &planned.product, &planned.triple, &built, digest)?
        }
        (None, Some(Part::Binary(part))) => {
            build::fresh_sbom(&job, &planned.product, &part.target, &part.built, part.binary.digest)?
        }
        (None, _) => {
            let text = format!("{} has no part, so there is no binary to describe", folder.display());
            return Err(Failure::usage(text, "name one with --binary, or run `sayna-release build` first"));
        }
    };
    Ok(Output::document(&String::from_utf8_lossy(&bytes), 0))
}
