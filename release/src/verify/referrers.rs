//! The row on attestations in the registries: beside the image lies who built it.

use super::{Context, Evidence, Outcome, Verdict, image, pass};
use crate::attest::{ExpectedStatement, Project, Trust};
use crate::publish::referrers;

/// In every registry the image's index has the attestations of this project's workflows beside it.
pub(super) fn referrers(context: &mut Context<'_>) -> Outcome {
    let Some(index) = context.image()?.map(image::Expected::index) else { return image::no_image() };
    let request = context.request;
    if context.proofs()?.is_empty() && !request.is_project_origin {
        let evidence = "no attestations: a rehearsal has none".to_owned();
        return Ok(Evidence { verdict: Verdict::NotHere, evidence });
    }
    let manifest = context.manifest()?;
    let own = || request.table.image.iter().flat_map(|i| &i.repositories).map(|r| r.get_ref().clone()).collect();
    let repositories = manifest.image.as_ref().map_or_else(own, |i| i.repositories.clone());
    let repository = request.table.forge.github.get_ref();
    let project = Project { repository, tag: request.tag, commit: Some(&manifest.commit) };
    let trust = Trust::new(request.trusted_root)?;
    let wanted = ExpectedStatement::of_image(&repositories, index, None);
    let mut proofs = Vec::new();
    for registry in request.registries {
        let listed = registry.referrers(index)?;
        let candidates = referrers::bundles(*registry, &listed)?;
        for wanted in &wanted {
            let missing = |reason: Option<String>| {
                let reason = reason.unwrap_or_else(|| "`publish` attaches it".to_owned());
                format!("{}: no {} beside {index}: {reason}", registry.name(), wanted.what)
            };
            proofs.push(referrers::prove(&candidates, wanted, &trust, project).map_err(missing)?);
        }
    }
    let mut workflows: Vec<&str> = proofs.iter().map(|p| p.workflow.as_str()).collect();
    workflows.dedup();
    let evidence = format!("{} beside the index in {}: {}", proofs.len(), places(context), workflows.join(", "));
    // What the release's own file has is in the report already.
    if manifest.image.is_none() {
        proofs.truncate(wanted.len());
        context.image_proofs.set(proofs);
    }
    pass(evidence)
}

fn places(context: &Context<'_>) -> String {
    match context.request.registries.len() {
        1 => "the registry".to_owned(),
        n => format!("{n} registries"),
    }
}
