//! The scripts of the workflows, run one after the other as they stand there, to a published release: against the
//! counterpart of GitHub, a real registry and the real Nix. Actions that are not ours are stood in for by what they do
//! here; nothing interprets a workflow.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sayna_release::attest::{Predicate, Subject};
use sayna_release::digest::Digest;
use sayna_release::table::{Source, Spanned};
use serde_json::json;
use serde_norway::Value;

use words::{CONDITIONS, filled, own_repositories, variable};

use super::{jobs, list, steps, workflow};
use crate::github::Counterpart;
use crate::registry::server::{Server, TokenServer};
use crate::rehearse::{built_by_nix, project};
use crate::signing::{Claim, INSTANCE, statement};
use crate::support::{World, project_file};

const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// A tagged project whose builds take a second, and everything that its release touches.
struct Runner {
    world: World,
    hub: Counterpart,
    /// In the place of Docker Hub and of ghcr.io.
    registries: [Server; 2],
    folder: tempfile::TempDir,
    /// What the jobs have put into `$GITHUB_OUTPUT`.
    outputs: BTreeMap<String, String>,
    /// Everything that the scripts printed.
    said: String,
}

impl Runner {
    fn new() -> Self {
        let registries = [(); 2].map(|()| Server::token(&TokenServer::public()));
        let mut world = project();
        built_by_nix(&world);
        // With the files that this project's own table names: outside of a checkout the program knows no other one.
        let licence = "cp ${./LICENSE} ${stem}/LICENSE";
        let flake = include_str!("../toy.nix");
        assert!(flake.contains(licence));
        let own = Source::built_in().unwrap().table;
        let mut copied = licence.to_owned();
        for (name, path) in own.programs().next().unwrap().packed() {
            let path = path.get_ref();
            if !["README.md", "LICENSE"].contains(&path.as_str()) {
                world.write(path, "");
                let line = format!("\n          install -D ${{./{path}}} ${{stem}}/{name}");
                copied += &line;
            }
        }
        world.write("flake.nix", &flake.replace(licence, &copied));
        world.write(".gitignore", "/target/\n/dist/\n/index/\n");
        let table = world.read("sayna-release.toml");
        let windows = table.find("[[target]]\ntriple = \"x86_64-pc-windows-msvc\"").unwrap();
        let image = table.find("[image]").unwrap();
        let table =
            format!("{}{}", &table[..windows], &table[image..]).replace("files = ", "cachix = \"sayna\"\nfiles = ");
        let files: Vec<&String> = own.release.files.iter().map(Spanned::get_ref).collect();
        let packed = format!("files = {files:?}\ntree = {:?}\n", own.release.tree.as_ref().unwrap().get_ref());
        assert!(table.contains("files = [\"README.md\", \"LICENSE\"]\n"), "{table}");
        let table = table.replace("files = [\"README.md\", \"LICENSE\"]\n", &packed);
        world.write("sayna-release.toml", &own_repositories(&table, &registries));
        world.write(".ci/smoke", &project_file(".ci/smoke"));
        world.commit("feat: speak");
        world.tag("v0.1.0");
        let hub = Counterpart::start();
        hub.hub().immutable = true;
        hub.hub().tags.insert("v0.1.0".to_owned(), world.head());
        let runner = Self {
            world,
            hub,
            registries,
            folder: tempfile::tempdir().unwrap(),
            outputs: BTreeMap::new(),
            said: String::new(),
        };
        INSTANCE.write_root(&runner.folder.path().join("root.json"));
        runner.nix();
        runner
    }

    /// Nix, whose `run .#release` is the program of this test's build: the toy flake does not build it.
    fn nix(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        let real = Command::new("sh").args(["-c", "command -v nix"]).output().unwrap();
        let real = String::from_utf8(real.stdout).unwrap();
        assert!(!real.is_empty(), "nix is not in PATH; run .ci/setup, and tests as .ci/run does");
        let program = env!("CARGO_BIN_EXE_sayna-release");
        let script = format!(
            "#!/bin/sh\ncase \"$1 $2 $3\" in 'run .#release --') shift 3; exec {program} \"$@\";; esac\nexec {} \"$@\"\n",
            real.trim()
        );
        let path = self.folder.path().join("bin/nix");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, script).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// All jobs of `release.yml`, each after those that it needs.
    fn release(&mut self) {
        let release = workflow("release");
        let mut left: Vec<(&str, &Value)> = jobs(&release).collect();
        let mut done: Vec<&str> = Vec::new();
        while !left.is_empty() {
            let ready = left.iter().position(|(_, job)| list(&job["needs"]).iter().all(|n| done.contains(&n.as_str())));
            let (id, job) = left.remove(ready.expect("a circle of needs"));
            match job["uses"].as_str() {
                None => self.job("release", id, job),
                Some(path) => {
                    let name = path.trim_start_matches("./.github/workflows/").trim_end_matches(".yml");
                    let called = workflow(name);
                    // They stand in the order of their needs.
                    jobs(&called).for_each(|(id, job)| self.job(name, id, job));
                }
            }
            done.push(id);
        }
    }

    /// The program, outside of any checkout and without a token.
    fn stranger(&self, folder: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.args(arguments).current_dir(folder).env_remove("GITHUB_TOKEN").env_remove("GH_TOKEN");
        command
            .env("GITHUB_API_URL", &self.hub.addresses.api)
            .env("NO_COLOR", "1")
            .env("DOCKER_CONFIG", "/nonexistent");
        command.env("SAYNA_TRUSTED_ROOT", self.folder.path().join("root.json")).output().unwrap()
    }

    /// A reader without a file verifies all of it; a reader with one file verifies that file.
    fn is_verified_by_strangers(&self) {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = self.repositories().map(|name| format!("docker://{name}"));
        for tag in [&["--tag", "v0.1.0"][..], &[]] {
            let output =
                self.stranger(folder.path(), &[&["verify", "--registry", &one, "--registry", &two], tag].concat());
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("v0.1.0 in github:saynaai/sayna"), "{output:?}");
            assert!(said.contains("as recorded in the manifest") && said.contains("GitHub states v0.1.0"), "{said}");
            assert!(said.contains("digests bit-identical"), "{said}");
        }
        self.is_watched(folder.path(), [&one, &two]);
        let name = format!("sayna-0.1.0-{TRIPLE}.tar.gz");
        let bytes = self.hub.hub().releases[0].assets.iter().find(|a| a.name == name).unwrap().bytes.clone();
        fs::write(folder.path().join(&name), bytes).unwrap();
        let verify = || self.stranger(folder.path(), &["verify", "--fetch", &name]);
        let output = verify();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("build.yml@refs/tags/v0.1.0"), "{output:?}");
        fs::write(folder.path().join(&name), "forged").unwrap();
        let output = verify();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("has no attestation of these files"), "{output:?}");
    }

    /// The nightly look finds nothing, and writes nothing.
    fn is_watched(&self, folder: &Path, registries: [&str; 2]) {
        let watch = || {
            let [one, two] = registries;
            let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
            command.args(["watch", "--registry", one, "--registry", two]).current_dir(folder);
            command.env("GITHUB_API_URL", &self.hub.addresses.api).env("GITHUB_TOKEN", "push-token");
            command.env("SAYNA_ADVISORIES_URL", &self.hub.addresses.outside).env("DOCKER_CONFIG", "/nonexistent");
            command.env("SAYNA_TRUSTED_ROOT", self.folder.path().join("root.json")).output().unwrap()
        };
        let output = watch();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("nothing to do to the issue"), "{output:?}");
        let before = self.hub.hub().requests.len();
        assert!(watch().status.success());
        let changes = self.hub.hub().requests[before..].iter().filter(|r| !r.starts_with("GET ")).count();
        // The question about advisories, where the release has any crates.
        assert!(changes <= 1 && self.hub.hub().issues.is_empty());
    }

    /// The image's repositories, as the table of this release names them.
    fn repositories(&self) -> [String; 2] {
        self.registries.each_ref().map(|server| format!("{}/saynaai/sayna", server.address))
    }

    fn artifacts(&self, name: &str) -> PathBuf {
        self.folder.path().join("artifacts").join(name)
    }

    fn job(&mut self, workflow: &str, id: &str, job: &Value) {
        let place = self.folder.path().join("jobs").join(format!("{workflow}-{id}"));
        drop(fs::remove_dir_all(&place));
        fs::create_dir_all(&place).unwrap();
        fs::create_dir_all(beside(&place)).unwrap();
        let mut bundles = BTreeMap::new();
        for step in steps(job) {
            let condition = step["if"].as_str().unwrap_or_default();
            let condition = condition.trim_start_matches("${{ ").trim_end_matches(" }}");
            let condition = if condition.starts_with("always() && ") { "always()" } else { condition };
            let known = CONDITIONS.iter().find(|(text, _)| *text == condition);
            let (_, holds) = known.unwrap_or_else(|| panic!("{workflow}.yml, {id}: {condition}"));
            if !holds(&place) {
                continue;
            }
            match step["uses"].as_str() {
                Some(action) => self.stand_in(workflow, action.split('@').next().unwrap(), step, &place, &mut bundles),
                None => self.script(workflow, id, (job, step), &place, &bundles),
            }
        }
    }

    /// What an action does, as far as a release depends on it.
    fn stand_in(
        &self,
        workflow: &str,
        action: &str,
        step: &Value,
        place: &Path,
        bundles: &mut BTreeMap<String, PathBuf>,
    ) {
        let with = |key: &str| filled(step["with"][key].as_str().unwrap_or_default());
        match action {
            "actions/checkout" => {
                let from = self.world.root().to_str().unwrap();
                shell(place, &format!("git clone --quiet --branch v0.1.0 {from} . 2>/dev/null"));
            }
            "actions/upload-artifact" => {
                let to = self.artifacts(&with("name"));
                shell(place, &format!("rm -rf {0}; mkdir -p {0}; cp -a {1}. {0}", to.display(), with("path")));
            }
            "actions/download-artifact" => {
                let name = if with("name").is_empty() { with("pattern") } else { with("name") };
                let (from, to) = (self.artifacts(&name), with("path"));
                // Artifacts of a pattern lie in a folder each, where they are not to be merged.
                let apart = with("name").is_empty() && step["with"]["merge-multiple"].as_bool() != Some(true);
                let to_each = if apart { format!("{to}/$(basename $a)") } else { to };
                let from = from.display();
                shell(place, &format!("for a in {from}; do mkdir -p {to_each}; cp -a $a/. {to_each}; done"));
            }
            "actions/attest" => {
                let id = step["id"].as_str().unwrap_or("attest").to_owned();
                bundles.insert(id.clone(), self.attest(workflow, &id, &with, place));
            }
            "docker/login-action" => {
                let server = usize::from(with("registry") == "ghcr.io");
                let path = beside(place).join("config.json");
                let text = fs::read_to_string(&path).unwrap_or_else(|_| r#"{"auths":{}}"#.to_owned());
                let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
                let auth = STANDARD.encode(format!("{}:{}", with("username"), with("password")));
                config["auths"][&self.registries[server].address] = json!({"auth": auth});
                fs::write(path, config.to_string()).unwrap();
            }
            "cachix/install-nix-action" | "cachix/cachix-action" => {}
            other => panic!("{other} is stood in for by nothing"),
        }
    }

    fn attest(&self, workflow: &str, id: &str, with: &impl Fn(&str) -> String, place: &Path) -> PathBuf {
        let mut subjects = Vec::new();
        for pattern in with("subject-path").split_whitespace() {
            for path in shell(place, &format!("ls {pattern}")).lines() {
                let name = Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
                let name = if with("subject-name").is_empty() { name } else { with("subject-name") };
                subjects.push(Subject { name, digest: Digest::of_file(&place.join(path)).unwrap().0 });
            }
        }
        // One line per subject, as `sha256sum` writes it.
        if !with("subject-checksums").is_empty() {
            for line in fs::read_to_string(place.join(with("subject-checksums"))).unwrap().lines() {
                let (digest, name) = line.split_once("  ").unwrap();
                let digest = format!("sha256:{digest}").parse().unwrap();
                subjects.push(Subject { name: name.to_owned(), digest });
            }
        }
        assert!(!subjects.is_empty(), "{workflow}.yml, {id} attests nothing");
        let claim = Claim {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            repository: "https://github.com/saynaai/sayna".to_owned(),
            workflow: format!(".github/workflows/{workflow}.yml"),
            reference: "refs/tags/v0.1.0".to_owned(),
            commit: self.world.head(),
        };
        let signed = |kind: Predicate, input: &str| {
            let document = serde_json::from_slice(&fs::read(place.join(with(input))).unwrap()).unwrap();
            INSTANCE.sign(&claim, &statement(kind, &document, &subjects))
        };
        let (kind, bundle) = if !with("predicate-path").is_empty() {
            assert_eq!(with("predicate-type"), Predicate::Rebuild.uri());
            (Predicate::Rebuild.uri(), signed(Predicate::Rebuild, "predicate-path"))
        } else if with("sbom-path").is_empty() {
            ("provenance", INSTANCE.provenance(&claim, &subjects))
        } else {
            ("sbom", signed(Predicate::Sbom, "sbom-path"))
        };
        let kept = subjects.iter().map(|s| (kind, s.digest, bundle.clone()));
        self.hub.hub().attestations.extend(kept);
        let path = beside(place).join(format!("bundle-{id}.json"));
        fs::write(&path, format!("{bundle}\n")).unwrap();
        path
    }

    /// Runs a script as GitHub's runner does.
    fn script(
        &mut self,
        workflow: &str,
        id: &str,
        (job, step): (&Value, &Value),
        place: &Path,
        bundles: &BTreeMap<String, PathBuf>,
    ) {
        let run = step["run"].as_str().unwrap();
        let temporary = beside(place);
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", run]).current_dir(place);
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env("NO_COLOR", "1").env_remove("CARGO_TARGET_DIR").env("GITHUB_ACTIONS", "true");
        command.env("GITHUB_API_URL", &self.hub.addresses.api).env("GITHUB_SERVER_URL", &self.hub.addresses.outside);
        command.env("GITHUB_REF_NAME", "v0.1.0").env("RUNNER_TEMP", &temporary);
        command.env("GITHUB_OUTPUT", temporary.join("output")).env("GITHUB_STEP_SUMMARY", temporary.join("summary"));
        command.env("SAYNA_CACHIX_URL", &self.hub.addresses.outside).env("DOCKER_CONFIG", &temporary);
        command.env("SAYNA_TRUSTED_ROOT", self.folder.path().join("root.json"));
        let writes = job["permissions"]["contents"].as_str() == Some("write");
        for level in [job, step] {
            for (name, _) in level["env"].as_mapping().into_iter().flatten() {
                let name = name.as_str().unwrap();
                command.env(name, variable(name, step, place, writes, bundles));
            }
        }
        let output = command.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{workflow}.yml, {id}: {run}\n{out}\n{err}");
        self.said.extend(["$ ", run, "\n", &out, &err]);
        let lines = fs::read_to_string(temporary.join("output")).unwrap_or_default();
        self.outputs.extend(lines.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())));
    }
}

/// A job's folder that is not its checkout: the runner's own files.
fn beside(place: &Path) -> PathBuf {
    place.with_extension("runner")
}

fn shell(folder: &Path, script: &str) -> String {
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs nix, skopeo, docker-registry, apache2-utils and unzip"]
fn the_scripts_of_the_workflows_make_a_release_and_a_second_run_changes_nothing() {
    let mut runner = Runner::new();
    runner.release();
    let matrix: serde_json::Value = serde_json::from_str(&runner.outputs["targets"]).unwrap();
    assert_eq!(matrix["include"][0]["target"], TRIPLE);
    {
        let hub = runner.hub.hub();
        let names: Vec<&str> = hub.releases[0].assets.iter().map(|a| a.name.as_str()).collect();
        assert_eq!((hub.releases.len(), names.len(), hub.releases[0].draft), (1, 7, false), "{names:?}");
        assert_eq!(hub.latest().unwrap().tag, "v0.1.0");
    }
    for line in ["awaiting promotion", "set github:saynaai/sayna: latest = v0.1.0", "bit-identical: "] {
        assert!(runner.said.contains(line), "{line}:\n{}", runner.said);
    }
    let [one, two] = runner.repositories();
    let tags = |repository: &str, tag: &str| {
        let image = format!("docker://{repository}:{tag}");
        let arguments = ["inspect", "--raw", "--tls-verify=false", &image];
        Digest::of(crate::registry::server::tool("skopeo", &arguments).as_bytes())
    };
    assert_eq!(tags(&one, "0.1.0"), tags(&one, "latest"));
    assert_eq!(tags(&two, "0.1.0"), tags(&two, "latest"));
    assert_eq!(tags(&one, "latest"), tags(&two, "latest"));
    runner.is_verified_by_strangers();
    // Once more from nothing, as who starts the workflow by hand on the tag: what is public is not built again.
    fs::remove_dir_all(runner.artifacts("")).unwrap();
    let before = runner.hub.hub().requests.len();
    runner.said.clear();
    runner.release();
    assert_eq!(runner.said.matches("taken from what github:saynaai/sayna has already").count(), 2, "{}", runner.said);
    assert_eq!(runner.said.matches("nothing to do").count(), 3 * 2, "{}", runner.said);
    let hub = runner.hub.hub();
    let changes: Vec<&String> =
        hub.requests[before..].iter().filter(|r| !r.starts_with("GET ") && !r.starts_with("HEAD ")).collect();
    // `latest` is made on purpose once more, as a reader cannot see that it was.
    assert_eq!(changes.len(), 1, "{changes:?}");
    for secret in ["push-token", "read-token", "s3cret", "cache-token"] {
        assert!(!runner.said.contains(secret), "{secret} was printed");
    }
}
