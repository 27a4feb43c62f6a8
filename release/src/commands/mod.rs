//! The commands: each reads what its stage needs, runs it, and gives what to print.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::build::{self, Builders, Job, Rustc};
use crate::cli::{Cli, Command, PlaceArgs, TagArg};
use crate::failure::{Failure, REFUSED};
use crate::forge::Directory;
use crate::plan::{self, Made};
use crate::progress::Progress;
use crate::registry::{Layout, Registry};
use crate::rehearse;
use crate::table::{self, Source};

mod look;
mod make;
mod release;

/// What a command leaves on standard output, and the exit status.
#[derive(Debug)]
pub struct Output {
    /// Ends with a newline where it is not empty.
    pub text: String,
    /// 0, or 1 where a check failed.
    pub status: u8,
}

impl Output {
    fn done(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: 0 }
    }

    /// Text for people, or with `--json` the value itself.
    fn of<T: Serialize>(json: bool, value: &T, text: impl FnOnce(&T) -> String, ok: bool) -> Result<Self, Failure> {
        let text = if json { serde_json::to_string_pretty(value)? + "\n" } else { text(value) };
        Ok(Self { text, status: if ok { 0 } else { crate::failure::INCOMPLETE } })
    }
}

/// Runs one command.
pub fn run(cli: &Cli) -> Result<Output, Failure> {
    let progress = Progress::new();
    if let Command::Audit(args) = &cli.command {
        return look::audit(args, cli);
    }
    if let Command::Verify(args) = &cli.command
        && !args.files.is_empty()
    {
        return look::files(args, cli);
    }
    let root = root(cli.root.as_deref())?;
    let source = Source::read(&root)?;
    let here = Here { root, source, json: cli.json, progress };
    match &cli.command {
        Command::Plan(args) => look::plan(&here, args),
        Command::Changelog(args) => look::changelog(&here, args),
        Command::Build(args) => make::build(&here, args),
        Command::Package(args) => make::package(&here, args),
        Command::Image(args) => make::image(&here, args),
        Command::Rehearse(args) => release::rehearse(&here, args),
        Command::Publish(args) => release::publish(&here, args),
        Command::Verify(args) => release::verify(&here, args),
        Command::Promote(args) => release::promote(&here, args),
        Command::Sbom(args) => make::sbom(&here, args),
        Command::Audit(args) => look::audit(args, cli),
    }
}

/// The checkout that a command works in.
struct Here {
    root: PathBuf,
    source: Source,
    json: bool,
    progress: Progress,
}

impl Here {
    /// The plan. With a tag a release is meant: whatever stands in its way is a refusal; else it is said and no more.
    fn plan(&self, tag: &TagArg) -> Result<Made, Failure> {
        let made = plan::make(&self.root, &plan::Options { tag: tag.tag.clone() })?;
        let findings = plan::output::findings(&made, true);
        if made.meant && !made.problems.is_empty() {
            return Err(Failure { text: format!("no release:\n{}", findings.trim_end()), hint: None, status: REFUSED });
        }
        if !findings.is_empty() {
            self.progress.line(findings.trim_end());
        }
        Ok(made)
    }

    fn job<'a>(&'a self, plan: &'a plan::Plan, rustc: &'a Rustc, builders: &'a Builders) -> Job<'a> {
        Job::new(&self.root, &self.source.table, plan, rustc, builders)
    }

    /// The plan for commands that look at a forge; `--here` narrows it to this machine.
    fn plan_for(&self, tag: &TagArg, places: &PlaceArgs) -> Result<Made, Failure> {
        let made = self.plan(tag)?;
        if !places.here {
            return Ok(made);
        }
        let builders = Builders::find(&self.root, None).map_err(build::Error::from)?;
        let plan = rehearse::narrow(made.plan, &self.source.table, &Rustc::ask()?, &builders)?;
        Ok(Made { plan, ..made })
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

/// Forge and registries by their names on the command line.
fn places(args: &PlaceArgs) -> Result<(Directory, Vec<Layout>), Failure> {
    let hint = "this version knows the embedded ones: --forge dir:PATH, --registry oci:PATH";
    let named = args.forge.as_deref().ok_or_else(|| Failure::usage("no forge is named", hint))?;
    let forge = named.strip_prefix("dir:");
    let forge = forge.ok_or_else(|| Failure::usage(format!("{named:?} names no forge"), hint))?;
    let registry = |name: &String| {
        let path = name.strip_prefix("oci:").map(Layout::new);
        path.ok_or_else(|| Failure::usage(format!("{name:?} names no registry"), hint))
    };
    Ok((Directory::new(forge), args.registries.iter().map(registry).collect::<Result<_, _>>()?))
}

fn registries(layouts: &[Layout]) -> Vec<&dyn Registry> {
    layouts.iter().map(|l| l as &dyn Registry).collect()
}
