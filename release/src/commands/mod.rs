//! The commands: each reads what its stage needs, runs it, and gives what to print.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::build::{self, Builders, Job, Rustc};
use crate::cli::{Cli, Command, PlaceArgs, TagArg};
use crate::failure::{Failure, REFUSED};
use crate::forge::Directory;
use crate::plan::{self, Made};
use crate::progress::Progress;
use crate::registry::{self, Reference, Registry};
use crate::rehearse;
use crate::table::{self, Source, Table};

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
    /// The plan. With a tag, or where it goes to a `real` place, a release is meant: whatever stands in its way is a
    /// refusal; else it is said and no more.
    fn plan(&self, tag: &TagArg, real: bool) -> Result<Made, Failure> {
        let mut made = plan::make(&self.root, &plan::Options { tag: tag.tag.clone() })?;
        made.meant |= real;
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
        let real = registry_names(&self.source.table, places).iter().any(|name| name.starts_with("docker://"));
        let made = self.plan(tag, real)?;
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
fn places(here: &Here, args: &PlaceArgs) -> Result<(Directory, Vec<Box<dyn Registry>>), Failure> {
    let hint = "this version knows the embedded one: --forge dir:PATH";
    let forge_name = args.forge.as_deref().ok_or_else(|| Failure::usage("no forge is named", hint))?;
    let forge = forge_name.strip_prefix("dir:");
    let forge = forge.ok_or_else(|| Failure::usage(format!("{forge_name:?} names no forge"), hint))?;
    let names = registry_names(&here.source.table, args);
    let registries = names.iter().map(|name| registry::open(name, &here.progress));
    Ok((Directory::new(forge), registries.collect::<Result<_, _>>()?))
}

/// The registries that were named; beside the table's own forge, where none was, the table's own.
fn registry_names(table: &Table, args: &PlaceArgs) -> Vec<String> {
    let own = args.forge == Some(format!("github:{}", table.forge.github.get_ref()));
    if !own || !args.registries.is_empty() {
        return args.registries.clone();
    }
    let repositories = table.image.iter().flat_map(|image| &image.repositories);
    repositories.map(|repository| format!("docker://{}", repository.get_ref())).collect()
}

/// Whether one of these is the table's own, however it is written.
fn official(table: &Table, registries: &[Box<dyn Registry>]) -> bool {
    let own = table.image.iter().flat_map(|image| &image.repositories);
    let own: Vec<Reference> = own.filter_map(|name| name.get_ref().parse().ok()).collect();
    registries.iter().any(|registry| own.iter().any(|own| own.to_string() == registry.name()))
}

fn registries(opened: &[Box<dyn Registry>]) -> Vec<&dyn Registry> {
    opened.iter().map(AsRef::as_ref).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_registries_stand_beside_its_forge_where_none_is_named() {
        let source = Source::read(&root(None).unwrap()).unwrap();
        let named = |forge: &str, registries: &[&str]| {
            let registries = registries.iter().map(ToString::to_string).collect();
            registry_names(
                &source.table,
                &PlaceArgs { forge: Some(forge.to_owned()), registries, here: false, trusted_root: None },
            )
        };
        assert_eq!(named("github:saynaai/sayna", &[]), ["docker://docker.io/saynaai/sayna"]);
        assert_eq!(named("github:saynaai/sayna", &["oci:x"]), ["oci:x"]);
        assert_eq!(named("github:somebody/else", &[]), Vec::<String>::new());
        assert_eq!(named("dir:x", &[]), Vec::<String>::new());
    }

    #[test]
    fn the_tables_own_registry_is_known_by_any_of_its_names() {
        let source = Source::read(&root(None).unwrap()).unwrap();
        let own = |name: &str| official(&source.table, &[registry::open(name, &Progress::quiet()).unwrap()]);
        for name in
            ["docker://docker.io/saynaai/sayna", "docker://saynaai/sayna", "docker://index.docker.io/saynaai/sayna"]
        {
            assert!(own(name), "{name}");
        }
        for name in ["docker://docker.io/somebody/sayna", "docker://127.0.0.1:5000/saynaai/sayna", "oci:saynaai/sayna"]
        {
            assert!(!own(name), "{name}");
        }
    }
}
