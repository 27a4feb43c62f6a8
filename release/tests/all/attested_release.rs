//! Publishing and verifying with attestations, signed by a Sigstore of the tests' own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sayna_release::attest::{self, Error as AttestError, Subject};
use sayna_release::digest::Digest;
use sayna_release::forge::{Directory, Forge as _};
use sayna_release::image::ImageIndex;
use sayna_release::package;
use sayna_release::part::{ImagePart, Part};
use sayna_release::plan::Plan;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Error, Options, Outcome};
use sayna_release::registry::Registry;

use crate::fixture::{plan, write_parts};
use crate::signing::{Claim, INSTANCE, write};

const ASSET: &str = "sayna-1.2.3.intoto.jsonl";

/// Parts of version 1.2.3, attested as the workflows would do it.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) plan: Plan,
}

impl World {
    fn new(platforms: usize) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), plan: plan("1.2.3", 2, platforms) };
        write_parts(&world.plan, &world.dist(), "a");
        INSTANCE.write_root(&world.root());
        world
    }

    pub(crate) fn attested(platforms: usize) -> Self {
        let world = Self::new(platforms);
        world.attest();
        world
    }

    pub(crate) fn attest(&self) {
        // As in the workflow: the manifest is there before anything is published.
        let dry = Options { dry_run: true, ..allowed() };
        let there = self.dist().join("publish").join(attest::FILE);
        drop(fs::remove_file(&there));
        // It cannot go on where a test has broken something.
        drop(self.run(false, &[], dry));
        let manifest = fs::read(self.dist().join("publish").join(&self.plan.manifest)).unwrap();
        INSTANCE.attest(&self.plan, &self.dist(), self.index(), &manifest);
    }

    pub(crate) fn index(&self) -> Option<Digest> {
        let platforms = self.plan.image.iter().flat_map(|i| &i.platforms);
        let parts: Vec<ImagePart> = platforms
            .filter_map(|p| Part::read(&self.dist().join(format!("{}-{}", p.os, p.arch))).unwrap())
            .filter_map(|p| if let Part::Image(image) = p { Some(image) } else { None })
            .collect();
        (!parts.is_empty()).then(|| ImageIndex::of(&self.plan, &parts.iter().collect::<Vec<_>>()).digest)
    }

    pub(crate) fn dist(&self) -> PathBuf {
        self.folder.path().join("dist")
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root.json")
    }

    fn forge(&self) -> Directory {
        Directory::new(self.folder.path().join("forge"))
    }

    fn assets(&self, side: &str) -> PathBuf {
        self.folder.path().join("forge").join(side).join("v1.2.3/assets")
    }

    fn run(&self, is_project_origin: bool, registries: &[&dyn Registry], options: Options) -> Result<Outcome, Error> {
        let (forge, root) = (self.forge(), self.root());
        let destinations = Destinations { forge: &forge, registries, is_project_origin, trusted_root: Some(&root) };
        publish::run(&self.plan, &self.dist(), destinations, options, &Progress::quiet())
    }

    fn publish(&self, is_project_origin: bool) -> Result<Vec<String>, Error> {
        self.publish_with(is_project_origin, allowed())
    }

    fn publish_with(&self, is_project_origin: bool, options: Options) -> Result<Vec<String>, Error> {
        Ok(self.run(is_project_origin, &[], options)?.tracks.into_iter().flat_map(|t| t.actions).collect())
    }

    /// With its image, to any registries.
    pub(crate) fn publish_to(&self, registries: &[&dyn Registry]) -> Result<Outcome, Error> {
        self.run(false, registries, allowed())
    }

    /// Why nothing was published; nothing may have been touched.
    fn refusal(&self, is_project_origin: bool) -> AttestError {
        let error = self.publish(is_project_origin).unwrap_err();
        assert!(error.is_refusal() && error.hint().is_some(), "{error}");
        assert!(self.forge().releases("v1.2.3").unwrap().is_empty(), "{error}");
        let Error::Attest(error) = error else { panic!("{error}") };
        error
    }
}

fn allowed() -> Options {
    Options { allow_host_parts: true, ..Options::default() }
}

#[test]
fn bundles_of_all_parts_become_one_asset_and_a_second_run_finds_nothing_to_do() {
    let world = World::attested(2);
    assert!(world.publish(false).unwrap().iter().any(|a| a.contains(ASSET)));
    let lines = fs::read_to_string(world.assets("published").join(ASSET)).unwrap();
    assert_eq!(lines.lines().count(), 2 * 2 + 2 + 1);
    assert!(world.publish(false).unwrap().is_empty());
    // Signed again, the bytes differ and say the same.
    world.attest();
    assert!(world.publish(false).unwrap().is_empty());
    assert_eq!(fs::read_to_string(world.assets("published").join(ASSET)).unwrap(), lines);
}

#[test]
fn the_tables_own_places_take_nothing_that_is_not_attested() {
    let world = World::new(0);
    let AttestError::Missing(what) = world.refusal(true) else { panic!("published") };
    assert_eq!(what.len(), 2 * 2 + 1, "{what:?}");
    world.attest();
    world.publish(true).unwrap();
    assert!(world.assets("published").join(ASSET).is_file());
}

#[test]
fn without_bundles_nothing_changes_for_a_rehearsal() {
    let world = World::new(1);
    world.publish(false).unwrap();
    assert!(!world.assets("published").join(ASSET).exists());
}

#[test]
fn a_bundle_that_is_missing_doubled_or_of_another_place_stops_before_anything_is_touched() {
    let world = World::attested(1);
    let folder = world.dist().join(world.plan.targets[0].triple.as_str());
    let good = fs::read_to_string(folder.join(attest::FILE)).unwrap();
    let first = good.lines().next().unwrap();
    fs::write(folder.join(attest::FILE), first).unwrap();
    let AttestError::Missing(what) = world.refusal(false) else { panic!("published") };
    assert_eq!(what, [format!("SBOM of {}", world.plan.targets[0].archive)]);
    fs::write(folder.join(attest::FILE), format!("{good}{first}\n")).unwrap();
    assert!(matches!(world.refusal(false), AttestError::Twice { number: 3, .. }));
    fs::write(folder.join(attest::FILE), &good).unwrap();
    let stray = Subject { name: "stray.tar.gz".to_owned(), digest: Digest::of(b"stray") };
    let bundle = INSTANCE.provenance(&Claim::of(&world.plan, "build.yml"), &[stray]);
    fs::write(folder.join(attest::FILE), format!("{good}{bundle}\n")).unwrap();
    assert!(matches!(world.refusal(false), AttestError::Unplanned { .. }));
}

#[test]
fn another_signer_tag_commit_or_file_stops_before_anything_is_touched() {
    let world = World::attested(1);
    let part = world.dist().join(world.plan.targets[0].triple.as_str());
    let Some(Part::Binary(binary)) = Part::read(&part).unwrap() else { panic!("no part") };
    let (archive, sbom) = (Subject::from(&binary.archive), Subject::from(&binary.sbom));
    let good = Claim::of(&world.plan, "build.yml");
    let second = fs::read_to_string(part.join(attest::FILE)).unwrap().lines().nth(1).unwrap().to_owned();
    let other = Subject { digest: Digest::of(b"other"), ..archive.clone() };
    let both = vec![archive.clone(), sbom.clone()];
    let cases = [
        ("issuer", Claim { issuer: "https://gitlab.com".to_owned(), ..good.clone() }, both.clone()),
        ("signing workflow", Claim::of(&world.plan, "release.yml"), both.clone()),
        (
            "signing workflow",
            Claim { repository: "https://github.com/evil/sayna".to_owned(), ..good.clone() },
            both.clone(),
        ),
        ("signing workflow", Claim { reference: "refs/heads/main".to_owned(), ..good.clone() }, both.clone()),
        ("source commit", Claim { commit: "f".repeat(40), ..good.clone() }, both.clone()),
        ("subjects", good.clone(), vec![archive]),
        ("subjects", good.clone(), vec![other, sbom]),
    ];
    for (check, claim, subjects) in cases {
        let bundle = INSTANCE.provenance(&claim, &subjects);
        fs::write(part.join(attest::FILE), format!("{bundle}\n{second}\n")).unwrap();
        let text = world.refusal(false).to_string();
        assert!(text.contains(&format!("{check}: found ")), "{check}: {text}");
    }
    // Owner and repository have no case of their own.
    let claim = Claim { repository: "https://github.com/SaynaAI/Sayna".to_owned(), ..good };
    fs::write(part.join(attest::FILE), format!("{}\n{second}\n", INSTANCE.provenance(&claim, &both))).unwrap();
    world.publish(false).unwrap();
}

#[test]
fn an_sbom_statement_must_be_the_sbom_that_is_attached() {
    let world = World::attested(0);
    let [a, b] = [0, 1].map(|i| world.dist().join(world.plan.targets[i].triple.as_str()));
    let Some(Part::Binary(part)) = Part::read(&a).unwrap() else { panic!("no part") };
    let claim = Claim::of(&world.plan, "build.yml");
    let foreign = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": part.archive.name, "digest": {"sha256": part.archive.digest.hex()}}],
        "predicateType": "https://cyclonedx.org/bom",
        "predicate": fs::read_to_string(b.join(&world.plan.targets[1].sbom)).unwrap(),
    });
    let provenance = INSTANCE.provenance(&claim, &[Subject::from(&part.archive), Subject::from(&part.sbom)]);
    write(&a, &[provenance, INSTANCE.sign(&claim, &foreign)]);
    assert!(world.refusal(false).to_string().contains("predicate: found another document"));
}

#[test]
fn a_broken_asset_of_a_draft_is_replaced_and_one_of_a_public_release_refused() {
    let world = World::attested(1);
    world.publish_with(false, Options { until_draft: true, ..allowed() }).unwrap();
    let draft = world.assets("draft").join(ASSET);
    let good = fs::read_to_string(&draft).unwrap();
    fs::write(&draft, good.split_inclusive('\n').skip(1).collect::<String>()).unwrap();
    world.publish(false).unwrap();
    let public = world.assets("published").join(ASSET);
    assert_eq!(fs::read_to_string(&public).unwrap(), good);
    fs::write(&public, "{}").unwrap();
    let error = world.publish(false).unwrap_err();
    assert!(error.is_refusal() && error.to_string().contains(ASSET), "{error}");
}

/// `verify FILE…` outside of any checkout.
fn verify(folder: &Path, arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    let output = command.current_dir(folder).arg("verify").args(arguments).output().unwrap();
    let text = [output.stdout.clone(), output.stderr.clone()].concat();
    (output, String::from_utf8(text).unwrap())
}

#[test]
fn files_that_are_here_are_verified_without_forge_or_checkout() {
    let world = World::attested(1);
    world.publish(false).unwrap();
    let assets = world.assets("published");
    let (archive, root) = (world.plan.targets[0].archive.as_str(), world.root());
    let trusted = ["--trusted-root", root.to_str().unwrap()];
    let run = |files: &[&str]| verify(&assets, &[files, &trusted[..]].concat());
    let status = |files: &[&str]| run(files).0.status.code();
    let everything = [archive, &world.plan.targets[0].checksum, &world.plan.targets[0].sbom, &world.plan.manifest];
    let (output, text) = run(&everything);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("saynaai/sayna/.github/workflows/build.yml@refs/tags/v1.2.3"), "{text}");
    assert!(text.contains("as the manifest says"), "{text}");
    assert_eq!(status(&[archive, "--tag", "v1.2.4"]), Some(2));
    assert_eq!(status(&["oci-layout"]), Some(2));
    assert_eq!(status(&[ASSET]), Some(0), "the manifest beside it is verified");
    // The built-in roots know nothing of this signer.
    let (output, text) = verify(&assets, &[archive]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("--trusted-root"), "{text}");
    // Alone, and by name.
    let elsewhere = world.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(assets.join(archive), elsewhere.join(archive)).unwrap();
    assert_eq!(verify(&elsewhere, &[&[archive], &trusted[..]].concat()).0.status.code(), Some(2));
    fs::copy(assets.join(ASSET), elsewhere.join(ASSET)).unwrap();
    assert_eq!(verify(&elsewhere, &[&[ASSET], &trusted[..]].concat()).0.status.code(), Some(2), "nothing to verify");
    fs::remove_file(elsewhere.join(ASSET)).unwrap();
    let named = ["--json", archive, "--attestations", &assets.join(ASSET).display().to_string()].map(str::to_owned);
    let named: Vec<&str> = named.iter().map(String::as_str).chain(trusted).collect();
    let (output, text) = verify(&elsewhere, &named);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["files"][0]["verdict"], "ok", "{text}");
    assert_eq!(report["files"][0]["attestations"][0]["commit"], world.plan.commit.as_str());
    // A checksum that was changed together with its archive proves nothing.
    let checksum = assets.join(&world.plan.targets[0].checksum);
    let before = [&assets.join(archive), &checksum].map(|p| (p.clone(), fs::read(p).unwrap()));
    fs::write(assets.join(archive), "forged").unwrap();
    fs::write(&checksum, package::checksum_line(archive, Digest::of(b"forged"))).unwrap();
    assert_eq!(status(&[&world.plan.targets[0].checksum]), Some(1));
    for (path, bytes) in before {
        fs::write(path, bytes).unwrap();
    }
    // One byte more, and every kind of file says so itself.
    for name in everything {
        let (path, bytes) = (assets.join(name), fs::read(assets.join(name)).unwrap());
        fs::write(&path, [&bytes[..], b" "].concat()).unwrap();
        let (output, text) = run(&[name]);
        assert_eq!(output.status.code(), Some(1), "{name}: {text}");
        fs::write(&path, &bytes).unwrap();
    }
}
