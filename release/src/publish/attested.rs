//! The bundles that the workflows left beside the parts: verified before anything is uploaded, merged into one asset.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::diff::{Attachment, DesiredRelease};
use super::referrers::{self, Beside};
use super::{Destinations, Error, INDEX, Options, Parts};
use crate::atomic::At as _;
use crate::attest::{self, Bundle, ExpectedStatement, Project, Trust, expectations};
use crate::digest::Digest;
use crate::forge::{self, Forge, Release};
use crate::image::ImageIndex;
use crate::manifest::Manifest;
use crate::oci::{Descriptor, media};
use crate::part::FileEntry;
use crate::plan::Plan;
use crate::registry::{self, Registry};
use crate::scratch::Scratch;

/// Bundles that were verified, and where they go.
pub(crate) struct Attested {
    /// `None` where only images are published.
    pub(super) asset: Option<Asset>,
    /// Beside the image, in each registry.
    beside: Vec<Beside>,
    trust: Trust,
    repository: String,
    tag: String,
    commit: String,
}

/// The asset, and what a bundle file must say to be as good as it.
pub(super) struct Asset {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    wanted: Vec<ExpectedStatement>,
}

/// The files to publish, and the folders that they come from.
pub(super) struct Input<'a> {
    pub(super) plan: &'a Plan,
    pub(super) parts: &'a Parts,
    pub(super) dist: &'a Path,
    pub(super) index: Option<&'a ImageIndex>,
    /// The SBOM of the image, where its parts have theirs.
    pub(super) sbom: Option<Value>,
    /// The manifest's bytes; `None` where only images are published.
    pub(super) manifest: Option<&'a [u8]>,
}

/// Verifies all bundles; `None` where there are none and none are needed.
pub(super) fn gather(
    input: &Input<'_>,
    destinations: Destinations<'_>,
    options: Options,
) -> Result<Option<Attested>, Error> {
    let own = input.dist.join("publish").join(attest::FILE);
    let release: Vec<PathBuf> = input.parts.binaries.iter().map(|(folder, _)| folder.join(attest::FILE)).collect();
    let index: Vec<PathBuf> = input.index.map(|_| input.dist.join(INDEX).join(attest::FILE)).into_iter().collect();
    if !destinations.is_project_origin && !release.iter().chain(&index).chain([&own]).any(|f| f.exists()) {
        return Ok(None);
    }
    let plan = input.plan;
    let repository = plan.repository().to_owned();
    let project = Project { repository: &repository, tag: &plan.tag, commit: Some(&plan.commit) };
    let trust = Trust::new(destinations.trusted_root)?;
    let manifest: Option<Manifest> =
        input.manifest.map(serde_json::from_slice).transpose().map_err(super::PartsError::from)?;
    let (index, mut bundles) = (read(&index)?, read(&release)?);
    if manifest.as_ref().is_some_and(|m| m.image.is_some()) {
        bundles.extend(index.iter().cloned());
    } else {
        // An image whose release does not name it is attested on its own.
        attest::check(&trust, &index, &of_image(input), project)?;
    }
    let mut asset = None;
    if let (Some(manifest), Some(bytes)) = (&manifest, input.manifest) {
        let own_name = (plan.manifest.as_str(), Digest::of(bytes));
        let wanted =
            ExpectedStatement::of_release(manifest, own_name, |sbom| document(input.parts, sbom), input.sbom.clone())?;
        // A dry run writes the manifest, the last of these, which is yet to be attested.
        let unsigned = usize::from(options.dry_run && !own.exists());
        let (signed, _) = wanted.split_at(wanted.len().saturating_sub(unsigned));
        bundles.extend(read(&[own])?);
        attest::check(&trust, &bundles, signed, project)?;
        let name = plan.names().attestations();
        asset = Some(Asset { name, bytes: expectations::merged(&bundles), wanted });
    }
    let beside = beside(input, &trust, &index)?;
    let (tag, commit) = (plan.tag.clone(), plan.commit.clone());
    Ok(Some(Attested { asset, beside, trust, repository, tag, commit }))
}

/// Returns the statements that the image must have.
fn of_image(input: &Input<'_>) -> Vec<ExpectedStatement> {
    let Some((image, index)) = input.plan.image.as_ref().zip(input.index) else { return Vec::new() };
    ExpectedStatement::of_image(&image.repositories, index.digest, input.sbom.clone())
}

/// The artifacts that the verified bundles of the image become.
fn beside(input: &Input<'_>, trust: &Trust, bundles: &[Bundle]) -> Result<Vec<Beside>, Error> {
    let Some(index) = input.index else { return Ok(Vec::new()) };
    let subject = Descriptor::new(media::INDEX, index.digest, index.bytes.len() as u64);
    let folder = input.dist.join("publish/attestations");
    let mut beside = Vec::new();
    for bundle in bundles {
        let attestation = trust.open(bundle)?;
        let of_its_kind = |w: &ExpectedStatement| w.predicate.uri() == attestation.predicate_type;
        let wanted = of_image(input).into_iter().find(of_its_kind);
        let made = wanted.map(|w| referrers::make(bundle, &attestation, w, subject.clone(), &folder));
        beside.extend(made.transpose()?);
    }
    Ok(beside)
}

/// A file that is missing has no bundle; what is then not attested is said by name.
fn read(files: &[PathBuf]) -> Result<Vec<Bundle>, attest::Error> {
    let there = files.iter().filter(|f| f.exists());
    Ok(there.map(|f| Bundle::read(f)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn document(parts: &Parts, sbom: &FileEntry) -> Result<Option<Value>, Error> {
    let Some((folder, _)) = parts.binaries.iter().find(|(_, p)| p.sbom == *sbom) else { return Ok(None) };
    let path = folder.join(&sbom.name);
    let bytes = std::fs::read(&path).at("read", &path)?;
    Ok(Some(serde_json::from_slice(&bytes).map_err(super::PartsError::from)?))
}

impl Attested {
    fn project(&self) -> Project<'_> {
        Project { repository: &self.repository, tag: &self.tag, commit: Some(&self.commit) }
    }

    /// The attachments of the image.
    pub(super) fn attachments(&self) -> Vec<Attachment> {
        self.beside.iter().map(|b| b.attachment.clone()).collect()
    }

    /// Which of that a registry has already.
    pub(super) fn attached(&self, registry: &dyn Registry) -> Result<Vec<Digest>, registry::Error> {
        referrers::there(registry, &self.beside, &self.trust, self.project())
    }

    /// Bundles differ at each signing: what is attached already stays where it verifies for the same files.
    pub(super) fn settle(
        &self,
        forge: &dyn Forge,
        releases: &[Release],
        desired: &mut DesiredRelease,
    ) -> Result<(), Error> {
        let ([release], Some(Asset { name, bytes, wanted })) = (releases, &self.asset) else { return Ok(()) };
        let Some(forge::Asset::Uploaded { digest, .. }) = release.assets.get(name) else { return Ok(()) };
        if *digest == Some(Digest::of(bytes)) {
            return Ok(());
        }
        let folder = Scratch::temporary()?;
        let path = folder.path().join(name);
        forge.download(release, name, &path)?;
        let found = Digest::of_file(&path).at("read", &path)?.0;
        let proven = Bundle::read(&path).and_then(|b| attest::check(&self.trust, &b, wanted, self.project()));
        if proven.is_ok() {
            desired.assets.insert(name.clone(), found);
        }
        Ok(())
    }
}
