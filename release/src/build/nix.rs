//! The builder `nix`: what the flake's outputs hold, taken over as it is once it is what was planned.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Job;
use crate::atomic::{self, At as _};
use crate::children;
use crate::digest::Digest;
use crate::package::{self, Archive};
use crate::part::FileEntry;
use crate::plan::PlannedTarget;
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::table::{Compression, Target};

mod call;
mod error;
mod explain;
mod machine;

pub use error::Error;
pub use explain::Diagnosis;
pub use machine::Builders;

/// The flake's output of that name for a target's system.
fn output(target: &Target, name: &str) -> Result<String, Error> {
    let missing = || Error::NoSystem { triple: target.triple.get_ref().clone() };
    let system = target.system.as_ref().ok_or_else(missing)?;
    Ok(format!(".#packages.{}.{name}", system.get_ref()))
}

/// The flake's outputs of a program: what `nix/default.nix` calls them.
struct Outputs {
    program: String,
    archive: String,
}

impl Outputs {
    fn of(job: &Job<'_>, planned: &PlannedTarget) -> Self {
        let name = &planned.product;
        let archive = if *name == job.plan.name { "archive".to_owned() } else { format!("{name}-archive") };
        Self { program: name.clone(), archive }
    }

    /// In the order of building.
    fn all(&self) -> [String; 3] {
        [format!("{}.unwrapped", self.program), self.program.clone(), self.archive.clone()]
    }
}

/// Builds what these outputs hold once more where the job asks for it, so that Nix compares.
fn prove(job: &Job<'_>, target: &Target, names: &[String], progress: &Progress) -> Result<(), super::Error> {
    if !job.again {
        return Ok(());
    }
    let _task = progress.spinner(&format!("nix builds {} again", names.join(", ")));
    let outputs = names.iter().map(|name| output(target, name)).collect::<Result<Vec<_>, _>>()?;
    Ok(call::again(job.root, &outputs)?)
}

/// Returns the flake's output of a native input, which its binaries link.
pub(super) fn native(job: &Job<'_>, target: &Target, name: &str) -> Result<PathBuf, Error> {
    call::build(job.root, &output(target, name)?)
}

/// A target's archive and checksum in `out`, and its executable in a folder that goes when the value does.
pub(super) fn archive(
    job: &Job<'_>,
    target: &Target,
    planned: &PlannedTarget,
    out: &Path,
    progress: &Progress,
) -> Result<(Archive, PathBuf, Scratch), super::Error> {
    let outputs = Outputs::of(job, planned);
    prove(job, target, &outputs.all(), progress)?;
    let from = call::build(job.root, &output(target, &outputs.archive)?)?;
    checked(job, planned, &from)?;
    for name in [&planned.archive, &planned.checksum] {
        atomic::copy(&from.join(name), &out.join(name), false)?;
    }
    let exe_name = planned.triple.exe_name(&planned.product);
    let folder = Scratch::new_in(out)?;
    let executable = folder.path().join(&exe_name);
    super::unpack(out, planned, &exe_name, &executable)?;
    let archive = Archive {
        archive: FileEntry::of(out, &planned.archive)?,
        checksum: FileEntry::of(out, &planned.checksum)?,
        binary: FileEntry::of(folder.path(), &exe_name)?,
    };
    Ok((archive, executable, folder))
}

/// The planned files and no other, a checksum that is the archive's, and an archive that holds what was planned.
fn checked(job: &Job<'_>, planned: &PlannedTarget, from: &Path) -> Result<(), super::Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(from).at("list", from)? {
        found.push(entry.at("list", from)?.file_name().to_string_lossy().into_owned());
    }
    found.sort();
    let both = vec![planned.archive.clone(), planned.checksum.clone()];
    if found != both {
        return Err(Error::Files { path: from.to_owned(), found, planned: both }.into());
    }
    let (archive, path) = (from.join(&planned.archive), from.join(&planned.checksum));
    let line = package::checksum_line(&planned.archive, Digest::of_file(&archive).at("read", &archive)?.0);
    let said = fs::read_to_string(&path).at("read", &path)?;
    if said != line {
        return Err(Error::Checksum { path, found: said, planned: line }.into());
    }
    let exe_name = planned.triple.exe_name(&planned.product);
    let files = super::program(job.table, &planned.product)?.packed().map(|(name, _)| name);
    let (time, kind) = (job.plan.commit_time, planned.archive_kind);
    let meant = package::planned_entries(&planned.stem, &exe_name, files, time, kind);
    let held = package::list(&archive, kind, u64::MAX)?;
    if held != meant {
        return Err(Error::Contents { path: archive, difference: package::told_apart(&held, &meant) }.into());
    }
    Ok(())
}

/// Copies a platform's image into a new layout folder, by the program that the flake has for it.
pub(super) fn image(
    job: &Job<'_>,
    target: &Target,
    compression: Compression,
    layout: &Path,
    progress: &Progress,
) -> Result<(), super::Error> {
    prove(job, target, &["image".to_owned()], progress)?;
    let program = call::build(job.root, &output(target, "image.copyTo")?)?.join("bin/copy-to");
    let format = match compression {
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    };
    let mut command = Command::new(&program);
    command.current_dir(job.root).args(["--dest-compress-format", format]).stdin(Stdio::null());
    command.arg(format!("oci:{}:{}", layout.display(), job.plan.version));
    let started = children::output(&mut command);
    let output = started.map_err(|source| Error::Start { program: program.display().to_string(), source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Copy { program, said: String::from_utf8_lossy(&output.stderr).trim().to_owned() }.into())
}
