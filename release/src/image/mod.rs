//! Image: a binary → an OCI image layout of one platform; and the index over several of them.
//!
//! This is the assembly for machines without Nix: the executable, exactly the system libraries that it asks for, the
//! certificates, and a user that is not root. It runs on Linux; for another architecture than the host's it takes the
//! libraries from a tree that a variable names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::atomic::{self, At as _, PathError};
use crate::digest::Digest;
use crate::oci::{self, Config, Descriptor, Execution, Index, Manifest, annotation, media};
use crate::part::{ImagePart, InsideEntry};
use crate::plan::{Plan, PlannedPlatform};
use crate::table::Compression;
use crate::triple::Triple;

mod adopt;
pub mod closure;
pub mod debian;
mod frames;
mod inventory;
mod layer;

pub use adopt::{adopt, executable};
pub use inventory::{Content, Inventory};

use layer::{Layer, Node, NodeKind};

/// The user and group that distroless images have too; the container never runs as root.
const USER: u64 = 65532;
/// The path of the executable; `/app/<name>` links to it.
const BINARIES: &str = "usr/bin";
/// The path of the certificates in an image that this program assembles.
pub(crate) const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// The inputs of an image.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Version, revision, source, licence, time.
    pub plan: &'a Plan,
    /// For which platform.
    pub platform: &'a PlannedPlatform,
    /// The executable.
    pub binary: &'a Path,
    /// Model files that it loads: their paths below a folder of models, and where they are here.
    pub models: &'a [(String, PathBuf)],
    /// Of the layers.
    pub compression: Compression,
}

/// The image that was written.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// The executable, by its path in the image.
    pub binary: InsideEntry,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// Its size in bytes.
    pub manifest_size: u64,
    /// Sum of the compressed layers in bytes.
    pub compressed: u64,
}

/// The reason why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// A layout that is there already.
    #[error(transparent)]
    Layout(#[from] oci::Error),
    /// Another machine's work.
    #[error("{platform}: not built on this machine: {reason}")]
    NotHere {
        /// `linux/arm64`
        platform: String,
        /// The reason.
        reason: String,
    },
    /// Not a 64-bit ELF file.
    #[error("{}: not a 64-bit ELF file: {source}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// The parser's message.
        source: object::Error,
    },
    /// Another processor's executable.
    #[error("{}: not built for {arch}", path.display())]
    Machine {
        /// The file.
        path: PathBuf,
        /// The platform's processor.
        arch: String,
    },
    /// A library that the loader would not find either.
    #[error("{} asks for {soname}, which this machine does not have", asker.display())]
    NoLibrary {
        /// The library.
        soname: String,
        /// The file that requires it.
        asker: PathBuf,
    },
    /// No certificates.
    #[error("no CA certificates in {}", tried.join(", "))]
    NoCertificates {
        /// The folder that was searched.
        tried: Vec<String>,
    },
    /// A layout of several images, or of none.
    #[error("{}: has {found} images, one is wanted", layout.display())]
    NotOne {
        /// The layout.
        layout: PathBuf,
        /// How many.
        found: usize,
    },
    /// An image of something else than the plan.
    #[error("the image's {what} is {found}, the plan says {wanted}")]
    Differs {
        /// Platform, a label, the entrypoint.
        what: String,
        /// In the image.
        found: String,
        /// In the plan.
        wanted: String,
    },
    /// A path that no file of the image is at.
    #[error("{path} leads to no file in the image")]
    Nowhere {
        /// The path.
        path: String,
    },
    /// Before 1970.
    #[error("the commit's time {0} is before 1970")]
    Time(i64),
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotHere { .. } => {
                "build it on a machine of that platform, or see docs/release/building.md#for-another-processor"
                    .to_owned()
            }
            Self::NoLibrary { .. } => "install the package that has it, or build without what needs it".to_owned(),
            Self::NoCertificates { .. } => "install ca-certificates, or set SSL_CERT_FILE".to_owned(),
            Self::Time(_) => "unset SOURCE_DATE_EPOCH, or set it to the commit's time".to_owned(),
            Self::Differs { .. } | Self::Nowhere { .. } => "fix nix/image.nix".to_owned(),
            Self::NotOne { .. } | Self::File(_) | Self::Layout(_) | Self::Elf { .. } | Self::Machine { .. } => {
                return None;
            }
        })
    }
}

/// Returns the reason why this machine cannot assemble that platform, or `None` where it can.
pub fn not_here(platform: &PlannedPlatform) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some(format!("this machine is {}, images are assembled on Linux", std::env::consts::OS));
    }
    let variable = sysroot_variable(&platform.target);
    let reason = || format!("this machine is {}, and {variable} names no system of its kind", std::env::consts::ARCH);
    sysroot(&platform.target).is_none().then(reason)
}

fn sysroot_variable(target: &Triple) -> String {
    format!("SAYNA_SYSROOT_{}", target.variable())
}

/// Returns the folder of a platform's loader and libraries on this machine.
fn sysroot(target: &Triple) -> Option<PathBuf> {
    if target.arch() == std::env::consts::ARCH {
        return Some(PathBuf::from("/"));
    }
    std::env::var_os(sysroot_variable(target)).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// Returns the annotations and labels.
pub fn annotations(plan: &Plan) -> BTreeMap<String, String> {
    [
        (annotation::VERSION, plan.version.to_string()),
        (annotation::REVISION, plan.commit.clone()),
        (annotation::SOURCE, plan.source.clone()),
        (annotation::CREATED, created(plan)),
        (annotation::LICENSES, plan.licence.clone()),
        (annotation::TITLE, plan.name.clone()),
        (annotation::DESCRIPTION, plan.description.clone()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The commit's time as RFC 3339.
fn created(plan: &Plan) -> String {
    jiff::Timestamp::from_second(plan.commit_time).map(|t| t.to_string()).unwrap_or_default()
}

/// Writes the layout of one platform. The same input gives the same bytes.
pub fn assemble(input: &Input<'_>, layout: &Path) -> Result<Assembled, Error> {
    let name = input.platform.name();
    if let Some(reason) = not_here(input.platform) {
        return Err(Error::NotHere { platform: name, reason });
    }
    let epoch = u64::try_from(input.plan.commit_time).map_err(|_negative| Error::Time(input.plan.commit_time))?;
    // What an earlier build left would be pushed along.
    if layout.exists() {
        fs::remove_dir_all(layout).at("remove", layout)?;
    }
    let blobs = layout.join("blobs/sha256");
    let contents = contents(input)?;
    let write = |(nodes, _): &(Vec<Node>, String)| layer::write(nodes, epoch, input.compression, &blobs);
    let layers = contents.iter().map(write).collect::<Result<Vec<Layer>, Error>>()?;
    let config = layer::blob(&oci::to_bytes(&config(input, &layers, &contents)), media::CONFIG, &blobs)?;
    let compressed = layers.iter().map(|l| l.descriptor.size).sum();
    let manifest = Manifest::new(config, layers.into_iter().map(|l| l.descriptor).collect());
    let described = seal(input.plan, input.platform, manifest, layout)?;
    let (digest, size) = Digest::of_file(input.binary).at("read", input.binary)?;
    let binary = InsideEntry { name: format!("{BINARIES}/{}", input.plan.name), size, digest };
    Ok(Assembled { binary, manifest: described.digest, manifest_size: described.size, compressed })
}

/// Writes what makes blobs an image: the manifest with its annotations, the index, the marker.
fn seal(plan: &Plan, planned: &PlannedPlatform, mut manifest: Manifest, layout: &Path) -> Result<Descriptor, Error> {
    manifest.annotations = annotations(plan);
    let described = layer::blob(&oci::to_bytes(&manifest), media::MANIFEST, &layout.join("blobs/sha256"))?;
    let mut entry = Descriptor { platform: Some(platform(planned)), ..described.clone() };
    entry.annotations.insert(annotation::REF_NAME.to_owned(), plan.version.to_string());
    atomic::write(&layout.join("index.json"), &oci::to_bytes(&Index::new(vec![entry])))?;
    atomic::write(&layout.join("oci-layout"), oci::LAYOUT_MARKER.as_bytes())?;
    Ok(described)
}

fn platform(planned: &PlannedPlatform) -> oci::Platform {
    oci::Platform { architecture: planned.arch.clone(), os: planned.os.clone() }
}

/// The layers, from what changes least to what changes most, and what the image's history says of each.
fn contents(input: &Input<'_>) -> Result<Vec<(Vec<Node>, String)>, Error> {
    let mut layers =
        vec![(layer::complete(system(input)?), "loader, libraries, certificates, packages, user".to_owned())];
    if !input.models.is_empty() {
        layers.push((layer::complete(models(input)), "models".to_owned()));
    }
    layers.push((application(input), format!("{} {}", input.plan.name, input.plan.version)));
    Ok(layers)
}

/// The lowest layer: what changes with the system and not with every release.
fn system(input: &Input<'_>) -> Result<Vec<Node>, Error> {
    let name = &input.plan.name;
    let passwd = format!("root:x:0:0:root:/root:/sbin/nologin\n{name}:x:{USER}:{USER}:{name}:/app:/sbin/nologin\n");
    let group = format!("root:x:0:\n{name}:x:{USER}:\n");
    let node = |path: &str, kind: NodeKind| Node { path: path.to_owned(), kind, owner: 0 };
    let certificates = certificates()?;
    let mut nodes = vec![
        node("etc/passwd", NodeKind::Text(passwd)),
        node("etc/group", NodeKind::Text(group)),
        node(CERTIFICATES, NodeKind::File { from: certificates.clone(), mode: 0o644 }),
        node("tmp", NodeKind::Folder(0o1777)),
        node(BINARIES, NodeKind::Folder(0o755)),
        Node { path: "app/cache".to_owned(), kind: NodeKind::Folder(0o755), owner: USER },
    ];
    let target = &input.platform.target;
    let root = sysroot(target).unwrap_or_else(|| PathBuf::from("/"));
    let mut taken = vec![(CERTIFICATES.to_owned(), certificates)];
    for file in closure::closure(input.binary, target.arch(), &root)? {
        nodes.push(node(&file.inside, NodeKind::File { from: file.from.clone(), mode: 0o755 }));
        taken.push((file.inside, file.from));
    }
    nodes.extend(debian::described(&taken, &root)?);
    Ok(nodes)
}

/// The folder in which the executable searches libraries, relative to `usr/bin`.
fn models(input: &Input<'_>) -> Vec<Node> {
    let path = |name: &str| format!("usr/share/{}/models/{name}", input.plan.name);
    let file = |from: &Path| NodeKind::File { from: from.to_owned(), mode: 0o644 };
    input.models.iter().map(|(name, from)| Node { path: path(name), kind: file(from), owner: 0 }).collect()
}

/// The upper layer: all that a new version of the application changes. Its folders are the lower layer's.
fn application(input: &Input<'_>) -> Vec<Node> {
    let name = &input.plan.name;
    let link = NodeKind::Link(format!("/{BINARIES}/{name}"));
    let binary = NodeKind::File { from: input.binary.to_owned(), mode: 0o755 };
    vec![
        Node { path: format!("app/{name}"), kind: link, owner: 0 },
        Node { path: format!("{BINARIES}/{name}"), kind: binary, owner: 0 },
    ]
}

fn certificates() -> Result<PathBuf, Error> {
    let own = std::env::var("SSL_CERT_FILE").ok().filter(|p| !p.is_empty());
    // Debian, Fedora, openSUSE, Alpine and NixOS, in this order.
    let known = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let tried: Vec<String> = own.into_iter().chain(known.map(str::to_owned)).collect();
    let found = tried.iter().map(PathBuf::from).find(|p| p.is_file());
    found.ok_or(Error::NoCertificates { tried })
}

fn config(input: &Input<'_>, layers: &[Layer], contents: &[(Vec<Node>, String)]) -> Config {
    let plan = input.plan;
    let (name, created) = (&plan.name, created(plan));
    let history =
        |words: &str| oci::History { created: created.clone(), created_by: format!("sayna-release image: {words}") };
    Config {
        architecture: input.platform.arch.clone(),
        os: input.platform.os.clone(),
        config: Execution {
            user: format!("{USER}:{USER}"),
            exposed_ports: [("3001/tcp".to_owned(), oci::Empty {})].into(),
            env: vec![
                format!("PATH=/app:/{BINARIES}"),
                "CACHE_PATH=/app/cache".to_owned(),
                "RUST_LOG=info".to_owned(),
                format!("SSL_CERT_FILE=/{CERTIFICATES}"),
            ],
            entrypoint: vec![format!("/app/{name}")],
            working_dir: "/app".to_owned(),
            labels: annotations(plan),
        },
        rootfs: oci::RootFs { kind: "layers".to_owned(), diff_ids: layers.iter().map(|l| l.diff_id).collect() },
        history: contents.iter().map(|(_, words)| history(words)).collect(),
        created: created.clone(),
    }
}

/// The index over the platforms of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageIndex {
    /// Its bytes, as they are pushed.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
}

impl ImageIndex {
    /// Lists the parts in the order given, which is the plan's.
    pub fn of(plan: &Plan, parts: &[&ImagePart]) -> Self {
        let entry = |part: &&ImagePart| Descriptor {
            platform: Some(oci::Platform { architecture: part.arch.clone(), os: part.os.clone() }),
            ..Descriptor::new(media::MANIFEST, part.manifest, part.manifest_size)
        };
        let mut index = Index::new(parts.iter().map(entry).collect());
        index.annotations = annotations(plan);
        let bytes = oci::to_bytes(&index);
        Self { digest: Digest::of(&bytes), bytes }
    }
}

/// Reads every blob of an image through and compares digests and sizes.
pub fn check(layout: &Path, manifest: Digest) -> Result<(), oci::Error> {
    let layout = oci::Layout::open(layout)?;
    layout.manifest(manifest)?.blobs().try_for_each(|blob| layout.check(blob))
}
