//! The row on GitHub's own statement about an immutable release: which tag and which assets, signed by GitHub itself.

use std::collections::BTreeMap;

use super::fault::unread;
use super::{Context, Evidence, Fault, Outcome, Verdict, pass};
use crate::attest::release::{Found, ReleaseStatement};
use crate::attest::{self, Bundle, Trust};
use crate::digest::Digest;
use crate::forge::{Kept, Tagged};

const PAGE: &str = "docs/release/when-it-fails.md#github-does-not-state-the-release";

/// GitHub states this tag, at the manifest's commit, with exactly the assets that are attached.
pub(super) fn stated(context: &mut Context<'_>) -> Outcome {
    let request = context.request;
    let digest = context.manifest_digest()?;
    let not_here = |evidence: String| Ok(Evidence { verdict: Verdict::NotHere, evidence });
    let name = request.forge.name();
    let kept = request.forge.statements(digest, Kept::Release).map_err(|e| unread(&e))?;
    let (Some(kept), Some(repository)) = (kept, name.strip_prefix("github:")) else {
        return not_here(format!("{name} signs no statement about its releases"));
    };
    let unread = kept.unread();
    if kept.bundles.is_empty() && unread.is_none() {
        let reason = match context.release()?.immutable {
            Some(true) => format!("{name} has no statement of its own about this release; {PAGE}"),
            _ => format!("{name} states nothing about this release, because it is not immutable; {PAGE}"),
        };
        return if request.is_project_origin { Err(reason.into()) } else { not_here(reason) };
    }
    let assets = assets(context)?;
    let found = Found { repository, tag: request.tag, assets: &assets };
    let trust = Trust::new(request.trusted_root)?;
    let mut reason = None;
    for (position, line) in kept.bundles.iter().enumerate() {
        let held = open(&trust, &format!("{name}, statement {}", position + 1), line)
            .and_then(|statement| statement.check(&found).map(|()| statement).map_err(|m| m.to_string()));
        match held {
            Ok(statement) => {
                same_tag(context, &statement)?;
                let (count, signed) = (statement.assets.len(), &statement.signed);
                return pass(format!("GitHub states {} and {count} assets, signed {signed}", statement.tag));
            }
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    match (unread, reason) {
        (Some(unread), reason) => {
            let others = reason.map(|reason| format!(", and of the others none is about this release: {reason}"));
            let others = others.unwrap_or_default();
            Err(Fault::Unseen(format!("{name} has statements that were not read: {unread}{others}; {PAGE}")))
        }
        (None, reason) => {
            let reason = reason.unwrap_or_else(|| "there is none".to_owned());
            Err(format!("no statement of {name} is about this release: {reason}; {PAGE}").into())
        }
    }
}

fn open(trust: &Trust, file: &str, line: &str) -> Result<ReleaseStatement, String> {
    let bundle = Bundle::parse(file, line.as_bytes()).map_err(|e| e.to_string())?.into_iter().next();
    let nothing = || attest::Error::Form { file: file.to_owned(), reason: "it is empty".to_owned() }.to_string();
    trust.open_release(&bundle.ok_or_else(nothing)?).map_err(|e| e.to_string())
}

/// Every asset that is attached: those of the manifest by its digests, the others by their bytes.
fn assets(context: &Context<'_>) -> Result<BTreeMap<String, Digest>, Fault> {
    let known: BTreeMap<&str, Digest> = context.manifest()?.assets().map(|f| (f.name.as_str(), f.digest)).collect();
    let mut assets = BTreeMap::new();
    for name in context.release()?.assets.keys() {
        let digest = match known.get(name.as_str()) {
            Some(digest) => *digest,
            None => Digest::of_file(&context.asset(name)?)?.0,
        };
        assets.insert(name.clone(), digest);
    }
    Ok(assets)
}

/// The Git object of the statement is the manifest's commit, or an annotated tag's object that leads to it.
fn same_tag(context: &Context<'_>, statement: &ReleaseStatement) -> Result<(), Fault> {
    let commit = &context.manifest()?.commit;
    if statement.object == *commit {
        return Ok(());
    }
    let (forge, tag) = (context.request.forge, context.request.tag);
    let leads = matches!(forge.tagged(tag).map_err(|e| unread(&e))?, Tagged::At(found) if found == *commit);
    if leads && forge.tag_object(tag).map_err(|e| unread(&e))?.is_some_and(|object| object == statement.object) {
        return Ok(());
    }
    Err(format!("GitHub states {tag} at {}, the manifest is of commit {commit}; {PAGE}", statement.object).into())
}
