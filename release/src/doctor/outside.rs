//! Checks on everything else that a release needs from outside.

use semver::Version;
use serde::Deserialize;

use super::{Finding, Variables, failed, fine, unseen};
use crate::http::{Client, Method, Repeat, Request, Response, Secret};
use crate::plan::PlanReport;
use crate::progress::Progress;
use crate::publish::known::LATEST;
use crate::registry::{Distribution, Error as RegistryError, Purpose, Reference, Registry as _};
use crate::table::{Supply, Table};

/// GitHub's machines that are there in November 2026 and for a year at least, or until the day that is named.
const RUNNERS: [(&str, Option<&str>); 8] = [
    ("ubuntu-24.04", None),
    ("ubuntu-24.04-arm", None),
    ("ubuntu-22.04", Some("it ends on 17 April 2027")),
    ("ubuntu-22.04-arm", Some("it ends on 17 April 2027")),
    ("macos-15", None),
    ("macos-15-intel", None),
    ("windows-2022", None),
    ("windows-2025", None),
];

const PUBLIC: &str = "make the repository public: docs/release/first-release.md#settings";
const CACHIX: &str = "https://cachix.org";
const GITHUB: &str = "https://github.com";

/// Logs in, reads the tags, and begins an upload that is given up at once.
pub(super) fn registry(name: &str, version: &Version, progress: &Progress) -> Finding {
    let reference: Reference = match name.parse() {
        Ok(reference) => reference,
        Err(error) => return failed(format!("{error}"), "write host/path under [image] in the table"),
    };
    let login = format!("`docker login {}`, with a token that may write", reference.host());
    let tried = Distribution::open(reference.clone(), progress).and_then(|registry| {
        let registry = registry.for_purpose(Purpose::Publish);
        let tags = registry.tags()?;
        registry.try_push()?;
        Ok(tags)
    });
    match tried {
        Ok(tags) => {
            let there = if tags.contains(&version.to_string()) {
                format!("{version} is there already")
            } else {
                format!("{version} is free")
            };
            let latest = if tags.iter().any(|t| t == LATEST) { "" } else { ", no `latest` yet" };
            let said = format!("{name} takes an upload; {there}{latest}");
            if tags.is_empty() { fine(said) } else { visible(name, reference, progress).unwrap_or_else(|| fine(said)) }
        }
        Err(error) => failed(error.to_string(), error.hint().unwrap_or(login)),
    }
}

/// A repository with tags that a stranger cannot read: its release would be published and could not be verified.
fn visible(name: &str, reference: Reference, progress: &Progress) -> Option<Finding> {
    match Distribution::anonymous(reference, progress).and_then(|registry| registry.tags()) {
        Ok(tags) if !tags.is_empty() => None,
        Ok(_) => Some(failed(format!("{name} shows strangers no tags"), PUBLIC)),
        Err(error @ RegistryError::Denied { .. }) => Some(failed(format!("{name} is private: {error}"), PUBLIC)),
        Err(error) => {
            let remedy = error.hint().unwrap_or_else(|| "run this again later".to_owned());
            Some(failed(format!("{name} cannot be read without credentials: {error}"), remedy))
        }
    }
}

/// A label that GitHub does not have waits for a machine for a day, and then fails.
pub(super) fn runners(table: &Table) -> Finding {
    let mut labels: Vec<&str> = table.targets.iter().map(|t| t.runner.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    let of = |label: &str| RUNNERS.iter().find(|(name, _)| *name == label).map(|(_, ends)| *ends);
    let unknown: Vec<&str> = labels.iter().copied().filter(|label| of(label).is_none()).collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = RUNNERS.iter().map(|(name, _)| *name).collect();
        let remedy = format!("known are {}; docs/release/how-to/target.md says where they come from", known.join(", "));
        return failed(format!("not known: {}", unknown.join(", ")), remedy);
    }
    let ends = labels.iter().filter_map(|label| Some(format!("{label}: {}", of(label)??)));
    let ends: Vec<String> = ends.collect();
    fine(if ends.is_empty() { labels.join(", ") } else { format!("{} ({})", labels.join(", "), ends.join("; ")) })
}

/// `BinaryCache` of cachix's API, as far as it is needed.
#[derive(Deserialize)]
struct Cache {
    permission: String,
}

/// The cache, and whether the token may fill it.
pub(super) fn cachix(client: &Client, name: &str, variables: &Variables<'_>) -> Finding {
    let base = variables("SAYNA_CACHIX_URL").unwrap_or_else(|| CACHIX.to_owned());
    let url = format!("{}/api/v1/cache/{name}", base.trim_end_matches('/'));
    let token = variables("CACHIX_AUTH_TOKEN").filter(|t| !t.trim().is_empty()).map(Secret::new);
    let request = Request::new(Method::GET, &url).header("Accept", "application/json").repeat(Repeat::Safe);
    let request = match &token {
        Some(token) => request.bearer(token),
        None => request,
    };
    let answer = client.send(&request).and_then(Response::json::<Cache>);
    match (answer, &token) {
        (Ok(_), None) => unseen(format!("{name} is there; without CACHIX_AUTH_TOKEN write access was not checked")),
        (Ok(cache), Some(_)) if matches!(cache.permission.as_str(), "Write" | "Admin") => {
            fine(format!("{name} takes what CACHIX_AUTH_TOKEN sends"))
        }
        (Ok(cache), Some(_)) => {
            let evidence = format!("CACHIX_AUTH_TOKEN has the permission {:?} on {name}", cache.permission);
            failed(evidence, "make a token with write access to the cache, and put it into the environment `release`")
        }
        (Err(error), _) => {
            let remedy =
                "make the cache, or write its name under [release] in the table; then look at CACHIX_AUTH_TOKEN";
            failed(error.to_string(), remedy)
        }
    }
}

/// `flake.lock`, as far as it is needed.
#[derive(Deserialize)]
struct Lock {
    nodes: std::collections::BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    locked: Option<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(rename = "type")]
    kind: String,
    owner: Option<String>,
    repo: Option<String>,
    rev: Option<String>,
}

/// Addresses of all that is pinned by a digest and comes from a network: native inputs and the flake's.
fn pinned(made: &PlanReport, variables: &Variables<'_>) -> Result<Vec<String>, String> {
    let mut urls = Vec::new();
    for native in &made.source.table.native {
        let Supply::Download(download) = &native.supply else { continue };
        urls.extend(download.sha256.keys().map(|triple| download.url_for(triple)));
    }
    let path = made.source.path.with_file_name("flake.lock");
    if let Ok(text) = std::fs::read(&path) {
        let lock: Lock = serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        let base = variables("GITHUB_SERVER_URL").unwrap_or_else(|| GITHUB.to_owned());
        for locked in lock.nodes.into_values().filter_map(|node| node.locked).filter(|l| l.kind == "github") {
            if let (Some(owner), Some(repo), Some(rev)) = (locked.owner, locked.repo, locked.rev) {
                urls.push(format!("{}/{owner}/{repo}/archive/{rev}.tar.gz", base.trim_end_matches('/')));
            }
        }
    }
    Ok(urls)
}

/// Each is asked for, and none is read.
pub(super) fn pins(client: &Client, made: &PlanReport, variables: &Variables<'_>) -> Finding {
    let urls = match pinned(made, variables) {
        Ok(urls) => urls,
        Err(reason) => return failed(reason, "`nix flake lock` writes it"),
    };
    for url in &urls {
        if let Err(error) = client.send(&Request::new(Method::HEAD, url).repeat(Repeat::Safe)) {
            let remedy =
                "where the network is well, pin something that is still there: docs/release/how-to/provider-pin.md";
            return failed(error.to_string(), remedy);
        }
    }
    fine(format!("{} downloads of native inputs and the flake's inputs answer", urls.len()))
}
