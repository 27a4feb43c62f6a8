//! What of a plan this machine can build, and by whom.

use super::Error;
use crate::build::{self, Builders, Rustc};
use crate::plan::{NotPlanned, Plan, PlannedPlatform};
use crate::progress::Progress;
use crate::table::{Builder, Table};
use crate::triple::Triple;

/// Leaves out what this machine cannot build, with the reason.
pub fn narrow(mut plan: Plan, table: &Table, rustc: &Rustc, builders: &Builders) -> Result<Plan, Error> {
    let lacks = |triple: &Triple| match build::entry(table, triple) {
        Ok(target) => builders.lacks(target, rustc),
        Err(unknown) => Some(unknown.to_string()),
    };
    let (here, elsewhere): (Vec<_>, Vec<_>) = plan.targets.into_iter().partition(|t| lacks(&t.triple).is_none());
    plan.targets = here;
    for target in elsewhere {
        let reason = lacks(&target.triple).unwrap_or_default();
        plan.left_out.push(NotPlanned { what: target.triple.to_string(), reason });
    }
    if plan.targets.is_empty() {
        let reasons = plan.left_out.iter().map(|n| format!("{}: {}", n.what, n.reason)).collect();
        return Err(Error::NothingHere { host: rustc.host.clone(), reasons });
    }
    if let Some(mut image) = plan.image.take() {
        let lacks = |platform: &PlannedPlatform| match build::entry(table, &platform.target) {
            _ if plan.targets.iter().all(|t| t.triple != platform.target) => {
                Some(format!("{} is not built on this machine", platform.target))
            }
            Ok(target) if matches!(builders.image(target), Ok(Builder::Nix)) => None,
            _ => crate::image::not_here(platform),
        };
        let (here, elsewhere): (Vec<_>, Vec<_>) = image.platforms.into_iter().partition(|p| lacks(p).is_none());
        image.platforms = here;
        for platform in elsewhere {
            let reason = lacks(&platform).unwrap_or_default();
            plan.left_out.push(NotPlanned { what: format!("image {}/{}", platform.os, platform.arch), reason });
        }
        plan.image = Some(image).filter(|i| !i.platforms.is_empty());
    }
    Ok(plan)
}

/// Who builds each target, said one by one.
pub(super) fn said(
    plan: &Plan,
    table: &Table,
    builders: &Builders,
    progress: &Progress,
) -> Result<Vec<Builder>, build::Error> {
    let mut by = Vec::new();
    for planned in &plan.targets {
        let target = build::entry(table, &planned.triple)?;
        progress.line(&format!("{:>10}  {}", "builder", builders.said(target)));
        by.push(builders.binary(target)?);
    }
    Ok(by)
}
