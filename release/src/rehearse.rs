//! Rehearse: a whole release, here, for real, against an embedded forge and registry; where it is asked for, built twice.
//!
//! Everything lies in `dist/rehearsal/<commit or content>/`: `parts`, `forge`, `registry`, and `second` while the
//! second build runs. A stop at any point costs a rerun, which takes up what is whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::atomic::{self, At as _, PathError};
use crate::build::{self, Builders, Job, Rustc, describe_builders, restrict_to_host};
use crate::digest::Digest;
use crate::forge::{Directory, Forge};
use crate::manifest::Manifest;
use crate::name;
use crate::page::{self, Links};
use crate::part::{BinaryPart, ImagePart};
use crate::plan::{self, Plan, PlanReport};
use crate::progress::Progress;
use crate::publish::{self, Destinations, Options};
use crate::registry::{Layout, Registry};
use crate::scratch::{Scratch, from_here};
use crate::table::{Builder, Table};
use crate::verify::{self, Report, Reproduce, Reproduced, Request, Verdict};
use crate::{git, promote, public};

mod products;
pub mod reproduce;

pub use products::Product;
use products::{products, without};
use reproduce::Again;

/// The file of a rehearsal that shows it to a person.
const PAGE: &str = "release.html";

/// The result of a rehearsal.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The plan, restricted to what this machine can build.
    pub plan: Plan,
    /// The reasons why a real release of this tree would be refused.
    pub would_refuse: Vec<String>,
    /// Binaries and images, with sizes and budgets.
    pub products: Vec<Product>,
    /// The inputs that this machine could not include, with the reason, and the parts that lack them.
    pub without: BTreeMap<String, Vec<String>>,
    /// The checklist after everything.
    pub report: Report,
    /// Whether a second build gave the same bytes, now or in an earlier rehearsal of this tree; `None` where there was none.
    pub reproduced: Option<bool>,
    /// Seconds per stage, in order.
    pub stages: Vec<Stage>,
    /// The folder of the rehearsal.
    pub folder: PathBuf,
    /// The release as one HTML page, with the checklist after everything.
    pub page: PathBuf,
    /// Whether everything that could be shown here was.
    pub passed: bool,
}

/// The duration of a stage.
#[derive(Debug, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// Wall time.
    pub seconds: f64,
    /// Its result, in a few words.
    pub note: String,
}

/// The reason why a rehearsal could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No plan.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// The history.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A build.
    #[error(transparent)]
    Build(#[from] build::Error),
    /// Publishing.
    #[error(transparent)]
    Publish(#[from] publish::Error),
    /// Promoting.
    #[error(transparent)]
    Promote(#[from] promote::Error),
    /// Comparing the two builds.
    #[error(transparent)]
    Reproduce(#[from] reproduce::Error),
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Plan(e) => e.hint(),
            Self::Git(e) => e.hint(),
            Self::Build(e) => e.hint(),
            Self::Publish(e) if e.is_refusal() => {
                Some("this rehearsal was made in another way before: remove its folder under dist/rehearsal".to_owned())
            }
            Self::Publish(e) => e.hint(),
            Self::Promote(e) => e.hint(),
            Self::Reproduce(_) | Self::File(_) => None,
        }
    }
}

/// The stages so far, timed.
struct Clock<'a> {
    progress: &'a Progress,
    stages: Vec<Stage>,
}

impl Clock<'_> {
    fn stage<T, E: Into<Error>>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<(T, String), E>,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let (value, note) = work().map_err(Into::into)?;
        let took = begun.elapsed();
        self.progress.line(&format!("{name:>10}  {note}  {}", seconds(took)));
        self.stages.push(Stage { name, seconds: took.as_secs_f64(), note });
        Ok(value)
    }
}

fn seconds(took: Duration) -> String {
    format!("({:.1} s)", took.as_secs_f64())
}

/// The first line: what is done, and what of it takes long.
fn announce(twice: bool, progress: &Progress) {
    let again = if twice { ", build again and compare" } else { "" };
    let stages = format!("plan, build, image, publish to a folder, verify, promote{again}");
    let line = format!("{:>10}  {stages}; building takes minutes the first time, the rest seconds", "rehearsal");
    progress.line(&line);
}

/// Runs a whole release of the tree at `root`; `twice` builds it a second time and compares. Without a `builder`, Nix is taken
/// only where all that it needs is there: a rehearsal needs no network.
pub fn run(
    root: &Path,
    table: &Table,
    builder: Option<Builder>,
    twice: bool,
    progress: &Progress,
) -> Result<Summary, Error> {
    announce(twice, progress);
    let mut clock = Clock { progress, stages: Vec::new() };
    let checkout = git::Checkout::open(root)?;
    let rustc = Rustc::ask()?;
    let builders = Builders::find(root, builder).map_err(build::Error::from)?.where_inputs_are(root, table);
    let made = clock.stage("plan", || {
        let made = plan::make(root, &plan::Options::default())?;
        let made = PlanReport { plan: restrict_to_host(made.plan, table, &rustc, &builders)?, ..made };
        let note = format!("{} at {}, {} archive(s) here", made.plan.tag, short(&made.plan), made.plan.targets.len());
        Ok::<_, Error>((made, note))
    })?;
    let plan = &made.plan;
    let mut would_refuse: Vec<String> = made.problems.iter().map(|p| p.message.clone()).collect();
    let by = describe_builders(plan, table, &builders, progress)?;
    let folder = folder(root, plan, &rustc, &by);
    let parts = folder.join("parts");
    let job = Job { reuse: true, keep_going: true, ..Job::new(root, table, plan, &rustc, &builders) };
    let (binaries, images) = build_all(&job, &parts, &mut clock, &mut would_refuse)?;

    let shown = from_here(&folder);
    let forge = Directory::new(shown.join("forge"));
    let registry = Layout::new(shown.join("registry"));
    let registries: [&dyn Registry; 1] = [&registry];
    let destinations =
        Destinations { forge: &forge, registries: &registries, is_project_origin: false, trusted_root: None };
    clock.stage("publish", || published(plan, &parts, destinations, progress))?;

    let sboms = fresh_sboms(&job, &binaries)?;
    let git_versions = public::stable(checkout.tags()?.keys(), &table.release);
    let request = Request {
        tag: &plan.tag,
        plan: Some(plan),
        table,
        forge: &forge as &dyn Forge,
        registries: &registries,
        git_versions: &git_versions,
        reproduce: None,
        sboms: &sboms,
        promoted: false,
        rehearsal: true,
        is_project_origin: false,
        remote: false,
        trusted_root: None,
    };
    let report = clock.stage("verify", || checked(&request, &folder))?;
    clock.stage("promote", || promoted(&request, &report))?;
    let digests = reproduce::digests(&binaries, &images);
    let reproduced = match proven(&folder, &digests) {
        None if twice => Some(second(&job, &checkout, &folder, &digests, &mut clock)?),
        proven => proven,
    };
    let again = reproduced.as_ref().map(|second| |_: &Manifest| Ok(second.clone()));
    let again = again.as_ref().map(|made| made as Reproduce<'_>);
    let last = Request { reproduce: again, promoted: plan.latest, ..request };
    let report = clock.stage("verify", || checked(&last, &folder))?;
    let (passed, reproduced) = (report.passed(), reproduced.map(|r| r.difference.is_none()));
    let (products, without) = (products(table, &binaries, &images), without(table, &binaries, &images));
    let stages = clock.stages;
    let page = folder.join(PAGE);
    atomic::ensure(&page, page::render(&report, &Links::of(&report, &page)).as_bytes())?;
    Ok(Summary { plan: made.plan, would_refuse, products, without, report, reproduced, stages, folder, page, passed })
}

fn short(plan: &Plan) -> String {
    let commit = name::short(&plan.commit);
    if plan.tree == "clean" { commit.to_owned() } else { format!("{commit} with changes ({})", plan.tree) }
}

/// One folder per content, builder and compiler: what differs never meets what was published before.
fn folder(root: &Path, plan: &Plan, rustc: &Rustc, by: &[Builder]) -> PathBuf {
    let id = if plan.tree == "clean" { plan.commit.get(..12).unwrap_or(&plan.commit) } else { &plan.tree };
    let nix = if by.contains(&Builder::Nix) { "-nix" } else { "" };
    let is_other = by.contains(&Builder::Cargo) && rustc.version != plan.toolchain;
    let compiler = if is_other { format!("-rustc-{}", rustc.version) } else { String::new() };
    root.join("dist/rehearsal").join(format!("{id}{nix}{compiler}"))
}

fn build_all(
    job: &Job<'_>,
    parts: &Path,
    clock: &mut Clock<'_>,
    would_refuse: &mut Vec<String>,
) -> Result<(Vec<BinaryPart>, Vec<ImagePart>), Error> {
    let progress = clock.progress;
    let mut findings = Vec::new();
    let mut binaries = Vec::new();
    for target in &job.plan.targets {
        let made = clock.stage("build", || {
            let made = build::binary(job, target, parts, progress)?;
            let note = format!("{}{}", made.part.archive.name, if made.reused { ", there already" } else { "" });
            Ok::<_, build::Error>((made, note))
        })?;
        findings.extend(made.findings);
        binaries.push(made.part);
    }
    let mut images = Vec::new();
    for platform in job.plan.image.iter().flat_map(|i| &i.platforms) {
        let made = clock.stage("image", || {
            let made = build::image(job, platform, parts, progress)?;
            let there = if made.reused { ", there already" } else { "" };
            Ok::<_, build::Error>((made.clone(), format!("{}{there}", made.part.name())))
        })?;
        images.push(made.part);
    }
    would_refuse.extend(findings.iter().map(ToString::to_string));
    Ok((binaries, images))
}

fn fresh_sboms(job: &Job<'_>, binaries: &[BinaryPart]) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut sboms = BTreeMap::new();
    for part in binaries {
        let fresh = build::fresh_sbom(job, &part.product, &part.target, &part.built, part.binary.digest)?;
        sboms.insert(part.sbom.name.to_string(), fresh);
    }
    Ok(sboms)
}

fn checked(request: &Request<'_>, folder: &Path) -> Result<(Report, String), Error> {
    let downloads = Scratch::new_in(folder)?;
    let report = verify::run(*request, downloads.path());
    let note = counted(&report);
    Ok((report, note))
}

/// How many rows came out in which way.
fn counted(report: &Report) -> String {
    let of = |is: &dyn Fn(&Verdict) -> bool| report.rows.iter().filter(|row| is(&row.verdict)).count();
    let stopped = of(&Verdict::stops_promotion);
    if stopped > 0 {
        return format!("{stopped} of {} rows do not hold", report.rows.len());
    }
    let (refused, absent) = (of(&|v| *v == Verdict::WouldRefuse), of(&|v| *v == Verdict::NotHere));
    let mut said = vec![format!("{} rows hold", of(&|v| *v == Verdict::Ok))];
    said.extend((refused > 0).then(|| format!("{refused} would refuse")));
    said.extend((absent > 0).then(|| format!("{absent} not here")));
    said.join(", ")
}

fn published(
    plan: &Plan,
    parts: &Path,
    destinations: Destinations<'_>,
    progress: &Progress,
) -> Result<((), String), publish::Error> {
    let options = Options { allow_host_parts: true, ..Options::default() };
    let outcome = publish::run(plan, parts, destinations, options, progress)?;
    let count: usize = outcome.tracks.iter().map(|t| t.actions.len()).sum();
    Ok(((), if count == 0 { "nothing left to do".to_owned() } else { format!("{count} actions") }))
}

fn promoted(request: &Request<'_>, report: &Report) -> Result<((), String), Error> {
    if request.plan.is_some_and(|p| p.prerelease) {
        return Ok(((), "a pre-release leaves `latest` alone".to_owned()));
    }
    // Whether every row holds is promote's to judge: a promotion that was stopped half way shows as a wrong `latest`.
    match promote::run(request, report, false, false) {
        Ok(outcome) => Ok(((), outcome.stays.unwrap_or_else(|| outcome.moves.join("; ")))),
        Err(promote::Error::Unverified { row, .. }) => {
            Ok(((), format!("not promoted: row {} does not hold", row.number)))
        }
        Err(other) => Err(other.into()),
    }
}

/// The record of a second build: its digests, valid as long as the first build's are the same.
#[derive(Serialize, Deserialize)]
struct ReproductionRecord {
    digests: BTreeMap<String, Digest>,
}

fn record(folder: &Path) -> PathBuf {
    folder.join("second.json")
}

/// The record of an earlier rehearsal of this tree with the same digests.
fn proven(folder: &Path, wanted: &BTreeMap<String, Digest>) -> Option<Reproduced> {
    let proof: ReproductionRecord =
        fs::read(record(folder)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())?;
    (proof.digests == *wanted).then_some(Reproduced { digests: proof.digests, difference: None })
}

/// Builds a second time and keeps a record where it is the same.
fn second(
    job: &Job<'_>,
    checkout: &git::Checkout,
    folder: &Path,
    wanted: &BTreeMap<String, Digest>,
    clock: &mut Clock<'_>,
) -> Result<Reproduced, Error> {
    let record = record(folder);
    let place = folder.join("second");
    let progress = clock.progress;
    let reproduced = clock.stage("again", || {
        let Again { digests, parts, difference } = reproduce::build_again(job, checkout, &place, progress)?;
        let difference = match difference {
            None if digests != *wanted => Some(reproduce::explain(&folder.join("parts"), &parts)?),
            other => other,
        };
        let note = difference.clone().unwrap_or_else(|| format!("{} digests, bit-identical", digests.len()));
        Ok::<_, Error>((Reproduced { digests, difference }, note))
    })?;
    // What differs is kept, to be looked at.
    if reproduced.difference.is_none() {
        reproduce::remove(&place)?;
        let proof = ReproductionRecord { digests: reproduced.digests.clone() };
        let text = serde_json::to_vec_pretty(&proof).map_err(std::io::Error::other).at("describe", &record)?;
        atomic::write(&record, &text)?;
    }
    Ok(reproduced)
}
