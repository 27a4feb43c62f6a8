//! Rows on the release and its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{Context, Fault, Outcome, pass};
use crate::changelog;
use crate::digest::Digest;
use crate::git::{EPOCH, when};
use crate::manifest::{BinaryEntry, Manifest};
use crate::name::{self, FileName, SUMS, Tag};
use crate::notes;
use crate::part::FileEntry;
use crate::plan::Plan;
use crate::shown::counted;
use crate::sums;

/// One public release has the tag, and its pre-release mark is that of its version.
pub(super) fn release(context: &mut Context<'_>) -> Outcome {
    let request = context.request;
    let releases = request.forge.releases(request.tag)?;
    let [release] = releases.as_slice() else {
        return Err(
            format!("{} has {} releases with the tag {}", request.forge.name(), releases.len(), request.tag).into()
        );
    };
    if release.draft {
        return Err(format!("{} is still a draft", release.tag).into());
    }
    let version = request.tag.parse::<Tag>().map_err(|e| e.to_string())?.into_version();
    if release.prerelease == version.pre.is_empty() {
        return Err(
            format!("{version} is marked as {}", if release.prerelease { "a pre-release" } else { "stable" }).into()
        );
    }
    let kind = if release.prerelease { "pre-release" } else { "stable" };
    let fixed = match release.immutable {
        Some(true) => ", immutable",
        Some(false) => ", not immutable: its owners can change it",
        None => "",
    };
    let count = counted(release.assets.len(), "asset", "assets");
    let evidence = format!("{} {}, {kind}, {count}{fixed}", request.forge.name(), release.tag);
    context.release.set(release.clone());
    pass(evidence)
}

/// The manifest matches its checksum, is in this program's form and speaks of this tag (and commit, in its checkout).
pub(super) fn manifest(context: &mut Context<'_>) -> Outcome {
    let release = context.release()?;
    let name = release.assets.keys().find(|n| n.ends_with(name::MANIFEST));
    let name = name.ok_or_else(|| format!("no asset is named *{}", name::MANIFEST))?.clone();
    check_checksum(context, &name)?;
    let bytes = fs::read(context.asset(&name)?)?;
    let manifest = Manifest::read(&bytes).map_err(|e| format!("{name}: {e}"))?;
    let expected = manifest.names().manifest();
    if manifest.tag != context.request.tag || name != expected || manifest.tag != Tag::of(&manifest.version).to_string()
    {
        return Err(format!("{name} speaks of {} {}, tag {}", manifest.name, manifest.version, manifest.tag).into());
    }
    if let Some(plan) = context.request.plan {
        same_origin(&name, plan, &manifest)?;
    }
    let binaries = counted(manifest.binaries.len(), "binary", "binaries");
    let evidence = format!("{name}: commit {}, {binaries}", name::short(&manifest.commit));
    context.manifest.set(manifest);
    context.manifest_digest.set(Digest::of(&bytes));
    pass(evidence)
}

/// Whether a manifest is of the checkout that it is held against.
fn same_origin(name: &str, plan: &Plan, manifest: &Manifest) -> Result<(), String> {
    if (&plan.commit, &plan.tree) != (&manifest.commit, &manifest.tree) {
        return Err(format!(
            "{name} is of commit {} ({}), this checkout is at {} ({})",
            manifest.commit, manifest.tree, plan.commit, plan.tree
        ));
    }
    // The rows on archives go over what the manifest lists: one that leaves a binary out would make them hold.
    let theirs: BTreeSet<String> = manifest.binaries.iter().map(|binary| manifest.called(binary)).collect();
    let ours: BTreeSet<String> =
        plan.targets.iter().map(|target| name::part(&plan.name, &target.product, &target.triple)).collect();
    if theirs != ours {
        let list = |all: &BTreeSet<String>| all.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(format!("{name} has binaries for [{}], planned are [{}]", list(&theirs), list(&ours)));
    }
    if plan.commit_time == manifest.commit_time {
        return Ok(());
    }
    let (theirs, ours) = (when(manifest.commit_time), when(plan.commit_time));
    Err(format!(
        "{name} is of this commit and has the time {theirs}, here it is {ours}: {EPOCH} was set for one of the two"
    ))
}

/// The names that must be there: the plan's in its checkout, else the manifest's; the manifest itself and its checksum.
fn expected(context: &Context<'_>) -> Result<BTreeSet<String>, String> {
    let manifest = context.manifest()?;
    let own = manifest.names().manifest();
    let mut names: BTreeSet<String> = [name::checksum(&own), own, SUMS.to_owned()].into();
    match context.request.plan {
        Some(plan) => names.extend(plan.targets.iter().flat_map(|t| [&t.archive, &t.checksum, &t.sbom]).cloned()),
        None => names.extend(manifest.assets().map(|f| f.name.to_string())),
    }
    Ok(names)
}

/// Nothing is missing.
pub(super) fn attached(context: &mut Context<'_>) -> Outcome {
    let there = &context.release()?.assets;
    let expected = expected(context)?;
    let missing: Vec<&str> = expected.iter().filter(|n| !there.contains_key(*n)).map(String::as_str).collect();
    if missing.is_empty() {
        pass(format!("{} of {}", expected.len(), expected.len()))
    } else {
        Err(missing.join(", ").into())
    }
}

/// Nothing is too much.
pub(super) fn nothing_else(context: &mut Context<'_>) -> Outcome {
    let mut expected = expected(context)?;
    let manifest = context.manifest()?;
    // Whether it has to be there is for the row on attestations.
    expected.insert(manifest.names().attestations());
    let there = context.release()?.assets.keys();
    let extra: Vec<&str> = there.filter(|n| !expected.contains(*n)).map(String::as_str).collect();
    if extra.is_empty() { pass("no other file") } else { Err(format!("not planned: {}", extra.join(", ")).into()) }
}

/// Holds a file against the `.sha256` beside it, in exactly the form that `sha256sum` writes.
fn check_checksum(context: &Context<'_>, name: &str) -> Result<Digest, Fault> {
    let beside = name::checksum(name);
    let text = fs::read(context.asset(&beside)?)?;
    let (found, _size) = Digest::of_file(&context.asset(name)?)?;
    if text == format!("{}  {name}\n", found.hex()).as_bytes() {
        return Ok(found);
    }
    Err(format!("{beside} says {:?}, {name} has {}", String::from_utf8_lossy(&text).trim_end(), found.hex()).into())
}

/// `SHA256SUMS` is, byte for byte, what the manifest gives.
pub(super) fn sums(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    let wanted = sums::text(manifest, context.manifest_digest()?);
    let found = fs::read(context.asset(SUMS)?)?;
    if found == wanted.as_bytes() {
        return pass(format!("{} files, as the manifest gives them", wanted.lines().count()));
    }
    let found = sums::read(&found).map_err(|e| format!("{SUMS}: {e}"))?;
    let wanted = sums::read(wanted.as_bytes()).map_err(|e| e.to_string())?;
    let is_other = |(name, digest): &(&FileName, &Digest)| wanted.get(*name) != Some(*digest);
    let other = found.iter().find(is_other).map(|(name, digest)| format!("says {} of {name}", digest.hex()));
    let missing = || wanted.keys().find(|name| !found.contains_key(*name)).map(|name| format!("does not list {name}"));
    let fault = other.or_else(missing).unwrap_or_else(|| "is in another form".to_owned());
    Err(format!("{SUMS} {fault}, which the manifest does not give").into())
}

/// Every archive against its checksum file.
pub(super) fn checksums(context: &mut Context<'_>) -> Outcome {
    let names: Vec<String> = context.manifest()?.binaries.iter().map(|b| b.archive.name.to_string()).collect();
    let mut archives = BTreeMap::new();
    for name in &names {
        check_checksum(context, name)?;
        archives.insert(name.clone(), context.asset(name)?);
    }
    context.archives.set(archives);
    pass(format!("sha256sum -c would say OK {}", counted(names.len(), "time", "times")))
}

/// Every archive against the manifest: a checksum that was changed together with its archive shows here.
pub(super) fn digests(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    for entry in manifest.binaries.iter().flat_map(|b| [&b.archive, &b.checksum]) {
        same(context, entry)?;
    }
    let archives: Vec<String> = manifest.binaries.iter().map(|b| b.archive.digest.to_string()).collect();
    pass(archives.join(", "))
}

fn same(context: &Context<'_>, entry: &FileEntry) -> Result<(), Fault> {
    let (found, size) = Digest::of_file(&context.asset(&entry.name)?)?;
    if (found, size) == (entry.digest, entry.size) {
        return Ok(());
    }
    Err(format!("{} has {found} ({size} bytes), the manifest says {} ({} bytes)", entry.name, entry.digest, entry.size)
        .into())
}

/// Every SBOM against the manifest, and against the binary that it lists.
pub(super) fn sboms(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    let mut components = Vec::new();
    for entry in &manifest.binaries {
        same(context, &entry.sbom)?;
        let bytes = fs::read(context.asset(&entry.sbom.name)?)?;
        components.push(check_sbom(manifest, entry, &bytes)?);
        if let Some(fresh) = context.request.sboms.get(entry.sbom.name.as_str())
            && *fresh != bytes
        {
            return Err(format!("{} is not what this checkout's graph gives", entry.sbom.name).into());
        }
    }
    let compared = if context.request.sboms.is_empty() {
        "not compared with a checkout"
    } else {
        "equal to this checkout's graph"
    };
    let said = |(target, n): &(String, usize)| format!("{target}: {}", counted(*n, "component", "components"));
    let components: Vec<String> = components.iter().map(said).collect();
    pass(format!("{}; {compared}", components.join(", ")))
}

fn check_sbom(manifest: &Manifest, entry: &BinaryEntry, bytes: &[u8]) -> Result<(String, usize), String> {
    let name = &entry.sbom.name;
    let document: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| format!("{name}: {e}"))?;
    let at = |pointer: &str| document.pointer(pointer).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let version = at("/metadata/component/version");
    let hash = at("/metadata/component/hashes/0/content");
    let (program, ours) = (at("/metadata/component/name"), manifest.version.to_string());
    if at("/specVersion") != "1.6" || version != ours || hash != entry.binary.digest.hex() || entry.product != program {
        return Err(format!("{name} describes {program:?} {version:?} with SHA-256 {hash:?}, not this binary"));
    }
    let count = document.pointer("/components").and_then(|c| c.as_array()).map_or(0, Vec::len);
    Ok((manifest.called(entry), count))
}

/// The text as published against the checkout's changelog, or against the digest that the manifest recorded, and the downloads
/// below against the manifest; without the warning that a withdrawn release has on top.
pub(super) fn notes(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    let text = notes::unix(&context.release()?.notes);
    let (warning, published) = warned(&text);
    let before = text.lines().count().saturating_sub(published.lines().count());
    let Some((changelog, below)) = notes::split(published) else {
        return Err(format!("no line is {:?}: the part below that line is missing too", notes::MARKER).into());
    };
    let at = before + changelog.lines().count() + 1;
    if let Some(difference) = notes::difference(below, &notes::below(manifest), at) {
        return Err(format!("differ from what the manifest gives: {difference}").into());
    }
    let lines = match warning {
        0 => format!("{} lines", published.lines().count()),
        n => format!("{} lines below a warning of {n}", published.lines().count()),
    };
    let cut = if changelog::is_cut(changelog) { "; cut, with a link to all of them" } else { "" };
    let Some(plan) = context.request.plan else {
        if Digest::of(changelog.as_bytes()) == manifest.notes {
            return pass(format!("{lines}, as recorded in the manifest{cut}"));
        }
        return Err("the changelog differs from what the manifest recorded".to_owned().into());
    };
    match notes::difference(changelog, &notes::changelog(&plan.notes, manifest), before) {
        Some(difference) => Err(format!("differ from `sayna-release changelog` of this checkout: {difference}").into()),
        None => pass(format!("{lines}, equal to the changelog and the manifest{cut}")),
    }
}

/// How many lines of warning there are, and what follows them: a block of lines that begin with `>`, and empty ones.
fn warned(notes: &str) -> (usize, &str) {
    let mut lines = 0;
    let mut rest = notes;
    while let Some((_, after)) = rest.split_once('\n').filter(|(line, _)| line.starts_with('>')) {
        lines += 1;
        rest = after;
    }
    if lines == 0 { (0, notes) } else { (lines, rest.trim_start_matches('\n')) }
}
