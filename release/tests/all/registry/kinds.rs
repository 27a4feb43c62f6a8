//! What registries do that the specification does not say, put in front of real ones: repositories that are not there yet,
//! tags that are written once, machines that lag behind, writes that are lost.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use sayna_release::forge::Directory;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Options, Outcome};
use sayna_release::registry::{Distribution, Purpose, Registry as _};

use super::between::{self, Between};
use super::reach;
use super::server::{Server, TokenServer};
use crate::attested_release::World;
use crate::fixture::{plan, write_parts};

const RIGHT: [(&str, &str); 2] = [("SAYNA_REGISTRY_USERNAME", "rel"), ("SAYNA_REGISTRY_PASSWORD", "s3cret")];
const NONE: [(&str, &str); 1] = [("DOCKER_CONFIG", "/nonexistent")];

fn answer(status: &str, headers: &str) -> String {
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"access to the requested resource is not authorized"}]}"#;
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

pub(super) fn publish_to(registry: &Distribution) -> Outcome {
    let (plan, root) = (plan("1.2.3", 1, 1), tempfile::tempdir().unwrap());
    write_parts(&plan, &root.path().join("dist"), "a");
    let forge = Directory::new(root.path().join("forge"));
    let destinations =
        Destinations { forge: &forge, registries: &[registry], is_project_origin: false, trusted_root: None };
    let options = Options { allow_host_parts: true, ..Options::default() };
    publish::run(&plan, &root.path().join("dist"), destinations, options, &Progress::quiet()).unwrap()
}

/// Answers any read with this status until something is uploaded, as Quay does with 401 and Artifactory with 403.
struct NotMadeYet {
    status: &'static str,
    made: AtomicBool,
}

impl Between for NotMadeYet {
    fn instead(&self, head: &str) -> Option<String> {
        // The registry itself asks a client without credentials for them.
        let shows = head.to_ascii_lowercase().contains("\r\nauthorization: ");
        let reads = head.starts_with("GET ") || head.starts_with("HEAD ");
        if !reads && shows {
            self.made.store(true, SeqCst);
        }
        (reads && shows && !self.made.load(SeqCst)).then(|| answer(self.status, ""))
    }
}

#[test]
#[ignore = "needs docker-registry and apache2-utils"]
fn the_first_push_makes_a_repository_that_reads_are_refused_of() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let tokens = TokenServer::new(300);
        for server in [Server::token(&tokens), Server::basic()] {
            let between = || NotMadeYet { status, made: AtomicBool::new(false) };
            let reach = |purpose| reach(&between::start(&server.address, between()), "a", &RIGHT).for_purpose(purpose);
            let registry = reach(Purpose::Publish);
            let outcome = publish_to(&registry);
            assert!(outcome.complete(), "{status}: {outcome:?}");
            assert!(registry.resolve("1.2.3").unwrap().is_some());
            // What `doctor` does.
            let registry = reach(Purpose::Publish);
            assert_eq!(registry.tags().unwrap(), [""; 0]);
            registry.try_push().unwrap();
            // A command that changes nothing reports the refusal.
            let refused = reach(Purpose::Look).tags().unwrap_err().to_string();
            assert!(refused.contains("status 40"), "{refused}");
        }
        let asked = tokens.asked.lock().unwrap().clone();
        let reads = asked.iter().filter(|scope| scope.ends_with(":pull")).count();
        // But for the last, which looks, with credentials and without.
        assert!(asked.iter().filter(|s| s.ends_with(":pull,push")).count() >= 2 && reads <= 4, "{asked:?}");
    }
}

#[test]
#[ignore = "needs docker-registry and apache2-utils"]
fn a_real_refusal_shows_at_the_upload() {
    let server = Server::basic();
    let wrong = [("SAYNA_REGISTRY_USERNAME", "rel"), ("SAYNA_REGISTRY_PASSWORD", "hunter2")];
    for variables in [&wrong[..], &NONE] {
        let registry = reach(&server.address, "a", variables).for_purpose(Purpose::Publish);
        let outcome = publish_to(&registry);
        let track = &outcome.tracks[1];
        let why = track.stopped.as_ref().unwrap();
        assert!(why.contains("status 401") && why.contains("SAYNA_REGISTRY_PASSWORD"), "{outcome:?}");
        assert!(track.actions.is_empty() && track.left.len() == 6, "{outcome:?}");
        assert!(registry.try_push().is_err());
    }
}

/// Takes a write of that address, and does nothing.
struct Swallows(&'static str);

impl Between for Swallows {
    fn instead(&self, head: &str) -> Option<String> {
        let (first, _) = head.split_once("\r\n")?;
        let done = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
        (first.starts_with("PUT ") && first.contains(self.0)).then_some(done)
    }
}

#[test]
#[ignore = "needs docker-registry"]
fn a_write_that_a_registry_loses_was_not_done() {
    for (address, what) in
        [("/manifests/1.2.3", "tag 1.2.3"), ("/blobs/uploads/", "push blob"), ("/manifests/sha256:", "push manifest")]
    {
        let server = Server::open();
        let registry = reach(&between::start(&server.address, Swallows(address)), "a", &[]);
        let outcome = publish_to(&registry);
        let track = &outcome.tracks[1];
        assert!(!outcome.complete() && track.stopped.is_some(), "{outcome:?}");
        assert!(track.left.iter().any(|action| action.starts_with(what)), "{what}: {outcome:?}");
        assert!(!track.actions.iter().any(|action| action.starts_with(what)), "{what}: {outcome:?}");
    }
}

/// Some of the machines of a registry do not know of a list that was written a moment ago.
struct Lags {
    tag: String,
    /// Reads that come too early after each write.
    early: usize,
    left: AtomicUsize,
}

impl Between for Lags {
    fn instead(&self, head: &str) -> Option<String> {
        let (first, _) = head.split_once("\r\n")?;
        if !first.contains(&self.tag) {
            return None;
        }
        if first.starts_with("PUT ") {
            self.left.store(self.early, SeqCst);
            return None;
        }
        let is_early = self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        is_early.then(|| answer("404 Not Found", ""))
    }
}

/// A tag is written once.
struct Immutable {
    tag: String,
    written: AtomicBool,
    writes: Mutex<usize>,
}

impl Between for std::sync::Arc<Immutable> {
    fn instead(&self, head: &str) -> Option<String> {
        let (first, _) = head.split_once("\r\n")?;
        if !first.starts_with("PUT ") || !first.contains(&self.tag) {
            return None;
        }
        *self.writes.lock().unwrap() += 1;
        self.written.swap(true, SeqCst).then(|| answer("409 Conflict", ""))
    }
}

#[test]
#[ignore = "needs docker-registry"]
fn all_attestations_are_listed_by_one_write_whatever_the_registry_is_like() {
    let world = World::attested(1);
    let index = world.index().unwrap();
    let tag = format!("/manifests/sha256-{}", index.hex());
    for early in 1..4 {
        let server = Server::open();
        let lags = Lags { tag: tag.clone(), early, left: AtomicUsize::new(0) };
        let registry = reach(&between::start(&server.address, lags), "a", &[]);
        let outcome = world.publish_to(&[&registry]).unwrap();
        assert!(outcome.complete(), "{early}: {outcome:?}");
        assert_eq!(reach(&server.address, "a", &[]).referrers(index).unwrap().len(), 2, "{early} early reads");
    }
    let server = Server::open();
    let made = Immutable { tag, written: AtomicBool::new(false), writes: Mutex::new(0) };
    let immutable = std::sync::Arc::new(made);
    let registry = reach(&between::start(&server.address, std::sync::Arc::clone(&immutable)), "a", &[]);
    assert!(world.publish_to(&[&registry]).unwrap().complete());
    assert_eq!(registry.referrers(index).unwrap().len(), 2);
    assert_eq!(*immutable.writes.lock().unwrap(), 1);
    assert!(world.publish_to(&[&registry]).unwrap().complete(), "a second run has nothing to write");
}

/// The list is another publisher's, and does not change any more.
#[test]
#[ignore = "needs docker-registry"]
fn attestations_that_a_registry_does_not_list_are_named() {
    let world = World::attested(1);
    let tag = format!("/manifests/sha256-{}", world.index().unwrap().hex());
    let server = Server::open();
    let made = Immutable { tag, written: AtomicBool::new(true), writes: Mutex::new(0) };
    let registry = reach(&between::start(&server.address, std::sync::Arc::new(made)), "a", &[]);
    let outcome = world.publish_to(&[&registry]).unwrap();
    let track = &outcome.tracks[1];
    let why = track.stopped.as_ref().unwrap();
    assert!(why.contains("does not let its tag") && why.contains("status 409"), "{outcome:?}");
    assert_eq!(track.left.iter().filter(|a| a.starts_with("attach ")).count(), 2, "{outcome:?}");
}

/// Two lines where others write one.
struct TwoLines;

impl Between for TwoLines {
    fn instead(&self, head: &str) -> Option<String> {
        let shows = head.to_ascii_lowercase().contains("\r\nauthorization: ");
        let lines = "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Basic realm=\"x\"\r\n";
        (!shows).then(|| answer("401 Unauthorized", lines))
    }
}

#[test]
#[ignore = "needs docker-registry and apache2-utils"]
fn a_challenge_may_stand_on_the_second_line() {
    let server = Server::basic();
    assert!(publish_to(&reach(&between::start(&server.address, TwoLines), "a", &RIGHT)).complete());
}

#[test]
#[ignore = "needs docker-registry"]
fn one_refusal_of_a_token_server_is_not_its_last_word() {
    let tokens = TokenServer::refusing(1);
    let server = Server::token(&tokens);
    let registry = reach(&server.address, "a", &RIGHT).for_purpose(Purpose::Publish);
    assert!(publish_to(&registry).complete());
    let refusing = TokenServer::refusing(usize::MAX);
    let registry = reach(&Server::token(&refusing).address, "a", &RIGHT);
    let error = registry.try_push().unwrap_err().to_string();
    assert!(error.contains("127.0.0.1"), "{error}");
}

#[test]
#[ignore = "needs docker-registry"]
fn public_repositories_are_read_despite_useless_credentials() {
    let tokens = TokenServer::public();
    let server = Server::token(&tokens);
    assert!(publish_to(&reach(&server.address, "a", &RIGHT)).complete());
    let folder = tempfile::tempdir().unwrap();
    let variables = [("DOCKER_CONFIG", folder.path().to_str().unwrap())];
    for config in [
        r#"{"credsStore": "desktop.exe"}"#.to_owned(),
        "{".to_owned(),
        // rel:hunter2
        format!(r#"{{"auths": {{"{}": {{"auth": "cmVsOmh1bnRlcjI="}}}}}}"#, server.address),
        format!(r#"{{"auths": {{"{}": {{"identitytoken": "hunter2"}}}}}}"#, server.address),
    ] {
        std::fs::write(folder.path().join("config.json"), &config).unwrap();
        let registry = reach(&server.address, "a", &variables);
        assert!(registry.resolve("1.2.3").unwrap().is_some(), "{config}");
        let error = registry.try_push().unwrap_err().to_string();
        assert!(error.contains("config.json") && !error.contains("hunter2"), "{config}: {error}");
    }
    let half = [("SAYNA_REGISTRY_USERNAME", "rel")];
    assert!(reach(&server.address, "a", &half).resolve("1.2.3").unwrap().is_some());
}
