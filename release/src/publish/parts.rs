//! The parts of all machines, read from `dist`, checked against the plan and merged.

use std::fs;
use std::path::{Path, PathBuf};

use crate::atomic::{At as _, PathError};
use crate::digest::Digest;
use crate::image::ImageIndex;
use crate::manifest::Manifest;
use crate::notes;
use crate::oci;
use crate::part::{self, BinaryPart, ImagePart, LAYOUT, Part};
use crate::plan::{Plan, PlannedPlatform, PlannedTarget};
use crate::registry::{Kind, Object};
use crate::sbom::image::Platform;

/// Parts that belong to one plan, each with its folder; both lists are in the plan's order.
#[derive(Debug, Clone)]
pub struct Parts {
    /// One per planned program and target, or none where only images are published.
    pub binaries: Vec<(PathBuf, BinaryPart)>,
    /// One per planned platform, or none where only binaries are published.
    pub images: Vec<(PathBuf, ImagePart)>,
}

/// Which tracks are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// The forge alone.
    Binaries,
    /// The registries alone.
    Images,
}

/// The reason why parts cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One cannot be read or has changed since it was built.
    #[error(transparent)]
    Part(#[from] part::Error),
    /// An image part's layout cannot be read.
    #[error(transparent)]
    Layout(#[from] oci::Error),
    /// The manifest cannot be put into words.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// Planned, but not there.
    #[error("not in {}: {}", dist.display(), missing.join(", "))]
    Missing {
        /// The folder of all parts.
        dist: PathBuf,
        /// Folders of programs for a target, and platforms.
        missing: Vec<String>,
    },
    /// Of another version, commit or tree.
    #[error("{}: is a part of {found}, this plan is {wanted}", path.display())]
    Foreign {
        /// Its folder.
        path: PathBuf,
        /// The origin that it states.
        found: String,
        /// The origin of the plan.
        wanted: String,
    },
    /// An image that starts another program than the archive has.
    #[error("{}: the image starts {found}, the archive's executable is {archive}", path.display())]
    OtherExecutable {
        /// The image part's folder.
        path: PathBuf,
        /// Of the executable in the image.
        found: Digest,
        /// Of the executable in the archive.
        archive: Digest,
    },
    /// Built in a way that a release does not accept.
    #[error("parts that a release does not accept:\n  {}", reasons.join("\n  "))]
    Host {
        /// One sentence per part.
        reasons: Vec<String>,
    },
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => {
                "build them (`sayna-release build`, `sayna-release image`) or publish one track with --only: \
                    docs/release/when-it-fails.md#missing-parts"
                    .to_owned()
            }
            Self::OtherExecutable { .. } => "remove the image part's folder and run `sayna-release image` again: \
                    docs/release/when-it-fails.md#executables-differ"
                .to_owned(),
            Self::Foreign { .. } | Self::Part(part::Error::Changed { .. }) => {
                "remove the folder and build the part again: \
                    docs/release/when-it-fails.md#part-of-another-release"
                    .to_owned()
            }
            Self::Host { .. } => "--allow-host-parts accepts them on a forge and registries that are not the table's: \
                    docs/release/when-it-fails.md#host-parts"
                .into(),
            _ => return None,
        })
    }
}

impl Parts {
    /// Reads every planned part of the wanted tracks; all that are missing are named at once.
    pub fn read(plan: &Plan, dist: &Path, only: Option<Only>) -> Result<Self, Error> {
        let mut missing = Vec::new();
        let mut binaries = Vec::new();
        for target in plan.targets.iter().filter(|_| only != Some(Only::Images)) {
            match read_binary(plan, dist, target)? {
                Some(found) => binaries.push(found),
                None => missing.push(target.folder.clone()),
            }
        }
        let mut images = Vec::new();
        let platforms = plan.image.iter().flat_map(|i| &i.platforms);
        for platform in platforms.filter(|_| only != Some(Only::Binaries)) {
            match read_image(plan, dist, platform)? {
                Some(found) => images.push(found),
                None => missing.push(platform.name()),
            }
        }
        if !missing.is_empty() {
            return Err(Error::Missing { dist: dist.into(), missing });
        }
        let parts = Self { binaries, images };
        parts.same_executables(plan, dist)?;
        Ok(parts)
    }

    /// Every image starts the executable of its target's archive, where that part is in `dist` too: a later image may come alone.
    fn same_executables(&self, plan: &Plan, dist: &Path) -> Result<(), Error> {
        for (path, image) in &self.images {
            let Some(target) = plan.server(&image.target) else { continue };
            let Some((_, released)) = read_binary(plan, dist, target)? else { continue };
            let (found, archive) = (image.binary.digest, released.binary.digest);
            if found != archive {
                return Err(Error::OtherExecutable { path: path.clone(), found, archive });
            }
        }
        Ok(())
    }

    /// Returns the problems that stop a real release of these parts, one sentence each.
    pub fn concerns(&self, plan: &Plan) -> Vec<String> {
        let binaries = self.binaries.iter().map(|(_, p)| (p.called(), &p.built));
        let images = self.images.iter().map(|(_, p)| (p.name(), &p.built));
        let mut concerns = Vec::new();
        for (name, built) in binaries.chain(images) {
            if built.rustc != plan.toolchain {
                concerns.push(format!("{name}: built with rustc {}, the table says {}", built.rustc, plan.toolchain));
            }
            if built.host_assembled {
                concerns.push(format!("{name}: its libraries came from the machine that assembled it"));
            }
            for left_out in &built.left_out {
                concerns.push(format!("{name}: built without {} ({})", left_out.feature, left_out.reason));
            }
        }
        concerns
    }

    /// The index over all image parts; `None` where there are none.
    pub fn index(&self, plan: &Plan) -> Option<ImageIndex> {
        let parts: Vec<&ImagePart> = self.images.iter().map(|(_, p)| p).collect();
        (!parts.is_empty()).then(|| ImageIndex::of(plan, &parts))
    }

    /// The SBOM of each platform's executable; `None` where one part has none.
    pub fn sboms(&self) -> Result<Option<Vec<Platform>>, Error> {
        let mut platforms = Vec::new();
        for (folder, part) in &self.images {
            let Some(entry) = &part.sbom else { return Ok(None) };
            let path = folder.join(&entry.name);
            check(&path, entry.digest)?;
            let document = serde_json::from_slice(&fs::read(&path).at("read", &path)?)?;
            platforms.push(Platform { name: part.name(), document });
        }
        Ok(Some(platforms))
    }

    /// The release manifest, with or without the image.
    pub fn manifest(&self, plan: &Plan, flake_lock: Option<Digest>, image: Option<&ImageIndex>) -> Manifest {
        let binaries: Vec<BinaryPart> = self.binaries.iter().map(|(_, p)| p.clone()).collect();
        let images: Vec<ImagePart> = self.images.iter().map(|(_, p)| p.clone()).collect();
        let manifest = Manifest::of(plan, flake_lock, &binaries, image.map(|i| (i, images.as_slice())));
        // How much of the changelog fits depends on the rest.
        let notes = Digest::of(notes::changelog(&plan.notes, &manifest).as_bytes());
        Manifest { notes, ..manifest }
    }

    /// Everything below the image's tag, in the order of pushing. `index_file` holds the index's bytes.
    pub fn objects(&self, index: &ImageIndex, index_file: &Path) -> Result<Vec<Object>, Error> {
        let mut objects: Vec<Object> = Vec::new();
        for (folder, part) in &self.images {
            let layout = oci::Layout::open(&folder.join(LAYOUT))?;
            let manifest = layout.manifest(part.manifest)?;
            for blob in manifest.blobs() {
                objects.push(object(&layout, blob.digest, blob.size, Kind::Blob));
            }
            objects.push(object(&layout, part.manifest, part.manifest_size, Kind::Manifest));
        }
        // Two platforms may share a blob, such as the certificates.
        objects.sort_by_key(|o| (o.kind, o.digest));
        objects.dedup_by_key(|o| o.digest);
        let from = index_file.to_owned();
        let size = index.bytes.len() as u64;
        objects.push(Object { digest: index.digest, size, kind: Kind::Manifest, from });
        Ok(objects)
    }
}

/// Reads a local file through before it goes anywhere. What is held already is not read again.
pub(super) fn check(path: &Path, expected: Digest) -> Result<(), Error> {
    let (found, _size) = Digest::of_file(path).at("read", path)?;
    if found == expected { Ok(()) } else { Err(part::Error::Changed { path: path.to_owned(), expected, found }.into()) }
}

fn object(layout: &oci::Layout, digest: Digest, size: u64, kind: Kind) -> Object {
    Object { digest, size, kind, from: layout.blob_path(digest) }
}

fn read_binary(plan: &Plan, dist: &Path, target: &PlannedTarget) -> Result<Option<(PathBuf, BinaryPart)>, Error> {
    let folder = dist.join(&target.folder);
    let Some(part) = Part::read(&folder)? else { return Ok(None) };
    check_origin(plan, &folder, &part)?;
    let Part::Binary(part) = part else { return Ok(None) };
    Ok(Some((folder, part)))
}

fn read_image(plan: &Plan, dist: &Path, platform: &PlannedPlatform) -> Result<Option<(PathBuf, ImagePart)>, Error> {
    let folder = dist.join(platform.folder());
    let Some(part) = Part::read(&folder)? else { return Ok(None) };
    check_origin(plan, &folder, &part)?;
    let Part::Image(part) = part else { return Ok(None) };
    Ok(Some((folder, part)))
}

fn check_origin(plan: &Plan, folder: &Path, part: &Part) -> Result<(), Error> {
    let (found, wanted) = (part.origin(), plan.origin());
    if *found == wanted {
        return Ok(());
    }
    let words = |o: &part::Origin| format!("{} {} at {} ({})", o.name, o.version, o.commit, o.tree);
    Err(Error::Foreign { path: folder.to_owned(), found: words(found), wanted: words(&wanted) })
}
