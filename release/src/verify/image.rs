//! Rows on the image, in every registry.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Context, Evidence, Fault, Outcome, Verdict, pass};
use crate::bounded::{self, DOCUMENT};
use crate::digest::Digest;
use crate::image;
use crate::manifest::ImageEntry;
use crate::name;
use crate::oci::{self, annotation};
use crate::part::InsideEntry;
use crate::plan::PlannedPlatform;
use crate::registry::Registry;
use crate::shown::counted;

/// The image that the rows below look for.
pub(super) struct Expected {
    tag: String,
    index: Digest,
    platforms: Vec<Platform>,
}

/// One platform of it.
#[derive(Clone)]
struct Platform {
    name: String,
    manifest: Digest,
    /// The executable inside; not known of an image that came after its manifest.
    binary: Option<InsideEntry>,
}

/// One platform as its registry has it.
pub(super) struct PlatformImage {
    manifest: oci::Manifest,
    config: oci::Config,
    planned: Platform,
}

impl Expected {
    pub(super) const fn index(&self) -> Digest {
        self.index
    }

    fn named(entry: &ImageEntry) -> Self {
        let platforms = entry.platforms.iter().map(|p| Platform {
            name: p.name(),
            manifest: p.manifest,
            binary: Some(p.binary.clone()),
        });
        Self { tag: entry.tag.clone(), index: entry.index, platforms: platforms.collect() }
    }

    /// A release that went public before its image says `image: null`. Such an image is found by its tag and tied to
    /// the release by version and revision.
    fn late(context: &Context<'_>) -> Result<Self, Fault> {
        let manifest = context.manifest()?;
        let tag = manifest.version.to_string();
        let missing = || "the manifest says image = null, and no image came later: `publish --only images`".to_owned();
        let registry = context.request.registries.first().ok_or_else(missing)?;
        let digest = registry.resolve(&tag)?.ok_or_else(missing)?;
        let index = read_index(*registry, digest)?;
        let says = |key: &str| index.annotations.get(key).map(String::as_str);
        if says(annotation::REVISION) != Some(&manifest.commit) || says(annotation::VERSION) != Some(&tag) {
            return Err(format!("{tag} in {} is not of commit {}", registry.name(), manifest.commit).into());
        }
        let platforms = index.manifests.iter().map(|d| Platform {
            name: d.platform.as_ref().map(ToString::to_string).unwrap_or_default(),
            manifest: d.digest,
            binary: None,
        });
        Ok(Self { tag, index: digest, platforms: platforms.collect() })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the end of a row")]
pub(super) fn no_image() -> Outcome {
    Ok(Evidence { verdict: Verdict::NotHere, evidence: "no image is planned".to_owned() })
}

/// In every registry the version's tag points at the index that the manifest names, and its bytes have that digest.
pub(super) fn tag(context: &mut Context<'_>) -> Outcome {
    let planned = context.request.plan.map_or(context.request.table.image.is_some(), |p| p.image.is_some());
    let (expected, how) = match &context.manifest()?.image {
        Some(entry) => (Expected::named(entry), "named by the manifest"),
        None if planned => (Expected::late(context)?, "later than its manifest, tied to it by version and revision"),
        None => {
            context.image.set(None);
            return no_image();
        }
    };
    if context.request.registries.is_empty() {
        let reason = "there is an image, and no registry was named to look in: add --registry";
        return Err(Fault::Unseen(reason.to_owned()));
    }
    let (tag, wanted) = (&expected.tag, expected.index);
    for registry in context.request.registries {
        let found = registry.resolve(tag)?;
        let found = found.ok_or_else(|| format!("{} has no tag {tag}", registry.name()))?;
        if found != wanted {
            return Err(format!("{}: {tag} points at {found}, not at {wanted}", registry.name()).into());
        }
        context.index.set(read_index(*registry, wanted)?);
    }
    let evidence = format!("{tag} = {wanted}, {how}");
    context.image.set(Some(expected));
    pass(evidence)
}

fn read_index(registry: &dyn Registry, digest: Digest) -> Result<oci::Index, Fault> {
    serde_json::from_slice(&document(registry, digest)?).map_err(|e| format!("index {digest}: {e}").into())
}

fn document(registry: &dyn Registry, digest: Digest) -> Result<Vec<u8>, Fault> {
    let bytes = registry.manifest(digest)?;
    let found = Digest::of(&bytes);
    if found == digest { Ok(bytes) } else { Err(format!("{}: {digest} has bytes of {found}", registry.name()).into()) }
}

/// Every planned platform is in the index, in order, and its configuration says so itself.
pub(super) fn platforms(context: &mut Context<'_>) -> Outcome {
    let Some(expected) = context.image()? else { return no_image() };
    let index = context.index()?;
    let name = |d: &oci::Descriptor| d.platform.as_ref().map(ToString::to_string).unwrap_or_default();
    let listed: Vec<(String, Digest)> = index.manifests.iter().map(|d| (name(d), d.digest)).collect();
    let named: Vec<(String, Digest)> = expected.platforms.iter().map(|p| (p.name.clone(), p.manifest)).collect();
    if listed != named {
        return Err(format!("the index lists {listed:?}, the manifest {named:?}").into());
    }
    if let Some(plan) = context.request.plan.and_then(|p| p.image.as_ref()) {
        let planned: Vec<String> = plan.platforms.iter().map(PlannedPlatform::name).collect();
        if named.iter().map(|(name, _)| name).ne(&planned) {
            return Err(format!("the index lists {named:?}, planned are {planned:?}").into());
        }
    }
    let mut images = Vec::new();
    for registry in context.request.registries {
        images = Vec::new();
        for platform in &expected.platforms {
            images.push(read_platform(*registry, platform, &context.folder)?);
        }
    }
    context.images.set(images);
    pass(named.iter().map(|(name, digest)| format!("{name} {digest}")).collect::<Vec<_>>().join(", "))
}

fn read_platform(registry: &dyn Registry, planned: &Platform, folder: &Path) -> Result<PlatformImage, Fault> {
    let bytes = document(registry, planned.manifest)?;
    let manifest: oci::Manifest =
        serde_json::from_slice(&bytes).map_err(|e| format!("manifest {}: {e}", planned.manifest))?;
    let path = blob_path(folder, manifest.config.digest);
    bounded::check("a configuration", manifest.config.size, DOCUMENT)?;
    let bytes = fs::read(blob(registry, &manifest.config, &path)?)?;
    let config: oci::Config =
        serde_json::from_slice(&bytes).map_err(|e| format!("configuration {}: {e}", manifest.config.digest))?;
    let says = name::platform(&config.os, &config.architecture);
    if says != planned.name {
        return Err(format!("the index says {}, its configuration {says}", planned.name).into());
    }
    Ok(PlatformImage { manifest, config, planned: planned.clone() })
}

fn blob_path(folder: &Path, digest: Digest) -> PathBuf {
    folder.join("blobs").join(digest.hex())
}

fn blob(registry: &dyn Registry, descriptor: &oci::Descriptor, to: &Path) -> Result<PathBuf, Fault> {
    registry.download(descriptor, to)?;
    let (found, size) = Digest::of_file(to)?;
    if (found, size) == (descriptor.digest, descriptor.size) {
        return Ok(to.to_owned());
    }
    Err(format!("{}: blob {} has bytes of {found}", registry.name(), descriptor.digest).into())
}

/// Returns the budget of a platform's layers in bytes.
fn budget(context: &Context<'_>) -> u64 {
    context.request.table.image.as_ref().map_or(0, |image| image.budget.0)
}

/// Every layer, in every registry.
pub(super) fn layers(context: &mut Context<'_>) -> Outcome {
    if context.image()?.is_none() {
        return no_image();
    }
    let mut count = 0;
    let mut size = 0;
    let most = bounded::above(budget(context));
    for registry in context.request.registries {
        for image in context.images()? {
            // Descriptors are from outside too: what the image's budget allows is all that is downloaded.
            let sum = image.manifest.layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
            bounded::check(&format!("the layers of {}", image.planned.name), sum, most).map_err(|e| e.to_string())?;
            for layer in &image.manifest.layers {
                blob(*registry, layer, &blob_path(&context.folder, layer.digest))?;
                count += 1;
                size += layer.size;
            }
        }
    }
    pass(format!("{}, {size} bytes compressed", counted(count, "layer", "layers")))
}

/// Annotations and labels name version, commit and source, and what the image starts is the archive's executable.
pub(super) fn origin(context: &mut Context<'_>) -> Outcome {
    if context.image()?.is_none() {
        return no_image();
    }
    let manifest = context.manifest()?;
    let wanted = [
        (annotation::VERSION, manifest.version.to_string()),
        (annotation::REVISION, manifest.commit.clone()),
        (annotation::SOURCE, manifest.source.clone()),
    ];
    let mut evidence = vec![format!("{} at {}", manifest.version, manifest.commit)];
    for image in context.images()? {
        let name = &image.planned.name;
        for (key, value) in &wanted {
            let said = [image.manifest.annotations.get(*key), image.config.config.labels.get(*key)];
            if said.iter().any(|s| *s != Some(value)) {
                return Err(format!("{name}: {key} is {said:?}, not {value:?}").into());
            }
        }
        evidence.push(check_binary(context, image)?);
    }
    pass(evidence.join("; "))
}

/// Checks that the image starts the file that the manifest names, which is the executable of that platform's archive.
fn check_binary(context: &Context<'_>, image: &PlatformImage) -> Result<String, String> {
    let name = &image.planned.name;
    let entrypoint = image.config.config.entrypoint.first().ok_or_else(|| format!("{name}: it has no entrypoint"))?;
    let blob = |layer: &oci::Descriptor| blob_path(&context.folder, layer.digest);
    let layers: Vec<_> = image.manifest.layers.iter().map(|l| (blob(l), l.media_type.as_str())).collect();
    let found = image::executable(&layers, entrypoint, bounded::unpacked(budget(context)))
        .map_err(|e| format!("{name}: {e}"))?;
    if let Some(wanted) = image.planned.binary.as_ref().filter(|wanted| **wanted != found) {
        return Err(format!(
            "{name}: {entrypoint} is {} {}, the manifest says {} {}",
            found.name, found.digest, wanted.name, wanted.digest
        ));
    }
    let mut archives = context.manifest()?.server();
    match archives.find(|b| b.target.platform() == Some(name)) {
        None => Ok(format!("{name} starts {}, and the release has no archive for it", found.digest)),
        Some(entry) if entry.binary.digest == found.digest => {
            Ok(format!("{name} starts the executable of {}", entry.archive.name))
        }
        Some(entry) => Err(format!(
            "{name}: {entrypoint} is {}, the executable of {} is {}",
            found.digest, entry.archive.name, entry.binary.digest
        )),
    }
}
