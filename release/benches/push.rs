//! A push to a real registry against `skopeo copy --all`: see `bench/push.sh`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where something is missing"
)]

#[path = "../tests/all/fixture.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod fixture;
mod peak;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sayna_release::digest::Digest;
use sayna_release::forge::Directory;
use sayna_release::oci;
use sayna_release::part::{self, Part};
use sayna_release::plan::Plan;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Only, Options};
use sayna_release::registry::{self, Layout, Purpose, Registry};

/// Of each platform's layer.
const LAYER: usize = 40_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|a| a == "--push") {
        return push(&arguments[at + 1], Path::new(&arguments[at + 2]));
    }
    let folder = tempfile::tempdir().unwrap();
    let runs: usize = std::env::var("RUNS").ok().and_then(|r| r.parse().ok()).unwrap_or(5);
    let server = Server::start(folder.path());
    let (mut ours, mut theirs, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let (mut memory, mut requests) = (0, 0);
    for run in 0..runs {
        let place = folder.path().join(run.to_string());
        // The order alternates from run to run.
        for side in if run % 2 == 0 { ["ours", "theirs"] } else { ["theirs", "ours"] } {
            let material = Material::new(&place.join(side));
            let repository = format!("{}/{side}/{run}", server.address);
            if side == "theirs" {
                theirs.push(timed(&mut material.skopeo(&repository)).0);
                continue;
            }
            let (took, peak) = timed(&mut material.publish(&repository));
            let before = server.requests();
            let (second, _) = timed(&mut material.publish(&repository));
            ours.push(took);
            again.push(second);
            memory = memory.max(peak.parse().unwrap());
            requests = server.requests() - before;
        }
        fs::remove_dir_all(place).unwrap();
    }
    let material = Material::new(&folder.path().join("peak"));
    let command = material.skopeo(&format!("{}/peak", server.address));
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let skopeo = peak::of(&words.map(|w| w.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" "));
    let cores = std::thread::available_parallelism().unwrap();
    println!("80 MB for two platforms to distribution; whole processes; best (median) of {runs} runs; {cores} cores");
    println!("  sayna-release publish      {}", shown(&mut ours));
    println!("  skopeo copy --all          {}", shown(&mut theirs));
    println!(
        "  ratio                      {:.2} ({:.2}) times faster",
        ratio(theirs[0], ours[0]),
        ratio(theirs[runs / 2], ours[runs / 2])
    );
    println!("  peak memory                {memory} kB against {skopeo} kB");
    println!("publish again                {}, {requests} requests", shown(&mut again));
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn shown(times: &mut [Duration]) -> String {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    format!("{:>6.1} ms ({:.1})", ms(times[0]), ms(times[times.len() / 2]))
}

/// Wall time of a process, and what it printed.
fn timed(command: &mut Command) -> (Duration, String) {
    let begun = Instant::now();
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; run .ci/setup"));
    let took = begun.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    (took, String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// The process that is measured: it publishes the image of a release whose binaries are public.
fn push(repository: &str, place: &Path) {
    let registry = registry::open(&format!("docker://{repository}"), Purpose::Publish, &Progress::quiet()).unwrap();
    publish(&place.join("forge"), &[&*registry], Only::Images, &place.join("dist"));
    println!("{}", peak::own());
}

fn plan() -> Plan {
    fixture::plan("1.2.3", 1, 2)
}

fn publish(forge: &Path, registries: &[&dyn Registry], only: Only, dist: &Path) {
    let forge = Directory::new(forge);
    let destinations = Destinations { forge: &forge, registries, is_project_origin: false, trusted_root: None };
    let options = Options { allow_host_parts: true, only: Some(only), ..Options::default() };
    assert!(publish::run(&plan(), dist, destinations, options, &Progress::quiet()).unwrap().complete());
}

/// Parts of a release with blobs of their own, its binaries public, and the image as a layout for skopeo.
struct Material {
    place: PathBuf,
}

impl Material {
    fn new(place: &Path) -> Self {
        let dist = place.join("dist");
        fixture::write_parts(&plan(), &dist, "bench");
        for platform in plan().image.unwrap().platforms {
            enlarge(&dist.join(format!("{}-{}", platform.os, platform.arch)));
        }
        publish(&place.join("forge"), &[], Only::Binaries, &dist);
        publish(&place.join("forge"), &[&Layout::new(place.join("layout"))], Only::Images, &dist);
        Self { place: place.to_owned() }
    }

    fn publish(&self, repository: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--push", repository]).arg(&self.place);
        command
    }

    fn skopeo(&self, repository: &str) -> Command {
        let mut command = Command::new("skopeo");
        let from = format!("oci:{}:1.2.3", self.place.join("layout").display());
        command.args(["--insecure-policy", "copy", "--quiet", "--all", "--dest-tls-verify=false", &from]);
        command.arg(format!("docker://{repository}:1.2.3"));
        command
    }
}

/// Adds a layer of random bytes to an image part.
fn enlarge(folder: &Path) {
    let Some(Part::Image(mut part)) = Part::read(folder).unwrap() else { panic!("no part") };
    let layout = oci::Layout::open(&folder.join(part::LAYOUT)).unwrap();
    let mut manifest = layout.manifest(part.manifest).unwrap();
    let write = |bytes: &[u8], media_type: &str| {
        let digest = Digest::of(bytes);
        fs::write(layout.blob_path(digest), bytes).unwrap();
        oci::Descriptor::new(media_type, digest, bytes.len() as u64)
    };
    let mut bytes = vec![0; LAYER];
    fastrand::fill(&mut bytes);
    manifest.layers.push(write(&bytes, oci::media::LAYER_GZIP));
    let described = write(&oci::to_bytes(&manifest), oci::media::MANIFEST);
    (part.manifest, part.manifest_size) = (described.digest, described.size);
    Part::Image(part).write(folder).unwrap();
}

/// distribution, with its log of requests.
struct Server {
    child: Child,
    address: String,
    log: PathBuf,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let (file, log) = (folder.join("config.yml"), folder.join("requests.log"));
        let config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: '127.0.0.1:0', secret: bench}}\n",
            folder.join("data").display()
        );
        fs::write(&file, config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&file).stdout(fs::File::create(&log).unwrap()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("docker-registry: {e}; run .ci/setup"));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let rest = line.split("listening on ").nth(1)?;
            Some(rest.split(['"', ',']).next()?.to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("the registry says where it listens"), log }
    }

    /// How many it has answered.
    fn requests(&self) -> usize {
        fs::read_to_string(&self.log).unwrap().lines().filter(|l| l.contains("HTTP/1.1")).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
