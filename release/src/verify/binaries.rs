//! Rows on what is inside the archives.

use std::collections::BTreeMap;

use super::{Context, Evidence, Fault, Outcome, Verdict, machine, pass, program};
use crate::audit::{self, Expectations};
use crate::bounded::{self, DOCUMENT};
use crate::digest::Digest;
use crate::manifest::{BinaryEntry, Manifest};
use crate::package;
use crate::part::Built;
use crate::table::Target;

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
        let target = target(context, entry)?;
        let stem = manifest.names().stem(&entry.target);
        let archive = context.archive(&entry.archive.name)?;
        let size = entry.binary.size;
        bounded::check(&entry.binary.name, size, bounded::above(target.budget.binary.0))?;
        // Besides the executable there are texts.
        let most = size.saturating_add(DOCUMENT);
        let found = package::list(archive, target.archive, most)?;
        let files = context.request.table.release.files.iter().map(|f| f.get_ref().as_str());
        let planned = package::planned_entries(&stem, &entry.binary.name, files, manifest.commit_time, target.archive);
        if found != planned {
            let (found, planned) = package::told_apart(&found, &planned);
            return Err(format!("{} holds {found}, planned is {planned}", entry.archive.name).into());
        }
        let binary = context.folder.join("binaries").join(entry.target.as_str()).join(&entry.binary.name);
        let inside = format!("{stem}/{}", entry.binary.name);
        package::extract(archive, target.archive, &inside, &binary, size)?;
        let (digest, _) = Digest::of_file(&binary)?;
        if digest != entry.binary.digest {
            return Err(format!("{inside} is {digest}, the manifest says {}", entry.binary.digest).into());
        }
        binaries.insert(entry.target.to_string(), binary);
        count += found.len();
    }
    context.binaries.set(binaries);
    pass(format!("{count} entries, as planned"))
}

fn target<'a>(context: &Context<'a>, entry: &BinaryEntry) -> Result<&'a Target, String> {
    let target = context.request.table.target(&entry.target);
    target.ok_or_else(|| format!("{} is not in the table", entry.target))
}

/// Checks the demands of each executable on a system, read from the file inside the archive.
pub(super) fn audit(context: &mut Context<'_>) -> Outcome {
    let mut evidence = Vec::new();
    let mut found = Vec::new();
    for entry in &context.manifest()?.binaries {
        let target = target(context, entry)?;
        let facts = audit::read(context.binary(entry.target.as_str())?)?;
        let findings = audit::findings(&facts, Some(&Expectations::from(target)));
        found.extend(findings.iter().map(|f| format!("{}: {f}", entry.target)));
        evidence.push(format!("{}: {}", entry.target, facts.summary()));
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
    let wanted = format!("{} {}", manifest.name, manifest.version);
    let mut evidence = Vec::new();
    let mut ran = false;
    for entry in &manifest.binaries {
        if !runnable(entry) {
            evidence.push(format!("{}: not runnable here", entry.target));
            continue;
        }
        let program = context.binary(entry.target.as_str())?;
        let folder = context.folder.join("runs").join(entry.target.as_str());
        let output = match program::run(program, &["--version", "--verbose"], &folder) {
            Ok(output) => output,
            Err(program::Error::System(error)) => match machine::refusal(&error, program) {
                Some(why) => {
                    evidence.push(format!("{}: {why}", entry.target));
                    continue;
                }
                None => return Err(format!("{}: {error}", entry.target).into()),
            },
            Err(error) => return Err(format!("{}: {error}", entry.target).into()),
        };
        if let Some(why) = machine::complaint(&output) {
            evidence.push(format!("{}: {why}", entry.target));
            continue;
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default().trim();
        if !output.status.success() || first != wanted {
            return Err(format!("{} --version says {first:?} ({}), not {wanted:?}", entry.target, output.status).into());
        }
        lines.try_for_each(|line| agrees(line, &entry.built)).map_err(|e| format!("{}: {e}", entry.target))?;
        evidence.push(format!("{}: {first}", entry.target));
        ran = true;
    }
    let verdict = if ran { Verdict::Ok } else { Verdict::NotHere };
    Ok(Evidence { verdict, evidence: evidence.join("; ") })
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
    let mut same = Vec::new();
    for (name, digest) in &second.digests {
        match published.get(name) {
            Some(found) if found == digest => same.push(name.as_str()),
            Some(found) => return Err(format!("{name}: built again it is {digest}, published is {found}").into()),
            None => return Err(format!("{name} was built again but is not published").into()),
        }
    }
    pass(format!("bit-identical: {}", same.join(", ")))
}
