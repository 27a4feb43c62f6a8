//! Checks on GitHub.

use super::{Finding, failed, fine, unseen};
use crate::forge::github::Settings;
use crate::forge::{Error, Forge as _, Github, Tagged};
use crate::plan::PlanReport;

/// Scopes of a classic token that may publish; others have none.
const SCOPES: [&str; 2] = ["repo", "public_repo"];

/// Checks the token that was found against GitHub.
pub(super) fn token(github: &Github, settings: &Result<Settings, Error>, in_workflow: bool) -> Finding {
    let Some(from) = github.token_from() else {
        return failed("no token was found", "set GITHUB_TOKEN or GH_TOKEN, or run `gh auth login`");
    };
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return failed(error.to_string(), "check the token, and what it is allowed to do"),
    };
    let scopes = settings.scopes.as_deref();
    let enough = |scopes: &str| scopes.split(',').any(|s| SCOPES.contains(&s.trim()));
    if let Some(scopes) = scopes.filter(|scopes| !enough(scopes)) {
        let evidence = format!("the classic token of {from} has the scopes {scopes:?}");
        return failed(evidence, "give it the scope repo, or take a fine-grained one with contents: write");
    }
    match settings.push {
        Some(true) => fine(format!("{from} may write {}", github.repository())),
        _ if in_workflow => unseen(format!("{from} may read; the jobs that publish have rights of their own")),
        _ => {
            let remedy = format!("it needs contents: write on {}", github.repository());
            failed(format!("{from} may only read {}", github.repository()), remedy)
        }
    }
}

/// Whether the name of the tag is free, is where it should be, or is spent.
pub(super) fn tag(github: &Github, made: &PlanReport) -> Finding {
    let (tag, commit) = (&made.plan.tag, &made.plan.commit);
    let releases = match github.releases(tag) {
        Ok(releases) => releases,
        Err(error) => return failed(error.to_string(), error.hint().unwrap_or_else(|| "run this again later".into())),
    };
    if let [one, two, ..] = releases.as_slice() {
        let remedy = "look at both and delete the one that is not the release";
        return failed(format!("two releases have the tag {tag}: {} and {}", one.id, two.id), remedy);
    }
    let state = match releases.first() {
        Some(release) if release.draft => ", with a draft",
        Some(_) => ", and public",
        None => "",
    };
    match github.tagged(tag) {
        Err(error) => failed(error.to_string(), error.hint().unwrap_or_else(|| "run this again later".into())),
        Ok(Tagged::At(found)) if found == *commit => fine(format!("{tag} is at this commit{state}")),
        Ok(Tagged::At(found)) => {
            failed(format!("{tag} is at {found}, this checkout is at {commit}"), crate::forge::NEXT_VERSION)
        }
        Ok(_) if releases.iter().any(|r| !r.draft) => {
            failed(format!("{tag} was published, and its tag removed"), crate::forge::NEXT_VERSION)
        }
        Ok(_) => fine(format!("{tag} is free{state}")),
    }
}

/// Whether what is published is kept from changing.
pub(super) fn immutable(settings: &Result<Settings, Error>) -> Finding {
    match settings.as_ref().map(|s| s.immutable) {
        Ok(Some(true)) => fine("immutable releases are on"),
        Ok(Some(false)) => failed("immutable releases are off", "Settings → General → Releases: turn them on"),
        Ok(None) => unseen("only an administrator's token can read that setting; publishing assumes that it is on"),
        Err(error) => unseen(error.to_string()),
    }
}
