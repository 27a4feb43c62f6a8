//! The embedded registry `oci:PATH`: an OCI image layout (OCI image specification 1.1, "Image Layout"), which `skopeo`
//! and others read as it is. A tag is a descriptor in `index.json` with the annotation
//! `org.opencontainers.image.ref.name`; what is attached to an image has one without, as `oras` writes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, Object, Registry};
use crate::atomic::{self, At as _, AtomicFile};
use crate::bounded::{self, DOCUMENT};
use crate::digest::{self, Digest};
use crate::lock::Lock;
use crate::oci::{self, Descriptor, Index, annotation};

/// A registry in a folder, for rehearsals and tests: an OCI image layout.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// A registry in that folder; it is made with the first push.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn blob(&self, digest: Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    fn index(&self) -> Result<Index, Error> {
        let path = self.root.join("index.json");
        let text = match bounded::read(&path, DOCUMENT) {
            Err(e) if e.source.kind() == io::ErrorKind::NotFound => return Ok(Index::new(Vec::new())),
            other => other?,
        };
        let broken = |reason: String| Error::Broken { path: path.display().to_string(), reason };
        self.check_marker()?;
        let index: Index = serde_json::from_slice(&text).map_err(|e| broken(e.to_string()))?;
        if index.schema_version == 2 { Ok(index) } else { Err(broken("schemaVersion is not 2".to_owned())) }
    }

    fn check_marker(&self) -> Result<(), Error> {
        let path = self.root.join("oci-layout");
        let text = bounded::read(&path, DOCUMENT)?;
        if oci::is_marker(&text) {
            return Ok(());
        }
        let reason = format!("is not {}", oci::LAYOUT_MARKER);
        Err(Error::Broken { path: path.display().to_string(), reason })
    }

    fn write_index(&self, mut index: Index) -> Result<(), Error> {
        index.manifests.sort_by(|a, b| (tag_of(a), a.digest).cmp(&(tag_of(b), b.digest)));
        let marker = self.root.join("oci-layout");
        if !marker.exists() {
            atomic::write(&marker, oci::LAYOUT_MARKER.as_bytes())?;
        }
        Ok(atomic::write(&self.root.join("index.json"), &oci::to_bytes(&index))?)
    }

    /// The entry that an artifact has in the list, by its manifest, and what it is about.
    fn artifact(&self, digest: Digest) -> Result<(Descriptor, Option<Digest>), Error> {
        let bytes = self.manifest(digest)?;
        let broken = |e: serde_json::Error| Error::Broken {
            path: self.blob(digest).display().to_string(),
            reason: e.to_string(),
        };
        let manifest: oci::Manifest = serde_json::from_slice(&bytes).map_err(broken)?;
        Ok((manifest.as_referrer(digest, bytes.len() as u64), manifest.subject.map(|s| s.digest)))
    }

    /// Size and media type of a manifest that is there, for the descriptor of its tag.
    fn describe(&self, digest: Digest) -> Result<Descriptor, Error> {
        let bytes = self.manifest(digest)?;
        let path = self.blob(digest);
        let broken = |reason: String| Error::Broken { path: path.display().to_string(), reason };
        let document: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
        let media_type = document.get("mediaType").and_then(|m| m.as_str());
        let media_type = media_type.ok_or_else(|| broken("has no mediaType".to_owned()))?;
        Ok(Descriptor::new(media_type, digest, bytes.len() as u64))
    }
}

fn tag_of(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(annotation::REF_NAME).map(String::as_str)
}

impl Registry for Layout {
    fn name(&self) -> String {
        format!("oci:{}", self.root.display())
    }

    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Option<Lock>, Error> {
        let lock = Lock::take(&self.root, waiting)?;
        atomic::sweep(&self.root.join("blobs/sha256"))?;
        Ok(Some(lock))
    }

    fn has(&self, object: &Object) -> Result<bool, Error> {
        let path = self.blob(object.digest);
        match fs::metadata(&path) {
            Ok(found) => Ok(found.len() == object.size),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e).at("read", &path)?,
        }
    }

    fn push(&self, object: &Object, on_progress: &dyn Fn(u64)) -> Result<(), Error> {
        let path = self.blob(object.digest);
        let mut file = AtomicFile::create(&path)?;
        let found = digest::copy(&object.from, &mut file, on_progress)?;
        if found != object.digest {
            return Err(Error::Changed { path: object.from.clone(), expected: object.digest, found });
        }
        Ok(file.commit()?)
    }

    fn tags(&self) -> Result<Vec<String>, Error> {
        Ok(self.index()?.manifests.iter().filter_map(tag_of).map(str::to_owned).collect())
    }

    fn resolve(&self, tag: &str) -> Result<Option<Digest>, Error> {
        let index = self.index()?;
        let Some(found) = index.manifests.iter().find(|d| tag_of(d) == Some(tag)) else { return Ok(None) };
        let there = self.describe(found.digest)?;
        if (there.size, &there.media_type) != (found.size, &found.media_type) {
            let reason = format!("tag {tag}: size or mediaType is not that of {}", found.digest);
            return Err(Error::Broken { path: self.root.join("index.json").display().to_string(), reason });
        }
        Ok(Some(found.digest))
    }

    fn tag(&self, tag: &str, digest: Digest) -> Result<(), Error> {
        let mut descriptor = self.describe(digest)?;
        descriptor.annotations.insert(annotation::REF_NAME.to_owned(), tag.to_owned());
        let mut index = self.index()?;
        index.manifests.retain(|d| tag_of(d) != Some(tag));
        index.manifests.push(descriptor);
        self.write_index(index)
    }

    fn manifest(&self, digest: Digest) -> Result<Vec<u8>, Error> {
        let path = self.blob(digest);
        match bounded::read(&path, DOCUMENT) {
            Err(e) if e.source.kind() == io::ErrorKind::NotFound => {
                Err(Error::Missing { registry: self.name(), what: format!("manifest {digest}") })
            }
            other => Ok(other?),
        }
    }

    fn download(&self, blob: &Descriptor, to: &Path) -> Result<(), Error> {
        Ok(bounded::copy(&self.blob(blob.digest), to, blob.size)?)
    }

    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        let mut found = Vec::new();
        for entry in self.index()?.manifests.into_iter().filter(|d| tag_of(d).is_none() && d.artifact_type.is_some()) {
            let (meant, about) = self.artifact(entry.digest)?;
            if entry != meant {
                let reason = format!("the entry of {} does not say what its manifest says", entry.digest);
                return Err(Error::Broken { path: self.root.join("index.json").display().to_string(), reason });
            }
            found.extend(about.filter(|digest| *digest == subject).map(|_| entry));
        }
        Ok(found)
    }

    fn attach(&self, manifests: &[&Object]) -> Result<(), Error> {
        let mut index = self.index()?;
        for manifest in manifests {
            self.push(manifest, &|_| ())?;
            if !index.manifests.iter().any(|d| tag_of(d).is_none() && d.digest == manifest.digest) {
                index.manifests.push(self.artifact(manifest.digest)?.0);
            }
        }
        self.write_index(index)
    }

    fn wait_for_visibility(&self, _attempt: u32) -> bool {
        false
    }
}
