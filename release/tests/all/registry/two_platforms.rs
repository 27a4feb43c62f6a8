//! What takes more tools or time than the gate has: `.ci/full` runs these.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sayna_release::digest::Digest;
use sayna_release::plan;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Options};
use sayna_release::registry::Registry as _;

use super::server::{Server, tool};
use super::{look_as_a_stranger, reach};
use crate::image::{asks, is_ok, podman};
use crate::small_release::{Release, documents};

const HOST: &str = "x86_64-unknown-linux-gnu";
const ARM64: &str = "aarch64-unknown-linux-gnu";

#[test]
#[ignore = "needs docker-registry, ferro-oci-server and cosign"]
fn cosign_verifies_the_attestation_from_either_kind_of_registry() {
    for server in [Server::open(), Server::ferro()] {
        let release = Release::built_for(vec![reach(&server.address, "sayna", &[])]);
        release.attest();
        assert!(release.publish().complete());
        // Cosign takes one root.
        let roots = std::fs::read_to_string(release.root()).unwrap();
        std::fs::write(release.root(), roots.lines().next().unwrap()).unwrap();
        let (root, image) = (release.root().display().to_string(), format!("{}/sayna:1.2.3", server.address));
        let verify = |kind: &str, tag: &str| {
            let identity = format!("https://github.com/saynaai/sayna/.github/workflows/images.yml@refs/tags/{tag}");
            let issuer = "https://token.actions.githubusercontent.com";
            let what = ["verify-attestation", "--new-bundle-format", "--type", kind];
            let who = ["--certificate-oidc-issuer", issuer, "--certificate-identity", &identity];
            let how = ["--trusted-root", &root, "--allow-http-registry", &image];
            let cosign = Command::new("cosign").args([&what[..], &who, &how].concat()).output();
            cosign.unwrap_or_else(|e| panic!("cosign: {e}; run .ci/setup full"))
        };
        for kind in ["slsaprovenance1", "cyclonedx"] {
            let right = verify(kind, "v1.2.3");
            assert!(right.status.success(), "{right:?}");
            assert!(!verify(kind, "v1.2.4").status.success());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Where `.ci/install-arm64` has put a compiler, a linker, libraries and an emulator.
fn arm64() -> PathBuf {
    std::env::var_os("SAYNA_TEST_ARM64")
        .expect("SAYNA_TEST_ARM64 is where .ci/install-arm64 was told to install")
        .into()
}

/// `build` and `image` of the server as it is, for both platforms: by this machine's compiler, and by another one.
fn build(dist: &Path) {
    let tools = arm64();
    let at = |name: &str| tools.join(name);
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    for (triple, platform) in [(HOST, "linux/amd64"), (ARM64, "linux/arm64")] {
        for (what, option, value) in [("build", "--target", triple), ("image", "--platform", platform)] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
            command.arg("--root").arg(root()).args([what, option, value, "--builder", "cargo", "--out"]).arg(dist);
            if triple == ARM64 {
                command
                    .env("RUSTC", at("bin/rustc"))
                    .env("CC_aarch64_unknown_linux_gnu", at("bin/cc"))
                    .env("AR_aarch64_unknown_linux_gnu", at("bin/ar"))
                    .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", at("bin/cc"));
                command.env("SAYNA_SYSROOT_AARCH64_UNKNOWN_LINUX_GNU", at("system"));
                // Two compilers in one folder would undo each other's work.
                command.env("CARGO_TARGET_DIR", target.join("arm64"));
            }
            crate::image::tool(&mut command);
        }
    }
}

/// This tree's plan for Linux.
fn linux() -> plan::Plan {
    let mut plan = plan::make(root(), &plan::Options::default()).unwrap().plan;
    plan.targets.retain(|t| [HOST, ARM64].contains(&t.triple.as_str()));
    assert_eq!((plan.targets.len(), plan.image.as_ref().unwrap().platforms.len()), (2, 2));
    plan
}

/// What a release would not accept in these parts.
fn refusal(release: &Release) -> String {
    let (forge, dist) = (release.forge(), release.folder.path().join("dist"));
    let destinations = Destinations { forge: &forge, registries: &[], is_project_origin: false, trusted_root: None };
    let error = publish::run(&release.plan, &dist, destinations, Options::default(), &Progress::quiet()).unwrap_err();
    assert!(error.is_refusal());
    error.to_string()
}

#[test]
#[ignore = "needs docker-registry, ferro-oci-server, skopeo, crane, regctl, podman, runc, root and .ci/install-arm64"]
#[expect(clippy::print_stdout, reason = "what was seen is evidence; `--nocapture` shows it")]
fn two_real_platforms_in_two_real_registries_are_one_release_and_run() {
    let (one, two) = (Server::open(), Server::ferro());
    let remotes = vec![reach(&one.address, "saynaai/sayna", &[]), reach(&two.address, "sayna", &[])];
    let images = [format!("{}/saynaai/sayna", one.address), format!("{}/sayna", two.address)];
    let release = Release::of(linux(), remotes);
    build(&release.folder.path().join("dist"));
    let refused = refusal(&release);
    let other = "linux/arm64: built with rustc 1.96.0, the table says 1.95.0";
    assert!(refused.contains(other), "{refused}");
    println!("arm64 was built by another compiler than a release's: {refused}");
    release.attest();
    assert!(release.publish().complete());
    let tag = release.plan.image.as_ref().unwrap().tag.clone();
    let [index, ..] = documents(&release.registry(), &tag);
    println!("{tag} = {index} in {}", images.join(" and "));
    for (remote, image) in release.remotes.iter().zip(&images) {
        assert!(look_as_a_stranger(remote).contains(&tag));
        assert_eq!(remote.resolve(&tag).unwrap(), Some(index));
        read_by_others(&format!("{image}:{tag}"), index);
    }
    let report = release.verify();
    assert!(report.passed(), "{report:#?}");
    print!("{}", sayna_release::cli::report::checklist(&report));
    for image in &images {
        runs(&format!("{image}:{tag}"), &release.plan.version.to_string());
    }
}

fn read_by_others(image: &str, index: Digest) {
    let raw = tool("skopeo", &["inspect", "--raw", "--tls-verify=false", &format!("docker://{image}")]);
    assert_eq!(Digest::of(raw.as_bytes()), index);
    assert_eq!(tool("crane", &["digest", "--insecure", image]).trim(), index.to_string());
    let (host, _) = image.split_once('/').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let regctl = |arguments: &[&str]| {
        let mut command = Command::new("regctl");
        command.env("REGCTL_CONFIG", folder.path().join("config.json")).args(arguments);
        crate::image::tool(&mut command)
    };
    regctl(&["registry", "set", "--tls", "disabled", host]);
    assert_eq!(regctl(&["manifest", "head", image]).trim(), index.to_string());
    for arch in ["amd64", "arm64"] {
        let platform = format!("linux/{arch}");
        // Reads every layer and compares every digest.
        tool("crane", &["validate", "--insecure", "--platform", &platform, "--remote", image]);
        let config: serde_json::Value =
            serde_json::from_str(&tool("crane", &["config", "--insecure", "--platform", &platform, image])).unwrap();
        assert_eq!((&config["architecture"], &config["os"]), (&arch.into(), &"linux".into()));
        let config = regctl(&["image", "config", "--platform", &platform, image]);
        assert!(config.contains(&format!("\"architecture\": \"{arch}\"")), "{config}");
    }
}

/// Pulled by podman, each platform says its version and serves; arm64 by an emulator that is put into its container.
fn runs(image: &str, version: &str) {
    let folder = tempfile::tempdir().unwrap();
    let emulator = format!("{}:/emulator:ro", arm64().join("bin/qemu").display());
    for (arch, emulated) in [("amd64", false), ("arm64", true)] {
        let run = |flags: &[&str], arguments: &[&str]| {
            let mut command = podman(folder.path());
            command
                .args(["run", "--rm", "--tls-verify=false", "--read-only", "--cap-drop=all", "--arch", arch])
                .args(flags);
            if emulated {
                command.args(["--volume", &emulator, "--entrypoint", "/emulator", image, "/app/sayna"]).args(arguments);
            } else {
                command.arg(image).args(arguments);
            }
            command
        };
        let said = crate::image::tool(&mut run(&["--network=none"], &["--version"]));
        assert_eq!(said, format!("sayna {version}\n"), "{arch}");
        let flags = ["--volume", "/app/cache", "-e", "HOST=127.0.0.1", "-e", "PORT=0"];
        is_ok(&asks(run(&flags, &[]).stdout(Stdio::piped()).spawn().unwrap()));
    }
}
