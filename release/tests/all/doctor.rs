//! `doctor` sees what would stop a release, says what to do, and changes nothing.

use std::process::{Command, Output};

use serde_json::Value;

use crate::github::Counterpart;
use crate::support::World;

struct Scene {
    world: World,
    hub: Counterpart,
}

impl Scene {
    /// A checkout that can be released, once it is tagged; without an image.
    fn new() -> Self {
        let hub = Counterpart::start();
        hub.hub().immutable = true;
        let mut world = World::new();
        let table = world.read("sayna-release.toml");
        let (before, after) = (table.split("[image]").next().unwrap(), table.split_once("[build]").unwrap().1);
        world.write("sayna-release.toml", &format!("{before}[build]{after}"));
        world.edit("sayna-release.toml", "files = ", "cachix = \"sayna\"\nfiles = ");
        let native = format!(
            "\n[[native]]\nname = \"libwebrtc\"\nversion = \"1\"\nlicence = \"BSD-3-Clause\"\nfor = \"livekit\"\n\
             url = \"{}/libwebrtc.zip\"\nsha256 = {{ x86_64-unknown-linux-gnu = \"{}\" }}\n",
            hub.addresses.outside,
            "0".repeat(64)
        );
        let table = world.read("sayna-release.toml");
        world.write("sayna-release.toml", &(table + &native));
        let locked = r#"{"nodes": {"crane": {"locked": {"type": "github", "owner": "a", "repo": "b", "rev": "c"}}}}"#;
        world.write("flake.lock", locked);
        world.write(".gitignore", "/dist/\n");
        world.commit("feat: begin");
        Self { world, hub }
    }

    fn doctor(&self, variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.current_dir(self.world.root()).args(["--json", "doctor"]).env_remove("GITHUB_ACTIONS");
        command.env("GITHUB_API_URL", &self.hub.addresses.api).env("GITHUB_SERVER_URL", &self.hub.addresses.outside);
        command.env("SAYNA_CACHIX_URL", &self.hub.addresses.outside).env("GITHUB_TOKEN", "admin-token");
        command.env("CACHIX_AUTH_TOKEN", "cache-token").env("NO_COLOR", "1").envs(variables.iter().copied());
        command.output().unwrap()
    }

    /// The one check that is not well, with its verdict; its remedy, where it has failed, is never empty.
    fn sees(&self, variables: &[(&str, &str)], id: &str, verdict: &str, words: &str) {
        let output = self.doctor(variables);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let unwell: Vec<&Value> =
            report["checks"].as_array().unwrap().iter().filter(|c| c["verdict"] != "ok").collect();
        assert_eq!(unwell.len(), 1, "{id}: {report:#}");
        let check = unwell[0];
        assert_eq!((check["id"].as_str(), check["verdict"].as_str()), (Some(id), Some(verdict)), "{report:#}");
        assert!(check["evidence"].as_str().unwrap().contains(words), "{check:#}");
        let failed = verdict == "failed";
        assert_eq!(check["remedy"].is_string(), failed, "{check:#}");
        assert_eq!(output.status.code(), Some(i32::from(failed)));
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        for secret in ["admin-token", "push-token", "read-token", "cache-token", "reader"] {
            assert!(!said.contains(secret), "{said}");
        }
        let changes =
            self.hub.hub().requests.iter().filter(|r| !r.starts_with("GET ") && !r.starts_with("HEAD ")).count();
        assert_eq!(changes, 0);
    }
}

#[test]
fn doctor_finds_no_obstacle() {
    let scene = Scene::new();
    let output = scene.doctor(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<&str> = report["checks"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["plan", "token", "tag", "immutable", "runners", "cachix", "pins"]);
    // At the tag itself too, as in the workflow.
    scene.world.tag("v0.1.0");
    scene.hub.hub().tags.insert("v0.1.0".to_owned(), scene.world.head());
    assert_eq!(scene.doctor(&[]).status.code(), Some(0));
}

#[test]
fn tokens_and_their_rights() {
    let scene = Scene::new();
    scene.sees(&[("GITHUB_TOKEN", "push-token")], "immutable", "not-seen", "administrator");
    scene.hub.hub().scopes.insert("admin-token".to_owned(), "read:org, gist".to_owned());
    scene.sees(&[], "token", "failed", "read:org, gist");
    scene.hub.hub().scopes.insert("admin-token".to_owned(), "gist, repo".to_owned());
    assert_eq!(scene.doctor(&[]).status.code(), Some(0));
    scene.hub.hub().immutable = false;
    scene.sees(&[], "immutable", "failed", "are off");
}

#[test]
fn a_job_of_a_workflow_may_read_and_a_laptop_must_write() {
    let scene = Scene::new();
    let verdicts = |variables: &[(&str, &str)]| -> Vec<(String, String)> {
        let report: Value = serde_json::from_slice(&scene.doctor(variables).stdout).unwrap();
        let text = |c: &Value, key: &str| c[key].as_str().unwrap().to_owned();
        let checks = report["checks"].as_array().unwrap().iter().filter(|c| c["verdict"] != "ok");
        checks.map(|c| (text(c, "id"), text(c, "verdict"))).collect()
    };
    let of = |pairs: [(&str, &str); 2]| pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
    let reader = ("GITHUB_TOKEN", "read-token");
    assert_eq!(verdicts(&[reader]), of([("token", "failed"), ("immutable", "not-seen")]));
    let job = [reader, ("GITHUB_ACTIONS", "true")];
    assert_eq!(verdicts(&job), of([("token", "not-seen"), ("immutable", "not-seen")]));
    assert_eq!(scene.doctor(&job).status.code(), Some(0));
}

#[test]
fn names_that_are_taken_elsewhere_or_spent() {
    let scene = Scene::new();
    scene.hub.hub().tags.insert("v0.1.0".to_owned(), "f".repeat(40));
    scene.sees(&[], "tag", "failed", "v0.1.0 is at ffff");
    scene.hub.hub().tags.clear();
    scene.sees(&[("CACHIX_AUTH_TOKEN", "reader")], "cachix", "failed", "permission \"Read\"");
    scene.sees(&[("CACHIX_AUTH_TOKEN", "unknown")], "cachix", "failed", "status 401");
    scene.sees(&[("CACHIX_AUTH_TOKEN", "")], "cachix", "not-seen", "without CACHIX_AUTH_TOKEN");
    for gone in ["/libwebrtc.zip", "/a/b/archive/c.tar.gz"] {
        scene.hub.hub().gone = [gone.to_owned()].into();
        scene.sees(&[], "pins", "failed", "status 404");
    }
}

#[test]
fn a_checkout_that_cannot_be_released_and_a_runner_that_is_gone() {
    let mut scene = Scene::new();
    scene.world.write("new.txt", "not committed");
    scene.sees(&[], "plan", "failed", "new.txt");
    scene.world.edit("sayna-release.toml", "windows-2022", "windows-2019");
    scene.world.commit("fix: another runner");
    scene.sees(&[], "runners", "failed", "windows-2019");
}

/// The table's section for an image in one registry.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn image(address: &str) -> String {
    format!(
        "\n[image]\nrepositories = [\"{address}/saynaai/sayna\"]\ncompression = \"gzip\"\nbudget = \"80 MB\"\n\
         platforms = [{{ os = \"linux\", arch = \"amd64\", target = \"x86_64-unknown-linux-gnu\" }}]\n"
    )
}

#[test]
#[ignore = "needs docker-registry and apache2-utils"]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_registry_is_tried_and_left_as_it_was() {
    use crate::registry::server::Server;
    let server = Server::basic();
    let mut scene = Scene::new();
    let table = scene.world.read("sayna-release.toml");
    scene.world.write("sayna-release.toml", &(table + &image(&server.address)));
    scene.world.commit("feat: an image");
    let right = [("SAYNA_REGISTRY_USERNAME", "rel"), ("SAYNA_REGISTRY_PASSWORD", "s3cret")];
    let output = scene.doctor(&right);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("takes an upload; 0.1.0 is free"), "{output:?}");
    // distribution forgets an upload that was given up, but for an empty folder of its own.
    let uploads = server.folder().join("data/docker/registry/v2/repositories/saynaai/sayna/_uploads");
    let sessions: Vec<_> = std::fs::read_dir(uploads).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(sessions.iter().all(|s| !s.join("data").exists() && !s.join("startedat").exists()), "one was left open");
    let wrong = [("SAYNA_REGISTRY_USERNAME", "rel"), ("SAYNA_REGISTRY_PASSWORD", "hunter2")];
    scene.sees(&wrong, "registry", "failed", "status 401");
}

/// As a new package at ghcr.io is: the project may push, and strangers may not pull.
#[test]
#[ignore = "needs docker-registry and apache2-utils"]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_private_repository_is_found_by_its_first_tag() {
    use crate::registry::server::{Server, TokenServer};
    let right = [("SAYNA_REGISTRY_USERNAME", "rel"), ("SAYNA_REGISTRY_PASSWORD", "s3cret")];
    for (tokens, private) in [(TokenServer::new(300), true), (TokenServer::public(), false)] {
        let server = Server::token(&tokens);
        let mut scene = Scene::new();
        let table = scene.world.read("sayna-release.toml");
        scene.world.write("sayna-release.toml", &(table + &image(&server.address)));
        scene.world.commit("feat: an image");
        assert_eq!(scene.doctor(&right).status.code(), Some(0), "without a tag, there is no package yet");
        crate::registry::push_an_image(&server.address, "saynaai/sayna", &right);
        if private {
            scene.sees(&right, "registry", "failed", "is private");
        } else {
            assert_eq!(scene.doctor(&right).status.code(), Some(0), "everybody may pull");
        }
    }
}
