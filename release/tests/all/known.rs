//! What decides `latest`: everything is read first, and only what is public counts.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::Path;

use sayna_release::digest::Digest;
use sayna_release::forge::Forge as _;
use sayna_release::lock::Lock;
use sayna_release::oci::{self, Descriptor, annotation};
use sayna_release::promote::{self, Outcome};
use sayna_release::registry::{Error, Kind, Layout, Object, Registry};
use sayna_release::table::Source;
use sayna_release::verify::{Report, Request, Verdict};

use crate::small_release::{Release, run};

/// An index that another project pushes under a tag: with these annotations, and nothing below it.
fn push(registry: &Layout, tag: &str, annotations: &[(&str, &str)]) -> Digest {
    let mut index = oci::Index::new(vec![]);
    index.annotations = annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let bytes = oci::to_bytes(&index);
    let (folder, digest) = (tempfile::tempdir().unwrap(), Digest::of(&bytes));
    let from = folder.path().join("index.json");
    std::fs::write(&from, &bytes).unwrap();
    registry.push(&Object { digest, size: bytes.len() as u64, kind: Kind::Manifest, from }, &|_| ()).unwrap();
    registry.tag(tag, digest).unwrap();
    digest
}

fn row<'a>(report: &'a Report, id: &str) -> (&'a Verdict, &'a str) {
    let row = report.rows.iter().find(|r| r.id == id).unwrap();
    (&row.verdict, &row.evidence)
}

fn latest(release: &Release) -> (Option<String>, Option<Digest>) {
    (release.forge().latest().unwrap(), release.registry().resolve("latest").unwrap())
}

/// `latest` is this version everywhere.
fn is_latest(release: &Release, version: &str) {
    let index = release.registry().resolve(version).unwrap();
    assert_eq!(latest(release), (Some(format!("v{version}")), index));
}

const OURS: (&str, &str) = (annotation::SOURCE, "https://github.com/saynaai/sayna");

#[test]
fn a_foreign_latest_is_named_and_moved_over() {
    // Of another project, without annotations, of ours and not of any tag, of ours and older than its tag.
    let foreign: [&[(&str, &str)]; 4] = [
        &[],
        &[(annotation::VERSION, "9.9.9"), (annotation::SOURCE, "https://github.com/somebody/else")],
        &[(annotation::VERSION, "9.9.9"), OURS],
        &[(annotation::VERSION, "1.2.3"), OURS],
    ];
    let release = Release::published();
    for annotations in foreign {
        let digest = push(&release.registry(), "latest", annotations).to_string();
        let report = release.verify();
        let (verdict, evidence) = row(&report, "latest");
        let promoted = latest(&release).0.is_some();
        assert_eq!(*verdict, if promoted { Verdict::Failed } else { Verdict::Ok }, "{report:#?}");
        assert!(evidence.contains(&digest) && evidence.contains("no public version of this project"), "{evidence}");
        let outcome = release.promote(false).unwrap();
        assert_eq!(outcome.moves.len(), if promoted { 1 } else { 2 }, "{outcome:?}");
        assert!(outcome.moves.last().unwrap().contains(&format!("in the place of {digest:?}")), "{outcome:?}");
        is_latest(&release, "1.2.3");
        assert!(release.verify().passed());
    }
}

#[test]
fn a_foreign_latest_stays_where_a_newer_version_is_public_but_for_its_promotion() {
    let mut release = Release::published();
    release.next("1.3.0");
    release.promote(false).unwrap();
    let digest = push(&release.registry(), "latest", &[]);
    release.next("1.2.4");
    let report = release.verify();
    assert_eq!(row(&report, "latest").0, &Verdict::Failed, "{report:#?}");
    assert!(row(&report, "latest").1.ends_with("promote 1.3.0"), "{report:#?}");
    let outcome = release.promote(false).unwrap();
    assert_eq!(outcome.stays.as_deref(), Some("1.3.0 is newer and keeps `latest`"));
    assert!(outcome.notes[0].ends_with("`promote --tag v1.3.0` sets it"), "{outcome:?}");
    assert_eq!(latest(&release), (Some("v1.3.0".to_owned()), Some(digest)));
    // On purpose it goes back, over anything.
    assert_eq!(release.promote(true).unwrap().moves.len(), 2);
    is_latest(&release, "1.2.4");
}

#[test]
fn a_foreign_latest_of_the_forge_is_moved_over_too() {
    let mut release = Release::published();
    std::fs::write(release.folder.path().join("forge/latest"), "nightly\n").unwrap();
    let report = release.verify();
    assert!(row(&report, "latest").1.starts_with("awaiting promotion") && report.passed(), "{report:#?}");
    assert!(release.promote(false).unwrap().moves[0].contains("in the place of \"nightly\""));
    is_latest(&release, "1.2.3");
    // A release under a date is one like all others, until the table leaves it out.
    release.next("2023.1.0");
    release.promote(false).unwrap();
    release.next("1.2.4");
    assert_eq!(release.promote(false).unwrap().stays.as_deref(), Some("2023.1.0 is newer and keeps `latest`"));
    let text = release.table.text.replace("[release]\n", "[release]\nignore_tags = '^v?20[0-9]{2}\\.'\n");
    release.table = Source::parse(release.table.path.clone(), text).unwrap();
    let outcome = release.promote(false).unwrap();
    assert!(outcome.moves[0].contains("in the place of \"v2023.1.0\"") && outcome.moves.len() == 2, "{outcome:?}");
    is_latest(&release, "1.2.4");
}

#[test]
fn registry_tags_count_where_they_are_indexes_of_ours() {
    let mut release = Release::published();
    let registry = release.registry();
    for (tag, annotations) in [
        ("2024.1.1", vec![]),
        ("3.0.0", vec![(annotation::VERSION, "3.0.0"), (annotation::SOURCE, "https://github.com/somebody/else")]),
        ("4.0.0", vec![(annotation::VERSION, "1.0.0"), OURS]),
        ("5.0.0-rc.1", vec![(annotation::VERSION, "5.0.0-rc.1"), OURS]),
    ] {
        push(&registry, tag, &annotations);
    }
    assert_eq!(release.promote(false).unwrap().moves.len(), 2);
    is_latest(&release, "1.2.3");
    // An image whose release has gone, or is yet to come.
    push(&registry, "1.4.0", &[(annotation::VERSION, "1.4.0"), OURS]);
    release.next("1.3.0");
    assert_eq!(release.promote(false).unwrap().stays.as_deref(), Some("1.4.0 is newer and keeps `latest`"));
}

/// Each costs a request or two.
#[test]
fn more_foreign_tags_than_are_looked_at_are_said_with_the_way_out() {
    let release = Release::published();
    let registry = release.registry();
    push(&registry, "999.0.0", &[]);
    let foreign = registry.resolve("999.0.0").unwrap().unwrap();
    for patch in 1..=100 {
        registry.tag(&format!("999.0.{patch}"), foreign).unwrap();
    }
    let error = release.promote(false).unwrap_err().to_string();
    assert!(error.contains("100 tags") && error.contains("`ignore_tags`"), "{error}");
    assert!(release.forge().latest().unwrap().is_none());
}

#[test]
fn a_git_tag_is_said_and_does_not_count() {
    let release = Release::published();
    let git: Vec<semver::Version> = ["1.2.2", "1.2.3", "1.3.0", "2023.1.0"].map(|v| v.parse().unwrap()).into();
    let promoted = |request: Request<'_>| {
        let request = Request { git_versions: &git, ..request };
        let report = run(request);
        assert!(row(&report, "latest").1.contains("v2023.1.0, v1.3.0 do not count"), "{report:#?}");
        promote::run(&request, &report, false, false)
    };
    let outcome = release.with_request_to(&release.forge(), None, promoted).unwrap();
    assert_eq!(outcome.notes, ["the Git tags v2023.1.0, v1.3.0 do not count: they are not public"]);
    is_latest(&release, "1.2.3");
}

/// What a registry does not answer.
#[derive(PartialEq)]
enum Silence {
    /// What `latest` is.
    Latest,
    /// The index that would become it.
    Index,
    /// That `latest` was written.
    Write,
}

/// A registry that leaves one question without an answer.
struct Mute<'a> {
    inner: &'a Layout,
    to: Silence,
}

impl Mute<'_> {
    fn error(&self) -> Error {
        Error::Missing { registry: self.name(), what: "answer".to_owned() }
    }
}

impl Registry for Mute<'_> {
    fn name(&self) -> String {
        "docker://mute.example/sayna".to_owned()
    }
    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Option<Lock>, Error> {
        self.inner.lock(waiting)
    }
    fn has(&self, object: &Object) -> Result<bool, Error> {
        self.inner.has(object)
    }
    fn push(&self, object: &Object, on_progress: &dyn Fn(u64)) -> Result<(), Error> {
        self.inner.push(object, on_progress)
    }
    fn tags(&self) -> Result<Vec<String>, Error> {
        self.inner.tags()
    }
    fn resolve(&self, tag: &str) -> Result<Option<Digest>, Error> {
        if tag == "latest" && self.to == Silence::Latest { Err(self.error()) } else { self.inner.resolve(tag) }
    }
    fn tag(&self, tag: &str, digest: Digest) -> Result<(), Error> {
        if self.to == Silence::Write { Err(self.error()) } else { self.inner.tag(tag, digest) }
    }
    fn manifest(&self, digest: Digest) -> Result<Vec<u8>, Error> {
        if self.to == Silence::Index { Err(self.error()) } else { self.inner.manifest(digest) }
    }
    fn download(&self, blob: &Descriptor, to: &Path) -> Result<(), Error> {
        self.inner.download(blob, to)
    }
    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        self.inner.referrers(subject)
    }
    fn attach(&self, manifests: &[&Object]) -> Result<(), Error> {
        self.inner.attach(manifests)
    }
    fn wait_for_visibility(&self, attempt: u32) -> bool {
        self.inner.wait_for_visibility(attempt)
    }
}

/// Promotes in the forge, the registry and one that leaves `to` without an answer, and gives what is said.
fn promoted_beside(release: &Release, to: Silence) -> String {
    let registry = release.registry();
    let mute = Mute { inner: &registry, to };
    let promoted = |request: Request<'_>| -> Result<Outcome, promote::Error> {
        let report = run(request);
        let registries: [&dyn Registry; 2] = [request.registries[0], &mute];
        promote::run(&Request { registries: &registries, ..request }, &report, false, false)
    };
    release.with_request_to(&release.forge(), None, promoted).unwrap_err().to_string()
}

#[test]
fn where_one_place_cannot_be_read_nothing_is_written_in_another() {
    let release = Release::published();
    for to in [Silence::Latest, Silence::Index] {
        let said = promoted_beside(&release, to);
        assert!(said.contains("docker://mute.example/sayna has no answer"), "{said}");
        assert_eq!(latest(&release), (None, None));
    }
}

#[test]
fn where_one_place_cannot_be_written_the_others_are_named() {
    let release = Release::published();
    let said = promoted_beside(&release, Silence::Write);
    assert!(said.contains("docker://mute.example/sayna has no answer; done: "), "{said}");
    let (done, left) = said.split_once("; not done: ").unwrap();
    assert!(done.contains("latest = v1.2.3") && done.contains("latest = sha256:"), "{said}");
    assert!(left.starts_with("docker://mute.example/sayna: latest = sha256:"), "{said}");
    is_latest(&release, "1.2.3");
}
