//! The command itself, and a whole release.

use std::process::{Command, Output};

use sayna_release::forge::Github;
use sayna_release::http::Client;
use sayna_release::watch::{self, Error, Finding, Service};
use serde_json::{Value, json};

use super::PURL;
use crate::github::{Counterpart, reach};
use crate::signing::INSTANCE;
use crate::small_release::Release;

fn look(release: &Release, forge: &Github, service: &str) -> Result<Finding, Error> {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::new().unwrap().with_attempts(1);
    release.with_request_to(forge, None, |request| {
        watch::look(request, Service { client: &client, url: service, vex: None }, folder.path())
    })
}

#[test]
fn a_release_is_seen_whole_or_nothing_is_said_of_it() {
    let hub = Counterpart::start();
    let release = Release::unpublished();
    INSTANCE.write_root(&release.root());
    hub.hub().immutable = true;
    hub.hub().tags.insert(release.plan.tag.clone(), release.plan.commit.clone());
    assert!(release.try_publish_to(&reach(&hub.addresses.api, "push-token")).unwrap().complete());
    let forge = || reach(&hub.addresses.api, "").for_looking();
    assert_eq!(watch::newest(&forge(), &release.table.table.release).unwrap().as_deref(), Some("v1.2.3"));
    let service = hub.addresses.outside.clone();
    let found = look(&release, &forge(), &service).unwrap();
    assert!(found.is_clean() && found.components == 1, "{found:?}");
    assert!(found.sboms.iter().any(|name| name.ends_with(".cdx.json")), "{found:?}");
    hub.hub().osv.know("RUSTSEC-2026-0001", PURL, &json!({}));
    assert_eq!(look(&release, &forge(), &service).unwrap().advisories.len(), 1);
    // Neither is clean: a service, or a forge, that cannot be asked.
    assert!(matches!(look(&release, &forge(), "http://127.0.0.1:1"), Err(Error::Advisories(_))));
    let gone = reach("http://127.0.0.1:1", "").for_looking();
    assert!(matches!(look(&release, &gone, &service), Err(Error::Unseen { .. })));
    let sbom = hub.hub().releases[0].assets.iter().position(|a| a.name.ends_with(".cdx.json")).unwrap();
    hub.hub().releases[0].assets[sbom].bytes = b"{".to_vec();
    let first = look(&release, &forge(), &service).unwrap();
    assert!(!first.rows.is_empty(), "{first:?}");
    // Evidence is the same each time: no folder of a run is in it.
    let second = look(&release, &forge(), &service).unwrap();
    assert_eq!(first.rows, second.rows);
}

fn watch(hub: &Counterpart, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.args(["--json", "watch"]).args(arguments).current_dir(std::env::temp_dir());
    command.env("GITHUB_API_URL", &hub.addresses.api).env("GITHUB_TOKEN", "push-token").env("NO_COLOR", "1");
    command.env("SAYNA_ADVISORIES_URL", &hub.addresses.outside).env("DOCKER_CONFIG", "/nonexistent");
    command.output().unwrap()
}

#[test]
fn without_a_public_release_there_is_nothing_to_watch() {
    let hub = Counterpart::start();
    let output = watch(&hub, &[]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &document["finding"]), (Some(0), &Value::Null), "{output:?}");
    assert!(hub.hub().requests.iter().all(|request| request.starts_with("GET ")));
    let missing = watch(&hub, &["--forge", "github:somebody/else"]);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    let folder = watch(&hub, &["--forge", "dir:x"]);
    assert!(folder.status.code() == Some(2) && String::from_utf8_lossy(&folder.stderr).contains("has no issues"));
}

#[test]
fn a_release_in_a_folder_is_looked_at_without_an_issue() {
    let hub = Counterpart::start();
    hub.hub().osv.know("RUSTSEC-2026-0001", PURL, &json!({"summary": "one"}));
    let release = Release::published();
    let place = |name: &str| release.folder.path().join(name).display().to_string();
    let (forge, registry) = (format!("dir:{}", place("forge")), format!("oci:{}", place("registry")));
    let output = watch(&hub, &["--dry-run", "--forge", &forge, "--registry", &registry]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    assert_eq!(output.status.code(), Some(1), "{document:#}");
    assert_eq!(document["finding"]["advisories"][0]["id"], "RUSTSEC-2026-0001");
    assert_eq!((&document["finding"]["rows"], &document["actions"]), (&json!([]), &json!([])), "{document:#}");
}
