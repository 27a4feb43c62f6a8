//! The bundles that the workflows left beside the parts: verified before anything is uploaded, merged into one asset.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::diff::DesiredRelease;
use super::{Error, INDEX, Options, Parts, Places};
use crate::atomic::At as _;
use crate::attest::{self, Bundle, Project, Trust, Wanted, wanted};
use crate::digest::Digest;
use crate::forge::{Asset, Forge, Release};
use crate::image::ImageIndex;
use crate::manifest::Manifest;
use crate::part::FileEntry;
use crate::plan::Plan;

/// The asset, and what a bundle file must say to be as good as it.
pub(crate) struct Attested {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    trust: Trust,
    wanted: Vec<Wanted>,
    repository: String,
    tag: String,
    commit: String,
}

/// What is published, and from where.
pub(super) struct Input<'a> {
    pub(super) plan: &'a Plan,
    pub(super) parts: &'a Parts,
    pub(super) dist: &'a Path,
    pub(super) index: Option<&'a ImageIndex>,
    /// The manifest's bytes; `None` where only images are published.
    pub(super) manifest: Option<&'a [u8]>,
}

/// Verifies all bundles; `None` where there are none and none are needed, or no asset is made.
pub(super) fn gather(input: &Input<'_>, places: Places<'_>, options: Options) -> Result<Option<Attested>, Error> {
    let own = input.dist.join("publish").join(attest::FILE);
    let release: Vec<PathBuf> = input.parts.binaries.iter().map(|(folder, _)| folder.join(attest::FILE)).collect();
    let index: Vec<PathBuf> = input.index.map(|_| input.dist.join(INDEX).join(attest::FILE)).into_iter().collect();
    if !places.official && !release.iter().chain(&index).chain([&own]).any(|f| f.exists()) {
        return Ok(None);
    }
    let plan = input.plan;
    let repository = plan.repository().to_owned();
    let project = Project { repository: &repository, tag: &plan.tag, commit: Some(&plan.commit) };
    let trust = Trust::new(places.trusted_root)?;
    let manifest: Option<Manifest> =
        input.manifest.map(serde_json::from_slice).transpose().map_err(super::PartsError::from)?;
    let named = manifest.as_ref().is_some_and(|m| m.image.is_some());
    let (mut bundles, apart) = if named { (read(&index)?, Vec::new()) } else { (Vec::new(), read(&index)?) };
    // An image whose release does not name it is attested on its own.
    if let Some(image) = plan.image.as_ref().filter(|_| !named)
        && let Some(index) = input.index
    {
        let wanted: Vec<Wanted> = Wanted::of_index(&image.repositories, index.digest).into_iter().collect();
        attest::check(&trust, &apart, &wanted, project)?;
    }
    let (Some(manifest), Some(bytes)) = (manifest, input.manifest) else { return Ok(None) };
    bundles.extend(read(&release)?);
    let mut wanted =
        Wanted::of_release(&manifest, (&plan.manifest, Digest::of(bytes)), |sbom| document(input.parts, sbom))?;
    if options.dry_run && !own.exists() {
        // A dry run writes the manifest that is yet to be attested.
        wanted.pop();
    } else {
        bundles.extend(read(&[own])?);
    }
    attest::check(&trust, &bundles, &wanted, project)?;
    let (tag, commit) = (plan.tag.clone(), plan.commit.clone());
    let name = attest::asset_name(&plan.name, &plan.version);
    Ok(Some(Attested { name, bytes: wanted::merged(&bundles), trust, wanted, repository, tag, commit }))
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
    /// Bundles differ at each signing: what is attached already stays where it verifies for the same files.
    pub(super) fn settle(
        &self,
        forge: &dyn Forge,
        releases: &[Release],
        desired: &mut DesiredRelease,
    ) -> Result<(), Error> {
        let [release] = releases else { return Ok(()) };
        let Some(Asset::Uploaded { digest, .. }) = release.assets.get(&self.name) else { return Ok(()) };
        if *digest == Digest::of(&self.bytes) {
            return Ok(());
        }
        let folder = tempfile::tempdir().at("create a folder in", &std::env::temp_dir())?;
        let path = folder.path().join(&self.name);
        forge.download(release, &self.name, &path)?;
        let project = Project { repository: &self.repository, tag: &self.tag, commit: Some(&self.commit) };
        let proven = Bundle::read(&path).and_then(|b| attest::check(&self.trust, &b, &self.wanted, project));
        if proven.is_ok() {
            desired.assets.insert(self.name.clone(), *digest);
        }
        Ok(())
    }
}
