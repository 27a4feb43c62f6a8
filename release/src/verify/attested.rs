//! The row on attestations: every file of the release was signed by the workflow that may sign it.

use std::collections::BTreeSet;
use std::fs;

use super::{Context, Evidence, Fault, Outcome, Verdict, pass};
use crate::attest::{self, Bundle, ExpectedStatement, Project, Trust, VerifiedStatement};
use crate::digest::Digest;
use crate::part::FileEntry;
use crate::shown::counted;

/// Bundles, manifest, archives, SBOMs and index belong together, and this project's workflows say so.
pub(super) fn attested(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    let name = manifest.names().attestations();
    if !context.release()?.assets.contains_key(&name) {
        return if context.request.is_project_origin {
            Err(format!("{name} is not attached: no attestation says who built this").into())
        } else {
            context.proofs.set(Vec::new());
            let evidence = "no attestations: a rehearsal has none".to_owned();
            Ok(Evidence { verdict: Verdict::NotHere, evidence })
        };
    }
    let own = manifest.names().manifest();
    let digest = context.manifest_digest()?;
    let document = |sbom: &FileEntry| -> Result<_, Fault> {
        let bytes = fs::read(context.asset(&sbom.name)?)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|e| format!("{}: {e}", sbom.name).into())
    };
    let wanted = ExpectedStatement::of_release(manifest, (&own, digest), document, None)?;
    let path = context.asset(&name)?;
    let table = context.request.table;
    let project =
        Project { repository: table.forge.github.get_ref(), tag: context.request.tag, commit: Some(&manifest.commit) };
    let proofs = Trust::new(context.request.trusted_root)
        .and_then(|trust| attest::check(&trust, &Bundle::read(&path)?, &wanted, project))?;
    let evidence = evidence(&proofs);
    context.proofs.set(proofs);
    pass(evidence)
}

fn evidence(proofs: &[VerifiedStatement]) -> String {
    // An image has the name of each of its repositories, and one digest.
    let subjects: BTreeSet<Digest> = proofs.iter().flat_map(|p| &p.subjects).map(|s| s.digest).collect();
    let workflows: BTreeSet<&str> = proofs.iter().map(|p| p.workflow.as_str()).collect();
    let workflows: Vec<&str> = workflows.into_iter().collect();
    let files = counted(subjects.len(), "file", "files");
    let attestations = counted(proofs.len(), "attestation", "attestations");
    format!("{files} by {attestations}: {}", workflows.join(", "))
}
