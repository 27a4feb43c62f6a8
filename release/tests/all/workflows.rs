//! `.github/workflows`: a release is the calls of `sayna-release` that stand there, on the machines of the table, in the
//! order of the stages, with no more rights than docs/release/workflows.md says.

mod calls;
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sayna_release::plan::{self, Options, output};
use sayna_release::table::Builder;
use serde_norway::Value;

use crate::support::project_file;

/// The workflows that make a release, the others beside them.
const RELEASE: [&str; 3] = ["release", "build", "images"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn table() -> toml::Table {
    project_file("sayna-release.toml").parse().unwrap()
}

pub(crate) fn workflow(name: &str) -> Value {
    serde_norway::from_str(&project_file(&format!(".github/workflows/{name}.yml"))).unwrap()
}

/// The names of all workflows.
fn names() -> Vec<String> {
    let entries = fs::read_dir(root().join(".github/workflows")).unwrap();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.map(|n| n.strip_suffix(".yml").unwrap().to_owned()).collect();
    names.sort();
    names
}

pub(crate) fn jobs(workflow: &Value) -> impl Iterator<Item = (&str, &Value)> {
    workflow["jobs"].as_mapping().unwrap().iter().map(|(id, job)| (id.as_str().unwrap(), job))
}

pub(crate) fn steps(job: &Value) -> &[Value] {
    job["steps"].as_sequence().map_or(&[], Vec::as_slice)
}

/// A scalar or a list of scalars.
pub(crate) fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(one) => vec![one.clone()],
        many => many.as_sequence().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect(),
    }
}

/// The runners of the table's targets, of one builder or of all.
fn runners(builder: Option<&str>) -> BTreeSet<String> {
    let table = table();
    let targets = table["target"].as_array().unwrap().iter();
    let wanted = targets.filter(|t| builder.is_none_or(|b| t["builder"].as_str() == Some(b)));
    wanted.map(|t| t["runner"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_matrices_are_the_tables_targets_and_platforms() {
    let plan = plan::make(root(), &Options::default()).unwrap().plan;
    let table = table();
    let include = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["include"].take();
    let rows = |matrix: &serde_json::Value, keys: [&str; 3]| -> Vec<[String; 3]> {
        let row = |job: &serde_json::Value| keys.map(|k| job[k].as_str().unwrap_or_default().to_owned());
        matrix.as_array().unwrap().iter().map(row).collect()
    };
    let text = |value: &toml::Value, key: &str| value[key].as_str().unwrap().to_owned();
    let targets = table["target"].as_array().unwrap();
    let expected: Vec<_> = targets.iter().map(|t| ["triple", "runner", "builder"].map(|k| text(t, k))).collect();
    let keys = ["target", "runner", "builder"];
    let products = table["product"].as_array().unwrap().iter().map(|product| text(product, "name"));
    for program in std::iter::once(text(&table["release"], "name")).chain(products) {
        let mut plan = plan.clone();
        plan.targets.retain(|target| target.product == program);
        let of = |builder| include(&output::matrix(&plan, builder));
        assert_eq!(rows(&of(None), keys), expected, "{program}");
        let by_nix: Vec<_> = expected.iter().filter(|t| t[2] == "nix").cloned().collect();
        assert_eq!(rows(&of(Some(Builder::Nix)), keys), by_nix, "{program}");
    }
    let all = include(&output::matrix(&plan, None));
    let folders: BTreeSet<&str> = all.as_array().unwrap().iter().map(|job| job["folder"].as_str().unwrap()).collect();
    assert_eq!(folders.len(), expected.len() * 2, "a folder, and so an artifact of the workflow, for each job");
    let platforms = table["image"]["platforms"].as_array().unwrap().iter().map(|p| {
        let (os, arch) = (text(p, "os"), text(p, "arch"));
        [text(p, "target"), format!("{os}/{arch}"), format!("{os}-{arch}")]
    });
    let mut found = rows(&include(&output::matrix(&plan, None)), ["target", "platform", "part"]);
    found.retain(|[_, platform, part]| !platform.is_empty() || !part.is_empty());
    assert_eq!(found, platforms.collect::<Vec<_>>());
}

#[test]
fn every_key_that_a_workflow_takes_from_a_matrix_is_in_it_and_every_input_is_given() {
    let plan = plan::make(root(), &Options::default()).unwrap().plan;
    let text = project_file(".github/workflows/release.yml");
    let matrix: serde_json::Value = serde_json::from_str(&output::matrix(&plan, None)).unwrap();
    let keys: Vec<&str> = text.split("${{ matrix.").skip(1).map(|t| t.split(' ').next().unwrap()).collect();
    assert!(!keys.is_empty());
    for key in keys {
        assert!(matrix["include"][0].get(key).is_some(), "release.yml asks for matrix.{key}: {matrix}");
    }
    let release = workflow("release");
    for (job, name) in [("build", "build"), ("images", "images")] {
        let inputs = workflow(name)["on"]["workflow_call"]["inputs"].clone();
        let keys =
            |v: &Value| v.as_mapping().into_iter().flatten().map(|(k, _)| k.as_str().unwrap().to_owned()).collect();
        let (declared, given): (BTreeSet<String>, BTreeSet<String>) =
            (keys(&inputs), keys(&release["jobs"][job]["with"]));
        assert_eq!(declared, given, "{name}.yml");
    }
}

#[test]
fn ci_runs_on_every_runner_of_a_release_by_its_compiler_and_with_its_cache() {
    let (ci, table) = (workflow("ci"), table());
    let matrix =
        |job: &str| list(&ci["jobs"][job]["strategy"]["matrix"]["runner"]).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(matrix("test"), runners(None));
    assert_eq!(matrix("flake"), runners(Some("nix")));
    for name in ["ci", "nightly"] {
        let toolchain = workflow(name)["env"]["RUSTUP_TOOLCHAIN"].clone();
        assert_eq!(toolchain.as_str(), table["release"]["toolchain"].as_str(), "{name}.yml");
    }
    let mut caches = 0;
    for name in names() {
        let workflow = workflow(&name);
        for (id, job) in jobs(&workflow) {
            for step in steps(job).iter().filter(|s| s["uses"].as_str().is_some_and(|u| u.contains("cachix-action"))) {
                assert_eq!(step["with"]["name"].as_str(), table["release"]["cachix"].as_str(), "{name}.yml, {id}");
                caches += 1;
            }
        }
    }
    assert_eq!(caches, 2);
}

#[test]
fn every_fixed_runner_is_one_of_the_tables() {
    let known = runners(None);
    for name in names() {
        let workflow = workflow(&name);
        for (id, job) in jobs(&workflow) {
            let Some(label) = job["runs-on"].as_str() else {
                assert!(job["uses"].is_string(), "{name}.yml, {id} runs nowhere");
                continue;
            };
            assert!(label.starts_with("${{ ") || known.contains(label), "{name}.yml, {id} runs on {label}");
        }
    }
}

#[test]
fn the_jobs_of_a_release_wait_for_the_stage_before() {
    let release = workflow("release");
    let needs = |job: &str| list(&release["jobs"][job]["needs"]);
    let order: BTreeMap<&str, Vec<String>> = jobs(&release).map(|(id, _)| (id, needs(id))).collect();
    let expected = [
        ("build", vec!["plan", "doctor"]),
        ("doctor", vec![]),
        ("images", vec!["build"]),
        ("plan", vec![]),
        ("promote", vec!["verify"]),
        ("publish", vec!["build", "images"]),
        ("rebuilt", vec!["verify", "reproduce"]),
        ("reproduce", vec!["plan", "verify"]),
        ("verify", vec!["publish"]),
    ];
    let expected = expected.map(|(id, before)| (id, before.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    assert_eq!(order, BTreeMap::from(expected));
    // GitHub skips what needs a failed or skipped job, however far up: from the two tracks on, each says what it needs.
    for (job, before) in [
        ("publish", "build"),
        ("verify", "publish"),
        ("promote", "verify"),
        ("reproduce", "verify"),
        ("rebuilt", "verify"),
    ] {
        let condition = release["jobs"][job]["if"].as_str().unwrap_or_default();
        let success = format!("!cancelled() && needs.{before}.result == 'success'");
        assert!(condition.contains(&success), "{job}: {condition}");
    }
    for job in ["publish", "promote"] {
        let group = &release["jobs"][job]["concurrency"];
        assert_eq!((group["group"].as_str(), group["cancel-in-progress"].as_bool()), (Some("publish"), Some(false)));
    }
    assert_eq!(release["concurrency"]["cancel-in-progress"].as_bool(), Some(false));
}

#[test]
fn permissions_are_those_of_the_documented_table() {
    let docs = project_file("docs/release/workflows.md");
    let documented: BTreeMap<String, BTreeSet<String>> = docs
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let job = cells.next()?.strip_suffix('`')?;
            let rights = cells.next()?.split(", ").map(str::to_owned).collect();
            job.contains(".yml").then(|| (job.to_owned(), rights))
        })
        .collect();
    let mut found = BTreeMap::new();
    for name in names() {
        let workflow = workflow(&name);
        assert!(
            workflow["permissions"].as_mapping().is_some_and(serde_norway::Mapping::is_empty),
            "{name}.yml grants something to all"
        );
        for (id, job) in jobs(&workflow) {
            let rights = job["permissions"].as_mapping().unwrap_or_else(|| panic!("{name}.yml, {id}: no permissions"));
            let right = |(k, v): (&Value, &Value)| format!("{}: {}", k.as_str().unwrap(), v.as_str().unwrap());
            found.insert(format!("{name}.yml {id}"), rights.iter().map(right).collect::<BTreeSet<_>>());
        }
    }
    assert_eq!(found, documented);
}

#[test]
fn secrets_are_read_in_the_release_environment_alone() {
    for name in names() {
        let workflow = workflow(&name);
        for (id, job) in jobs(&workflow) {
            let text = serde_norway::to_string(job).unwrap();
            assert!(!text.contains("secrets: inherit"), "{name}.yml, {id}");
            let reads = text.contains("secrets.");
            assert!(!reads || job["environment"].as_str() == Some("release"), "{name}.yml, {id}");
            assert!(!reads || workflow["on"].get("pull_request").is_none(), "{name}.yml, {id}");
        }
    }
}

#[test]
fn every_action_is_pinned_to_a_commit_and_says_its_version() {
    let mut pins: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in names() {
        for line in project_file(&format!(".github/workflows/{name}.yml")).lines() {
            let Some((_, used)) = line.split_once("uses: ") else { continue };
            if used.starts_with("./") {
                continue;
            }
            let (action, pin) = used.split_once('@').unwrap_or_else(|| panic!("{name}.yml: {line}"));
            let (commit, version) = pin.split_once(" # ").unwrap_or_else(|| panic!("{name}.yml: {line}"));
            let hex = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
            let digits = version.strip_prefix('v').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
            assert!(hex && digits, "{name}.yml: {line}");
            pins.entry(action.to_owned()).or_default().insert(pin.to_owned());
        }
    }
    assert!(pins.len() > 8, "{pins:?}");
    // One version of each: what one job uploads another downloads.
    for (action, pins) in pins {
        assert_eq!(pins.len(), 1, "{action}: {pins:?}");
    }
}

#[test]
fn a_tag_is_pushed_by_a_token_that_starts_the_release() {
    let workflow = workflow("release-plz");
    for (id, job) in jobs(&workflow) {
        let uses = |action: &str| steps(job).iter().find(|s| s["uses"].as_str().is_some_and(|u| u.starts_with(action)));
        let app = uses("actions/create-github-app-token@").unwrap_or_else(|| panic!("{id} does not act as the App"));
        let pushes = uses("release-plz/action@").unwrap_or_else(|| panic!("{id} does nothing"));
        let token = format!("${{{{ steps.{}.outputs.token }}}}", app["id"].as_str().unwrap());
        assert_eq!(pushes["env"]["GITHUB_TOKEN"].as_str(), Some(token.as_str()), "{id}");
    }
    // Where a tag started nothing all the same, a maintainer starts the release on it.
    let release = self::workflow("release");
    let on = &release["on"];
    assert!(on.get("workflow_dispatch").is_some() && on["push"]["tags"].is_sequence());
}
