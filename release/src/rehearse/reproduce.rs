//! A second build in another folder, and where two builds of the same thing differ: which file, which section, which
//! symbol.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

use crate::atomic::{At as _, PathError};
use crate::build::{self, Diagnosis, Job, NixError};
use crate::digest::Digest;
use crate::git::{self, Checkout};
use crate::package;
use crate::part::{self, BinaryPart, ImagePart, Part};
use crate::progress::Progress;
use crate::table::{ArchiveKind, Builder};

/// An error of a comparison.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// A part.
    #[error(transparent)]
    Part(#[from] part::Error),
    /// An archive.
    #[error(transparent)]
    Package(#[from] package::Error),
    /// The second build.
    #[error(transparent)]
    Build(#[from] build::Error),
    /// The list of the files to copy.
    #[error(transparent)]
    Git(#[from] git::Error),
}

/// A second build.
#[derive(Debug, Clone)]
pub struct Again {
    /// By asset name and platform.
    pub digests: BTreeMap<String, Digest>,
    /// The folder of its parts.
    pub parts: PathBuf,
    /// The difference that Nix itself found; nothing was built after that.
    pub difference: Option<String>,
}

/// Builds everything that the plan has a second time: with Cargo from a copy of the tree that has another parent folder, with
/// another home and target folder; with Nix in a second sandbox, whose outputs Nix compares with the first ones.
pub fn build_again(job: &Job<'_>, checkout: &Checkout, place: &Path, progress: &Progress) -> Result<Again, Error> {
    remove(place)?;
    // Above the copy lies nothing of what lies above the tree: no configuration, no workspace, no repository.
    let temporary = std::env::temp_dir();
    let apart = tempfile::Builder::new().prefix("sayna-second-").tempdir().at("write into", &temporary)?;
    let root = apart.path().join("elsewhere/sayna-checkout");
    let nix = Job { reuse: false, keep_going: true, again: true, ..job.clone() };
    let cargo = elsewhere(job, checkout, place, &root, apart.path().join("home"))?;
    let by = |builder| if builder == Builder::Nix { &nix } else { &cargo };
    let parts = place.join("parts");
    let (mut binaries, mut images) = (Vec::new(), Vec::new());
    let mut all = || -> Result<(), build::Error> {
        for planned in &job.plan.targets {
            let builder = job.builders.binary(build::entry(job.table, &planned.triple)?)?;
            binaries.push(build::binary(by(builder), planned, &parts, progress)?.part);
        }
        for platform in job.plan.image.iter().flat_map(|i| &i.platforms) {
            let builder = job.builders.image(build::entry(job.table, &platform.target)?)?;
            images.push(build::image(by(builder), platform, &parts, progress)?.part);
        }
        Ok(())
    };
    let difference = match all() {
        Ok(()) => None,
        Err(build::Error::Nix(NixError::Failed { call, because: because @ Diagnosis::Differs { .. } })) => {
            Some(format!("two builds differ: {because}; to see more: {call} --keep-failed, and diffoscope"))
        }
        Err(other) => return Err(other.into()),
    };
    Ok(Again { digests: digests(&binaries, &images), parts, difference })
}

/// The job of a copy of the tree at `root`, in other folders.
fn elsewhere<'a>(
    job: &Job<'a>,
    checkout: &Checkout,
    place: &Path,
    root: &'a Path,
    home: PathBuf,
) -> Result<Job<'a>, Error> {
    for file in checkout.files()? {
        let to = root.join(&file);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).at("create the folder", folder)?;
        }
        // Copying keeps the mode, and the copy is thrown away: it need not be durable.
        let from = job.root.join(&file);
        let copied = if from.is_symlink() { copy_link(&from, &to) } else { fs::copy(&from, &to).map(|_size| ()) };
        copied.at("copy to", &to)?;
    }
    build::second_home(job.root, &home)?;
    let target_dir = Some(place.join("target"));
    Ok(Job { root, target_dir, home: Some(home), reuse: false, keep_going: true, ..job.clone() })
}

/// A link stays one, wherever it leads.
#[cfg(unix)]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(windows)]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    let target = fs::read_link(from)?;
    if from.is_dir() {
        std::os::windows::fs::symlink_dir(target, to)
    } else {
        std::os::windows::fs::symlink_file(target, to)
    }
}

/// Digests by asset name and by platform.
pub fn digests(binaries: &[BinaryPart], images: &[ImagePart]) -> BTreeMap<String, Digest> {
    let archives = binaries.iter().flat_map(|p| [&p.archive, &p.sbom]).map(|f| (f.name.to_string(), f.digest));
    archives.chain(images.iter().map(|p| (p.name(), p.manifest))).collect()
}

/// Removes a folder with all that is in it; one that is not there is fine.
pub fn remove(folder: &Path) -> Result<(), PathError> {
    if folder.exists() { fs::remove_dir_all(folder).at("remove", folder) } else { Ok(()) }
}

/// One sentence on the first difference between two folders of parts, and how to see more.
pub fn explain(first: &Path, second: &Path) -> Result<String, Error> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(second).at("list", second)? {
        folders.push(entry.at("list", second)?.path());
    }
    // The executable on its own says more than the one inside an image: targets before platforms.
    folders.sort_by_key(|f| (f.join(part::LAYOUT).exists(), f.clone()));
    for folder in folders {
        let Some(name) = folder.file_name() else { continue };
        let other = first.join(name);
        let (Some(ours), Some(theirs)) = (Part::read(&other)?, Part::read(&folder)?) else { continue };
        let what = match (ours, theirs) {
            (Part::Binary(ours), Part::Binary(theirs)) => archives(&other, &ours, &folder, &theirs)?,
            (Part::Image(ours), Part::Image(theirs)) if ours.binary != theirs.binary => {
                Some(format!("the executable in the image: {} and {}", ours.binary.digest, theirs.binary.digest))
            }
            (Part::Image(ours), Part::Image(theirs)) if ours.manifest != theirs.manifest => {
                Some(format!("the image's manifest: {} and {}", ours.manifest, theirs.manifest))
            }
            _ => None,
        };
        if let Some(what) = what {
            let see = format!("diffoscope {} {}", other.display(), folder.display());
            return Ok(format!("two builds differ in {what}; to see more: {see}"));
        }
    }
    Ok("two builds differ in which files they have".to_owned())
}

fn archives(at: &Path, ours: &BinaryPart, other: &Path, theirs: &BinaryPart) -> Result<Option<String>, Error> {
    if ours.binary.digest != theirs.binary.digest {
        let (a, b) = (unpack(at, ours)?, unpack(other, theirs)?);
        return Ok(Some(format!("the executable of {}, {}", ours.called(), executables(&a, &b))));
    }
    let changed = ours.assets().into_iter().zip(theirs.assets()).find(|(a, b)| a.digest != b.digest);
    Ok(changed.map(|(a, b)| format!("{}: {} and {}", a.name, a.digest, b.digest)))
}

fn unpack(folder: &Path, part: &BinaryPart) -> Result<Vec<u8>, Error> {
    let kinds = [ArchiveKind::TarGz, ArchiveKind::Zip];
    let found = kinds.map(|k| part.archive.name.strip_suffix(&format!(".{}", k.extension())).map(|stem| (k, stem)));
    let Some((kind, stem)) = found.into_iter().flatten().next() else { return Ok(Vec::new()) };
    let to = folder.join("unpacked");
    package::extract(
        &folder.join(&part.archive.name),
        kind,
        &format!("{stem}/{}", part.binary.name),
        &to,
        part.binary.size,
    )?;
    Ok(fs::read(&to).at("read", &to)?)
}

/// The first section whose bytes differ, the offset in it, and the symbol there if the executable still has any.
fn executables(ours: &[u8], theirs: &[u8]) -> String {
    let (Ok(a), Ok(b)) = (object::File::parse(ours), object::File::parse(theirs)) else {
        return "which is no longer an executable in one of them".to_owned();
    };
    for section in a.sections() {
        let Ok(name) = section.name() else { continue };
        // A digest of the rest: it differs wherever anything does, and says nothing.
        if name == ".note.gnu.build-id" {
            continue;
        }
        let other = b.section_by_name(name).and_then(|s| s.data().ok().map(<[u8]>::to_vec));
        let (Ok(data), Some(other)) = (section.data(), other) else {
            return format!("section {name} is in one of them only");
        };
        if data == other.as_slice() {
            continue;
        }
        let offset = data.iter().zip(&other).position(|(x, y)| x != y).unwrap_or(data.len().min(other.len()));
        let address = section.address().saturating_add(offset as u64);
        let symbol = a.symbols().find(|s| (s.address()..s.address().saturating_add(s.size())).contains(&address));
        let symbol = symbol.and_then(|s| s.name().ok().map(str::to_owned));
        let near = symbol.unwrap_or_else(|| "no symbol: it is stripped".to_owned());
        return format!("section {name} at offset {offset:#x} ({near})");
    }
    "outside of all sections".to_owned()
}
