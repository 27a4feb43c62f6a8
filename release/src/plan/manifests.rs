//! Cargo's view of the manifests alone: the binary, the compiler that they ask for, and whether Cargo.lock fits them. No
//! crate is resolved and no network is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{Error, Metadata, MetadataCommand, Package as Described, Target as CargoTarget};
use semver::Version;

use super::contents::first;
use super::package::{Locked, Package};
use super::problem::Problem;
use super::{
    member::{binary, licence_file, sources, too_new},
    products,
};
use crate::cargo::{Words, foreign};
use crate::table::{Source, Target};

/// The problems of the manifests, and the questions that Cargo could not answer.
#[derive(Default)]
pub(super) struct Said {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// Asks Cargo about the tree at `root`, and holds its answer against the table and Cargo.lock.
pub(super) fn check(root: &Path, source: &Source, package: &Package) -> Said {
    let mut said = Said::default();
    match described(root) {
        Ok(metadata) => said.problems = problems(root, source, package, &metadata),
        Err(Error::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => {
            let message = "there is no `cargo` here: the binary, rust-version and Cargo.lock were not looked at";
            said.warnings.push(Problem::new("cargo-missing", message).hint("install Rust from https://rustup.rs"));
        }
        Err(Error::CargoMetadata { stderr }) => {
            let words = Words::read(&stderr);
            let problem = match words.cause {
                Some(cause) => {
                    Problem::new("cargo-failed", format!("Cargo cannot read the manifests: {words}")).hint(cause.hint())
                }
                None => Problem::new("cargo-manifest", format!("Cargo does not understand the manifests:\n{words}"))
                    .hint("`cargo check` says the same"),
            };
            said.problems.push(problem);
        }
        Err(other) => {
            let message = format!("what Cargo says of the manifests is not understood: {other}");
            said.problems.push(Problem::new("cargo-manifest", message).hint("use the toolchain of sayna-release.toml"));
        }
    }
    said
}

/// Returns Cargo's metadata of the package or workspace in a folder, without dependencies.
pub(super) fn described(folder: &Path) -> Result<Metadata, Error> {
    let mut command = MetadataCommand::new();
    command.current_dir(folder).manifest_path(folder.join("Cargo.toml")).no_deps();
    command.other_options(["--offline".to_owned()]);
    for name in foreign("") {
        command.env_remove(name);
    }
    command.exec()
}

fn problems(root: &Path, source: &Source, package: &Package, metadata: &Metadata) -> Vec<Problem> {
    let mut problems: Vec<Problem> = workspace(root, metadata).into_iter().collect();
    let named = |described: &&Described| described.name.as_str() == package.name;
    if let Some(described) = metadata.packages.iter().find(named) {
        let (release, table) = (&source.table.release, &source.table);
        // Another name in the table is a finding of its own.
        match binary(described, &package.name) {
            Ok(found) => problems.extend(table.targets.iter().filter_map(|t| features(t, found, package))),
            Err(problem) => problems.push(problem.at(release.name.span())),
        }
        problems.extend(too_new(source, described));
        problems.extend(licence_file(described));
        problems.extend(sources(described));
    }
    problems.extend(products::packages(source, package, metadata));
    if let Some(locked) = &package.locked {
        problems.extend(lock(package, locked, metadata));
    }
    problems
}

/// A workspace above the tree has profiles and a lock file of its own, which are in no commit of this tree.
fn workspace(root: &Path, metadata: &Metadata) -> Option<Problem> {
    let found = metadata.workspace_root.as_std_path();
    let same = found.canonicalize().ok() == root.canonicalize().ok();
    (!same).then(|| {
        let message = format!("the package belongs to the workspace in {}, which is not in this tree", found.display());
        Problem::new("workspace-outside", message).hint("write an empty [workspace] into Cargo.toml")
    })
}

/// Cargo refuses to build a binary without the features that it requires.
fn features(target: &Target, binary: &CargoTarget, package: &Package) -> Option<Problem> {
    let has = package.with_implied(target.feature_names());
    let lacking: Vec<String> =
        binary.required_features.iter().filter(|feature| !has.contains(feature)).cloned().collect();
    (!lacking.is_empty()).then(|| {
        let triple = target.triple.get_ref();
        let message = format!("the binary {} requires {}, which {triple} does not have", binary.name, first(&lacking));
        let hint = "add it to that target's features, or take it out of `required-features`";
        Problem::new("binary-features", message).hint(hint).at(target.triple.span())
    })
}

/// Whether `--locked` would refuse Cargo.lock: each member of the workspace stands there with its version and with exactly
/// the dependencies of its manifest, in versions that the manifest allows.
fn lock(package: &Package, locked: &Locked, metadata: &Metadata) -> Option<Problem> {
    let mut wrong = Vec::new();
    for member in &metadata.packages {
        let (name, version) = (member.name.as_str(), &member.version);
        match locked.members.get(name) {
            // The released package has a finding of its own.
            Some(found) if found != version && name != package.name => {
                wrong.push(format!("{name} is {version}, and {found} there"));
            }
            None if name != package.name => wrong.push(format!("{name} is not there")),
            _ => {}
        }
        wrong.extend(dependencies(member, locked));
    }
    (!wrong.is_empty()).then(|| {
        let message = format!("Cargo.lock does not fit the manifests: {}", first(&wrong));
        let hint = "`cargo check` brings it in line; commit Cargo.lock: releases are built with --locked";
        Problem::new("lock-outdated", message).hint(hint)
    })
}

fn dependencies(member: &Described, locked: &Locked) -> Vec<String> {
    let name = member.name.as_str();
    let Some(entries) = locked.dependencies.get(name) else { return Vec::new() };
    let listed: BTreeMap<&str, BTreeSet<&str>> = entries.iter().fold(BTreeMap::new(), |mut all, entry| {
        let mut words = entry.split(' ');
        let of = all.entry(words.next().unwrap_or_default()).or_insert_with(BTreeSet::new);
        of.extend(words.next());
        all
    });
    let mut wrong = Vec::new();
    let wanted: BTreeSet<&str> = member.dependencies.iter().map(|d| d.name.as_str()).collect();
    wrong.extend(listed.keys().filter(|of| !wanted.contains(*of)).map(|of| format!("{name} does not depend on {of}")));
    for dependency in &member.dependencies {
        let (of, wants) = (dependency.name.as_str(), &dependency.req);
        let Some(versions) = listed.get(of) else {
            wrong.push(format!("{name} depends on {of}"));
            continue;
        };
        // Where there is one version alone, the entry does not name it.
        let all = locked.versions(of);
        let is_listed = |version: &Version| versions.is_empty() || versions.contains(version.to_string().as_str());
        let fits = all.iter().any(|version| is_listed(version) && wants.matches(version));
        if !fits {
            let there: Vec<String> = all.iter().map(ToString::to_string).collect();
            wrong.push(format!("{name} wants {of} {wants}, and there is {}", first(&there)));
        }
    }
    wrong
}
