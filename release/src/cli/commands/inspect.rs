//! Commands that change nothing but, where asked, the changelog.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Output, Workspace, root};
use crate::atomic::{self, At as _};
use crate::attest;
use crate::audit::{self, Expectations, Facts, Finding};
use crate::build;
use crate::changelog::{self, Request};
use crate::cli::failure::{Failure, INCOMPLETE, REFUSED};
use crate::cli::report;
use crate::cli::{AuditArgs, ChangelogArgs, Cli, DoctorArgs, Format, PlanArgs, VerifyArgs};
use crate::digest::Digest;
use crate::doctor;
use crate::forge::{self, Forge as _, Github};
use crate::git::Checkout;
use crate::plan;
use crate::plan::crates::Network;
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::shown::shown;
use crate::table::{Source, Table};
use crate::verify::files;

/// `plan`
pub(super) fn plan(here: &Workspace, args: &PlanArgs) -> Result<Output, Failure> {
    let public = here.public(&args.tag)?;
    let tag = args.tag.tag.clone();
    // Without a tag nothing is refused, and looking takes a second per target.
    let crates = tag.as_ref().map(|_| Network::Never);
    let made = plan::make(&here.root, &plan::Options { tag, public: public.clone(), crates })?;
    let refused = made.meant && !made.problems.is_empty();
    let status = if refused { REFUSED } else { 0 };
    Ok(match if here.json { Format::Json } else { args.format } {
        Format::Text => Output::text(&plan::output::text(&made, true), status),
        Format::Json => Output::document(&plan::output::json(&made), status),
        // A workflow must not get a matrix to build from.
        Format::Matrix if refused => here.plan(&args.tag, false, public).map(|_| Output::text("", status))?,
        Format::Matrix => {
            let mut plan = made.plan;
            if let Some(product) = &args.product {
                build::program(&here.source.table, product)?;
                plan.targets.retain(|target| target.product == *product);
            }
            Output::document(&plan::output::matrix(&plan, args.builder), status)
        }
    })
}

/// `changelog`
pub(super) fn changelog(here: &Workspace, args: &ChangelogArgs) -> Result<Output, Failure> {
    let checkout = Checkout::open(&here.root)?;
    let tag = match &args.tag.tag {
        Some(tag) => tag.clone(),
        None => plan::make(&here.root, &plan::Options::default())?.plan.tag,
    };
    if args.write {
        let request = Request::of(&checkout, &tag)?;
        // A version is named only on request: by default, commits without a tag are unreleased.
        let upcoming = args.tag.tag.as_deref().filter(|_| matches!(request, Request::Upcoming(_)));
        let changed = changelog::write(&here.root, upcoming)?;
        let text = if changed { "wrote" } else { "nothing to change in" };
        return Ok(Output::done(format!("{text} {}\n", here.shown(Path::new("CHANGELOG.md")).display())));
    }
    let notes = changelog::notes(&here.root, &Request::of(&checkout, &tag)?, &here.public(&args.tag)?)?;
    for commit in &notes.unconventional {
        here.progress.line(&format!("warning: not in the conventional form: {commit}"));
    }
    if let Some(path) = &args.output {
        atomic::write(path, notes.markdown.as_bytes())?;
        return Ok(Output::done(format!("wrote {}\n", path.display())));
    }
    let value = BTreeMap::from([("tag", &tag), ("notes", &notes.markdown)]);
    Output::of(here.json, &value, |_| shown(&notes.markdown).into_owned(), true)
}

/// `doctor`
pub(super) fn doctor(here: &Workspace, args: &DoctorArgs) -> Result<Output, Failure> {
    let public = here.asked()?;
    let options = plan::Options { tag: args.tag.tag.clone(), public, crates: Some(Network::Allowed) };
    let made = plan::make(&here.root, &options)?;
    let variables = |name: &str| std::env::var(name).ok();
    let report = doctor::run(&made, &here.source.table, &variables, &here.progress)?;
    let passed = report.passed();
    Output::of(here.json, &report, report::doctor, passed)
}

/// Puts the file's name before an error about one of several files.
fn named(path: &Path, error: audit::Error) -> Failure {
    let failure = Failure::from(error);
    let name = path.display().to_string();
    let text = if failure.text.contains(&name) { failure.text } else { format!("{name}: {}", failure.text) };
    Failure { text, ..failure }
}

/// The checkout's table, or outside of one that which this program was built with.
fn source(cli: &Cli) -> Result<Source, Failure> {
    match root(cli.root.as_deref()) {
        Ok(root) => Ok(Source::read(&root)?),
        Err(_outside) if cli.root.is_none() => Ok(Source::built_in()?),
        Err(failure) => Err(failure),
    }
}

/// `verify FILE…`
pub(super) fn files(args: &VerifyArgs, cli: &Cli, progress: &Progress) -> Result<Output, Failure> {
    let source = source(cli)?;
    let fetched = if args.fetch { Some(fetched(&args.files, &source.table, progress)?) } else { None };
    let report = files::run(&files::Request {
        files: &args.files,
        attestations: fetched.as_ref().map(|(_, file)| file.as_path()).or(args.attestations.as_deref()),
        tag: args.tag.tag.as_deref(),
        table: &source.table,
        trusted_root: args.destinations.trust.trusted_root.as_deref(),
    })?;
    let passed = report.passed();
    Output::of(cli.json, &report, report::files, passed)
}

/// Fetches the attestations of files from GitHub, in the form of the release's own file.
fn fetched(files: &[PathBuf], table: &Table, progress: &Progress) -> Result<(Scratch, PathBuf), Failure> {
    let ask = || -> Result<(String, BTreeSet<String>), Failure> {
        let repository = table.forge.github.get_ref().parse().map_err(forge::Error::from)?;
        let github = Github::open(repository, progress)?.for_looking();
        let mut lines = BTreeSet::new();
        for path in files {
            let (digest, _size) = Digest::of_file(path).at("read", path)?;
            lines.extend(github.attestations(digest)?);
        }
        Ok((github.name(), lines))
    };
    let (name, lines) = ask().map_err(Failure::of_this_machine)?;
    if lines.is_empty() {
        let text = format!("{name} has no attestation of these files");
        return Err(Failure::new(text, Some("do not use them".to_owned()), INCOMPLETE));
    }
    let folder = Scratch::temporary()?;
    let file = folder.path().join(attest::FILE);
    let text: String = lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect();
    atomic::write(&file, text.as_bytes())?;
    Ok((folder, file))
}

#[derive(Serialize)]
struct Audited<'a> {
    file: String,
    target: Option<String>,
    facts: &'a Facts,
    findings: &'a [Finding],
}

/// `audit`: outside a checkout, files are held against the table that this program was built with.
pub(super) fn audit(args: &AuditArgs, cli: &Cli) -> Result<Output, Failure> {
    let source = source(cli)?;
    let mut text = String::new();
    let mut documents = Vec::new();
    let mut status = 0;
    for path in &args.files {
        let facts = audit::read(path).map_err(|e| named(path, e))?;
        let target = audit::matching(&facts, &source.table);
        let findings = audit::findings(&facts, target.map(Expectations::from).as_ref());
        if !findings.is_empty() {
            status = INCOMPLETE;
        }
        let triple = target.map(|t| t.triple.get_ref().to_string());
        text.push_str(&audit::render(path, &facts, &findings));
        let file = path.display().to_string();
        documents.push(serde_json::to_value(Audited { file, target: triple, facts: &facts, findings: &findings })?);
    }
    Ok(if cli.json {
        Output::document(&(serde_json::to_string_pretty(&documents)? + "\n"), status)
    } else {
        Output::text(&text, status)
    })
}
