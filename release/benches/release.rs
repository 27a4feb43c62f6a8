//! What `sayna-release` does after the build against what one would write by hand: see `bench/release.sh`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where something is missing"
)]

mod peak;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sayna_release::build::{Builders, Rustc};
use sayna_release::forge::Directory;
use sayna_release::graph::Graph;
use sayna_release::part::{self, BinaryPart, Built, FileEntry, ImagePart, Part};
use sayna_release::plan::{self, Plan};
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Options};
use sayna_release::registry::Layout;
use sayna_release::table::{Builder, Compression, Source};
use sayna_release::{audit, image, licences, package, sbom};

/// Everything that both sides are given.
struct Material {
    root: PathBuf,
    plan: Plan,
    table: Source,
    rustc: Rustc,
    binary: PathBuf,
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    // A child measures its own memory: what ran before it does not count.
    if std::env::args().any(|a| a == "--ours") {
        ours(&material(), folder.path());
        println!("{}", peak::own());
        return;
    }
    let material = material();
    let runs: u32 = std::env::var("RUNS").ok().and_then(|r| r.parse().ok()).unwrap_or(5);
    let mut best = [Duration::MAX; 4];
    let mut sizes = [0, 0];
    for run in 0..runs {
        let place = folder.path().join(run.to_string());
        let (making, first, second, size) = ours(&material, &place.join("ours"));
        let (by_hand, by_hand_size) = by_hand(&material, &place);
        best = [best[0].min(making + first), best[1].min(by_hand), best[2].min(first), best[3].min(second)];
        sizes = [size, by_hand_size];
        fs::remove_dir_all(place).unwrap();
    }
    let size = fs::metadata(&material.binary).unwrap().len();
    println!("executable: {size} bytes; best of {runs} runs; {} cores", std::thread::available_parallelism().unwrap());
    println!("package + checksum + SBOM + image + publish   {:>8.3} s", best[0].as_secs_f64());
    println!("the same by hand (tar, gzip -9n, sha256sum, cargo metadata, skopeo)   {:>8.3} s", best[1].as_secs_f64());
    println!("  ratio: {:.2} times faster", best[1].as_secs_f64() / best[0].as_secs_f64());
    println!("archive: {} bytes against {} by hand: {:.4}", sizes[0], sizes[1], ratio(sizes[0], sizes[1]));
    println!(
        "publish {:.4} s, again {:.4} s: {:.1} %",
        best[2].as_secs_f64(),
        best[3].as_secs_f64(),
        100.0 * best[3].as_secs_f64() / best[2].as_secs_f64()
    );
    println!(
        "peak memory: {} kB against {} kB by hand (the largest single process)",
        own_peak(),
        by_hand_peak(&material, folder.path())
    );
}

#[expect(clippy::cast_precision_loss, reason = "file sizes, printed with four digits")]
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}

fn material() -> Material {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let rustc = Rustc::ask().unwrap();
    let made = plan::make(&root, &plan::Options::default()).unwrap();
    let plan =
        sayna_release::build::restrict_to_host(made.plan, &made.source.table, &rustc, &Builders::cargo()).unwrap();
    // This program itself: a real executable of some size.
    Material { root, plan, table: made.source, rustc, binary: std::env::current_exe().unwrap() }
}

/// Times making the parts, the first publish and the second; gives the archive's size too.
fn ours(material: &Material, place: &Path) -> (Duration, Duration, Duration, u64) {
    let begun = Instant::now();
    let size = make_parts(material, &place.join("dist"));
    let making = begun.elapsed();
    let publish = || {
        let begun = Instant::now();
        let forge = Directory::new(place.join("forge"));
        let registry = Layout::new(place.join("registry"));
        let destinations =
            Destinations { forge: &forge, registries: &[&registry], is_project_origin: false, trusted_root: None };
        let options = Options { allow_host_parts: true, ..Options::default() };
        let outcome =
            publish::run(&material.plan, &place.join("dist"), destinations, options, &Progress::quiet()).unwrap();
        assert!(outcome.complete());
        begun.elapsed()
    };
    (making, publish(), publish(), size)
}

fn make_parts(material: &Material, dist: &Path) -> u64 {
    let Material { root, plan, table, rustc, binary } = material;
    let target = &plan.targets[0];
    let out = dist.join(target.triple.as_str());
    let built = |host_assembled| Built {
        by: Builder::Cargo,
        rustc: rustc.version.clone(),
        features: vec![],
        left_out: vec![],
        inputs: vec![],
        host_assembled,
        crates: false,
    };
    let graph = Graph::resolve(root, &plan.name, &target.triple, &[]).unwrap();
    let files = &table.table.release.files;
    let mut packed: Vec<String> = files.iter().map(|f| f.get_ref().clone()).collect();
    packed.sort_unstable();
    let input = package::Input {
        stem: &target.stem,
        archive: &target.archive,
        kind: target.archive_kind,
        epoch: plan.commit_time,
        binary,
        exe_name: plan.name.clone(),
        files: files.iter().map(|f| (f.get_ref().clone(), root.join(f.get_ref()))).collect(),
        third_party: licences::third_party(root, &graph, &[]).unwrap(),
    };
    let archive = package::package(&input, &out).unwrap();
    let size = archive.archive.size;
    let rustc = &material.rustc.version;
    let document = sbom::document(&sbom::Input {
        plan,
        target: &target.triple,
        rustc,
        graph: &graph,
        natives: &[],
        models: &[],
        binary: archive.binary.digest,
        system: None,
    });
    fs::write(out.join(&target.sbom), document.unwrap()).unwrap();
    let part = BinaryPart {
        schema: part::SCHEMA,
        origin: plan.origin(),
        product: plan.name.parse().unwrap(),
        target: target.triple.clone(),
        built: built(false),
        binary: archive.binary,
        files: packed,
        limits: table.table.target(&target.triple).unwrap().into(),
        needs: audit::read(binary).unwrap().needs(),
        archive: archive.archive,
        checksum: archive.checksum,
        sbom: FileEntry::of(&out, &target.sbom).unwrap(),
    };
    Part::Binary(part).write(&out).unwrap();
    make_image(material, &built(true), dist);
    size
}

fn make_image(material: &Material, built: &Built, dist: &Path) {
    let plan = &material.plan;
    for platform in plan.image.iter().flat_map(|i| &i.platforms) {
        let out = dist.join(format!("{}-{}", platform.os, platform.arch));
        let input =
            image::Input { plan, platform, binary: &material.binary, models: &[], compression: Compression::Gzip };
        let made = image::assemble(&input, &out.join(part::LAYOUT)).unwrap();
        let part = ImagePart {
            schema: part::SCHEMA,
            origin: plan.origin(),
            os: platform.os.clone(),
            arch: platform.arch.clone(),
            target: platform.target.clone(),
            built: built.clone(),
            binary: made.binary,
            manifest: made.manifest,
            manifest_size: made.manifest_size,
            compressed: made.compressed,
            sbom: None,
        };
        Part::Image(part).write(&out).unwrap();
    }
}

const TAR: &str = "tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu --mtime=@1700000000";

/// The commands that one would write, on the files of a run of ours that is in `place/ours`.
fn script(material: &Material, place: &Path) -> String {
    let stem = &material.plan.targets[0].stem;
    let (out, tree, roots) = (place.join("by-hand"), place.join("tree"), place.join("roots"));
    let layout = place.join("ours/dist/linux-amd64/layout");
    let version = &material.plan.version;
    format!(
        "set -e; cd {tree}
         {TAR} -cf - {stem} | gzip -9n >{out}/{stem}.tar.gz
         cd {out}; sha256sum {stem}.tar.gz >{stem}.tar.gz.sha256
         cargo metadata --locked --format-version 1 --manifest-path {root}/Cargo.toml >{stem}.json
         for layer in lower upper; do {TAR} -C {roots}/$layer -cf - . | gzip -9n >$layer.tar.gz; sha256sum $layer.tar.gz >$layer.sha256; done
         mkdir -p release; cp {stem}.* release/; sync release/*
         skopeo --insecure-policy copy --quiet oci:{layout}:{version} oci:{out}/registry:{version}",
        tree = tree.display(),
        out = out.display(),
        roots = roots.display(),
        root = material.root.display(),
        layout = layout.display(),
    )
}

/// Lays out what the commands pack; this is not timed.
fn lay_out(material: &Material, place: &Path) {
    let Material { root, plan, table, binary, .. } = material;
    let tree = place.join("tree").join(&plan.targets[0].stem);
    let (lower, upper) = (place.join("roots/lower"), place.join("roots/upper/usr/bin"));
    for folder in [&tree, &lower, &upper, &place.join("by-hand")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::copy(binary, tree.join(&plan.name)).unwrap();
    fs::copy(binary, upper.join(&plan.name)).unwrap();
    for file in &table.table.release.files {
        fs::copy(root.join(file.get_ref()), tree.join(file.get_ref())).unwrap();
    }
    fs::copy("/etc/ssl/certs/ca-certificates.crt", lower.join("ca-certificates.crt")).unwrap();
    for file in image::closure::closure(binary, plan.targets[0].triple.arch(), Path::new("/")).unwrap() {
        let to = lower.join(&file.inside);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file.from, to).unwrap();
    }
}

fn by_hand(material: &Material, place: &Path) -> (Duration, u64) {
    lay_out(material, place);
    let begun = Instant::now();
    let output = Command::new("bash").args(["-c", &script(material, place)]).output().unwrap();
    let took = begun.elapsed();
    assert!(output.status.success(), "{}; run .ci/setup", String::from_utf8_lossy(&output.stderr));
    let archive = place.join("by-hand").join(&material.plan.targets[0].archive);
    (took, fs::metadata(archive).unwrap().len())
}

fn own_peak() -> u64 {
    let output = Command::new(std::env::current_exe().unwrap()).arg("--ours").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// The largest of the commands' processes.
fn by_hand_peak(material: &Material, folder: &Path) -> u64 {
    let place = folder.join("peak");
    ours(material, &place.join("ours"));
    lay_out(material, &place);
    peak::of(&script(material, &place))
}
