//! Making a plan of a checkout.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;

use super::contents::{self, Contents};
use super::crates::{self, Network};
use super::manifests;
use super::package::{self, Package};
use super::problem::Problem;
use super::surroundings;
use super::version::{self, Head, Released};
use super::{Plan, PlannedImage, PlannedPlatform, PlannedTarget, SCHEMA};
use crate::atomic::{At as _, PathError};
use crate::changelog::{self, Notes, Request};
use crate::digest::Digest;
use crate::git::{self, Checkout};
use crate::name::{self, AssetNames, Tag};
use crate::public::{self, Public};
use crate::snippet::{self, Message, Place, Severity};
use crate::table::{self, Image, Program, Source, Target};

/// The choices of the caller: tag, public versions, network.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The tag that is meant to be released; without one, HEAD's own, else `v` and the package's version.
    pub tag: Option<String>,
    /// Which versions are public.
    pub public: Public,
    /// Look at the crates that each target links, and from where those may come that are not here.
    pub crates: Option<Network>,
}

/// A plan with its problems, warnings and facts. A release needs one without problems; a rehearsal reports them.
#[derive(Debug, Clone)]
pub struct PlanReport {
    /// The plan; good for a release only where there are no problems.
    pub plan: Plan,
    /// The problems that stop a release.
    pub problems: Vec<Problem>,
    /// Warnings: they stop nothing, but a person should look at them.
    pub warnings: Vec<Problem>,
    /// Facts that are reported and need no action: an assumed tag, a back-port.
    pub facts: Vec<Problem>,
    /// Whether a tag was named, so that a release is meant.
    pub meant: bool,
    /// The table, for those who point into it.
    pub source: Source,
}

/// The reason why no plan could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table.
    #[error(transparent)]
    Table(#[from] table::Error),
    /// Cargo.toml or Cargo.lock.
    #[error(transparent)]
    Package(#[from] package::Error),
    /// The checkout.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The notes.
    #[error(transparent)]
    Changelog(#[from] changelog::Error),
    /// Another file of the checkout.
    #[error(transparent)]
    File(#[from] PathError),
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Table(e) => e.hint(),
            Self::Package(package::Error::File(_)) => Some("run this in the top folder of a clone of Sayna".to_owned()),
            Self::Package(_) | Self::File(_) => None,
            Self::Git(e) => e.hint(),
            Self::Changelog(e) => e.hint(),
        }
    }

    /// As text for people, with the line that is meant where a file has one.
    pub fn render(&self, colour: bool) -> String {
        let (title, place) = match self {
            Self::Table(e) => return e.render(colour),
            Self::Package(package::Error::Form { path, message, text, span })
            | Self::Changelog(changelog::Error::Config { path, message, text, span }) => {
                let at = |span: &Range<usize>| Place { path, text, span: span.clone() };
                (message.clone(), span.as_ref().map(at))
            }
            _ => (self.to_string(), None),
        };
        let title = if place.is_some() { title } else { self.to_string() };
        let hint = self.hint();
        snippet::render(&Message { severity: Severity::Error, title: &title, place, hint: hint.as_deref() }, colour)
    }
}

/// Findings with which Cargo resolves nothing, or that every linked crate would repeat.
const UNRESOLVED: [&str; 8] = [
    "cargo-failed",
    "cargo-manifest",
    "licences",
    "lock-missing",
    "lock-outdated",
    "lock-version",
    "toolchain-file",
    "unknown-feature",
];

/// Makes the plan of the checkout at `root`, and holds it against everything that a release needs.
pub fn make(root: &Path, options: &Options) -> Result<PlanReport, Error> {
    let source = Source::read(root)?;
    let package = Package::read(root)?;
    let checkout = Checkout::open(root)?;
    let (commit, tags, changed) = (checkout.commit(), checkout.tags()?, checkout.changed()?);
    let tag = Tag::of(&package.version).to_string();
    let release = &source.table.release;
    let head = Head { commit: &commit, tags: &tags, named: options.tag.as_deref(), expected: &tag, release };
    let request = if head.is_tagged() { Request::Tagged(tag.clone()) } else { Request::Upcoming(tag.clone()) };
    let notes = changelog::notes(root, &request, &options.public)?;
    let before = checkout.tags_within(Some(&commit))?;
    let before = public::stable(before.iter().map(|tag| &tag.name), release);
    let released = Released::new(&options.public, before, public::stable(tags.keys(), release));
    let order = version::order(&package.version, &released);

    let mut problems = head.check(&package, &notes);
    problems.extend(version::check_lock(&package));
    problems.extend(order.problem);
    problems.extend(dirty(&changed));
    problems.extend(shallow(&checkout));
    let (nothing, maybe_nothing) = empty(&tag, &notes, &options.public);
    problems.extend(nothing);
    let tracked = checkout.tracked()?;
    let contents = Contents { root, source: &source, package: &package, checkout: &checkout, tracked: &tracked };
    problems.extend(contents.check());
    problems.extend(contents.check_native());
    problems.extend(contents.lists());
    let time = checkout.time()?;
    problems.extend(contents.present(time));
    let said = manifests::check(root, &source, &package);
    problems.extend(said.problems);
    problems.extend(surroundings::configuration(root)?);

    let mut facts = head.facts();
    facts.extend(order.fact);
    facts.extend(released.not_counted(&package.version));
    facts.extend(version::since(&options.public, &notes));
    facts.extend(cancelled(&notes));
    facts.extend(contents.waiting());
    let mut warnings: Vec<Problem> = version::check_step(&package.version, &notes).into_iter().collect();
    warnings.extend(maybe_nothing);
    warnings.extend(long(&tag, &notes));
    warnings.extend(unconventional(&notes));
    warnings.extend(toolchain(root, &source));
    warnings.extend(said.warnings);
    warnings.extend(surroundings::time(&checkout, time));

    let inputs = PlanInputs { source: &source, package: &package, latest: order.latest };
    let checkout_state =
        CheckoutState { commit, time, tree: checkout.tree()?, notes: notes.markdown, flake_lock: flake_lock(root)? };
    let plan = inputs.plan(tag, checkout_state);
    if let Some(network) = options.crates.filter(|_| !problems.iter().any(|p| UNRESOLVED.contains(&p.kind))) {
        let linked = crates::linked(root, &plan, network);
        problems.extend(linked.problems);
        facts.extend(linked.unseen.map(|reason| {
            let message = format!("what the targets link was not looked at: {reason}");
            Problem::new("crates-unseen", message)
                .hint("`cargo fetch --locked` gets them; `sayna-release doctor` does so itself")
        }));
    }
    Ok(PlanReport { plan, problems, warnings, facts, meant: options.tag.is_some(), source })
}

/// Returns the planned entry of a program for one of the table's targets. It depends on Cargo.toml and the table alone.
pub fn target(root: &Path, program: Program<'_>, target: &Target) -> Result<PlannedTarget, Error> {
    Ok(planned_target(program, &Package::read(root)?, target))
}

/// The inputs of a plan, beside the state of the checkout.
struct PlanInputs<'a> {
    source: &'a Source,
    package: &'a Package,
    latest: bool,
}

/// The state of the checkout, from Git.
struct CheckoutState {
    commit: String,
    time: i64,
    tree: String,
    notes: String,
    flake_lock: Option<Digest>,
}

/// The digest of the pins that Nix builds with; a tree without a flake has none.
fn flake_lock(root: &Path) -> Result<Option<Digest>, PathError> {
    let path = root.join("flake.lock");
    if path.exists() { Ok(Some(Digest::of_file(&path).at("read", &path)?.0)) } else { Ok(None) }
}

impl PlanInputs<'_> {
    fn plan(&self, tag: String, checkout_state: CheckoutState) -> Plan {
        let (table, version) = (&self.source.table, &self.package.version);
        let name = table.release.name.get_ref().clone();
        Plan {
            schema: SCHEMA,
            version: version.clone(),
            tag,
            commit: checkout_state.commit,
            commit_time: checkout_state.time,
            tree: checkout_state.tree,
            source: format!("https://github.com/{}", table.forge.github.get_ref()),
            licence: self.package.licence.clone(),
            description: self.package.description.clone(),
            flake_lock: checkout_state.flake_lock,
            prerelease: !version.pre.is_empty(),
            latest: self.latest,
            toolchain: table.release.toolchain.get_ref().clone(),
            targets: self.planned_targets(),
            image: table.image.as_ref().map(|image| self.planned_image(image)),
            manifest: AssetNames { name: &name, version }.manifest(),
            sums: name::SUMS.to_owned(),
            attestations: AssetNames { name: &name, version }.attestations(),
            left_out: Vec::new(),
            notes: checkout_state.notes,
            name,
        }
    }

    /// Program by program, so that a list of them begins with the server's.
    fn planned_targets(&self) -> Vec<PlannedTarget> {
        let table = &self.source.table;
        let of = |program| table.targets.iter().map(move |target| planned_target(program, self.package, target));
        table.programs().flat_map(of).collect()
    }

    fn planned_image(&self, image: &Image) -> PlannedImage {
        let platform = |p: &table::Platform| PlannedPlatform {
            os: p.os.clone(),
            arch: p.arch.clone(),
            target: p.target.get_ref().clone(),
        };
        PlannedImage {
            repositories: image.repositories.iter().map(|r| r.get_ref().clone()).collect(),
            tag: self.package.version.to_string(),
            platforms: image.platforms.iter().map(platform).collect(),
        }
    }
}

fn planned_target(program: Program<'_>, package: &Package, target: &Target) -> PlannedTarget {
    let triple = target.triple.get_ref().clone();
    let names = AssetNames { name: program.asset(), version: &package.version };
    let archive = names.archive(&triple, target.archive.extension());
    PlannedTarget {
        product: program.name().to_owned(),
        folder: name::part_folder(program.server(), program.name(), &triple),
        stem: names.stem(&triple),
        sbom: names.sbom(&triple),
        triple,
        runner: target.runner.clone(),
        builder: target.builder,
        system: target.system.as_ref().map(|s| s.get_ref().clone()),
        features: package.with_implied(program.features(target)),
        archive_kind: target.archive,
        checksum: name::checksum(&archive),
        archive,
    }
}

fn dirty(changed: &[String]) -> Option<Problem> {
    let files = contents::first(changed);
    let verb = if changed.len() == 1 { "file differs" } else { "files differ" };
    (!changed.is_empty()).then(|| {
        Problem::new("tree-dirty", format!("{} {verb} from HEAD: {files}", changed.len()))
            .hint("commit them, `git stash --include-untracked`, or add what is not the project's to .gitignore")
    })
}

fn shallow(checkout: &Checkout) -> Option<Problem> {
    checkout.is_shallow().then(|| {
        Problem::new("history-shallow", "the clone is shallow, so tags and notes may be incomplete")
            .hint("`git fetch --unshallow --tags`; in a workflow, check out with `fetch-depth: 0`")
    })
}

/// Notes that say nothing: as a problem, or as a warning where they may go back further than is known here.
fn empty(tag: &str, notes: &Notes, public: &Public) -> (Option<Problem>, Option<Problem>) {
    if !notes.is_empty {
        return (None, None);
    }
    let since = notes.previous.as_ref().map_or_else(String::new, |tag| format!(" since {tag}"));
    let message = format!("the notes of {tag} are empty: no commit{since} is one that users notice");
    let problem = Problem::new("notes-empty", message);
    match (&notes.previous, public) {
        (Some(before), Public::Unknown(_)) => {
            let hint = format!(
                "if {before} was never public, `publish` takes its commits in; else there is nothing to release"
            );
            (None, Some(problem.hint(hint)))
        }
        _ => (Some(problem.hint("there is nothing to release; `chore` and `style` commits do not count")), None),
    }
}

fn cancelled(notes: &Notes) -> Option<Problem> {
    let commits = &notes.cancelled;
    (!commits.is_empty()).then(|| {
        let message = "commits that were reverted within this release are not in its notes, nor are their reverts:";
        Problem::new("reverted", message).about(commits.clone())
    })
}

fn long(tag: &str, notes: &Notes) -> Option<Problem> {
    let length = notes.cut_from?;
    let message = format!(
        "the notes of {tag} have {length} characters and GitHub takes 125000: they are cut at {}, with a link to {}",
        notes.markdown.chars().count(),
        changelog::FILE
    );
    let hint =
        format!("see that {} is written and committed: `sayna-release changelog --write --tag {tag}`", changelog::FILE);
    Some(Problem::new("notes-long", message).hint(hint))
}

fn unconventional(notes: &Notes) -> Option<Problem> {
    let commits = &notes.unconventional;
    let (count, verb) = (commits.len(), if commits.len() == 1 { "commit is" } else { "commits are" });
    (count > 0).then(|| {
        let message = format!("{count} {verb} not in the conventional form and listed under \"Other\":");
        let hint = "write subjects such as `fix(tts): no click at the end` (conventionalcommits.org)";
        Problem::new("unconventional-commits", message).hint(hint).about(commits.clone())
    })
}

/// The compiler that would build here against the one that releases are built with.
fn toolchain(root: &Path, source: &Source) -> Option<Problem> {
    let wanted = &source.table.release.toolchain;
    let program = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let output = Command::new(&program).arg("-vV").current_dir(root).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let running = text.lines().find_map(|line| line.strip_prefix("release: "));
    let running = running.and_then(|text| Version::parse(text).ok());
    if running.as_ref() == Some(wanted.get_ref()) {
        return None;
    }
    let message = running.map_or_else(
        || format!("{} does not say its version", program.display()),
        |running| format!("rustc is {running}, but releases are built with {}", wanted.get_ref()),
    );
    let hint = format!("`rustup toolchain install {0}` and `RUSTUP_TOOLCHAIN={0}`", wanted.get_ref());
    Some(Problem::new("toolchain", message).hint(hint).at(wanted.span()))
}
