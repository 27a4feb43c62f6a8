//! The state that the rows of a checklist share. A row reads what another row found only where it needs that row, so that it
//! never runs on something that was not read, or that is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::rows::{Check, RELEASE, rests_on};
use super::{Fault, Request, image};
use crate::attest::VerifiedStatement;
use crate::attest::rebuild::Rebuilt;
use crate::bounded::{self, DOCUMENT};
use crate::digest::Digest;
use crate::forge::{Asset, Release};
use crate::manifest::{BinaryEntry, Manifest};
use crate::name::{FileName, NotAFileName};
use crate::oci::Index;

/// A value that one row finds, and later rows read.
pub(super) struct Found<T> {
    by: &'static str,
    value: Option<T>,
}

impl<T> Found<T> {
    fn by(row: &'static str) -> Self {
        Self { by: row, value: None }
    }

    /// Keeps the value for later rows.
    pub(super) fn set(&mut self, value: T) {
        self.value = Some(value);
    }

    /// Reads the value in `check`, which is refused unless it rests on the row that finds it.
    fn read(&self, check: &Check) -> Result<&T, String> {
        if !rests_on(check, self.by) {
            return Err(format!("the row {:?} reads what the row {:?} finds, and does not need it", check.id, self.by));
        }
        self.value.as_ref().ok_or_else(|| format!("the row {:?} has found nothing", self.by))
    }

    /// Takes the value for the report, where there is one.
    pub(super) fn into_inner(self) -> Option<T> {
        self.value
    }
}

/// The state of one run of the checklist, from the first row to the last. Each row has it for itself while it runs.
pub(super) struct Context<'a> {
    pub(super) request: Request<'a>,
    /// For downloads; it belongs to the caller of `run`.
    pub(super) folder: PathBuf,
    /// The row that runs.
    pub(super) check: &'static Check,
    pub(super) release: Found<Release>,
    pub(super) manifest: Found<Manifest>,
    /// The digest of the manifest's own bytes.
    pub(super) manifest_digest: Found<Digest>,
    pub(super) archives: Found<BTreeMap<String, PathBuf>>,
    /// By the name of the archive.
    pub(super) binaries: Found<BTreeMap<String, PathBuf>>,
    /// `None` where no image is planned.
    pub(super) image: Found<Option<image::Expected>>,
    pub(super) index: Found<Index>,
    pub(super) images: Found<Vec<image::PlatformImage>>,
    /// The verified statements of the release's bundles.
    pub(super) proofs: Found<Vec<VerifiedStatement>>,
    /// The verified statements in the registries, about an image that came later than the release.
    pub(super) image_proofs: Found<Vec<VerifiedStatement>>,
    /// The verified statements about a second build.
    pub(super) rebuilt: Found<Vec<VerifiedStatement>>,
    /// What the second build of this run gave bit by bit.
    pub(super) reproduced: Found<Rebuilt>,
}

impl<'a> Context<'a> {
    pub(super) fn new(request: Request<'a>, folder: &Path) -> Self {
        Self {
            request,
            folder: folder.to_owned(),
            check: &RELEASE,
            release: Found::by("release"),
            manifest: Found::by("manifest"),
            manifest_digest: Found::by("manifest"),
            archives: Found::by("checksums"),
            binaries: Found::by("contents"),
            image: Found::by("image"),
            index: Found::by("image"),
            images: Found::by("platforms"),
            proofs: Found::by("attested"),
            image_proofs: Found::by("referrers"),
            rebuilt: Found::by("rebuilt"),
            reproduced: Found::by("reproduced"),
        }
    }

    pub(super) fn release(&self) -> Result<&Release, String> {
        self.release.read(self.check)
    }

    pub(super) fn manifest(&self) -> Result<&Manifest, String> {
        self.manifest.read(self.check)
    }

    pub(super) fn manifest_digest(&self) -> Result<Digest, String> {
        self.manifest_digest.read(self.check).copied()
    }

    /// The archive of that name, downloaded.
    pub(super) fn archive(&self, name: &str) -> Result<&Path, String> {
        let archive = self.archives.read(self.check)?.get(name);
        archive.map(PathBuf::as_path).ok_or_else(|| format!("{name} was not read"))
    }

    /// The executable of that entry, unpacked.
    pub(super) fn binary(&self, entry: &BinaryEntry) -> Result<&Path, String> {
        let archive = &entry.archive.name;
        let binary = self.binaries.read(self.check)?.get(archive.as_str());
        binary.map(PathBuf::as_path).ok_or_else(|| format!("{archive} was not unpacked"))
    }

    pub(super) fn image(&self) -> Result<Option<&image::Expected>, String> {
        self.image.read(self.check).map(Option::as_ref)
    }

    pub(super) fn index(&self) -> Result<&Index, String> {
        self.index.read(self.check)
    }

    pub(super) fn images(&self) -> Result<&[image::PlatformImage], String> {
        self.images.read(self.check).map(Vec::as_slice)
    }

    pub(super) fn proofs(&self) -> Result<&[VerifiedStatement], String> {
        self.proofs.read(self.check).map(Vec::as_slice)
    }

    /// The limit of an asset's download: an archive's is its budget, any other asset's is that of a document.
    fn largest(&self, name: &FileName) -> u64 {
        // Before the manifest is read there is nothing but documents.
        let binaries = self.manifest.value.iter().flat_map(|m| &m.binaries);
        let table = self.request.table;
        let budget = |b: &BinaryEntry| Some(table.program(&b.product)?.archive_budget(table.target(&b.target)?));
        let archive = binaries.filter(|b| b.archive.name == *name).find_map(budget);
        archive.map_or(DOCUMENT, |budget| bounded::above(budget.0))
    }

    /// Downloads an asset once, into a folder where nothing else is.
    pub(super) fn asset(&self, name: &str) -> Result<PathBuf, Fault> {
        let name: FileName = name.parse().map_err(|e: NotAFileName| e.to_string())?;
        let path = self.folder.join("assets").join(&name);
        if !path.exists() {
            let release = self.release()?;
            if let Some(Asset::Uploaded { size, .. }) = release.assets.get(name.as_str()) {
                bounded::check(&name, *size, self.largest(&name))?;
            }
            self.request.forge.download(release, &name, &path)?;
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::ROWS;
    use super::*;

    fn row(id: &str) -> &'static Check {
        ROWS.iter().find(|row| row.id == id).unwrap()
    }

    #[test]
    fn a_row_reads_only_what_rows_found_that_it_needs() {
        let mut manifest = Found::by("manifest");
        manifest.set("1.2.3");
        for id in ["manifest", "attached", "audit", "latest"] {
            assert_eq!(manifest.read(row(id)), Ok(&"1.2.3"), "{id}");
        }
        let refused = "the row \"release\" reads what the row \"manifest\" finds, and does not need it";
        assert_eq!(manifest.read(row("release")), Err(refused.to_owned()));
        let mut proofs = Found::by("attested");
        proofs.set(());
        assert!(proofs.read(row("runs")).is_ok());
        assert!(proofs.read(row("audit")).is_err());
    }

    #[test]
    fn a_needed_row_that_found_nothing_is_named() {
        let archives = Found::<()>::by("checksums");
        assert_eq!(archives.read(row("contents")), Err("the row \"checksums\" has found nothing".to_owned()));
    }

    #[test]
    fn rows_need_rows_that_exist_and_stand_above_them() {
        for (position, check) in ROWS.iter().enumerate() {
            for needed in check.needs {
                assert!(ROWS.iter().take(position).any(|row| row.id == *needed), "{} needs {needed}", check.id);
            }
        }
    }
}
