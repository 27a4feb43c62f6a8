//! Commands that make or change a release.

use std::path::Path;

use super::destinations::OpenedDestinations;
use super::{Output, Workspace};
use crate::cli::failure::Failure;
use crate::cli::report;
use crate::cli::{PublishArgs, RehearseArgs, TrackChoice};
use crate::public::Public;
use crate::publish::{self, Only, Options};
use crate::registry::Purpose;
use crate::rehearse;

/// The folder of a rehearsal, and of everything that Cargo builds for it.
const DIST: &str = "dist";

/// `rehearse`
pub(super) fn rehearse(here: &Workspace, args: &RehearseArgs) -> Result<Output, Failure> {
    let _alone = here.alone(Path::new(DIST))?;
    let summary = rehearse::run(&here.root, &here.source.table, args.builder.named(), args.twice, &here.progress)?;
    let passed = summary.passed;
    Output::of(here.json, &summary, report::rehearsal, passed)
}

/// `publish`
pub(super) fn publish(here: &Workspace, args: &PublishArgs) -> Result<Output, Failure> {
    let purpose = if args.dry_run { Purpose::DryRun } else { Purpose::Publish };
    let opened = OpenedDestinations::new(&here.source.table, &args.destinations, purpose, &here.progress)?;
    let public = Public::on(&*opened.forge, &here.source.table.release);
    let made = here.plan(&args.tag, opened.real, public)?;
    let plan = if args.destinations.here { here.narrowed(made.plan)? } else { made.plan };
    let options = Options {
        only: args.only.map(|only| match only {
            TrackChoice::Binaries => Only::Binaries,
            TrackChoice::Images => Only::Images,
        }),
        until_draft: args.until.is_some(),
        dry_run: args.dry_run,
        allow_host_parts: args.allow_host_parts,
    };
    let registries = opened.registries();
    let there = opened.borrowed(&registries, &args.destinations.trust);
    let _alone = if args.dry_run { None } else { Some(here.alone(&args.dist)?) };
    let outcome = publish::run(&plan, &here.root.join(&args.dist), there, options, &here.progress)?;
    let complete = outcome.complete();
    Output::of(here.json, &outcome, |o| report::published(o, args.dry_run), complete)
}
