//! Rows on what is inside the archives.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Evidence, Fault, Outcome, Verdict, machine, pass, program};
use crate::attest::rebuild;
use crate::audit::{self, Expectations};
use crate::bounded::{self, DOCUMENT};
use crate::digest::Digest;
use crate::manifest::{BinaryEntry, Manifest};
use crate::package;
use crate::part::{Built, Limits};
use crate::table::{Program, Target};

/// Digests of a second build, by asset name and by platform, and where it differed if it did.
#[derive(Debug, Clone, Default)]
pub struct Reproduced {
    /// By asset name (`….tar.gz`) or platform (`linux/amd64`).
    pub digests: BTreeMap<String, Digest>,
    /// The first difference, in words.
    pub difference: Option<String>,
}

/// The reason why there is no second build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReproduced {
    /// This machine cannot build as the first one did.
    NotHere(String),
    /// It can, and the build failed.
    Failed(String),
}

/// Builds again what this machine can, in the way that the manifest says of the first build.
pub type Reproduce<'a> = &'a dyn Fn(&Manifest) -> Result<Reproduced, NotReproduced>;

/// The folder, the files, their modes and times, and the recorded executable: nothing else.
pub(super) fn contents(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    let mut count = 0;
    let mut binaries = BTreeMap::new();
    for entry in &manifest.binaries {
        let (target, program) = planned(context, entry)?;
        let stem = manifest.names().of(program.asset()).stem(&entry.target);
        let archive = context.archive(&entry.archive.name)?;
        let size = entry.binary.size;
        bounded::check(&entry.binary.name, size, bounded::above(program.largest_binary(target).0))?;
        // Besides the executable there are texts.
        let most = size.saturating_add(DOCUMENT);
        let found = package::list(archive, target.archive, most)?;
        // Outside a checkout, the table is that of this program and may be of another version.
        let files = program.packed_names();
        if context.request.plan.is_some() && files != entry.files {
            let (listed, planned) = (entry.files.join(", "), files.join(", "));
            return Err(format!("{} is said to hold {listed}; planned is {planned}", entry.archive.name).into());
        }
        let files = entry.files.iter().map(String::as_str);
        let planned = package::planned_entries(&stem, &entry.binary.name, files, manifest.commit_time, target.archive);
        if found != planned {
            return Err(format!("{} {}", entry.archive.name, package::told_apart(&found, &planned)).into());
        }
        let binary = context.folder.join("binaries").join(manifest.folder(entry)).join(&entry.binary.name);
        let inside = format!("{stem}/{}", entry.binary.name);
        package::extract(archive, target.archive, &inside, &binary, size)?;
        let (digest, _) = Digest::of_file(&binary)?;
        if digest != entry.binary.digest {
            return Err(format!("{inside} is {digest}, the manifest says {}", entry.binary.digest).into());
        }
        binaries.insert(entry.archive.name.to_string(), binary);
        count += found.len();
    }
    context.binaries.set(binaries);
    pass(format!("{count} entries, as planned"))
}

/// The table's words on an entry: its target and its program.
fn planned<'a>(context: &Context<'a>, entry: &BinaryEntry) -> Result<(&'a Target, Program<'a>), String> {
    let table = context.request.table;
    let unknown = |what: &str| format!("{what} is not in this program's table: use the verifier of that release");
    let target = table.target(&entry.target).ok_or_else(|| unknown(entry.target.as_str()))?;
    let program = table.program(&entry.product).ok_or_else(|| unknown(&entry.product))?;
    Ok((target, program))
}

/// Checks the demands of each executable on a system, read from the file inside the archive.
pub(super) fn audit(context: &mut Context<'_>) -> Outcome {
    let mut evidence = Vec::new();
    let mut found = Vec::new();
    let manifest = context.manifest()?;
    for entry in &manifest.binaries {
        let (target, _program) = planned(context, entry)?;
        if context.request.plan.is_some() && entry.limits != Limits::from(target) {
            return Err(format!("{} was held against other limits than planned", manifest.called(entry)).into());
        }
        let facts = audit::read(context.binary(entry)?)?;
        let expected = Expectations { triple: &entry.target, floor: &entry.limits.floor, libs: &entry.limits.libs };
        let findings = audit::findings(&facts, Some(&expected));
        found.extend(findings.iter().map(|f| format!("{}: {f}", manifest.called(entry))));
        let needs = facts.needs();
        if needs != entry.needs {
            let words = |needs: &audit::Needs| serde_json::to_string(needs).unwrap_or_default();
            let (found, said) = (words(&needs), words(&entry.needs));
            return Err(format!("{} needs {found}, the manifest says {said}", manifest.called(entry)).into());
        }
        evidence.push(format!("{}: {}", manifest.called(entry), facts.summary()));
    }
    match (found.is_empty(), context.request.rehearsal) {
        (true, _) => pass(evidence.join("; ")),
        (false, true) => Ok(Evidence { verdict: Verdict::WouldRefuse, evidence: found.join("; ") }),
        (false, false) => Err(found.join("; ").into()),
    }
}

/// Compares the version that each executable prints, for those that this machine can run. A program that came from another
/// machine is executed only where an attestation says who built it.
pub(super) fn runs(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    if context.request.remote && context.proofs()?.is_empty() {
        let evidence = "not executed: no attestation says who built it".to_owned();
        return Ok(Evidence { verdict: Verdict::NotHere, evidence });
    }
    let mut evidence = Vec::new();
    let mut ran = false;
    for entry in &manifest.binaries {
        let called = manifest.called(entry);
        let says = match says(context, manifest, entry).map_err(|fault| format!("{called}: {fault}"))? {
            Said::Version(version) => {
                ran = true;
                version
            }
            Said::NotHere(reason) => reason,
        };
        evidence.push(format!("{called}: {says}"));
    }
    let verdict = if ran { Verdict::Ok } else { Verdict::NotHere };
    Ok(Evidence { verdict, evidence: evidence.join("; ") })
}

/// The words of an executable, or why this machine does not hear them.
enum Said {
    Version(String),
    NotHere(String),
}

/// Runs one executable; an error is its own.
fn says(context: &Context<'_>, manifest: &Manifest, entry: &BinaryEntry) -> Result<Said, String> {
    if !runnable(entry) {
        return Ok(Said::NotHere("not runnable here".to_owned()));
    }
    let program = context.binary(entry)?;
    let folder = context.folder.join("runs").join(manifest.folder(entry));
    let output = match program::run(program, &["--version", "--verbose"], &folder) {
        Ok(output) => output,
        Err(program::Error::System(error)) => {
            return machine::refusal(&error, program).map(Said::NotHere).ok_or_else(|| error.to_string());
        }
        Err(error) => return Err(error.to_string()),
    };
    if let Some(why) = machine::complaint(&output) {
        return Ok(Said::NotHere(why));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim();
    let wanted = format!("{} {}", entry.product, manifest.version);
    if !output.status.success() || first != wanted {
        return Err(format!("--version says {first:?} ({}), not {wanted:?}", output.status));
    }
    lines.try_for_each(|line| agrees(line, &entry.built))?;
    Ok(Said::Version(first.to_owned()))
}

/// A line of `--version --verbose` against the manifest. A program need not say more than its version; what it says must hold.
fn agrees(line: &str, built: &Built) -> Result<(), String> {
    let Some((what, said)) = line.split_once(": ") else { return Ok(()) };
    // What has a version is a native input, and what is known by its digest alone a model.
    let inputs = |with_version: bool| {
        let inputs = built.inputs.iter().filter(move |input| input.version.is_some() == with_version);
        inputs.map(|input| input.name.as_str()).collect()
    };
    let (said, wanted): (_, Vec<&str>) = match what {
        "features" => (said, built.features.iter().map(String::as_str).collect()),
        "native inputs" => (said, inputs(true)),
        "models" => (said, inputs(false)),
        // `rustc 1.95.0 (59807616e 2026-04-14)`
        "toolchain" => {
            let (said, wanted) = (said.split(' ').nth(1).unwrap_or_default(), built.rustc.to_string());
            return same(what, said, &wanted);
        }
        _ => return Ok(()),
    };
    let mut said: Vec<&str> = said.split(", ").filter(|name| *name != "none").collect();
    said.sort_unstable();
    same(what, &said.join(", "), &wanted.join(", "))
}

fn same(what: &str, said: &str, wanted: &str) -> Result<(), String> {
    if said == wanted { Ok(()) } else { Err(format!("{what}: it says {said:?}, the manifest {wanted:?}")) }
}

fn runnable(entry: &BinaryEntry) -> bool {
    use crate::triple::Os;
    let here = match entry.target.os() {
        Os::Linux => cfg!(target_os = "linux"),
        Os::Macos => cfg!(target_os = "macos"),
        Os::Windows => cfg!(target_os = "windows"),
    };
    let same = entry.target.arch() == std::env::consts::ARCH;
    here && (same || (entry.target.arch() == "i686" && cfg!(target_arch = "x86_64")))
}

/// A second build's digests against the published ones.
pub(super) fn reproduced(context: &mut Context<'_>) -> Outcome {
    let Some(reproduce) = context.request.reproduce else { return pass("not asked for") };
    let manifest = context.manifest()?;
    let second = match reproduce(manifest) {
        Ok(second) => second,
        Err(NotReproduced::NotHere(evidence)) => return Ok(Evidence { verdict: Verdict::NotHere, evidence }),
        Err(NotReproduced::Failed(reason)) => return Err(Fault::Unseen(reason)),
    };
    if let Some(difference) = second.difference {
        return Err(difference.into());
    }
    let archives = manifest.binaries.iter().map(|b| (b.archive.name.to_string(), b.archive.digest));
    let sboms = manifest.binaries.iter().map(|b| (b.sbom.name.to_string(), b.sbom.digest));
    let platforms = manifest.image.iter().flat_map(|i| &i.platforms);
    let images = platforms.map(|p| (p.name(), p.manifest));
    let published: BTreeMap<String, Digest> = archives.chain(sboms).chain(images).collect();
    if second.digests.is_empty() {
        return Err(Fault::Unseen("the second build gave no file".to_owned()));
    }
    let mut same = Vec::new();
    for (name, digest) in &second.digests {
        match published.get(name) {
            Some(found) if found == digest => same.push(name.as_str()),
            Some(found) => return Err(format!("{name}: built again it is {digest}, published is {found}").into()),
            None => return Err(format!("{name} was built again but is not published").into()),
        }
    }
    let evidence = format!("bit-identical: {}", same.join(", "));
    let again: BTreeSet<Digest> = second.digests.values().copied().collect();
    let subjects = rebuild::published(manifest).into_iter().filter(|subject| again.contains(&subject.digest)).collect();
    let own = manifest.names().manifest();
    let digest = context.manifest_digest()?;
    context.reproduced.set(rebuild::Rebuilt { manifest: own, digest, subjects });
    pass(evidence)
}
