//! A whole release on GitHub and in a registry: published, verified by its maintainer and by a stranger, promoted.

use sayna_release::forge::{Forge as _, Github, Tagged};
use sayna_release::promote;
use sayna_release::publish::Error;
use sayna_release::registry::Registry as _;
use sayna_release::verify::{Report, Request, Verdict};

use super::state::{Asset, Rights};
use super::{Counterpart, reach};
use crate::signing::INSTANCE;
use crate::small_release::{Release, run};

struct World {
    hub: Counterpart,
    release: Release,
}

impl World {
    /// Public, and not yet promoted.
    fn published(falls_back: bool) -> Self {
        let world = Self { hub: Counterpart::start(), release: Release::unpublished() };
        INSTANCE.write_root(&world.release.root());
        world.hub.hub().immutable = true;
        world.hub.hub().falls_back = falls_back;
        world.publish();
        world
    }

    fn publish(&self) {
        let (tag, commit) = (self.release.plan.tag.clone(), self.release.plan.commit.clone());
        self.hub.hub().tags.insert(tag, commit);
        assert!(self.release.try_publish_to(&self.forge("push-token")).unwrap().complete());
    }

    fn next(&mut self, version: &str) {
        self.release.rebuild(version);
        self.publish();
    }

    fn forge(&self, token: &str) -> Github {
        reach(&self.hub.addresses.api, token)
    }

    fn verify(&self, token: &str, promoted: bool) -> Report {
        let plan = (token == "push-token").then_some(&self.release.plan);
        let forge = self.forge(token);
        self.release.with_request_to(&forge, plan, |request| run(Request { promoted, ..request }))
    }

    fn promote(&self) -> Result<promote::Outcome, promote::Error> {
        let forge = self.forge("push-token");
        let plan = Some(&self.release.plan);
        self.release.with_request_to(&forge, plan, |request| promote::run(&request, &run(request), false, false))
    }

    fn latest(&self) -> Option<String> {
        self.forge("").latest().unwrap()
    }
}

fn evidence<'a>(report: &'a Report, id: &str) -> (&'a Verdict, &'a str) {
    let row = report.rows.iter().find(|r| r.id == id).unwrap();
    (&row.verdict, &row.evidence)
}

#[test]
fn every_row_holds_for_maintainer_and_stranger_before_promotion_and_after() {
    for falls_back in [false, true] {
        let world = World::published(falls_back);
        for token in ["push-token", ""] {
            let report = world.verify(token, false);
            assert!(report.passed(), "{report:#?}");
            assert!(evidence(&report, "release").1.ends_with("stable, 6 assets, immutable"), "{report:#?}");
            let (verdict, said) = evidence(&report, "stated");
            let wanted = "GitHub states v1.2.3 and 6 assets, signed 2025-10-09T08:53:20Z";
            assert_eq!((verdict, said), (&Verdict::Ok, wanted), "{report:#?}");
            let said = evidence(&report, "latest").1;
            assert!(said.starts_with("awaiting promotion") || falls_back, "{said}");
        }
        world.promote().unwrap();
        assert_eq!(world.latest().as_deref(), Some("v1.2.3"));
        assert!(world.verify("", true).passed(), "{:#?}", world.verify("", true));
    }
}

#[test]
fn a_latest_that_github_picks_is_not_a_promotion() {
    let mut world = World::published(true);
    assert_eq!(world.latest().as_deref(), Some("v1.2.3"), "GitHub's own choice");
    world.promote().unwrap();
    // Made on purpose now: the next release does not take it by being newer.
    world.next("1.3.0");
    assert_eq!(world.latest().as_deref(), Some("v1.2.3"));
    let report = world.verify("", false);
    assert!(evidence(&report, "latest").1.starts_with("awaiting promotion"), "{report:#?}");
    world.promote().unwrap();
    assert_eq!(world.latest().as_deref(), Some("v1.3.0"));
    // A patch of the older line leaves it, and a pre-release is not even tried.
    world.next("1.2.4");
    assert!(world.promote().unwrap().moves.is_empty());
    world.next("2.0.0-rc.1");
    assert!(matches!(world.promote(), Err(promote::Error::Refused(_))));
    assert_eq!(world.latest().as_deref(), Some("v1.3.0"));
    let registry = world.release.registry();
    assert_eq!(registry.resolve("latest").unwrap(), registry.resolve("1.3.0").unwrap());
}

/// Requests to the API, which GitHub counts; files have public addresses.
fn asked(world: &World) -> usize {
    world.hub.hub().requests.iter().filter(|r| r.contains(" /repos/")).count()
}

#[test]
fn to_verify_takes_few_requests_of_the_sixty_that_a_stranger_has_an_hour() {
    let world = World::published(false);
    world.promote().unwrap();
    let before = asked(&world);
    let forge = world.forge("").for_looking();
    let report = world.release.with_request_to(&forge, None, run);
    assert!(report.passed(), "{report:#?}");
    let asked = asked(&world) - before;
    assert!(asked <= 9, "{asked} requests: {:?}", world.hub.hub().requests);
}

#[test]
fn a_digest_that_github_does_not_say_costs_no_request_and_no_unbounded_download() {
    let world = World::published(false);
    world.promote().unwrap();
    world.hub.hub().no_digests = true;
    // A file that nothing bounds, as the table knows of no such archive.
    let extra = "sayna-1.2.3.iso";
    let large = vec![0; 5 << 20];
    world.hub.hub().releases[0].assets.push(Asset {
        id: 4711,
        name: extra.to_owned(),
        state: "uploaded",
        content_type: "application/octet-stream".to_owned(),
        bytes: large,
        hidden: 0,
    });
    let before = world.hub.hub().requests.len();
    let report = world.release.with_request_to(&world.forge("").for_looking(), None, run);
    let row = evidence(&report, "nothing-else");
    assert!(*row.0 == Verdict::Failed && row.1.contains(extra), "{report:#?}");
    assert_eq!(report.rows.iter().filter(|r| r.verdict == Verdict::Failed).count(), 1, "{report:#?}");
    let requests: Vec<String> = world.hub.hub().requests[before..].to_vec();
    assert!(!requests.iter().any(|r| r.contains(extra) || r.contains("4711")), "{requests:?}");
    let api = requests.iter().filter(|r| r.contains(" /repos/")).count();
    assert!(api <= 9, "{api} requests: {requests:?}");
    // A publisher gets the digests from the bytes.
    world.hub.hub().releases[0].assets.pop();
    world.publish();
}

/// To a token that may not see a repository, GitHub says that there is no such repository.
#[test]
fn a_token_that_sees_nothing_hides_nothing_that_is_public() {
    let world = World::published(false);
    world.promote().unwrap();
    world.hub.hub().tokens.insert("blind-token".to_owned(), Rights::Blind);
    let forge = world.forge("blind-token").for_looking();
    assert_eq!(forge.latest().unwrap().as_deref(), Some("v1.2.3"));
    let forge = world.forge("blind-token").for_looking();
    let report = world.release.with_request_to(&forge, None, run);
    assert!(report.passed(), "{report:#?}");
    // A missing thing is requested without the token once, and not each time.
    let forge = world.forge("push-token").for_looking();
    let before = asked(&world);
    for _ in 0..3 {
        assert!(forge.tagged("v9.9.9").unwrap() == Tagged::Missing);
    }
    assert_eq!(asked(&world) - before, 6, "{:?}", world.hub.hub().requests);
    assert_eq!(forge.releases("v1.2.3").unwrap().len(), 1);
    let before = asked(&world);
    assert!(forge.tagged("v9.9.9").unwrap() == Tagged::Missing);
    assert_eq!(asked(&world) - before, 1);
}

#[test]
fn public_releases_are_read_with_an_expired_token() {
    let world = World::published(false);
    world.promote().unwrap();
    let forge = world.forge("expired").for_looking();
    let report = world.release.with_request_to(&forge, None, run);
    assert!(report.passed(), "{report:#?}");
    // A publisher needs it: drafts are hidden from those who have none.
    assert!(world.forge("expired").releases("v1.2.3").unwrap_err().to_string().contains("status 401"));
}

#[test]
fn without_a_network_nothing_is_said_of_the_release() {
    let release = Release::unpublished();
    let forge = reach("http://127.0.0.1:1", "").for_looking();
    let report = release.with_request_to(&forge, None, run);
    let (verdict, said) = evidence(&report, "release");
    assert!(*verdict == Verdict::NotSeen && said.contains("127.0.0.1"), "{report:#?}");
    assert!(!report.failed() && !report.passed(), "{report:#?}");
}

#[test]
fn a_run_that_ends_in_the_middle_says_what_was_done_and_what_was_not() {
    let world = World { hub: Counterpart::start(), release: Release::unpublished() };
    let (tag, commit) = (world.release.plan.tag.clone(), world.release.plan.commit.clone());
    world.hub.hub().tags.insert(tag, commit);
    let forge = world.forge("push-token");
    // The draft is there; making it public is what the job may not do.
    let until_draft = world.release.try_publish_until_draft(&forge).unwrap();
    assert!(until_draft.complete(), "{until_draft:?}");
    world.hub.hub().foreign_workflows = true;
    let error = world.release.try_publish_to(&forge).unwrap_err();
    let Error::Stopped { cause, outcome } = &error else { panic!("{error}") };
    assert!(matches!(**cause, Error::Forge(_)), "{cause}");
    assert_eq!(outcome.tracks[0].left, ["make the release public"]);
    assert!(outcome.tracks[0].stopped.as_ref().unwrap().contains("status 403"), "{outcome:?}");
    let index = world.release.registry().resolve("1.2.3").unwrap().unwrap();
    assert_eq!(outcome.tracks[1].actions, [format!("tag 1.2.3 {index}")]);
    assert!(!error.hint().unwrap().contains("nothing"), "{error:?}");
    assert!(!outcome.complete());
}

#[test]
fn a_release_that_fails_verification_is_never_latest() {
    let world = World::published(false);
    world.hub.hub().releases[0].assets[0].bytes[0] ^= 1;
    let report = world.verify("", false);
    assert!(!report.passed());
    assert!(matches!(world.promote(), Err(promote::Error::Unverified { .. })));
    assert_eq!(world.latest(), None);
}

#[test]
fn a_release_that_can_still_be_changed_is_said_to_be_so() {
    let world = World { hub: Counterpart::start(), release: Release::unpublished() };
    world.publish();
    let report = world.verify("", false);
    assert!(report.passed());
    assert!(evidence(&report, "release").1.contains("not immutable"), "{report:#?}");
}
