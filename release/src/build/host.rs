//! The part of a plan that this host can build, and the builder of each target.

use super::{Builders, Error, Rustc, entry};
use crate::plan::{NotPlanned, Plan, PlannedPlatform};
use crate::progress::Progress;
use crate::table::{Builder, Table};
use crate::triple::Triple;

/// Leaves out what this machine cannot build, with the reason.
pub fn restrict_to_host(mut plan: Plan, table: &Table, rustc: &Rustc, builders: &Builders) -> Result<Plan, Error> {
    let lacks = |triple: &Triple| match entry(table, triple) {
        Ok(target) => builders.lacks(target, rustc),
        Err(unknown) => Some(unknown.to_string()),
    };
    let (here, elsewhere): (Vec<_>, Vec<_>) = plan.targets.into_iter().partition(|t| lacks(&t.triple).is_none());
    plan.targets = here;
    // A target is left out once, with all its programs.
    for target in elsewhere.iter().filter(|target| target.product == plan.name) {
        let reason = lacks(&target.triple).unwrap_or_default();
        plan.left_out.push(NotPlanned { what: target.triple.to_string(), reason });
    }
    if plan.targets.is_empty() {
        let reasons = plan.left_out.iter().map(|n| format!("{}: {}", n.what, n.reason)).collect();
        return Err(Error::NothingHere { host: rustc.host.clone(), reasons });
    }
    if let Some(mut image) = plan.image.take() {
        let built: Vec<Triple> = plan.targets.iter().map(|target| target.triple.clone()).collect();
        let lacks = |platform: &PlannedPlatform| match entry(table, &platform.target) {
            _ if !built.contains(&platform.target) => Some(format!("{} is not built on this machine", platform.target)),
            Ok(target) if matches!(builders.image(target), Ok(Builder::Nix)) => None,
            _ => crate::image::not_here(platform),
        };
        let (here, elsewhere): (Vec<_>, Vec<_>) = image.platforms.into_iter().partition(|p| lacks(p).is_none());
        image.platforms = here;
        for platform in elsewhere {
            let reason = lacks(&platform).unwrap_or_default();
            plan.left_out.push(NotPlanned { what: format!("image {}", platform.name()), reason });
        }
        plan.image = Some(image).filter(|i| !i.platforms.is_empty());
    }
    Ok(plan)
}

/// Reports the builder of each target on a line of its own, and returns them in the order of the targets; it builds every program.
pub fn describe_builders(
    plan: &Plan,
    table: &Table,
    builders: &Builders,
    progress: &Progress,
) -> Result<Vec<Builder>, Error> {
    let mut by = Vec::new();
    for planned in plan.targets.iter().filter(|planned| planned.product == plan.name) {
        let target = entry(table, &planned.triple)?;
        progress.line(&format!("{:>10}  {}", "builder", builders.said(target)));
        by.push(builders.binary(target)?);
    }
    Ok(by)
}
