//! The commands that repeat a row by hand, with tools that a stranger has.

use std::fmt::Write as _;

use crate::attest::Workflow;
use crate::manifest::{BinaryEntry, Manifest};
use crate::notes::{self, attestation_command, escape::quoted};
use crate::verify::Report;

/// The command that makes all checks again.
pub(super) fn all(report: &Report) -> String {
    let mut command = format!("sayna-release verify --tag {}", quoted(&report.tag));
    let own = report.manifest.as_ref().and_then(notes::repository);
    // Without a place, the program looks where its own table says.
    if own.is_none() || report.forge.strip_prefix("github:") != own {
        let _infallible = write!(command, " --forge {}", quoted(&report.forge));
        for registry in &report.registries {
            let _infallible = write!(command, " --registry {}", quoted(registry));
        }
    }
    command
}

/// The commands for one row; none where only the command for all of them does it.
pub(super) fn row(report: &Report, id: &str) -> Vec<String> {
    let (Some(manifest), repository) = (&report.manifest, report.forge.strip_prefix("github:")) else {
        return Vec::new();
    };
    let Some(first) = notes::by_product(manifest).into_iter().find_map(|(_, entries)| entries.first().copied()) else {
        return Vec::new();
    };
    let tag = quoted(&manifest.tag);
    let on_github = |command: &str| repository.map(|repository| format!("{command} --repo {}", quoted(repository)));
    match id {
        "release" => on_github(&format!("gh release view {tag}")).into_iter().collect(),
        "attached" | "nothing-else" => {
            on_github(&format!("gh release view {tag} --json assets --jq '.assets[].name'")).into_iter().collect()
        }
        "notes" => on_github(&format!("gh release view {tag} --json body --jq .body")).into_iter().collect(),
        "stated" => on_github(&format!("gh release verify {tag}")).into_iter().collect(),
        "attested" => attested(manifest, first),
        "reproduced" => vec![format!("git checkout {tag} && sayna-release verify --tag {tag} --reproduce")],
        _ => {
            let files = files(manifest, first, id);
            if files.is_empty() { images(report, manifest, id) } else { files }
        }
    }
}

/// On files that were downloaded into the working folder.
fn files(manifest: &Manifest, first: &BinaryEntry, id: &str) -> Vec<String> {
    let own = manifest.names().manifest();
    let (archive, stem) = (quoted(&first.archive.name), stem(first));
    let inside = format!("{stem}/{}", first.binary.name);
    match id {
        "manifest" => vec![format!("sha256sum -c {}", quoted(&crate::name::checksum(&own)))],
        "checksums" => vec![format!("sha256sum -c {}", quoted(&first.checksum.name))],
        "sums" => vec![format!("sha256sum -c --ignore-missing {}", crate::name::SUMS)],
        "digests" => vec![format!(
            "jq -r '.binaries[] | \"\\(.archive.digest | ltrimstr(\"sha256:\"))  \\(.archive.name)\"' {} | sha256sum -c --ignore-missing",
            quoted(&own)
        )],
        "contents" if first.archive.name.ends_with(".zip") => vec![format!("unzip -lv {archive}")],
        "contents" => vec![format!("tar -tvzf {archive}")],
        "audit" => vec![format!("sayna-release audit {}", quoted(&inside))],
        "sbom" => vec![
            format!("jq -r '.metadata.component.hashes[0].content' {}", quoted(&first.sbom.name)),
            format!("sha256sum {}", quoted(&inside)),
        ],
        "runs" => vec![format!("{} --version --verbose", quoted(&format!("./{inside}")))],
        _ => Vec::new(),
    }
}

/// The folder inside an archive.
fn stem(entry: &BinaryEntry) -> &str {
    let name = entry.archive.name.as_str();
    name.strip_suffix(".tar.gz").or_else(|| name.strip_suffix(".zip")).unwrap_or(name)
}

fn attested(manifest: &Manifest, first: &BinaryEntry) -> Vec<String> {
    let own = manifest.names().manifest();
    [(first.archive.name.as_str(), Workflow::Build), (&own, Workflow::Release)]
        .into_iter()
        .filter_map(|(what, by)| attestation_command(manifest, what, by))
        .collect()
}

fn images(report: &Report, manifest: &Manifest, id: &str) -> Vec<String> {
    let Some(image) = manifest.image.as_ref().filter(|_| report.registries.iter().any(|r| !r.starts_with("oci:")))
    else {
        return Vec::new();
    };
    let commands = |command: &dyn Fn(&str) -> String| image.repositories.iter().map(|r| command(r)).collect();
    let by_digest = |repository: &str| quoted(&format!("{repository}@{}", image.index));
    match id {
        "image" => commands(&|r| format!("crane digest {}", quoted(&format!("{r}:{}", image.tag)))),
        "platforms" => commands(&|r| format!("crane manifest {}", by_digest(r))),
        "layers" => commands(&|r| format!("crane validate --remote {}", by_digest(r))),
        "origin" => commands(&|r| format!("crane config {}", by_digest(r))),
        "referrers" => {
            let verify = image
                .repositories
                .iter()
                .filter_map(|r| attestation_command(manifest, &format!("oci://{r}:{}", image.tag), Workflow::Images));
            verify.collect()
        }
        "latest" => commands(&|r| format!("crane digest {}", quoted(&format!("{r}:latest")))),
        _ => Vec::new(),
    }
}
