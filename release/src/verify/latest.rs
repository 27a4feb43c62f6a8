//! The row on `latest`: on the forge and in every registry.

use semver::Version;

use super::{Outcome, Scene, seen};
use crate::publish::{diff, known};

/// Before promotion: where it was. After: this version, unless a newer stable one has it. Never a pre-release.
pub(super) fn latest(scene: &mut Scene<'_>) -> Outcome {
    let request = scene.request;
    let version = request.tag.strip_prefix('v').and_then(|v| Version::parse(v).ok());
    let version = version.ok_or_else(|| format!("{} is not v and a semantic version", request.tag))?;
    let forge = known::forge_latest(request.forge).map_err(|e| e.to_string())?;
    // As long as nobody has made any release `latest`, GitHub names one itself. Before promotion that may be this one.
    let picked = !request.promoted && request.forge.picks_latest() && forge.as_ref() == Some(&version);
    let mut places = vec![(request.forge.name(), forge)];
    let image = scene.image.is_some();
    for registry in request.registries.iter().filter(|_| image) {
        let latest = known::registry_latest(*registry).map_err(|e| e.to_string())?;
        places.push((registry.name(), latest));
    }
    if let Some((place, _)) = places.iter().find(|(_, v)| v.as_ref().is_some_and(|v| !v.pre.is_empty())) {
        return Err(format!("{place}: `latest` is a pre-release"));
    }
    let mut counted = places.iter().skip(usize::from(picked && places.len() > 1)).map(|(_, v)| v);
    let first = counted.next().cloned().flatten();
    if counted.any(|v| *v != first) {
        return Err(format!("`latest` is not the same everywhere: {}", words(&places)));
    }
    if !version.pre.is_empty() {
        return seen(format!("{version} is a pre-release and leaves `latest` at {}", word(first.as_ref())));
    }
    let all = known::stable(request.forge, request.registries, request.git_versions).map_err(|e| e.to_string())?;
    match diff::latest(&version, first.as_ref(), &all, false) {
        Ok(false) if first.as_ref() == Some(&version) => seen(words(&places)),
        Ok(false) => seen(format!("{} is newer and keeps it; {}", newest(&all), words(&places))),
        Ok(true) if request.promoted => Err(format!("should be {version}, but is {}", words(&places))),
        Ok(true) => seen(format!("awaiting promotion; {}", words(&places))),
        Err(refusal) => Err(refusal.to_string()),
    }
}

fn newest(all: &[Version]) -> String {
    word(all.iter().max())
}

fn word(version: Option<&Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn words(places: &[(String, Option<Version>)]) -> String {
    places.iter().map(|(place, v)| format!("{place}: {}", word(v.as_ref()))).collect::<Vec<_>>().join(", ")
}
