//! What goes wrong with releases on GitHub in real life, case by case.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sayna_release::digest::Digest;
use sayna_release::forge::{Error as ForgeError, Forge as _, Github, Tagged};
use sayna_release::http::Clock as _;
use sayna_release::plan::Plan;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Error, Options, Outcome, Refusal};

use super::state::{Limit, Public, Upload};
use super::{Counterpart, Hurried, reach};
use crate::fixture::{plan, write_parts};

/// Version 1.2.3 for two targets, its parts, and a repository whose tag is at its commit.
pub(super) struct World {
    pub(super) hub: Counterpart,
    pub(super) plan: Plan,
    pub(super) folder: tempfile::TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        let world = Self { hub: Counterpart::start(), plan: plan("1.2.3", 2, 0), folder: tempfile::tempdir().unwrap() };
        write_parts(&world.plan, &world.dist(), "a");
        world.hub.hub().tags.insert(world.plan.tag.clone(), world.plan.commit.clone());
        world.hub.hub().immutable = true;
        world
    }

    fn dist(&self) -> std::path::PathBuf {
        self.folder.path().join("dist")
    }

    fn forge(&self, token: &str) -> Github {
        reach(&self.hub.addresses.api, token)
    }

    fn publish_by(&self, token: &str, options: Options) -> Result<Outcome, Error> {
        publish(&self.plan, &self.dist(), &self.forge(token), options)
    }

    fn publish(&self) -> Result<Outcome, Error> {
        self.publish_by("push-token", Options::default())
    }

    fn until_draft(&self) {
        let options = Options { until_draft: true, ..Options::default() };
        assert!(self.publish_by("push-token", options).unwrap().complete());
    }

    /// Names and digests that have to be public in the end.
    fn wanted(&self) -> BTreeMap<String, Digest> {
        let mut wanted = BTreeMap::new();
        for folder in self.plan.targets.iter().map(|t| t.triple.to_string()).chain(["publish".to_owned()]) {
            for entry in std::fs::read_dir(self.dist().join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if name != "part.json" {
                    wanted.insert(name, Digest::of_file(&path).unwrap().0);
                }
            }
        }
        wanted
    }

    /// Nothing was ever public but the whole release, there is one, and no draft is left.
    fn holds(&self) {
        let whole = Public { releases: vec![("v1.2.3".to_owned(), self.wanted())], latest: None };
        let hub = self.hub.hub();
        let seen: Vec<&Public> = hub.shown.iter().filter(|p| !p.releases.is_empty()).collect();
        assert_eq!(seen, [&whole], "something else was public");
        assert_eq!(hub.releases.len(), 1, "a draft was left");
    }

    fn changes(&self) -> usize {
        self.hub.hub().requests.iter().filter(|r| !r.starts_with("GET ")).count()
    }

    fn refusal(&self) -> Refusal {
        match self.publish() {
            Err(Error::Refused { refusal, .. }) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }
}

pub(super) fn publish(plan: &Plan, dist: &Path, forge: &Github, options: Options) -> Result<Outcome, Error> {
    let destinations = Destinations { forge, registries: &[], is_project_origin: false, trusted_root: None };
    publish::run(plan, dist, destinations, Options { allow_host_parts: true, ..options }, &Progress::quiet())
}

#[test]
fn a_release_is_made_of_one_draft_and_a_second_run_changes_nothing() {
    let world = World::new();
    assert!(world.publish().unwrap().complete());
    world.holds();
    // The draft, three files per target, the manifest, its checksum and the sums, and the one that makes it public.
    assert_eq!(world.changes(), 1 + 2 * 3 + 3 + 1);
    let again = world.publish().unwrap();
    assert!(again.complete() && again.tracks[0].actions.is_empty(), "{again:?}");
    assert_eq!(world.changes(), 11, "a second run is free of writes");
    let hub = world.hub.hub();
    let of =
        |ending: &str| hub.releases[0].assets.iter().find(|a| a.name.ends_with(ending)).unwrap().content_type.clone();
    assert_eq!([of(".tar.gz"), of(".cdx.json"), of(".sha256")], ["application/gzip", "application/json", "text/plain"]);
}

#[test]
fn drafts_are_invisible_by_their_tag_and_found_on_any_page() {
    let world = World::new();
    world.until_draft();
    {
        let mut hub = world.hub.hub();
        // Two pages of other releases, all of them newer.
        for n in 0..150 {
            let mut other = hub.releases[0].clone();
            (other.id, other.tag, other.draft) = (1000 + n, format!("v0.0.{n}"), n % 2 == 0);
            other.assets.clear();
            hub.releases.push(other);
        }
        assert!(!hub.requests.iter().any(|r| r.contains("/releases/tags/")));
    }
    let outcome = world.publish().unwrap();
    assert_eq!(outcome.tracks[0].actions, ["compare every digest of the draft", "make the release public"]);
    let pages = world.hub.hub().requests.iter().filter(|r| r.contains("/releases?per_page=100&page=2")).count();
    assert!(pages > 0);
}

#[test]
fn two_drafts_of_one_tag_stop_the_run_with_both_ids() {
    let world = World::new();
    world.until_draft();
    let mut second = world.hub.hub().releases[0].clone();
    second.id = 77;
    world.hub.hub().releases.push(second);
    let before = world.changes();
    let Refusal::Ambiguous { ids, .. } = world.refusal() else { panic!("another refusal") };
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&"77".to_owned()), "{ids:?}");
    assert_eq!(world.changes(), before, "nothing was deleted or made");
}

#[test]
fn uploads_that_die_half_way_are_looked_for_before_they_are_repeated() {
    for fate in [Upload::Starter, Upload::DoneButBroken] {
        for late in [0, 1] {
            let world = World::new();
            world.hub.hub().uploads = [fate; 3].into();
            world.hub.hub().late = late;
            world.publish().unwrap();
            world.holds();
            let uploads =
                world.hub.hub().requests.iter().filter(|r| r.starts_with("POST /repos") && r.contains("name=")).count();
            if fate == Upload::DoneButBroken && late == 0 {
                assert_eq!(uploads, 9, "what is there is not sent again");
            }
        }
    }
}

#[test]
fn an_asset_that_an_earlier_run_broke_or_built_otherwise_is_replaced_in_the_draft() {
    let world = World::new();
    world.until_draft();
    {
        let mut hub = world.hub.hub();
        hub.releases[0].assets[0].state = "starter";
        hub.releases[0].assets[0].bytes.clear();
        hub.releases[0].assets[1].bytes = b"other bytes".to_vec();
        hub.releases[0].notes = "what somebody wrote".to_owned();
        hub.releases[0].prerelease = true;
    }
    let outcome = world.publish().unwrap();
    assert_eq!(outcome.tracks[0].actions.iter().filter(|a| a.starts_with("delete ")).count(), 2);
    assert!(outcome.tracks[0].actions.contains(&"correct what the draft says".to_owned()));
    world.holds();
    assert!(!world.hub.hub().releases[0].prerelease);
    assert!(world.hub.hub().releases[0].notes.starts_with(&format!("{}\n<!-- ", world.plan.notes)));
}

#[test]
fn an_upload_to_an_immutable_release_is_refused_with_the_way_out() {
    let world = World::new();
    world.publish().unwrap();
    let before = world.changes();
    write_parts(&world.plan, &world.dist(), "b");
    let error = world.publish().unwrap_err();
    assert!(error.is_refusal() && error.hint().unwrap().contains("next release"), "{error}");
    assert_eq!(world.changes(), before, "nothing was tried");
    // The forge itself, queried without a look first.
    let forge = world.forge("push-token");
    let release = &forge.releases("v1.2.3").unwrap()[0];
    assert_eq!(release.immutable, Some(true));
    let path = world.folder.path().join("late.txt");
    std::fs::write(&path, "late").unwrap();
    let upload = sayna_release::forge::Upload { name: "late.txt", path: &path, digest: Digest::of(b"late") };
    let error = forge.upload(&release.id, upload, &|_| ()).unwrap_err();
    assert!(matches!(error, ForgeError::Spoiled { .. }), "{error}");
    assert!(error.to_string().contains("Cannot upload assets to an immutable release"), "{error}");
}

#[test]
fn a_burned_version_name_is_answered_with_the_next_version() {
    let world = World::new();
    world.hub.hub().spent.insert("v1.2.3".to_owned());
    let error = world.publish().unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert!(error.to_string().contains("tag_name was used by an immutable release"), "{error}");
    assert!(error.hint().unwrap().contains("cut the next release"), "{error:?}");
    assert!(world.hub.hub().releases.is_empty());
}

#[test]
fn a_race_of_tag_and_commit_is_refused() {
    let world = World::new();
    world.hub.hub().tags.clear();
    assert_eq!(world.refusal(), Refusal::TagMissing { tag: "v1.2.3".to_owned() });
    world.hub.hub().tags.insert("v1.2.3".to_owned(), "f".repeat(40));
    assert!(matches!(world.refusal(), Refusal::TagElsewhere { found, .. } if found == "f".repeat(40)));
    assert_eq!(world.changes(), 0);
    // An annotated tag is an object of its own.
    world.hub.hub().tags.insert("v1.2.3".to_owned(), "a".repeat(40));
    world.hub.hub().annotated.insert("a".repeat(40), world.plan.commit.clone());
    assert_eq!(world.forge("").tagged("v1.2.3").unwrap(), Tagged::At(world.plan.commit.clone()));
    assert!(world.publish().unwrap().complete());
}

#[test]
fn secondary_rate_limits_are_waited_for_and_cost_nothing_twice() {
    let world = World::new();
    world.hub.hub().limits = [Limit::Secondary(Some(7)), Limit::Secondary(None), Limit::Primary(600)].into();
    world.publish().unwrap();
    world.holds();
    assert_eq!(world.changes(), 11 + 3);
}

#[test]
fn a_limit_of_an_hour_is_an_error_that_says_when_to_come_back() {
    let world = World::new();
    world.hub.hub().limits = [Limit::Primary(3600)].into();
    let error = world.publish().unwrap_err();
    assert!(
        !error.is_refusal() && error.hint().unwrap().contains("the limit ends in 60 minutes"),
        "{error}: {:?}",
        error.hint()
    );
    world.publish().unwrap();
    world.holds();
}

#[test]
fn changes_are_a_second_apart() {
    let world = World::new();
    let clock = std::sync::Arc::new(Hurried::default());
    let client = sayna_release::http::Client::new().unwrap().with_clock(clock.clone());
    let api = world.hub.addresses.api.clone();
    let variables = |name: &str| match name {
        "GITHUB_API_URL" => Some(api.clone()),
        "GH_TOKEN" => Some("push-token".to_owned()),
        _ => None,
    };
    let forge = Github::new("saynaai/sayna".parse().unwrap(), client, &variables).unwrap();
    let begun = SystemTime::now();
    publish(&world.plan, &world.dist(), &forge, Options::default()).unwrap();
    assert!(clock.now().duration_since(begun).unwrap() >= Duration::from_secs(9), "ten changes have nine pauses");
}

#[test]
fn denied_requests_name_the_missing_permission() {
    let world = World::new();
    let denied = |token: &str, words: &[&str]| {
        let error = world.publish_by(token, Options::default()).unwrap_err();
        let text = format!("{error}; {:?}", error.hint());
        assert!(!error.is_refusal() && words.iter().all(|w| text.contains(w)), "{text}");
        assert!(!text.contains("-token") || !text.contains(token), "a token was printed: {text}");
    };
    denied("read-token", &["status 403", "contents: write", "GITHUB_TOKEN"]);
    denied("unknown", &["status 401", "GITHUB_TOKEN", "revoked"]);
    denied("", &["status 401", "set GITHUB_TOKEN or GH_TOKEN", "gh auth login"]);
    world.hub.hub().foreign_workflows = true;
    denied("push-token", &["status 403", "create a draft", "workflows that the default branch does not have"]);
    let elsewhere =
        Github::new("somebody/else".parse().unwrap(), sayna_release::http::Client::new().unwrap(), &|name| {
            (name == "GITHUB_API_URL").then(|| world.hub.addresses.api.clone())
        });
    let error = elsewhere.unwrap().releases("v1.2.3").unwrap_err().to_string();
    assert!(error.contains("github:somebody/else has no repository that everybody may see"), "{error}");
}

#[test]
fn latest_is_made_on_purpose_and_read_again() {
    let world = World::new();
    world.publish().unwrap();
    let forge = world.forge("push-token");
    assert_eq!(forge.latest().unwrap(), None, "public, and not latest");
    let id = forge.releases("v1.2.3").unwrap()[0].id.clone();
    forge.set_latest(&id).unwrap();
    assert_eq!(forge.latest().unwrap(), Some("v1.2.3".to_owned()));
    assert_eq!(forge.published().unwrap(), ["v1.2.3"]);
}

#[test]
fn a_stranger_downloads_from_public_addresses_and_sees_no_draft() {
    let world = World::new();
    world.until_draft();
    let (stranger, owner) = (world.forge(""), world.forge("push-token"));
    assert!(stranger.releases("v1.2.3").unwrap().is_empty());
    let to = world.folder.path().join("download");
    let draft = owner.releases("v1.2.3").unwrap().remove(0);
    owner.download(&draft, &world.plan.manifest, &to).unwrap();
    world.publish().unwrap();
    let (name, wanted) = (&world.plan.targets[0].archive, world.wanted());
    for forge in [stranger, owner] {
        let release = forge.releases("v1.2.3").unwrap().remove(0);
        forge.download(&release, name, &to).unwrap();
        assert_eq!(Digest::of_file(&to).unwrap().0, wanted[name]);
        let missing = forge.download(&release, "other.tar.gz", &to).unwrap_err();
        assert!(matches!(missing, ForgeError::Missing { .. }), "{missing}");
    }
    // The counterpart fails this test where a public file was asked for with a token.
    assert!(world.hub.hub().requests.iter().any(|r| r.contains("/releases/download/v1.2.3/")));
}

#[test]
fn a_name_that_github_changes_is_an_error_and_not_another_file() {
    let world = World::new();
    world.until_draft();
    let forge = world.forge("push-token");
    let path = world.folder.path().join("a b");
    std::fs::write(&path, "x").unwrap();
    let id = forge.releases("v1.2.3").unwrap()[0].id.clone();
    let upload = sayna_release::forge::Upload { name: "a b", path: &path, digest: Digest::of(b"x") };
    let error = forge.upload(&id, upload, &|_| ()).unwrap_err();
    assert!(error.to_string().contains("stored a b as a.b"), "{error}");
}
