//! A forge and a registry that stop at the n-th change, as a killed publisher would, with that change half done.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use sayna_release::digest::Digest;
use sayna_release::forge::{self, Directory, Draft, Forge, Kept, Release, Tagged, Upload};
use sayna_release::lock::Lock;
use sayna_release::oci::Descriptor;
use sayna_release::registry::{self, Layout, Object, Registry};

/// How many changes are left before the stop; shared by forge and registry, as they die together.
pub(crate) struct Fuse {
    left: AtomicUsize,
    stopped: AtomicBool,
}

impl Fuse {
    pub(crate) fn new(changes: usize) -> Self {
        Self { left: AtomicUsize::new(changes), stopped: AtomicBool::new(false) }
    }

    /// Whether this change may still be made. After the first that may not, none may.
    fn burn(&self) -> bool {
        if self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_err() {
            self.stopped.store(true, SeqCst);
        }
        !self.stopped()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(SeqCst)
    }
}

pub(crate) struct StoppingForge<'a> {
    pub(crate) inner: Directory,
    pub(crate) root: PathBuf,
    pub(crate) fuse: &'a Fuse,
    /// Called after every change, to look at the public side.
    pub(crate) look: &'a (dyn Fn() + Sync),
}

impl StoppingForge<'_> {
    fn change<T>(&self, tear: impl FnOnce(), act: impl FnOnce() -> Result<T, forge::Error>) -> Result<T, forge::Error> {
        if !self.fuse.burn() {
            tear();
            (self.look)();
            return Err(forge::Error::Missing { forge: "a stopped forge".into(), what: "answer".into() });
        }
        let done = act();
        (self.look)();
        done
    }
}

impl Forge for StoppingForge<'_> {
    fn name(&self) -> String {
        self.inner.name()
    }
    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Option<Lock>, forge::Error> {
        self.inner.lock(waiting)
    }
    fn tagged(&self, tag: &str) -> Result<Tagged, forge::Error> {
        self.inner.tagged(tag)
    }
    fn statements(&self, about: Digest, kind: Kept) -> Result<Option<forge::Statements>, forge::Error> {
        self.inner.statements(about, kind)
    }
    fn tag_object(&self, tag: &str) -> Result<Option<String>, forge::Error> {
        self.inner.tag_object(tag)
    }
    fn releases(&self, tag: &str) -> Result<Vec<Release>, forge::Error> {
        self.inner.releases(tag)
    }
    fn published(&self) -> Result<Vec<String>, forge::Error> {
        self.inner.published()
    }
    fn latest(&self) -> Result<Option<String>, forge::Error> {
        self.inner.latest()
    }
    fn picks_latest(&self) -> bool {
        self.inner.picks_latest()
    }
    fn create_draft(&self, draft: &Draft) -> Result<String, forge::Error> {
        let half = || fs::create_dir_all(self.root.join("draft/.partial-half/assets")).unwrap();
        self.change(half, || self.inner.create_draft(draft))
    }
    fn update_draft(&self, id: &str, draft: &Draft) -> Result<(), forge::Error> {
        self.change(|| (), || self.inner.update_draft(id, draft))
    }
    fn upload(&self, id: &str, upload: Upload<'_>, on_progress: &dyn Fn(u64)) -> Result<(), forge::Error> {
        let half = || {
            let bytes = fs::read(upload.path).unwrap();
            let path = self.root.join("draft").join(id).join("assets").join(format!("{}.partial", upload.name));
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        };
        self.change(half, || self.inner.upload(id, upload, on_progress))
    }
    fn delete_asset(&self, id: &str, name: &str) -> Result<(), forge::Error> {
        self.change(|| (), || self.inner.delete_asset(id, name))
    }
    fn wait_for_visibility(&self, attempt: u32) -> bool {
        self.inner.wait_for_visibility(attempt)
    }
    fn publish(&self, id: &str) -> Result<(), forge::Error> {
        self.change(|| (), || self.inner.publish(id))
    }
    fn set_latest(&self, id: &str) -> Result<(), forge::Error> {
        self.change(|| (), || self.inner.set_latest(id))
    }
    fn download(&self, release: &Release, name: &str, to: &Path) -> Result<(), forge::Error> {
        self.inner.download(release, name, to)
    }
}

pub(crate) struct StoppingRegistry<'a> {
    pub(crate) inner: Layout,
    pub(crate) root: PathBuf,
    pub(crate) fuse: &'a Fuse,
    pub(crate) look: &'a (dyn Fn() + Sync),
}

impl StoppingRegistry<'_> {
    fn change<T>(
        &self,
        tear: impl FnOnce(),
        act: impl FnOnce() -> Result<T, registry::Error>,
    ) -> Result<T, registry::Error> {
        if !self.fuse.burn() {
            tear();
            (self.look)();
            return Err(registry::Error::Missing { registry: "a stopped registry".into(), what: "answer".into() });
        }
        let done = act();
        (self.look)();
        done
    }
}

impl Registry for StoppingRegistry<'_> {
    fn name(&self) -> String {
        self.inner.name()
    }
    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Option<Lock>, registry::Error> {
        self.inner.lock(waiting)
    }
    fn has(&self, object: &Object) -> Result<bool, registry::Error> {
        self.inner.has(object)
    }
    fn push(&self, object: &Object, on_progress: &dyn Fn(u64)) -> Result<(), registry::Error> {
        let half = || {
            let bytes = fs::read(&object.from).unwrap();
            let blobs = self.root.join("blobs/sha256");
            fs::create_dir_all(&blobs).unwrap();
            fs::write(blobs.join(".partial-half"), &bytes[..bytes.len() / 2]).unwrap();
        };
        self.change(half, || self.inner.push(object, on_progress))
    }
    fn tags(&self) -> Result<Vec<String>, registry::Error> {
        self.inner.tags()
    }
    fn resolve(&self, tag: &str) -> Result<Option<Digest>, registry::Error> {
        self.inner.resolve(tag)
    }
    fn tag(&self, tag: &str, digest: Digest) -> Result<(), registry::Error> {
        self.change(|| (), || self.inner.tag(tag, digest))
    }
    fn manifest(&self, digest: Digest) -> Result<Vec<u8>, registry::Error> {
        self.inner.manifest(digest)
    }
    fn download(&self, blob: &Descriptor, to: &Path) -> Result<(), registry::Error> {
        self.inner.download(blob, to)
    }
    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, registry::Error> {
        self.inner.referrers(subject)
    }
    fn attach(&self, manifests: &[&Object]) -> Result<(), registry::Error> {
        // Stored and not listed yet.
        let half = || manifests.iter().for_each(|manifest| self.inner.push(manifest, &|_| ()).unwrap());
        self.change(half, || self.inner.attach(manifests))
    }
    fn wait_for_visibility(&self, attempt: u32) -> bool {
        self.inner.wait_for_visibility(attempt)
    }
}
