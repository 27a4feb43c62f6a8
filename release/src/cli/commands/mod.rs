//! The commands: each reads what its stage needs, runs it, and gives what to print.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::build::{Builders, Job, Rustc, restrict_to_host};
use crate::cli::failure::Failure;
use crate::cli::{Cli, Command, TagArg, generate};
use crate::forge::{self, Github};
use crate::lock::Lock;
use crate::plan::{self, Plan, PlanReport};
use crate::progress::Progress;
use crate::public::Public;
use crate::scratch::{self, from_here};
use crate::shown;
use crate::table::{self, Source};

mod build;
mod destinations;
mod inspect;
mod publish;
mod verify;
mod watch;

/// The standard output of a command, and its exit status.
#[derive(Debug)]
pub struct Output {
    /// Ends with a newline where it is not empty.
    pub text: String,
    /// 0, or 1 where a check failed.
    pub status: u8,
}

impl Output {
    fn done(text: impl Into<String>) -> Self {
        Self::text(&text.into(), 0)
    }

    /// Text for people, in which this program's own colours are all that a terminal obeys.
    fn text(text: &str, status: u8) -> Self {
        Self { text: shown::painted(text).into_owned(), status }
    }

    /// A JSON document.
    fn document(text: &str, status: u8) -> Self {
        Self { text: shown::json(text).into_owned(), status }
    }

    /// Text for people, or with `--json` the value itself.
    fn of<T: Serialize>(json: bool, value: &T, text: impl FnOnce(&T) -> String, ok: bool) -> Result<Self, Failure> {
        let status = if ok { 0 } else { crate::cli::failure::INCOMPLETE };
        Ok(if json {
            Self::document(&(serde_json::to_string_pretty(value)? + "\n"), status)
        } else {
            Self::text(&text(value), status)
        })
    }

    fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }
}

/// Runs one command.
pub fn run(cli: &Cli) -> Result<Output, Failure> {
    let progress = Progress::new();
    let here = || Workspace::open(cli, &progress);
    match &cli.command {
        Command::Plan(args) => inspect::plan(&here()?, args),
        Command::Changelog(args) => inspect::changelog(&here()?, args),
        Command::Build(args) => build::build(&here()?, args),
        Command::Package(args) => build::package(&here()?, args),
        Command::Image(args) => build::image(&here()?, args),
        Command::Sbom(args) => build::sbom(&here()?, args),
        Command::Rehearse(args) => publish::rehearse(&here()?, args),
        Command::Publish(args) => publish::publish(&here()?, args),
        Command::Doctor(args) => inspect::doctor(&here()?, args),
        // The rest needs no checkout.
        Command::Verify(args) if !args.files.is_empty() => inspect::files(args, cli, &progress),
        Command::Verify(args) => verify::verify(cli, args, &progress),
        Command::Watch(args) => watch::watch(cli, args, &progress),
        Command::Promote(args) => verify::promote(cli, args, &progress),
        Command::Audit(args) => inspect::audit(args, cli),
        Command::Crates(args) => build::crates(args, cli.root.as_deref()),
        Command::Generate { folder } => {
            generate::write(folder)?;
            Ok(Output::done(""))
        }
    }
}

/// The checkout that a command works in, with its table. It lives as long as the command.
struct Workspace {
    root: PathBuf,
    source: Source,
    json: bool,
    progress: Progress,
}

impl Workspace {
    fn open(cli: &Cli, progress: &Progress) -> Result<Self, Failure> {
        let root = root(cli.root.as_deref())?;
        let source = Source::read(&root)?;
        Ok(Self { root, source, json: cli.json, progress: progress.clone() })
    }

    /// Keeps other runs away from a folder of parts, and from what Cargo builds for them, until the lock is dropped; what
    /// stopped runs have left there is removed. `out` is below the checkout.
    fn alone(&self, out: &Path) -> Result<Lock, Failure> {
        let folder = self.root.join(out);
        let lock = Lock::take(&folder, &|who: &str| self.progress.line(who))?;
        scratch::sweep_below(&folder);
        Ok(lock)
    }

    /// A path in the checkout as a person at this prompt would write it.
    fn shown(&self, path: &Path) -> PathBuf {
        from_here(&self.root.join(path))
    }

    /// The plan. With a tag, or where it goes to a `real` place, a release is meant: whatever stands in its way is a
    /// refusal; else it is said and no more.
    fn plan(&self, tag: &TagArg, real: bool, public: Public) -> Result<PlanReport, Failure> {
        let mut made = plan::make(&self.root, &plan::Options { tag: tag.tag.clone(), public, crates: None })?;
        made.meant |= real;
        if made.meant && !made.problems.is_empty() {
            return Err(Failure::rendered(|colour| {
                let findings = plan::output::findings(&made, colour);
                format!("no release:\n{}", findings.trim_end())
            }));
        }
        let findings = plan::output::findings(&made, true);
        if !findings.is_empty() {
            self.progress.painted(findings.trim_end());
        }
        Ok(made)
    }

    /// Returns the public versions where a tag says that a release is meant.
    fn public(&self, tag: &TagArg) -> Result<Public, Failure> {
        if tag.tag.is_some() { self.asked() } else { Ok(Public::default()) }
    }

    /// Returns the versions that are public on the table's own forge. The forge is queried once and without retries, because a
    /// plan can be made without it.
    fn asked(&self) -> Result<Public, Failure> {
        let table = &self.source.table;
        let forge = Github::open(table.forge.github.get_ref().parse().map_err(forge::Error::from)?, &self.progress)?;
        Ok(Public::on(&forge.without_patience(), &table.release))
    }

    fn job<'a>(&'a self, plan: &'a Plan, rustc: &'a Rustc, builders: &'a Builders) -> Job<'a> {
        Job::new(&self.root, &self.source.table, plan, rustc, builders)
    }

    /// Restricts a plan to the targets that this machine can build.
    fn narrowed(&self, plan: Plan) -> Result<Plan, Failure> {
        let builders = Builders::find(&self.root, None).map_err(crate::build::Error::from)?;
        Ok(restrict_to_host(plan, &self.source.table, &Rustc::ask()?, &builders)?)
    }
}

/// The nearest folder upwards that has the table.
fn root(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let from = match given {
        Some(folder) => folder.to_owned(),
        None => std::env::current_dir().map_err(|e| Failure::usage(format!("no working folder: {e}"), "use --root"))?,
    };
    let found = from.ancestors().find(|f| f.join(table::FILE).is_file());
    let found = found.ok_or_else(|| {
        let text = format!("no {} in {} or above it", table::FILE, from.display());
        Failure::usage(text, "run this in a checkout, or name one with --root")
    })?;
    std::path::absolute(found).map_err(|e| Failure::usage(format!("{}: {e}", found.display()), "use --root"))
}
