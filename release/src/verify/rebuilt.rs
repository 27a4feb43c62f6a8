//! The row on a second build by others: a signed statement that these files were built once more, with the same bytes.

use std::collections::BTreeSet;

use super::fault::unread;
use super::{Context, Evidence, Fault, Outcome, Verdict, image, pass};
use crate::attest::{Bundle, Predicate, Project, Subject, Trust, VerifiedStatement, rebuild};
use crate::digest::Digest;
use crate::forge::Kept;
use crate::publish::referrers;
use crate::shown::counted;

/// What was found: the statements that hold, the files that they are about, and why others do not count.
struct Collected<'a> {
    trust: Trust,
    published: &'a [Subject],
    manifest: Digest,
    project: Project<'a>,
    seen: BTreeSet<String>,
    proofs: Vec<VerifiedStatement>,
    covered: BTreeSet<Digest>,
    refused: Vec<String>,
    unread: Option<String>,
}

/// The forge and the registries are asked for statements. That there is none yet is no fault: the release is public before
/// anybody builds it again.
pub(super) fn rebuilt(context: &mut Context<'_>) -> Outcome {
    let request = context.request;
    let manifest = context.manifest()?;
    let published = rebuild::published(manifest);
    let mut collected = Collected {
        trust: Trust::new(request.trusted_root)?,
        published: &published,
        manifest: context.manifest_digest()?,
        project: Project {
            repository: request.table.forge.github.get_ref(),
            tag: request.tag,
            commit: Some(&manifest.commit),
        },
        seen: BTreeSet::new(),
        proofs: Vec::new(),
        covered: BTreeSet::new(),
        refused: Vec::new(),
        unread: None,
    };
    beside(context, &mut collected)?;
    // An SBOM is rebuilt with its archive.
    let archives = manifest.binaries.iter().map(|b| b.archive.digest);
    let platforms = manifest.image.iter().flat_map(|i| &i.platforms).map(|p| p.manifest);
    for digest in archives.chain(platforms) {
        if collected.covered.contains(&digest) {
            continue;
        }
        let Some(kept) = request.forge.statements(digest, Kept::Rebuild).map_err(|e| unread(&e))? else { break };
        collected.unread = collected.unread.or_else(|| Some(format!("about {digest} {}", kept.unread()?)));
        for line in kept.bundles {
            collected.add(&format!("{}, about {digest}", request.forge.name()), line.as_bytes());
        }
    }
    let outcome = collected.outcome(&manifest.binaries.iter().map(|b| Subject::from(&b.archive)).collect::<Vec<_>>());
    let proofs = collected.proofs;
    context.rebuilt.set(proofs);
    outcome
}

/// The statements beside the image's index.
fn beside(context: &Context<'_>, collected: &mut Collected<'_>) -> Result<(), Fault> {
    let Some(index) = context.image()?.map(image::Expected::index) else { return Ok(()) };
    for registry in context.request.registries {
        let mut listed = registry.referrers(index)?;
        // A list need not say the kind of each. Where it does, the others are not read.
        let other = |said: &String| said != Predicate::Rebuild.uri();
        listed.retain(|d| !d.annotations.get("dev.sigstore.bundle.predicateType").is_some_and(other));
        for candidate in referrers::bundles(*registry, &listed)? {
            match candidate {
                Ok(bundles) => bundles.iter().for_each(|bundle| collected.hold(bundle)),
                Err(error) => collected.refused.push(error.to_string()),
            }
        }
    }
    Ok(())
}

impl Collected<'_> {
    fn add(&mut self, file: &str, line: &[u8]) {
        match Bundle::parse(file, line) {
            Ok(bundles) => bundles.iter().for_each(|bundle| self.hold(bundle)),
            Err(error) => self.refused.push(error.to_string()),
        }
    }

    /// Counts a statement once, wherever it was found.
    fn hold(&mut self, bundle: &Bundle) {
        if !self.seen.insert(bundle.line.clone()) {
            return;
        }
        let attestation = match self.trust.open(bundle) {
            Ok(attestation) => attestation,
            Err(error) => return self.refused.push(error.to_string()),
        };
        match rebuild::check(&attestation, self.published, self.manifest, self.project) {
            Ok(proof) => {
                self.covered.extend(proof.subjects.iter().map(|s| s.digest));
                self.proofs.push(proof);
            }
            Err(mismatch) => self.refused.push(format!("{bundle:?}: {mismatch}")),
        }
    }

    fn outcome(&self, archives: &[Subject]) -> Outcome {
        let refused = match self.refused.as_slice() {
            [] => String::new(),
            [first] => format!("; one statement does not count: {first}"),
            [first, rest @ ..] => format!("; {} statements do not count: {first}, and others", rest.len() + 1),
        };
        let unread = self.unread.as_ref().map(|why| format!("not every statement was read: {why}"));
        if let (true, Some(unread)) = (self.proofs.is_empty(), &unread) {
            return Err(Fault::Unseen(format!("{unread}{refused}")));
        }
        let unread = unread.map(|unread| format!("; {unread}")).unwrap_or_default();
        if self.proofs.is_empty() {
            let evidence = format!("none yet: no statement about a second build{refused}");
            return Ok(Evidence { verdict: Verdict::NotHere, evidence });
        }
        let by: BTreeSet<String> =
            self.proofs.iter().map(|p| format!("{} ({}), {}", p.workflow, p.run, p.signed)).collect();
        let by: Vec<String> = by.into_iter().collect();
        let (same, left): (Vec<&Subject>, Vec<&Subject>) =
            archives.iter().partition(|archive| self.covered.contains(&archive.digest));
        let names = |of: &[&Subject]| of.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        let left = if left.is_empty() { String::new() } else { format!("; not rebuilt: {}", names(&left)) };
        let count = counted(self.covered.len(), "digest", "digests");
        pass(format!("{count} bit-identical, {} by {}{left}{refused}{unread}", names(&same), by.join(" and ")))
    }
}
