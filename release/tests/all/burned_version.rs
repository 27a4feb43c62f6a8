//! The way out of a spent version: the advice of errors, of `doctor` and of docs/release/when-it-fails.md, followed to its
//! end.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use sayna_release::forge::NEXT_VERSION;
use sayna_release::plan::{self, Options, Plan};

use crate::fixture::write_parts;
use crate::github::Counterpart;
use crate::signing::INSTANCE;
use crate::support::{World, git, project_file};

/// A project without an image, its repository on GitHub with the tag `v0.1.0`, whose release never came about.
struct Scene {
    world: World,
    hub: Counterpart,
    origin: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let table = world.read("sayna-release.toml");
        let (before, after) = (table.split("[image]").next().unwrap(), table.split_once("[build]").unwrap().1);
        let before = before.replace("toolchain = \"", "toolchain = \"1.95.0\" # \"");
        world.write("sayna-release.toml", &format!("{before}[build]{after}"));
        world.write("src/main.rs", "fn main() {}\n");
        world.write(".gitignore", "/target/\n/dist/\n");
        world.write("CHANGELOG.md", "# Changelog\n");
        world.commit("feat: begin");
        world.annotated_tag("v0.1.0");
        let origin = tempfile::tempdir().unwrap();
        world.git(&["init", "--quiet", "--bare", &origin.path().display().to_string()]);
        world.git(&["remote", "add", "origin", &origin.path().display().to_string()]);
        world.git(&["push", "--quiet", "origin", "HEAD", "v0.1.0"]);
        let scene = Self { world, hub: Counterpart::start(), origin };
        scene.hub.hub().immutable = true;
        scene.hub.hub().tags.insert("v0.1.0".to_owned(), scene.world.head());
        scene
    }

    fn root(&self) -> PathBuf {
        self.origin.path().join("trusted-root.json")
    }

    fn program(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.current_dir(self.world.root()).args(arguments).env("NO_COLOR", "1");
        command.env("GITHUB_API_URL", &self.hub.addresses.api).env("GITHUB_TOKEN", "push-token").output().unwrap()
    }

    /// Publishes HEAD under its tag, as the workflows do: attested parts, to the table's own forge.
    fn publish(&self) -> (Plan, Output) {
        let plan = plan::make(self.world.root(), &Options::default()).unwrap().plan;
        let (dist, root) = (self.world.path("dist"), self.root().display().to_string());
        drop(fs::remove_dir_all(&dist));
        write_parts(&plan, &dist, &plan.tag);
        let call = ["publish", "--tag", &plan.tag, "--trusted-root", &root];
        INSTANCE.write_root(&self.root());
        // The first run leaves the manifest, which is attested before the second.
        self.program(&[&call[..], &["--dry-run"]].concat());
        let manifest = fs::read(dist.join("publish").join(&plan.manifest)).unwrap();
        INSTANCE.attest(&plan, &dist, None, &manifest);
        let output = self.program(&call);
        (plan, output)
    }

    /// Does what the page says: the bump, and every line of its block.
    fn follow_the_page(&self) {
        let page = project_file("docs/release/when-it-fails.md");
        let section = page.split_once("### Burned version").unwrap().1.split("\n#").next().unwrap();
        assert!(section.contains("bump `version` in `Cargo.toml` to the next patch"), "{section}");
        self.world.edit("Cargo.toml", "version = \"0.1.0\"", "version = \"0.1.1\"");
        let block = section.split("```").nth(1).unwrap().strip_prefix("sh\n").unwrap();
        for line in block.lines() {
            let line = line.replace("1.2.4", "0.1.1");
            let line = line.replace("cargo run -p sayna-release --", env!("CARGO_BIN_EXE_sayna-release"));
            // Ada, at the world's time.
            let mut command = Command::new("sh");
            command.args(["-c", &line]).current_dir(self.world.root()).env_remove("CARGO_TARGET_DIR");
            let ada = git(self.world.root(), crate::support::START + 86_400);
            command.envs(ada.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command.env("GITHUB_API_URL", &self.hub.addresses.api).env("GITHUB_TOKEN", "push-token");
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{line}: {said}{}", String::from_utf8_lossy(&output.stdout));
            assert!(!said.contains("would refuse"), "{line}: {said}");
        }
        let pushed = self.world.git(&["ls-remote", "origin", "refs/tags/v0.1.1^{}"]);
        let commit = pushed.split('\t').next().unwrap().to_owned();
        assert_eq!(commit, self.world.head());
        self.hub.hub().tags.insert("v0.1.1".to_owned(), commit);
    }

    /// Public, with all that the spent version would have brought.
    fn ends_in_public(&self) {
        let (_, output) = self.publish();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let hub = self.hub.hub();
        let release = hub.releases.iter().find(|r| r.tag == "v0.1.1" && !r.draft).unwrap();
        assert!(release.notes.contains("- Begin (") && release.immutable, "{}", release.notes);
        assert!(release.notes.contains("/releases/tag/v0.1.1)"), "{}", release.notes);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The advice, however its lines are broken.
fn advises(output: &Output) {
    let said = said(output);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ").replace("\\\"", "\"");
    assert!(words.contains(NEXT_VERSION), "{said}");
}

#[test]
fn a_tag_that_was_never_published_is_followed_by_a_bump_alone() {
    let scene = Scene::new();
    scene.follow_the_page();
    scene.ends_in_public();
}

#[test]
fn a_name_that_github_keeps_for_a_deleted_release_is_left_as_its_error_says() {
    let scene = Scene::new();
    scene.hub.hub().spent.insert("v0.1.0".to_owned());
    let (_, output) = scene.publish();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    advises(&output);
    scene.follow_the_page();
    scene.ends_in_public();
}

#[test]
fn a_tag_that_is_elsewhere_on_github_is_left_as_doctor_and_publish_say() {
    let scene = Scene::new();
    scene.hub.hub().tags.insert("v0.1.0".to_owned(), "f".repeat(40));
    let output = scene.program(&["doctor"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    advises(&output);
    let (_, output) = scene.publish();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    advises(&output);
    scene.follow_the_page();
    scene.ends_in_public();
}
