//! Reuse: what forge and registries already hold of a release, taken back as parts instead of being built again.
//!
//! The manifest that is there says what; attestations say that this project's workflows made it. Where the forge is the
//! table's own, nothing is taken back that is not attested.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::atomic::{self, At as _, PathError};
use crate::attest::{self, Bundle, ExpectedStatement, Project, Trust, expectations};
use crate::digest::Digest;
use crate::forge::{self, Asset, NEXT_VERSION, Release};
use crate::manifest::{BinaryEntry, ImageEntry, Manifest, PlatformEntry};
use crate::oci;
use crate::part::{self, BinaryPart, FileEntry, ImagePart, LAYOUT, Part};
use crate::plan::{Plan, PlannedPlatform, PlannedTarget};
use crate::publish::{Destinations, INDEX};
use crate::registry::{self, Registry};
use crate::scratch::Scratch;
use crate::sums;

/// A release on the forge, draft or public, with its manifest. `--reuse` restores parts from it; it lives as long as that run.
#[expect(missing_debug_implementations, reason = "trait objects of the caller's")]
pub struct Published<'a> {
    plan: &'a Plan,
    destinations: Destinations<'a>,
    release: Release,
    manifest: Manifest,
    /// `None` where there are none and none are needed.
    attested: Option<Attested>,
}

struct Attested {
    trust: Trust,
    bundles: Vec<Bundle>,
}

/// The reason why a published part cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The forge.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// It does not prove who made it.
    #[error(transparent)]
    Attest(#[from] attest::Error),
    /// It is not what it says it is.
    #[error("{place}: {what}")]
    Broken {
        /// The forge or registry.
        place: String,
        /// The mismatch.
        what: String,
    },
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Forge(e) => e.hint(),
            Self::Registry(e) => e.hint(),
            Self::File(_) => None,
            Self::Attest(e) => e.hint(),
            Self::Broken { .. } => Some(format!("what was published was changed: {NEXT_VERSION}")),
        }
    }
}

impl<'a> Published<'a> {
    /// Looks for a release of the plan's tag with a manifest of the plan's commit; `None` without one.
    pub fn find(plan: &'a Plan, destinations: Destinations<'a>) -> Result<Option<Self>, Error> {
        let releases = destinations.forge.releases(&plan.tag)?;
        // Two of them are for `publish` to refuse.
        let Ok([release]) = <[Release; 1]>::try_from(releases) else { return Ok(None) };
        let whole = |name: &str| matches!(release.assets.get(name), Some(Asset::Uploaded { .. }));
        let bundles = plan.names().attestations();
        if !whole(&plan.manifest) || (destinations.is_project_origin && !whole(&bundles)) {
            return Ok(None);
        }
        let folder = Scratch::temporary()?;
        let fetch = |name: &str| -> Result<std::path::PathBuf, Error> {
            let to = folder.path().join(name);
            destinations.forge.download(&release, name, &to)?;
            Ok(to)
        };
        let path = fetch(&plan.manifest)?;
        let bytes = fs::read(&path).at("read", &path)?;
        let broken = |what: String| Error::Broken { place: destinations.forge.name(), what };
        let manifest = Manifest::read(&bytes).map_err(|e| broken(format!("{}: {e}", plan.manifest)))?;
        let same = (&manifest.version, &manifest.commit, &manifest.tree) == (&plan.version, &plan.commit, &plan.tree);
        // What another commit left in a draft is replaced, not taken back.
        if !same {
            return Ok(None);
        }
        let attested = if whole(&bundles) {
            let bundles = Bundle::read(&fetch(&bundles)?)?;
            Some(Attested { trust: Trust::new(destinations.trusted_root)?, bundles })
        } else {
            None
        };
        let found = Self { plan, destinations, release, manifest, attested };
        let own = Digest::of(&bytes);
        let sums = sums::digest(&found.manifest, own);
        found.proven(&[ExpectedStatement::of_manifest(&plan.manifest, own, sums)])?;
        Ok(Some(found))
    }

    /// Takes back a program's part for a target; `None` where it is not there.
    pub fn binary(&self, planned: &PlannedTarget, dist: &Path) -> Result<Option<BinaryPart>, Error> {
        let is_it = |b: &&BinaryEntry| b.target == planned.triple && b.product == planned.product;
        let Some(entry) = self.manifest.binaries.iter().find(is_it) else { return Ok(None) };
        let files = [&entry.archive, &entry.checksum, &entry.sbom];
        let is_there = |file: &&FileEntry| matches!(self.release.assets.get(file.name.as_str()), Some(Asset::Uploaded { digest, .. }) if *digest == Some(file.digest));
        if !files.iter().all(is_there) {
            return Ok(None);
        }
        let out = dist.join(&planned.folder);
        for file in files {
            let to = out.join(&file.name);
            self.destinations.forge.download(&self.release, &file.name, &to)?;
            let (found, size) = Digest::of_file(&to).at("read", &to)?;
            self.hold(&file.name, (found, size) == (file.digest, file.size))?;
        }
        let sbom = out.join(&entry.sbom.name);
        let document: Value = serde_json::from_slice(&fs::read(&sbom).at("read", &sbom)?)
            .map_err(|e| self.broken(format!("{}: {e}", entry.sbom.name)))?;
        let proofs = self.proven(&ExpectedStatement::of_binary(&entry.archive, &entry.sbom, Some(document)))?;
        self.keep(&proofs, &out)?;
        let part = self.binary_part(entry);
        Part::Binary(part.clone()).write(&out)?;
        Ok(Some(part))
    }

    fn binary_part(&self, entry: &BinaryEntry) -> BinaryPart {
        BinaryPart {
            schema: part::SCHEMA,
            origin: self.plan.origin(),
            product: entry.product.clone(),
            target: entry.target.clone(),
            built: entry.built.clone(),
            binary: entry.binary.clone(),
            files: entry.files.clone(),
            limits: entry.limits.clone(),
            needs: entry.needs.clone(),
            archive: entry.archive.clone(),
            checksum: entry.checksum.clone(),
            sbom: entry.sbom.clone(),
        }
    }

    /// Takes back a platform's part, `dist/<os>-<arch>/`, from the first registry that has it; `None` where none has. An
    /// image that its release does not name is not taken back: nothing signed says what belongs to it.
    pub fn image(&self, platform: &PlannedPlatform, dist: &Path) -> Result<Option<ImagePart>, Error> {
        let Some(image) = &self.manifest.image else { return Ok(None) };
        let mut all = image.platforms.iter();
        let Some(entry) = all.find(|p| (&p.os, &p.arch) == (&platform.os, &platform.arch)) else { return Ok(None) };
        for registry in self.destinations.registries {
            if registry.resolve(&image.tag)? == Some(image.index) {
                return self.pull(*registry, image, platform, entry, dist).map(Some);
            }
        }
        Ok(None)
    }

    fn pull(
        &self,
        registry: &dyn Registry,
        image: &ImageEntry,
        platform: &PlannedPlatform,
        entry: &PlatformEntry,
        dist: &Path,
    ) -> Result<ImagePart, Error> {
        let proofs = self.proven(&ExpectedStatement::of_image(&image.repositories, image.index, None))?;
        let out = dist.join(platform.folder());
        let layout = out.join(LAYOUT);
        let blob = |digest: Digest| layout.join("blobs/sha256").join(digest.hex());
        let wrong = |what: String| Error::Broken { place: registry.name(), what };
        let bytes = registry.manifest(entry.manifest)?;
        if Digest::of(&bytes) != entry.manifest {
            return Err(wrong(format!("has other bytes as {}", entry.manifest)));
        }
        let document: oci::Manifest = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        for descriptor in document.blobs() {
            let to = blob(descriptor.digest);
            registry.download(descriptor, &to)?;
            let found = Digest::of_file(&to).at("read", &to)?;
            if found != (descriptor.digest, descriptor.size) {
                return Err(wrong(format!("has bytes of {} as {}", found.0, descriptor.digest)));
            }
        }
        let manifest_size = bytes.len() as u64;
        let described = oci::Descriptor::new(oci::media::MANIFEST, entry.manifest, manifest_size);
        atomic::write(&blob(entry.manifest), &bytes)?;
        atomic::write(&layout.join("oci-layout"), oci::LAYOUT_MARKER.as_bytes())?;
        atomic::write(&layout.join("index.json"), &oci::to_bytes(&oci::Index::new(vec![described])))?;
        self.keep(&proofs, &dist.join(INDEX))?;
        let part = ImagePart {
            schema: part::SCHEMA,
            origin: self.plan.origin(),
            os: platform.os.clone(),
            arch: platform.arch.clone(),
            target: platform.target.clone(),
            built: entry.built.clone(),
            binary: entry.binary.clone(),
            manifest: entry.manifest,
            manifest_size,
            compressed: entry.compressed,
            sbom: None,
        };
        Part::Image(part.clone()).write(&out)?;
        Ok(part)
    }

    /// The bundles that say exactly this, where bundles are needed.
    fn proven(&self, wanted: &[ExpectedStatement]) -> Result<Vec<Bundle>, Error> {
        let Some(attested) = &self.attested else { return Ok(Vec::new()) };
        let about = |bundle: &&Bundle| attested.trust.open(bundle).is_ok_and(|a| expectations::concerns(wanted, &a));
        let bundles: Vec<Bundle> = attested.bundles.iter().filter(about).cloned().collect();
        let repository = self.plan.repository();
        let project = Project { repository, tag: &self.plan.tag, commit: Some(&self.plan.commit) };
        attest::check(&attested.trust, &bundles, wanted, project)?;
        Ok(bundles)
    }

    /// A part that is taken back keeps what was signed when it was built: signing it here would say that it was built here.
    fn keep(&self, bundles: &[Bundle], out: &Path) -> Result<(), PathError> {
        if self.attested.is_none() {
            Ok(())
        } else {
            atomic::ensure(&out.join(attest::FILE), &expectations::merged(bundles))
        }
    }

    fn hold(&self, name: &str, fine: bool) -> Result<(), Error> {
        if fine { Ok(()) } else { Err(self.broken(format!("{name} has other bytes than its manifest says"))) }
    }

    fn broken(&self, what: String) -> Error {
        Error::Broken { place: self.destinations.forge.name(), what }
    }
}
