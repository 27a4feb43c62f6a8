//! Commands on a whole release.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Here, Output, official, places, registries};
use crate::atomic::At as _;
use crate::build::{Builders, Rustc};
use crate::cli::{PromoteArgs, PublishArgs, RehearseArgs, TrackChoice, VerifyArgs};
use crate::failure::Failure;
use crate::git::Checkout;
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::publish::{self, Only, Options, Places};
use crate::table::Builder;
use crate::verify::{self, NotReproduced, Report, Reproduce, Reproduced, Request};
use crate::{promote, rehearse, report, reproduce};

/// `rehearse`
pub(super) fn rehearse(here: &Here, args: &RehearseArgs) -> Result<Output, Failure> {
    let summary = rehearse::run(&here.root, &here.source.table, args.builder.named(), args.once, &here.progress)?;
    let passed = summary.passed;
    Output::of(here.json, &summary, report::rehearsal, passed)
}

/// `publish`
pub(super) fn publish(here: &Here, args: &PublishArgs) -> Result<Output, Failure> {
    let made = here.plan_for(&args.tag, &args.places)?;
    let (forge, opened) = places(here, &args.places)?;
    let registries = registries(&opened);
    let options = Options {
        only: args.only.map(|only| match only {
            TrackChoice::Binaries => Only::Binaries,
            TrackChoice::Images => Only::Images,
        }),
        until_draft: args.until.is_some(),
        dry_run: args.dry_run,
        allow_host_parts: args.allow_host_parts,
    };
    let trusted_root = args.places.trusted_root.as_deref();
    let there = Places {
        forge: &forge,
        registries: &registries,
        official: official(&here.source.table, &opened),
        trusted_root,
    };
    let outcome = publish::run(&made.plan, &here.root.join(&args.dist), there, options, &here.progress)?;
    let complete = outcome.complete();
    Output::of(here.json, &outcome, |o| report::published(o, args.dry_run), complete)
}

/// `verify`
pub(super) fn verify(here: &Here, args: &VerifyArgs) -> Result<Output, Failure> {
    with_request(here, &args.tag, &args.places, args.reproduce, |request, folder| {
        let report = verify::run(request, folder);
        let passed = report.passed();
        Output::of(here.json, &report, report::checklist, passed)
    })
}

/// `promote`
pub(super) fn promote(here: &Here, args: &PromoteArgs) -> Result<Output, Failure> {
    with_request(here, &args.tag, &args.places, false, |request, folder| {
        let waiting = |who: &str| here.progress.line(who);
        let _forge_lock = request.forge.lock(&waiting)?;
        let _registry_locks = request.registries.iter().map(|r| r.lock(&waiting)).collect::<Result<Vec<_>, _>>()?;
        let before: Report = verify::run(request, &folder.join("before"));
        let outcome = promote::run(&request, &before, args.back, args.dry_run)?;
        if args.dry_run {
            return Output::of(here.json, &outcome, |o| report::promoted(o, true), true);
        }
        // Read again: what counts is where `latest` points now.
        let after = verify::run(Request { promoted: !args.back, ..request }, &folder.join("after"));
        let passed = after.passed();
        let text = |o: &promote::Outcome| report::promoted(o, false) + &report::checklist(&after);
        Output::of(here.json, &outcome, text, passed)
    })
}

/// Reads plan, history and places, and lends them to `work` with a folder for downloads.
fn with_request(
    here: &Here,
    tag: &crate::cli::TagArg,
    place_args: &crate::cli::PlaceArgs,
    reproduce: bool,
    work: impl FnOnce(Request<'_>, &Path) -> Result<Output, Failure>,
) -> Result<Output, Failure> {
    let made = here.plan_for(tag, place_args)?;
    let (forge, opened) = places(here, place_args)?;
    let registries = registries(&opened);
    let checkout = Checkout::open(&here.root)?;
    let git_versions = checkout.stable_versions()?;
    let scratch = here.root.join("dist");
    std::fs::create_dir_all(&scratch).at("create the folder", &scratch)?;
    let folder = tempfile::Builder::new().prefix(crate::atomic::PARTIAL).tempdir_in(&scratch);
    let folder = folder.at("write into", &scratch)?;
    let again = |manifest: &Manifest| again(here, &made.plan, &checkout, manifest, &folder.path().join("again"));
    let request = Request {
        tag: &made.plan.tag,
        plan: Some(&made.plan),
        table: &here.source.table,
        forge: &forge,
        registries: &registries,
        git_versions: &git_versions,
        reproduce: reproduce.then_some(&again as Reproduce<'_>),
        sboms: &BTreeMap::new(),
        promoted: false,
        rehearsal: false,
        official: false,
        trusted_root: place_args.trusted_root.as_deref(),
    };
    work(request, folder.path())
}

/// Builds this machine's part of a release once more, by the builder that the manifest names.
fn again(
    here: &Here,
    plan: &Plan,
    checkout: &Checkout,
    manifest: &Manifest,
    place: &Path,
) -> Result<Reproduced, NotReproduced> {
    let failed = |e: &dyn std::fmt::Display| NotReproduced::Failed(e.to_string());
    let rustc = Rustc::ask().map_err(|e| failed(&e))?;
    let own = manifest.binaries.iter().find(|b| b.target.as_str() == rustc.host);
    let own = own.ok_or_else(|| {
        NotReproduced::NotHere(format!("this machine is {}, and the release has no binary for it", rustc.host))
    })?;
    let built = &own.built;
    let builders = Builders::find(&here.root, Some(built.by))
        .map_err(|e| NotReproduced::NotHere(format!("{} was built by {}: {e}", own.target, built.by)))?;
    if built.by == Builder::Cargo && built.rustc != rustc.version {
        let text = format!("{} was built with rustc {}, this machine has {}", own.target, built.rustc, rustc.version);
        return Err(NotReproduced::NotHere(text));
    }
    let plan = rehearse::narrow(plan.clone(), &here.source.table, &rustc, &builders).map_err(|e| failed(&e))?;
    let job = here.job(&plan, &rustc, &builders);
    let second = reproduce::build_again(&job, checkout, place, &here.progress).map_err(|e| failed(&e))?;
    Ok(Reproduced { digests: second.digests, difference: second.difference })
}
