//! Commands that look at a published release, from its checkout or from outside of any.

use std::collections::BTreeMap;
use std::path::Path;

use semver::Version;

use super::destinations::OpenedDestinations;
use super::{Output, Workspace, root};
use crate::atomic;
use crate::attest::rebuild::Rebuilt;
use crate::build::{Builders, Rustc, restrict_to_host};
use crate::cli::failure::{Failure, INCOMPLETE, REFUSED};
use crate::cli::report;
use crate::cli::{Cli, DestinationArgs, PromoteArgs, ReleasedTagArg, VerifyArgs};
use crate::git::Checkout;
use crate::manifest::Manifest;
use crate::page::{self, Links};
use crate::plan::{self, Plan};
use crate::progress::Progress;
use crate::promote;
use crate::public::{self, Public};
use crate::registry::{Purpose, Registry};
use crate::rehearse::reproduce;
use crate::scratch::Scratch;
use crate::table::{Builder, Source};
use crate::verify::{self, NotReproduced, Report, Reproduce, Reproduced, Request};

/// `verify`
pub(super) fn verify(cli: &Cli, args: &VerifyArgs, progress: &Progress) -> Result<Output, Failure> {
    let done = ReleaseView::new(cli, &args.tag, &args.destinations, Purpose::Look, progress)
        .and_then(|view| view.verify(args, cli.json));
    done.map_err(Failure::of_this_machine)
}

/// `promote`
pub(super) fn promote(cli: &Cli, args: &PromoteArgs, progress: &Progress) -> Result<Output, Failure> {
    let view = ReleaseView::new(cli, &args.tag, &args.destinations, Purpose::Promote, progress)?;
    let parts = view.parts()?;
    let request = view.request(&parts, None);
    let waiting = |who: &str| progress.line(who);
    let _forge_lock = request.forge.lock(&waiting)?;
    let _registry_locks = request.registries.iter().map(|r| r.lock(&waiting)).collect::<Result<Vec<_>, _>>()?;
    let before: Report = verify::run(request, &parts.folder.path().join("before"));
    let outcome = promote::run(&request, &before, args.back, args.dry_run)?;
    if args.dry_run {
        return Output::of(cli.json, &outcome, |o| report::promoted(o, true), true);
    }
    // Read again: what counts is where `latest` points now.
    let after = verify::run(Request { promoted: !args.back, ..request }, &parts.folder.path().join("after"));
    let passed = after.passed();
    let text = |o: &promote::Outcome| report::promoted(o, false) + &report::checklist(&after);
    Output::of(cli.json, &outcome, text, passed)
}

/// A checkout with its history.
struct CheckoutContext {
    here: Workspace,
    checkout: Checkout,
    /// `None` where it is not what was released; the manifest then says what was planned.
    plan: Option<Plan>,
}

/// A release to verify: where it is, and the checkout that it is compared with.
struct ReleaseView<'a> {
    args: &'a DestinationArgs,
    progress: &'a Progress,
    /// Outside of a checkout, what this program was built with.
    source: Source,
    ground: Option<CheckoutContext>,
    opened: OpenedDestinations,
    tag: String,
}

/// The values that a request borrows, beside its view. The folder for downloads is removed with them.
struct RequestParts<'v> {
    folder: Scratch,
    /// Stable versions among Git's tags.
    versions: Vec<Version>,
    registries: Vec<&'v dyn Registry>,
}

impl<'a> ReleaseView<'a> {
    fn new(
        cli: &Cli,
        tag: &ReleasedTagArg,
        args: &'a DestinationArgs,
        purpose: Purpose,
        progress: &'a Progress,
    ) -> Result<Self, Failure> {
        if cli.root.is_none() && root(None).is_err() {
            let source = Source::built_in()?;
            let opened = OpenedDestinations::new(&source.table, args, purpose, progress)?;
            let tag = match &tag.tag {
                Some(tag) => tag.clone(),
                None => latest(&opened)?,
            };
            return Ok(Self { args, progress, source, ground: None, opened, tag });
        }
        let here = Workspace::open(cli, progress)?;
        let source = here.source.clone();
        let opened = OpenedDestinations::new(&source.table, args, purpose, progress)?;
        let (planned, plan) = plan_of(&here, tag, args, &opened)?;
        let checkout = Checkout::open(&here.root)?;
        let ground = Some(CheckoutContext { here, checkout, plan });
        Ok(Self { args, progress, source, ground, opened, tag: tag.tag.clone().unwrap_or(planned) })
    }

    fn plan(&self) -> Option<&Plan> {
        self.ground.as_ref().and_then(|ground| ground.plan.as_ref())
    }

    /// Fills in the checklist of the release.
    fn verify(&self, args: &VerifyArgs, as_json: bool) -> Result<Output, Failure> {
        args.statement.as_deref().map(Rebuilt::clear).transpose()?;
        let parts = self.parts()?;
        let folder = parts.folder.path();
        let again = |manifest: &Manifest| self.again(manifest, &folder.join("again"));
        let request = self.request(&parts, args.reproduce.then_some(&again as Reproduce<'_>));
        let report = verify::run(request, folder);
        if let Some(file) = &args.html {
            atomic::ensure(file, page::render(&report, &Links::of(&report, file)).as_bytes())?;
            self.progress.line(&format!("the page of this release is {}", file.display()));
        }
        let stated = match &args.statement {
            Some(folder) => self.state(&report, folder)?,
            None => true,
        };
        let status = match (report.failed() || !stated, report.passed()) {
            (true, _) => INCOMPLETE,
            (false, true) => 0,
            // What could not be seen is neither right nor wrong.
            (false, false) => REFUSED,
        };
        Output::of(as_json, &report, report::checklist, true).map(|output| output.with_status(status))
    }

    /// Writes the statement about a second build, where every row holds and the bytes were the same.
    fn state(&self, report: &Report, folder: &Path) -> Result<bool, Failure> {
        let Some(rebuilt) = report.reproduced.as_ref().filter(|_| report.passed()) else {
            self.progress
                .line("no statement was written: nothing was built again with the same bytes, or a row does not hold");
            return Ok(false);
        };
        rebuilt.write(folder, self.source.table.forge.github.get_ref(), jiff::Timestamp::now())?;
        Ok(true)
    }

    fn parts(&self) -> Result<RequestParts<'_>, Failure> {
        let dist = self.ground.as_ref().map(|ground| ground.here.root.join("dist"));
        // To look at a release, a checkout need not be writable.
        let folder = match dist.map(|dist| Scratch::new_in(&dist)) {
            Some(Ok(folder)) => folder,
            _ => Scratch::temporary()?,
        };
        let tags = self.ground.as_ref().map(|ground| ground.checkout.tags()).transpose()?.unwrap_or_default();
        let versions = public::stable(tags.keys(), &self.source.table.release);
        Ok(RequestParts { folder, versions, registries: self.opened.registries() })
    }

    fn request<'r>(&'r self, parts: &'r RequestParts<'r>, reproduce: Option<Reproduce<'r>>) -> Request<'r> {
        Request {
            tag: &self.tag,
            plan: self.plan(),
            table: &self.source.table,
            forge: &*self.opened.forge,
            registries: &parts.registries,
            git_versions: &parts.versions,
            reproduce,
            // A command compares no SBOMs with those of the checkout. Only a rehearsal has them.
            sboms: const { &BTreeMap::new() },
            promoted: false,
            rehearsal: false,
            is_project_origin: self.opened.is_project_origin,
            remote: self.opened.remote,
            trusted_root: self.args.trust.trusted_root.as_deref(),
        }
    }

    /// Builds this machine's part of a release once more, by the builder that the manifest names.
    fn again(&self, manifest: &Manifest, place: &Path) -> Result<Reproduced, NotReproduced> {
        let elsewhere = || format!("a second build needs a clean checkout of {}", manifest.commit);
        let ground = self.ground.as_ref().ok_or_else(|| NotReproduced::NotHere(elsewhere()))?;
        let plan = ground.plan.as_ref().ok_or_else(|| NotReproduced::NotHere(elsewhere()))?;
        let failed = |e: &dyn std::fmt::Display| NotReproduced::Failed(e.to_string());
        let rustc = Rustc::ask().map_err(|e| failed(&e))?;
        let own = manifest.server().find(|b| b.target.as_str() == rustc.host);
        let own = own.ok_or_else(|| {
            NotReproduced::NotHere(format!("this machine is {}, and the release has no binary for it", rustc.host))
        })?;
        let (here, built) = (&ground.here, &own.built);
        let builders = Builders::find(&here.root, Some(built.by))
            .map_err(|e| NotReproduced::NotHere(format!("{} was built by {}: {e}", own.target, built.by)))?;
        if built.by == Builder::Cargo && built.rustc != rustc.version {
            let text =
                format!("{} was built with rustc {}, this machine has {}", own.target, built.rustc, rustc.version);
            return Err(NotReproduced::NotHere(text));
        }
        let plan = restrict_to_host(plan.clone(), &self.source.table, &rustc, &builders).map_err(|e| failed(&e))?;
        let job = here.job(&plan, &rustc, &builders);
        let second = reproduce::build_again(&job, &ground.checkout, place, self.progress).map_err(|e| failed(&e))?;
        Ok(Reproduced { digests: second.digests, difference: second.difference })
    }
}

/// The newest stable release, for who names none.
fn latest(opened: &OpenedDestinations) -> Result<String, Failure> {
    let none = || Failure::usage(format!("{} has no latest release", opened.forge.name()), "name one with --tag");
    opened.forge.latest()?.ok_or_else(none)
}

/// The tag that the checkout is at, and its plan. Where a release is meant and this is not its clean checkout, there is no
/// plan to hold it against, and one line says why.
fn plan_of(
    here: &Workspace,
    tag: &ReleasedTagArg,
    args: &DestinationArgs,
    opened: &OpenedDestinations,
) -> Result<(String, Option<Plan>), Failure> {
    let public = Public::on(&*opened.forge, &here.source.table.release);
    let made = plan::make(&here.root, &plan::Options { tag: tag.tag.clone(), public, crates: None })?;
    let planned = made.plan.tag.clone();
    if let Some(problem) = made.problems.first().filter(|_| made.meant || opened.real) {
        let line = format!("compared with its manifest, not with this checkout: {}", problem.message);
        here.progress.line(&line);
        return Ok((planned, None));
    }
    let findings = plan::output::findings(&made, true);
    if !findings.is_empty() {
        here.progress.painted(findings.trim_end());
    }
    let plan = if args.here { here.narrowed(made.plan)? } else { made.plan };
    Ok((planned, Some(plan)))
}
