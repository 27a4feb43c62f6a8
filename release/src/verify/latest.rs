//! The row on `latest`: on the forge and in every registry.

use semver::Version;

use super::{Context, Outcome, pass};
use crate::name::Tag;
use crate::publish::diff;
use crate::publish::known::{Known, Latest};

/// Before promotion: where it was. After: this version, unless a newer stable one has it. Never a pre-release.
pub(super) fn latest(context: &mut Context<'_>) -> Outcome {
    let request = context.request;
    let version = request.tag.parse::<Tag>().map_err(|e| e.to_string())?.into_version();
    let known = Known::read(request.forge, request.registries, request.table, request.git_versions)?;
    // GitHub picks a `latest` itself until a release is made `latest`. Before promotion that may be this one.
    let picked = !request.promoted && request.forge.picks_latest() && known.forge.version() == Some(&version);
    let mut places = vec![(request.forge.name(), &known.forge)];
    let image = context.image()?.is_some();
    let registries = request.registries.iter().zip(&known.registries).filter(|_| image);
    places.extend(registries.map(|(registry, latest)| (registry.name(), latest)));
    let is_pre = |latest: &Latest| latest.version().is_some_and(|v| !v.pre.is_empty());
    if let Some((place, _)) = places.iter().find(|(_, latest)| is_pre(latest)) {
        return Err(format!("{place}: `latest` is a pre-release").into());
    }
    let counted: Vec<&Latest> =
        places.iter().skip(usize::from(picked && places.len() > 1)).map(|(_, latest)| *latest).collect();
    // Something foreign is as good as nothing: promotion moves over both.
    let (foreign, own): (Vec<&Latest>, Vec<&Latest>) = counted.iter().partition(|l| matches!(l, Latest::Foreign(_)));
    let first = own.first().and_then(|latest| latest.version());
    if own.iter().any(|latest| latest.version() != first) {
        return Err(format!("`latest` is not the same everywhere: {}", words(&places)).into());
    }
    if !version.pre.is_empty() {
        return pass(format!("{version} is a pre-release and leaves `latest`: {}", words(&places)));
    }
    let git = known.not_counted(&version).map_or_else(String::new, |note| format!("; {note}"));
    let said = words(&places) + &git;
    match diff::latest(&version, first, &known.public, false) {
        // The promotion of this version would leave it there.
        Ok(false) if !foreign.is_empty() => Err(format!("{said}; promote {}", word(known.newest())).into()),
        Ok(false) if first == Some(&version) => pass(said),
        Ok(false) => pass(format!("{} is newer and keeps it; {said}", word(known.newest()))),
        Ok(true) if request.promoted => Err(format!("should be {version}, but is {said}").into()),
        Ok(true) => pass(format!("awaiting promotion; {said}")),
        Err(refusal) => Err(refusal.to_string().into()),
    }
}

fn word(version: Option<&Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn words(places: &[(String, &Latest)]) -> String {
    places.iter().map(|(place, latest)| format!("{place}: {latest}")).collect::<Vec<_>>().join(", ")
}
