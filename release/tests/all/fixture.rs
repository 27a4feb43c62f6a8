//! A release of a few small files: enough for everything that publishing does, in milliseconds.

use std::fs;
use std::path::{Path, PathBuf};

use sayna_release::audit::Needs;
use sayna_release::digest::Digest;
use sayna_release::oci;
use sayna_release::package;
use sayna_release::part::{self, BinaryPart, Built, FileEntry, ImagePart, InsideEntry, Part};
use sayna_release::plan::{Plan, PlannedImage, PlannedPlatform, PlannedTarget};
use sayna_release::table::{ArchiveKind, Builder, Floor, Source};
use sayna_release::triple::{Os, Triple};

pub(crate) const TRIPLES: [&str; 3] =
    ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc"];
const PLATFORMS: [(&str, &str); 2] = [("amd64", TRIPLES[0]), ("arm64", TRIPLES[1])];

/// The project's own table.
pub(crate) fn table() -> Source {
    Source::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()).unwrap()
}

/// A plan with so many targets and platforms.
pub(crate) fn plan(version: &str, targets: usize, platforms: usize) -> Plan {
    let version: semver::Version = version.parse().unwrap();
    let target = |triple: &&str| {
        let stem = format!("sayna-{version}-{triple}");
        PlannedTarget {
            product: "sayna".to_owned(),
            folder: (*triple).to_owned(),
            triple: triple.parse().unwrap(),
            runner: "here".to_owned(),
            builder: Builder::Cargo,
            system: None,
            features: vec![],
            archive_kind: ArchiveKind::TarGz,
            archive: format!("{stem}.tar.gz"),
            checksum: format!("{stem}.tar.gz.sha256"),
            sbom: format!("{stem}.cdx.json"),
            stem,
        }
    };
    let image = PlannedImage {
        repositories: ["docker.io/saynaai/sayna", "ghcr.io/saynaai/sayna"].map(str::to_owned).to_vec(),
        tag: version.to_string(),
        platforms: PLATFORMS[..platforms]
            .iter()
            .map(|(arch, triple)| PlannedPlatform {
                os: "linux".to_owned(),
                arch: (*arch).to_owned(),
                target: triple.parse().unwrap(),
            })
            .collect(),
    };
    Plan {
        schema: 1,
        name: "sayna".to_owned(),
        tag: format!("v{version}"),
        commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        commit_time: 1_700_000_000,
        tree: "clean".to_owned(),
        source: "https://github.com/saynaai/sayna".to_owned(),
        licence: "Apache-2.0".to_owned(),
        description: "a voice server".to_owned(),
        flake_lock: None,
        prerelease: !version.pre.is_empty(),
        latest: version.pre.is_empty(),
        toolchain: "1.95.0".parse().unwrap(),
        targets: TRIPLES[..targets].iter().map(target).collect(),
        image: (platforms > 0).then_some(image),
        manifest: format!("sayna-{version}.release.json"),
        sums: "SHA256SUMS".to_owned(),
        attestations: format!("sayna-{version}.intoto.jsonl"),
        left_out: vec![],
        notes: format!("## {version}\n\n- something\n"),
        version,
    }
}

/// The same plan with a second program for each of its targets.
pub(crate) fn with_product(mut plan: Plan) -> Plan {
    let product = |target: &PlannedTarget| {
        let rename = |name: &str| name.replacen("sayna-", "verifier-", 1);
        PlannedTarget {
            product: "sayna-release".to_owned(),
            folder: format!("sayna-release-{}", target.triple),
            stem: rename(&target.stem),
            archive: rename(&target.archive),
            checksum: rename(&target.checksum),
            sbom: rename(&target.sbom),
            ..target.clone()
        }
    };
    let products: Vec<_> = plan.targets.iter().map(product).collect();
    plan.targets.extend(products);
    plan
}

/// Writes the parts of a plan into `dist`; `salt` makes other bytes under the same names.
pub(crate) fn write_parts(plan: &Plan, dist: &Path, salt: &str) {
    for target in &plan.targets {
        write_binary(plan, target, &dist.join(&target.folder), salt);
    }
    for platform in plan.image.iter().flat_map(|i| &i.platforms) {
        write_image(plan, platform, &dist.join(format!("{}-{}", platform.os, platform.arch)), salt);
    }
}

pub(crate) fn built(host_assembled: bool) -> Built {
    let rustc = "1.95.0".parse().unwrap();
    let (features, left_out, inputs) = (vec![], vec![], vec![]);
    Built { by: Builder::Cargo, rustc, features, left_out, inputs, host_assembled, crates: false }
}

/// The demands that an executable of that target would have.
pub(crate) fn needs(triple: &Triple) -> Needs {
    let version = |text: &str| Some(text.to_owned().try_into().unwrap());
    let (system, libraries) = match triple.os() {
        Os::Linux => (Floor { glibc: version("2.34"), ..Floor::default() }, vec!["libgcc_s.so.1", "libc.so.6"]),
        Os::Macos => (Floor { macos: version("14.0"), ..Floor::default() }, vec!["/usr/lib/libSystem.B.dylib"]),
        Os::Windows => (Floor { windows: version("6.0"), ..Floor::default() }, vec!["KERNEL32.dll"]),
    };
    Needs { system, libraries: libraries.into_iter().map(str::to_owned).collect(), ..Needs::default() }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> FileEntry {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
    FileEntry::of(folder, name).unwrap()
}

fn write_binary(plan: &Plan, target: &PlannedTarget, folder: &Path, salt: &str) {
    let archive = write(folder, &target.archive, format!("{salt} archive of {}", target.triple).repeat(50).as_bytes());
    let line = package::checksum_line(&target.archive, archive.digest);
    let checksum = write(folder, &target.checksum, line.as_bytes());
    let sbom = write(folder, &target.sbom, format!("\"{salt} sbom of {}\"", target.triple).as_bytes());
    let binary = FileEntry { name: target.product.parse().unwrap(), size: 5, digest: Digest::of(b"sayna") };
    let part = BinaryPart {
        schema: part::SCHEMA,
        origin: plan.origin(),
        product: target.product.parse().unwrap(),
        target: target.triple.clone(),
        built: built(false),
        binary,
        files: Vec::new(),
        limits: part::Limits { floor: Floor::default(), libs: Vec::new() },
        needs: needs(&target.triple),
        archive,
        checksum,
        sbom,
    };
    Part::Binary(part).write(folder).unwrap();
}

fn write_image(plan: &Plan, platform: &PlannedPlatform, folder: &Path, salt: &str) {
    let layout = folder.join(part::LAYOUT);
    let blobs = layout.join("blobs/sha256");
    let blob = |bytes: &[u8], media_type: &str| {
        let digest = Digest::of(bytes);
        write(&blobs, &digest.hex(), bytes);
        oci::Descriptor::new(media_type, digest, bytes.len() as u64)
    };
    let layers = ["libraries".to_owned(), format!("{salt} binary for {}", platform.arch).repeat(40)];
    let layers: Vec<_> = layers.iter().map(|l| blob(l.as_bytes(), oci::media::LAYER_GZIP)).collect();
    let config = blob(format!("{salt} config of {}", platform.arch).as_bytes(), oci::media::CONFIG);
    let compressed = layers.iter().map(|l| l.size).sum();
    let manifest = oci::to_bytes(&oci::Manifest::new(config, layers));
    let described = blob(&manifest, oci::media::MANIFEST);
    fs::write(layout.join("oci-layout"), oci::LAYOUT_MARKER).unwrap();
    fs::write(layout.join("index.json"), oci::to_bytes(&oci::Index::new(vec![described.clone()]))).unwrap();
    let document = serde_json::json!({
        "metadata": {"component": {"bom-ref": "sayna@1", "name": "sayna", "version": salt}},
        "components": [{"bom-ref": "serde@1", "name": "serde", "version": "1"}],
        "dependencies": [{"ref": "sayna@1", "dependsOn": ["serde@1"]}],
    });
    let sbom = write(folder, part::SBOM, document.to_string().as_bytes());
    let part = ImagePart {
        schema: part::SCHEMA,
        origin: plan.origin(),
        os: platform.os.clone(),
        arch: platform.arch.clone(),
        target: platform.target.clone(),
        built: built(true),
        binary: InsideEntry { name: "usr/bin/sayna".to_owned(), size: 5, digest: Digest::of(b"sayna") },
        manifest: described.digest,
        manifest_size: described.size,
        compressed,
        sbom: Some(sbom),
    };
    Part::Image(part).write(folder).unwrap();
}

/// Every file below a folder with its bytes, but for locks.
pub(crate) fn tree(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.starts_with(".lock") {
                found.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
