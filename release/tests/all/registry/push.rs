//! A push stores the same bytes for this program and for other clients.

use std::fs;

use sayna_release::digest::Digest;
use sayna_release::oci;
use sayna_release::publish::{Error, Refusal};
use sayna_release::registry::{Object, Registry as _};

use super::between::{self, Between};
use super::server::{Server, tool};
use super::{look_as_a_stranger, reach};
use crate::small_release::{Release, documents};

#[test]
#[ignore = "needs docker-registry, ferro-oci-server and skopeo"]
fn one_digest_in_two_registries_and_a_layout_before_and_after_promotion() {
    let (one, two) = (Server::open(), Server::ferro());
    let release =
        Release::published_to(vec![reach(&one.address, "a/sayna", &[]), reach(&two.address, "b/c/sayna", &[])]);
    let [index, manifest, _] = documents(&release.registry(), "1.2.3");
    for remote in &release.remotes {
        assert_eq!(look_as_a_stranger(remote), ["1.2.3"], "no tags but the version's");
        assert_eq!(remote.resolve("1.2.3").unwrap(), Some(index));
    }
    for (server, repository) in [(&one, "a/sayna"), (&two, "b/c/sayna")] {
        let image = format!("docker://{}/{repository}:1.2.3", server.address);
        let raw = tool("skopeo", &["inspect", "--raw", "--tls-verify=false", &image]);
        assert_eq!(Digest::of(raw.as_bytes()), index);
        let inspect = ["--override-arch", "arm64", "inspect", "--tls-verify=false", &image];
        assert!(tool("skopeo", &inspect).contains("\"Architecture\": \"arm64\""));
        let copy = release.folder.path().join(repository.replace('/', "-"));
        let to = format!("oci:{}:v", copy.display());
        tool("skopeo", &["--insecure-policy", "copy", "--quiet", "--all", "--src-tls-verify=false", &image, &to]);
        assert!(copy.join("blobs/sha256").join(manifest.hex()).exists());
    }
    let again = release.publish();
    assert!(again.complete() && again.tracks.iter().all(|t| t.actions.is_empty()), "{again:?}");
    assert!(release.verify().passed(), "{:#?}", release.verify());
    assert_eq!(release.promote(false).unwrap().moves.len(), 4, "the forge and three registries");
    for remote in &release.remotes {
        assert_eq!(remote.resolve("latest").unwrap(), Some(index));
    }
    let stranger = release.verify_as_a_stranger();
    assert!(stranger.passed(), "{stranger:#?}");
}

#[test]
#[ignore = "needs docker-registry"]
fn a_version_tag_never_moves_and_latest_only_forwards() {
    let server = Server::open();
    let mut release = Release::published_to(vec![reach(&server.address, "sayna", &[])]);
    let latest = |release: &Release| release.remotes[0].resolve("latest").unwrap();
    let of = |release: &Release, version: &str| release.remotes[0].resolve(version).unwrap();
    release.promote(false).unwrap();
    let first = of(&release, "1.2.3");
    assert_eq!(latest(&release), first);
    release.next("1.3.0");
    assert_eq!(latest(&release), first, "not before it is promoted");
    release.promote(false).unwrap();
    let second = of(&release, "1.3.0");
    assert_eq!(latest(&release), second);
    release.next("1.2.4");
    assert!(release.promote(false).unwrap().moves.is_empty());
    assert_eq!(latest(&release), second, "a patch of an older line leaves it");
    release.promote(true).unwrap();
    assert_eq!(latest(&release), of(&release, "1.2.4"), "on purpose");
    // Another client points a version at something else.
    release.next("1.4.0");
    release.remotes[0].tag("1.4.0", second.unwrap()).unwrap();
    match release.try_publish() {
        Err(Error::Refused { refusal: Refusal::TagTaken { found, .. }, .. }) => assert_eq!(Some(found), second),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(of(&release, "1.4.0"), second);
}

/// A registry that takes all but one blob.
struct Without(Digest);

impl Between for Without {
    fn instead(&self, head: &str) -> Option<String> {
        let refused = head.starts_with("PUT ") && head.contains(&self.0.hex());
        refused.then(|| "HTTP/1.1 400 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned())
    }
}

#[test]
#[ignore = "needs docker-registry"]
fn one_platform_that_fails_holds_back_the_index() {
    let (server, release) = (Server::open(), Release::built_for(vec![]));
    let layout = oci::Layout::open(&release.folder.path().join("dist/linux-arm64/layout")).unwrap();
    let arm64 = layout.index().unwrap().manifests[0].digest;
    let lacking = layout.manifest(arm64).unwrap().config.digest;
    let address = between::start(&server.address, Without(lacking));
    let release = Release { remotes: vec![reach(&address, "a", &[])], ..release };
    let outcome = release.publish();
    let reason = outcome.tracks[2].stopped.as_ref().unwrap();
    assert!(reason.contains("status 400"), "{reason}");
    let [index, ..] = documents(&release.registry(), "1.2.3");
    let there = reach(&server.address, "a", &[]);
    assert!(there.manifest(index).is_err() && there.manifest(arm64).is_err());
    assert_eq!(there.tags().unwrap(), Vec::<String>::new());
    // Once it is taken, the next run brings the rest.
    let release = Release { remotes: vec![there], ..release };
    assert!(release.publish().complete());
    assert_eq!(release.remotes[0].resolve("1.2.3").unwrap(), Some(index));
}

#[test]
#[ignore = "needs docker-registry, podman, runc and root"]
fn podman_pulls_and_runs_what_was_pushed() {
    let server = Server::open();
    let release = Release::published_to(vec![reach(&server.address, "sayna", &[])]);
    let mut podman = crate::image::podman(release.folder.path());
    podman.args(["run", "--rm", "--tls-verify=false", "--network=none", "--read-only", "--cap-drop=all"]);
    assert_eq!(crate::image::tool(podman.arg(format!("{}/sayna:1.2.3", server.address))), "sayna 1.2.3\n");
}

#[test]
#[ignore = "needs ferro-oci-server and docker-registry"]
fn more_tags_than_a_page_holds_and_a_repository_that_is_not_there() {
    for server in [Server::ferro(), Server::open()] {
        let registry = reach(&server.address, "many", &[]);
        assert_eq!(registry.tags().unwrap(), Vec::<String>::new());
        assert_eq!(registry.resolve("1.2.3").unwrap(), None);
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("index.json");
        let bytes = oci::to_bytes(&oci::Index::new(Vec::new()));
        fs::write(&from, &bytes).unwrap();
        let kind = sayna_release::registry::Kind::Manifest;
        let object = Object { digest: Digest::of(&bytes), size: bytes.len() as u64, kind, from };
        assert!(!registry.has(&object).unwrap());
        let missing = registry.tag("1.2.3", object.digest).unwrap_err().to_string();
        assert!(missing.contains(&format!("has no manifest {}", object.digest)), "{missing}");
        registry.push(&object, &|_| ()).unwrap();
        assert!(registry.has(&object).unwrap());
        let mut tags: Vec<String> = (0..230).map(|n| format!("t{n}")).collect();
        for tag in &tags {
            registry.tag(tag, object.digest).unwrap();
        }
        let mut found = registry.tags().unwrap();
        tags.sort();
        found.sort();
        assert_eq!(found, tags);
    }
}

#[test]
#[ignore = "needs docker-registry and skopeo"]
fn a_latest_that_somebody_copied_there_is_moved_over_and_back() {
    let server = Server::open();
    let mut release = Release::published_to(vec![reach(&server.address, "sayna", &[])]);
    // The manifest of one platform, which has no version of its own for this program.
    let copy = |version: &str| {
        let image = |tag: &str| format!("docker://{}/sayna:{tag}", server.address);
        let tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
        let how = ["--insecure-policy", "--override-arch", "amd64", "copy", "--quiet"];
        tool("skopeo", &[&how[..], &tls, &[image(version).as_str(), image("latest").as_str()]].concat());
    };
    copy("1.2.3");
    let outcome = release.promote(false).unwrap();
    assert!(outcome.moves[2].contains("no public version of this project"), "{outcome:?}");
    assert!(release.verify().passed(), "{:#?}", release.verify());
    release.next("1.3.0");
    release.promote(false).unwrap();
    release.next("1.2.4");
    copy("1.3.0");
    assert!(release.promote(false).unwrap().moves.is_empty(), "1.3.0 is public and newer");
    assert_eq!(release.promote(true).unwrap().moves.len(), 3);
    let registry = &release.remotes[0];
    assert_eq!(registry.resolve("latest").unwrap(), registry.resolve("1.2.4").unwrap());
}
