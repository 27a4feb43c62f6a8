//! Attestations beside the image in real registries: with the referrers API, without it, and with half of it.

use std::collections::BTreeMap;
use std::fs;

use sayna_release::digest::Digest;
use sayna_release::oci;
use sayna_release::registry::{Distribution, Registry};
use serde_json::Value;

use super::between::{self, Between};
use super::server::{Server, tool};
use super::{look_as_a_stranger, reach};
use crate::attested_release::World;
use crate::faults::proxy::{Fault, Proxy};
use crate::small_release::{Release, documents};

const NOTE: &str = "application/vnd.example.note";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn tag_of(index: Digest) -> String {
    format!("sha256-{}", index.hex())
}

fn tags(registry: &Distribution) -> Vec<String> {
    let mut tags = look_as_a_stranger(registry);
    tags.sort();
    tags
}

/// What `oras` finds beside an image, by the options that lead it there.
fn discover(place: &[&str]) -> Vec<Value> {
    let found = tool("oras", &[&["discover", "--format", "json"], place].concat());
    let found: Value = serde_json::from_str(&found).unwrap();
    found["referrers"].as_array().cloned().unwrap_or_default()
}

#[test]
#[ignore = "needs docker-registry, ferro-oci-server and oras"]
fn two_kinds_of_registry_and_a_layout_have_them_and_others_find_them() {
    let (one, two) = (Server::open(), Server::ferro());
    let mut release =
        Release::built_for(vec![reach(&one.address, "a/sayna", &[]), reach(&two.address, "b/sayna", &[])]);
    release.attest();
    assert!(release.publish().complete());
    release.is_project_origin = true;
    let [index, ..] = documents(&release.registry(), "1.2.3");
    assert_eq!(tags(&release.remotes[0]), ["1.2.3".to_owned(), tag_of(index)], "a tag stands in for the API");
    assert_eq!(tags(&release.remotes[1]), ["1.2.3"], "where there is the API, there is no such tag");
    let places = [format!("{}/a/sayna:1.2.3", one.address), format!("{}/b/sayna:1.2.3", two.address)];
    let layout = format!("{}:1.2.3", release.folder.path().join("registry").display());
    let mut digests = Vec::new();
    for place in [["--plain-http", &places[0]], ["--plain-http", &places[1]], ["--oci-layout", &layout]] {
        let mut found = discover(&place);
        found.sort_by_key(|f| f["annotations"]["dev.sigstore.bundle.predicateType"].to_string());
        let kinds: Vec<_> = found.iter().map(|f| &f["annotations"]["dev.sigstore.bundle.predicateType"]).collect();
        assert_eq!(kinds, ["https://cyclonedx.org/bom", "https://slsa.dev/provenance/v1"]);
        assert!(found.iter().all(|f| f["artifactType"] == BUNDLE), "{found:?}");
        digests.push(found.iter().map(|f| f["digest"].clone()).collect::<Vec<_>>());
    }
    assert!(digests.iter().all(|d| *d == digests[0]), "{digests:?}");
    for report in [release.verify(), release.verify_as_a_stranger()] {
        assert!(report.passed(), "{report:#?}");
        let row = report.rows.iter().find(|r| r.id == "referrers").unwrap();
        assert!(row.evidence.contains("in 3 registries"), "{row:?}");
    }
    for _ in 0..2 {
        let again = release.publish();
        assert!(again.complete() && again.tracks.iter().all(|t| t.actions.is_empty()), "{again:?}");
        release.attest();
    }
    // `latest` and everything else that promotion looks at is blind to the tag.
    assert_eq!(release.promote(false).unwrap().moves.len(), 4);
    assert!(release.verify().passed());
}

#[test]
#[ignore = "needs docker-registry, ferro-oci-server and oras"]
fn foreign_referrers_of_the_image_stay() {
    let world = World::attested(1);
    let index = world.index().unwrap();
    for server in [Server::open(), Server::ferro()] {
        let registry = reach(&server.address, "a", &[]);
        world.publish_to(&[&registry]).unwrap();
        let note = world.folder.path().join("note.txt");
        fs::write(&note, "seen").unwrap();
        let attach = |image: &str| {
            let file = format!("{}:text/plain", note.display());
            let kind = ["--artifact-type", NOTE, "--annotation", "org.example.by=us"];
            let how = ["attach", "--plain-http", "--disable-path-validation"];
            tool("oras", &[&how[..], &kind, &[image, &file]].concat());
        };
        attach(&format!("{}/a@{index}", server.address));
        // The same before this program comes.
        let [from, to] = ["a:1.2.3", "b:copied"].map(|name| format!("{}/{name}", server.address));
        tool("oras", &["copy", "--from-plain-http", "--to-plain-http", &from, &to]);
        attach(&to);
        for registry in [registry, reach(&server.address, "b", &[])] {
            assert!(world.publish_to(&[&registry]).unwrap().complete());
            let found = registry.referrers(index).unwrap();
            let of = |kind: &str| found.iter().find(|d| d.artifact_type.as_deref() == Some(kind)).unwrap();
            assert_eq!(found.len(), 3, "{found:?}");
            assert_eq!(of(NOTE).annotations["org.example.by"], "us");
            assert!(of(BUNDLE).annotations.contains_key("dev.sigstore.bundle.content"));
        }
    }
}

/// What may happen to the requests that a push has beyond those that `faults` breaks in every way.
const FAULTS: [Fault; 5] =
    [Fault::CutAfter, Fault::Truncate, Fault::Status(403), Fault::Status(412), Fault::StatusAfter(500)];

#[test]
#[ignore = "needs docker-registry and ferro-oci-server"]
fn after_a_fault_at_every_request_a_rerun_has_it_listed_once() {
    let world = World::attested(1);
    let index = world.index().unwrap();
    for server in [Server::open(), Server::ferro()] {
        let proxy = Proxy::before(&[&server.address]);
        let mut wanted = None;
        for (row, fault) in FAULTS.into_iter().enumerate() {
            for number in 0.. {
                let registry = reach(proxy.address(), &format!("f{row}/n{number}"), &[]);
                proxy.arm(Some((number, fault)));
                let first = world.publish_to(&[&registry]);
                let reached = proxy.fired();
                proxy.arm(None);
                look_as_a_stranger(&registry);
                let second = world.publish_to(&[&registry]).unwrap();
                assert!(second.complete(), "{fault} at {number}: {first:?}, then {second:?}");
                let found = registry.referrers(index).unwrap();
                // In which order depends on which was there first.
                let found: BTreeMap<Digest, oci::Descriptor> = found.into_iter().map(|d| (d.digest, d)).collect();
                assert_eq!(*wanted.get_or_insert_with(|| found.clone()), found, "{fault} at {number}");
                assert_eq!(found.len(), 2, "{fault} at {number}");
                if !reached {
                    break;
                }
            }
        }
    }
}

/// In front of a registry without the API, what real ones do.
#[derive(Clone, Copy)]
enum Half {
    /// Docker Hub, in its time: takes note of subjects, and cannot list them.
    SaysItHas,
    /// Others: the API is there, and lists nothing.
    ListsNothing,
    /// A page for people in place of what is not there.
    ShowsAPage,
    /// ghcr.io: such a page on another server, which this program must not ask.
    LeadsAway,
}

impl Between for Half {
    fn instead(&self, head: &str) -> Option<String> {
        let (kind, text) = match self {
            Self::ListsNothing => (oci::media::INDEX, r#"{"schemaVersion":2,"manifests":[]}"#),
            Self::ShowsAPage => ("text/html", "<p>Nothing is here.</p>"),
            Self::LeadsAway => ("text/html", "<p>Look over there.</p>"),
            Self::SaysItHas => return None,
        };
        let (status, more) = match self {
            Self::LeadsAway => ("303 See Other", "Location: http://127.0.0.1:1/-/v2/packages\r\n"),
            _ => ("200 OK", ""),
        };
        let length = text.len();
        (head.starts_with("GET ") && head.contains("/referrers/")).then(|| {
            format!(
                "HTTP/1.1 {status}\r\n{more}Content-Type: {kind}\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{text}"
            )
        })
    }

    fn more(&self, body: &[u8]) -> Option<String> {
        let body: Value = serde_json::from_slice(body).ok().filter(|_| matches!(self, Self::SaysItHas))?;
        Some(format!("OCI-Subject: {}", body["subject"]["digest"].as_str()?))
    }
}

#[test]
#[ignore = "needs docker-registry and oras"]
fn a_registry_that_has_half_of_the_api_gets_the_tag_all_the_same() {
    let world = World::attested(1);
    let index = world.index().unwrap();
    for how in [Half::SaysItHas, Half::ListsNothing, Half::ShowsAPage, Half::LeadsAway] {
        let server = Server::open();
        let registry = reach(&between::start(&server.address, how), "a", &[]);
        assert!(world.publish_to(&[&registry]).unwrap().complete());
        assert_eq!(tags(&registry), ["1.2.3".to_owned(), tag_of(index)]);
        assert_eq!(registry.referrers(index).unwrap().len(), 2);
        let again = world.publish_to(&[&registry]).unwrap();
        assert!(again.tracks.iter().all(|t| t.actions.is_empty()), "{again:?}");
        assert_eq!(discover(&["--plain-http", &format!("{}/a:1.2.3", server.address)]).len(), 2);
    }
}

#[test]
#[ignore = "needs docker-registry"]
fn a_tag_that_is_no_list_is_left_alone_and_named() {
    let world = World::attested(1);
    let index = world.index().unwrap();
    let server = Server::open();
    let registry = reach(&server.address, "a", &[]);
    let other = World::attested(1);
    other.publish_to(&[&registry]).unwrap();
    // A manifest, which has no list, under the tag.
    let list: oci::Index = serde_json::from_slice(&registry.manifest(index).unwrap()).unwrap();
    registry.tag(&tag_of(index), list.manifests[0].digest).unwrap();
    let outcome = world.publish_to(&[&registry]).unwrap();
    let reason = outcome.tracks[1].stopped.clone().unwrap();
    assert!(reason.contains(&format!("{} is no list of referrers", tag_of(index))), "{reason}");
    assert_eq!(registry.resolve(&tag_of(index)).unwrap(), Some(list.manifests[0].digest));
}
