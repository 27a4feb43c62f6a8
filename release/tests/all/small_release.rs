//! A small release that is real throughout: a compiled program, packed, imaged, published and promoted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sayna_release::attest;
use sayna_release::audit;
use sayna_release::digest::Digest;
use sayna_release::forge::{Directory, Forge};
use sayna_release::image;
use sayna_release::oci;
use sayna_release::package;
use sayna_release::part::{self, BinaryPart, FileEntry, ImagePart, Part};
use sayna_release::plan::{Plan, PlannedTarget};
use sayna_release::progress::Progress;
use sayna_release::promote;
use sayna_release::publish::{self, Destinations, Options};
use sayna_release::registry::{Distribution, Layout, Registry};
use sayna_release::table::{Compression, Source};
use sayna_release::verify::{self, Report, Request};

use crate::fixture::{built, plan, table, with_product};
use crate::signing::INSTANCE;
use program::{PROGRAM, compiled, named, program};

mod program;

pub(crate) struct Release {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) plan: Plan,
    pub(crate) table: Source,
    /// Verified as if the forge were the table's own.
    pub(crate) is_project_origin: bool,
    /// Registries beside the one in the folder.
    pub(crate) remotes: Vec<Distribution>,
}

impl Release {
    /// Version 1.2.3 for this machine, with its image, published and not yet promoted.
    pub(crate) fn published() -> Self {
        let release = Self::built("1.2.3", &PROGRAM.1);
        assert!(release.publish().complete());
        release
    }

    /// Version 1.2.3 with an image for two platforms in these registries too, published and not yet promoted.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub(crate) fn published_to(remotes: Vec<Distribution>) -> Self {
        let release = Self::built_for(remotes);
        assert!(release.publish().complete());
        release
    }

    /// The same, not yet published.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub(crate) fn built_for(remotes: Vec<Distribution>) -> Self {
        let release = Self::of(plan("1.2.3", 1, 2), remotes);
        release.build(&PROGRAM.1);
        release
    }

    /// A release of a plan whose parts are yet to be put into `dist`.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub(crate) fn of(plan: Plan, remotes: Vec<Distribution>) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), plan, table: table(), is_project_origin: false, remotes }
    }

    /// The same, not published yet.
    pub(crate) fn unpublished() -> Self {
        Self::built("1.2.3", &PROGRAM.1)
    }

    /// Version 1.2.3 of a program of that source, published.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub(crate) fn of_source(text: &str) -> Self {
        let release = Self::unpublished_of_source(text);
        assert!(release.publish().complete());
        release
    }

    /// The same, not published yet.
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    pub(crate) fn unpublished_of_source(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::built("1.2.3", &compiled(text, folder.path()))
    }

    fn built(version: &str, program: &Path) -> Self {
        let release = Self {
            folder: tempfile::tempdir().unwrap(),
            plan: plan(version, 1, 1),
            table: table(),
            is_project_origin: false,
            remotes: vec![],
        };
        release.build(program);
        release
    }

    /// An image part that starts another program than the archive has.
    pub(crate) fn swap_the_image(&self) {
        let folder = tempfile::tempdir().unwrap();
        self.build_image(&program("6.6.6", folder.path()), &self.folder.path().join("dist/linux-amd64"));
    }

    /// Another version into the same forge and registry.
    pub(crate) fn next(&mut self, version: &str) {
        self.rebuild(version);
        assert!(self.publish().complete());
    }

    /// The parts of another version in the place of those that are there.
    pub(crate) fn rebuild(&mut self, version: &str) {
        let platforms = self.plan.image.as_ref().unwrap().platforms.len();
        self.plan = plan(version, 1, platforms);
        let folder = tempfile::tempdir().unwrap();
        self.build(&program(version, folder.path()));
    }

    /// Version 1.2.3 with a second program, which says its name too; attested and published.
    pub(crate) fn with_product() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::with_product_of(&named("sayna-release", "1.2.3", folder.path()))
    }

    /// The same with a given executable as the second program.
    pub(crate) fn with_product_of(second: &Path) -> Self {
        let release = Self {
            folder: tempfile::tempdir().unwrap(),
            plan: with_product(plan("1.2.3", 1, 1)),
            table: table(),
            is_project_origin: false,
            remotes: vec![],
        };
        release.build(&PROGRAM.1);
        release.build_archive(&release.plan.targets[1], second);
        release.attest();
        assert!(release.publish().complete());
        release
    }

    fn build(&self, program: &Path) {
        let (plan, dist) = (&self.plan, self.folder.path().join("dist"));
        self.build_archive(&plan.targets[0], program);
        self.build_image(program, &dist.join("linux-amd64"));
        if plan.image.as_ref().unwrap().platforms.len() > 1 {
            stand_in(&dist.join("linux-amd64"), &dist.join("linux-arm64"));
        }
    }

    fn build_archive(&self, target: &PlannedTarget, program: &Path) {
        let (plan, dist) = (&self.plan, self.folder.path().join("dist"));
        let out = dist.join(&target.folder);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let files = self.table.table.program(&target.product).unwrap().packed();
        let input = package::Input {
            stem: &target.stem,
            archive: &target.archive,
            kind: target.archive_kind,
            epoch: plan.commit_time,
            binary: program,
            exe_name: target.product.clone(),
            files: files.map(|(name, f)| (name.to_owned(), root.join(f.get_ref()))).collect(),
            third_party: "none\n".to_owned(),
        };
        let archive = package::package(&input, &out).unwrap();
        fs::write(out.join(&target.sbom), sbom(plan, &target.product, &archive.binary)).unwrap();
        let sbom = FileEntry::of(&out, &target.sbom).unwrap();
        let part = BinaryPart {
            schema: part::SCHEMA,
            origin: plan.origin(),
            product: target.product.parse().unwrap(),
            target: target.triple.clone(),
            built: built(false),
            binary: archive.binary,
            files: self.table.table.program(&target.product).unwrap().packed_names(),
            limits: self.table.table.target(&target.triple).unwrap().into(),
            needs: audit::read(program).unwrap().needs(),
            archive: archive.archive,
            checksum: archive.checksum,
            sbom,
        };
        Part::Binary(part).write(&out).unwrap();
    }

    fn build_image(&self, program: &Path, out: &Path) {
        let platform = &self.plan.image.as_ref().unwrap().platforms[0];
        let input =
            image::Input { plan: &self.plan, platform, binary: program, models: &[], compression: Compression::Gzip };
        let assembled = image::assemble(&input, &out.join(part::LAYOUT)).unwrap();
        fs::write(out.join(part::SBOM), sbom(&self.plan, "sayna", &assembled.binary)).unwrap();
        let part = ImagePart {
            schema: part::SCHEMA,
            origin: self.plan.origin(),
            os: platform.os.clone(),
            arch: platform.arch.clone(),
            target: platform.target.clone(),
            built: built(true),
            binary: assembled.binary,
            manifest: assembled.manifest,
            manifest_size: assembled.manifest_size,
            compressed: assembled.compressed,
            sbom: Some(FileEntry::of(out, part::SBOM).unwrap()),
        };
        Part::Image(part).write(out).unwrap();
    }

    /// The roots of the tests' own Sigstore, where this release is attested by it.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root.json")
    }

    /// The same release, published with the attestations that the workflows would leave.
    pub(crate) fn attested() -> Self {
        let release = Self::built("1.2.3", &PROGRAM.1);
        release.attest();
        assert!(release.publish().complete());
        release
    }

    /// Signs everything as the workflows do, again in each call.
    pub(crate) fn attest(&self) {
        let (forge, registry, dist) = (self.forge(), self.registry(), self.folder.path().join("dist"));
        drop(fs::remove_file(dist.join("publish").join(attest::FILE)));
        let root = self.root();
        let trusted_root = Some(&root).filter(|r| r.exists()).map(PathBuf::as_path);
        let destinations =
            Destinations { forge: &forge, registries: &[&registry], is_project_origin: false, trusted_root };
        let dry = Options { allow_host_parts: true, dry_run: true, ..Options::default() };
        publish::run(&self.plan, &dist, destinations, dry, &Progress::quiet()).unwrap();
        let manifest = fs::read(dist.join("publish").join(&self.plan.manifest)).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        let index = document["image"]["index"].as_str().map(|d| d.parse().unwrap());
        INSTANCE.write_root(&self.root());
        INSTANCE.attest(&self.plan, &dist, index, &manifest);
    }

    pub(crate) fn forge(&self) -> Directory {
        Directory::new(self.folder.path().join("forge"))
    }

    pub(crate) fn registry(&self) -> Layout {
        Layout::new(self.folder.path().join("registry"))
    }

    pub(crate) fn publish(&self) -> publish::Outcome {
        self.try_publish().unwrap()
    }

    pub(crate) fn try_publish(&self) -> Result<publish::Outcome, publish::Error> {
        self.try_publish_to(&self.forge())
    }

    pub(crate) fn try_publish_to(&self, forge: &dyn Forge) -> Result<publish::Outcome, publish::Error> {
        let (registry, root) = (self.registry(), self.root());
        let registries = self.registries(&registry);
        let destinations = Destinations {
            forge,
            registries: &registries,
            is_project_origin: false,
            trusted_root: Some(&root).filter(|r| r.exists()).map(PathBuf::as_path),
        };
        let options = Options { allow_host_parts: true, ..Options::default() };
        publish::run(&self.plan, &self.folder.path().join("dist"), destinations, options, &Progress::quiet())
    }

    /// The same, as far as the draft.
    pub(crate) fn try_publish_until_draft(&self, forge: &dyn Forge) -> Result<publish::Outcome, publish::Error> {
        let registry = self.registry();
        let destinations =
            Destinations { forge, registries: &[&registry], is_project_origin: false, trusted_root: None };
        let options = Options { allow_host_parts: true, until_draft: true, ..Options::default() };
        publish::run(&self.plan, &self.folder.path().join("dist"), destinations, options, &Progress::quiet())
    }

    fn registries<'a>(&'a self, own: &'a Layout) -> Vec<&'a dyn Registry> {
        let remotes = self.remotes.iter().map(|r| r as &dyn Registry);
        [own as &dyn Registry].into_iter().chain(remotes).collect()
    }

    /// Runs `work` with a request for the given tag; a stranger has no plan.
    fn with_request<T>(&self, plan: Option<&Plan>, work: impl FnOnce(Request<'_>) -> T) -> T {
        self.with_request_to(&self.forge(), plan, work)
    }

    pub(crate) fn with_request_to<T>(
        &self,
        forge: &dyn Forge,
        plan: Option<&Plan>,
        work: impl FnOnce(Request<'_>) -> T,
    ) -> T {
        let registry = self.registry();
        let registries = self.registries(&registry);
        let root = self.root();
        work(Request {
            tag: &self.plan.tag,
            plan,
            table: &self.table.table,
            forge,
            registries: &registries,
            git_versions: &[],
            reproduce: None,
            sboms: &BTreeMap::new(),
            promoted: false,
            rehearsal: false,
            is_project_origin: self.is_project_origin,
            remote: false,
            trusted_root: Some(&root).filter(|r| r.exists()).map(PathBuf::as_path),
        })
    }

    pub(crate) fn verify(&self) -> Report {
        self.with_request(Some(&self.plan), run)
    }

    pub(crate) fn verify_as_a_stranger(&self) -> Report {
        self.with_request(None, run)
    }

    pub(crate) fn promote(&self, back: bool) -> Result<promote::Outcome, promote::Error> {
        self.with_request(Some(&self.plan), |request| promote::run(&request, &run(request), back, false))
    }
}

/// An image part for arm64 that is not one: the same layers under a configuration that says so.
fn stand_in(amd64: &Path, arm64: &Path) {
    let (from, to) = (oci::Layout::open(&amd64.join(part::LAYOUT)).unwrap(), arm64.join(part::LAYOUT));
    let Some(Part::Image(mut part)) = Part::read(amd64).unwrap() else { panic!("no image part") };
    let blobs = to.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let write = |bytes: &[u8], descriptor: &mut oci::Descriptor| {
        (descriptor.digest, descriptor.size) = (Digest::of(bytes), bytes.len() as u64);
        fs::write(blobs.join(descriptor.digest.hex()), bytes).unwrap();
    };
    let mut manifest = from.manifest(part.manifest).unwrap();
    for layer in &manifest.layers {
        fs::copy(from.blob_path(layer.digest), blobs.join(layer.digest.hex())).unwrap();
    }
    let config = fs::read_to_string(from.blob_path(manifest.config.digest)).unwrap();
    let config = config.replace(r#""architecture":"amd64""#, r#""architecture":"arm64""#);
    write(config.as_bytes(), &mut manifest.config);
    let mut described = oci::Descriptor::new(oci::media::MANIFEST, manifest.config.digest, 0);
    write(&oci::to_bytes(&manifest), &mut described);
    fs::write(to.join("oci-layout"), oci::LAYOUT_MARKER).unwrap();
    fs::write(to.join("index.json"), oci::to_bytes(&oci::Index::new(vec![described.clone()]))).unwrap();
    (part.manifest, part.manifest_size) = (described.digest, described.size);
    fs::copy(amd64.join(part::SBOM), arm64.join(part::SBOM)).unwrap();
    (part.arch, part.target) = ("arm64".to_owned(), "aarch64-unknown-linux-gnu".parse().unwrap());
    Part::Image(part).write(arm64).unwrap();
}

pub(crate) fn run(request: Request<'_>) -> Report {
    verify::run(request, tempfile::tempdir().unwrap().path())
}

fn sbom<N>(plan: &Plan, name: &str, binary: &FileEntry<N>) -> String {
    let component = serde_json::json!({
        "bom-ref": name,
        "name": name,
        "version": plan.version.to_string(),
        "hashes": [{"alg": "SHA-256", "content": binary.digest.hex()}],
    });
    let metadata = serde_json::json!({"component": component});
    let components = [serde_json::json!({"bom-ref": "ring", "name": "ring", "purl": "pkg:cargo/ring@0.17.0"})];
    serde_json::json!({"specVersion": "1.6", "metadata": metadata, "components": components, "dependencies": []})
        .to_string()
}

/// The digests of index, manifest and configuration, to tell blobs apart.
pub(crate) fn documents(registry: &Layout, tag: &str) -> [Digest; 3] {
    let index = registry.resolve(tag).unwrap().unwrap();
    let at = |digest: Digest, pointer: &str| {
        let document: serde_json::Value = serde_json::from_slice(&registry.manifest(digest).unwrap()).unwrap();
        document.pointer(pointer).unwrap().as_str().unwrap().parse().unwrap()
    };
    let manifest: Digest = at(index, "/manifests/0/digest");
    [index, manifest, at(manifest, "/config/digest")]
}
