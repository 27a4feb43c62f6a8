//! Crates of one name and version from several places: each is a component of its own, with what is true of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sayna_release::digest::Digest;
use sayna_release::graph::Graph;
use sayna_release::licences;
use sayna_release::plan::{self, Plan};
use sayna_release::sbom;
use serde_json::Value;

use crate::support::graph::host;
use crate::support::{World, git};

const HEX: &str = "hex = \"=0.4.3\"\n";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn package(folder: &Path, name: &str, version: &str, rest: &str) {
    let head =
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\nlicense = \"MIT\"\n");
    write(folder, "Cargo.toml", &format!("{head}{rest}"));
    write(folder, "src/lib.rs", "");
}

/// A project, and beside it a repository with the crate `hex` below its top folder.
struct Place {
    folder: tempfile::TempDir,
    commit: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        package(&other.join("crates/hex"), "hex", "0.4.3", "");
        write(&other, "LICENSE", "The licence at the top of the repository, as is.\n");
        let run = |arguments: &[&str]| {
            let output = git(&other, crate::support::START).args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        run(&["init", "--quiet", "--initial-branch", "main"]);
        run(&["add", "."]);
        run(&["commit", "--quiet", "--message", "feat: hex"]);
        run(&["branch", "for/one"]);
        let commit = run(&["rev-parse", "HEAD"]);
        Self { folder, commit }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    fn url(&self) -> String {
        format!("file://{}", self.folder.path().join("other").display())
    }

    /// What the project links with these dependencies. The registry's crate is the one that this machine has.
    fn graph(&self, dependencies: &str) -> Graph {
        package(&self.root(), "app", "0.1.0", &format!("\n[dependencies]\n{dependencies}"));
        write(&self.root(), "deny.toml", "[licenses]\nallow = [\"Apache-2.0\", \"MIT\"]\n");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // The repository of this test is read; the registry's crate is one that the program itself links.
        let output = command.current_dir(self.root()).arg("generate-lockfile").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Graph::resolve(&self.root(), "app", &host(), &[]).unwrap()
    }
}

fn document(graph: &Graph) -> Value {
    let world = World::begun();
    let plan: Plan = plan::make(world.root(), &plan::Options::default()).unwrap().plan;
    let (plan, target, rustc) = (&plan, &host(), &semver::Version::new(1, 95, 0));
    let input =
        sbom::Input { plan, target, rustc, graph, natives: &[], models: &[], binary: Digest::of(b"ELF"), system: None };
    serde_json::from_slice(&sbom::document(&input).unwrap()).unwrap()
}

fn of_hex(document: &Value) -> Vec<&Value> {
    document["components"].as_array().unwrap().iter().filter(|c| c["name"] == "hex").collect()
}

#[test]
fn a_registrys_crate_and_a_path_crate_of_the_same_name_and_version_are_two_components() {
    let place = Place::new();
    package(&place.root().join("own"), "hex", "0.4.3", "\n[features]\ndefault = []\n");
    write(&place.root(), "own/LICENSE", "The licence of our own, as is.\n");
    let graph = place.graph(&format!("{HEX}own = {{ package = \"hex\", path = \"own\" }}\n"));
    let document = document(&graph);
    let found = of_hex(&document);
    assert_eq!(found.len(), 2, "{found:?}");
    let (registrys, own) = (found[0], found[1]);
    assert_eq!(registrys["purl"], "pkg:cargo/hex@0.4.3");
    assert_eq!(registrys["hashes"][0]["content"].as_str().unwrap().len(), 64);
    assert_eq!(registrys["licenses"][0]["expression"], "MIT OR Apache-2.0");
    assert!(own["purl"].as_str().unwrap().starts_with("pkg:generic/hex@0.4.3?vcs_url=git%2Bhttps:"), "{own}");
    assert!(own["hashes"].is_null() && own["pedigree"]["commits"].is_array(), "{own}");
    assert_eq!(own["licenses"][0]["expression"], "MIT");
    let root = &document["metadata"]["component"]["bom-ref"];
    let edges = document["dependencies"].as_array().unwrap();
    let below = edges.iter().find(|edge| edge["ref"] == *root).unwrap()["dependsOn"].to_string();
    assert!(found.iter().all(|component| below.contains(component["bom-ref"].as_str().unwrap())), "{below}");
    let text = licences::third_party(&place.root(), &graph, &[]).unwrap();
    for name in ["hex 0.4.3 (of Cargo's registry)", "hex 0.4.3 (of this repository)", "The licence of our own"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn crates_of_git_repositories_are_named_by_their_commits() {
    let place = Place::new();
    let url = place.url();
    let graph = place.graph(&format!(
        "hex = {{ git = {url:?} }}\nother = {{ package = \"hex\", git = {url:?}, branch = \"for/one\" }}\n"
    ));
    let document = document(&graph);
    let found = of_hex(&document);
    let refs: Vec<&str> = found.iter().map(|component| component["bom-ref"].as_str().unwrap()).collect();
    assert!(refs.len() == 2 && refs[0] != refs[1], "{refs:?}");
    let encoded = format!("git+{url}@{}", place.commit).replace('+', "%2B").replace('/', "%2F").replace('@', "%40");
    for component in found {
        assert_eq!(component["purl"], format!("pkg:generic/hex@0.4.3?vcs_url={encoded}"));
        assert_eq!(component["pedigree"]["commits"][0]["uid"], place.commit);
        assert_eq!(component["pedigree"]["commits"][0]["url"], url);
        assert!(component["hashes"].is_null(), "{component}");
    }
    let text = licences::third_party(&place.root(), &graph, &[]).unwrap();
    assert!(text.contains("The licence at the top of the repository"), "{text}");
    assert!(text.contains(&format!("hex 0.4.3 (of {url}#{})", place.commit)), "{text}");
}

#[test]
fn a_patch_by_path_or_by_git_is_no_crate_of_the_registry() {
    let place = Place::new();
    package(&place.root().join("own"), "hex", "0.4.3", "");
    let url = place.url();
    for (patch, purl) in [("path = \"own\"".to_owned(), "saynaai"), (format!("git = {url:?}"), &place.commit)] {
        let graph = place.graph(&format!("{HEX}\n[patch.crates-io]\nhex = {{ {patch} }}\n"));
        let document = document(&graph);
        let found = of_hex(&document);
        let found: Vec<&str> = found.iter().map(|component| component["purl"].as_str().unwrap()).collect();
        assert!(found.len() == 1 && found[0].starts_with("pkg:generic/hex@") && found[0].contains(purl), "{found:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_tree_that_is_reached_by_a_link_has_the_same_crates() {
    let place = Place::new();
    package(&place.root().join("own"), "own", "1.0.0", "");
    place.graph("own = { path = \"own\" }\n");
    let link = place.folder.path().join("link");
    std::os::unix::fs::symlink(place.root(), &link).unwrap();
    let graph = Graph::resolve(&link, "app", &host(), &[]).unwrap();
    assert_eq!(graph.crates.iter().map(|krate| krate.id.to_string()).collect::<Vec<_>>(), ["own 1.0.0"]);
}

#[test]
fn a_crate_outside_of_the_tree_is_refused_with_its_folder_and_the_way_out() {
    let place = Place::new();
    place.graph("");
    let outside = "hex = { path = \"../other/crates/hex\" }\n";
    package(&place.root(), "app", "0.1.0", &format!("\n[dependencies]\n{outside}"));
    write(
        &place.root(),
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"hex\"]\n\n[[package]]\nname = \"hex\"\nversion = \"0.4.3\"\n",
    );
    let error = Graph::resolve(&place.root(), "app", &host(), &[]).unwrap_err();
    assert!(error.to_string().contains("other/crates/hex") && error.to_string().contains("outside of this tree"));
    assert!(error.hint().unwrap().contains("hex"), "{error}");
}
