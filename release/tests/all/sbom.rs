//! The SBOM, and the graph behind it, from outside.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sayna_release::digest::Digest;
use sayna_release::graph::{Crate, Graph, Origin};
use sayna_release::licences::{Library, Linked};
use sayna_release::plan::{self, Plan};
use sayna_release::sbom::{self, image};
use sayna_release::table::{Model, Native};
use sayna_release::triple::Triple;
use serde_json::Value;

use crate::support::graph::{Skeleton, crates_folder, host, native, project};
use crate::support::{World, golden};

const LINUX: &str = "x86_64-unknown-linux-gnu";

fn plan() -> Plan {
    let world = World::begun();
    plan::make(world.root(), &plan::Options::default()).unwrap().plan
}

fn bytes(plan: &Plan, graph: &Graph, target: &Triple, natives: &[&Native]) -> Result<Vec<u8>, sbom::Error> {
    let binary = Digest::of(b"ELF");
    let rustc = semver::Version::new(1, 95, 0);
    // With libwebrtc comes a model, so that both kinds of input are in the same documents.
    let model = Model {
        name: "silero/vad.onnx".to_owned(),
        feature: "livekit".to_owned(),
        image: false,
        url: "https://example.org/v6/vad.onnx".to_owned(),
        bytes: 3,
        sha256: Digest::of(b"model"),
        licence: "MIT".to_owned(),
        wheel: "wheel-1-py3-none-any.whl".to_owned(),
        path: "wheel/vad.onnx".to_owned(),
    };
    let models: Vec<&Model> = natives.iter().map(|_| &model).collect();
    let natives: Vec<Linked<'_>> = natives.iter().map(|native| Linked::read(native, None).unwrap()).collect();
    sbom::document(&sbom::Input {
        plan,
        target,
        rustc: &rustc,
        graph,
        natives: &natives,
        models: &models,
        binary,
        system: None,
    })
}

/// What links an input with two libraries inside, of which one has a text of its own.
fn with_libraries() -> String {
    let native = native("BSD-3-Clause", &"ab".repeat(32));
    let library = |name: &str, licence| Library { name: name.to_owned(), text: "Text".to_owned(), licence };
    let libraries = vec![library("webrtc", Some("BSD-3-Clause")), library("ffmpeg", None)];
    let natives = [Linked { native: &native, libraries }];
    let (graph, target, rustc, plan) = (project(), LINUX.parse().unwrap(), semver::Version::new(1, 95, 0), plan());
    let binary = Digest::of(b"ELF");
    let (natives, rustc, plan) = (&natives, &rustc, &plan);
    let input = sbom::Input { plan, target: &target, rustc, graph: &graph, natives, models: &[], binary, system: None };
    String::from_utf8(sbom::document(&input).unwrap()).unwrap()
}

/// Every component of a list, and all inside of each.
fn all(components: &Value) -> Vec<&Value> {
    let components = components.as_array().into_iter().flatten();
    components.flat_map(|one| std::iter::once(one).chain(all(&one["components"]))).collect()
}

fn document(graph: &Graph, target: &Triple, natives: &[&Native]) -> String {
    String::from_utf8(bytes(&plan(), graph, target, natives).unwrap()).unwrap()
}

fn ids(crates: &[Crate]) -> Vec<String> {
    crates.iter().map(|krate| krate.id.to_string()).collect()
}

#[test]
fn only_what_is_linked_is_in_the_graph() {
    let skeleton = Skeleton::new();
    assert_eq!(ids(&skeleton.graph().crates), ["leaf 1.0.0", "shared 1.0.0"]);
    let windows = skeleton.graph_of("x86_64-pc-windows-msvc", &[]);
    assert_eq!(ids(&windows.crates), ["leaf 1.0.0", "shared 1.0.0", "windows-only 1.0.0"]);
}

#[test]
fn a_feature_adds_the_edge_it_brings() {
    let skeleton = Skeleton::new();
    let edges = |graph: &Graph| graph.package.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(edges(&skeleton.graph()), ["shared 1.0.0"]);
    assert_eq!(edges(&skeleton.graph_of(LINUX, &["extra"])), ["leaf 1.0.0", "shared 1.0.0"]);
}

#[test]
fn its_components_are_those_of_cargo_tree() {
    let (graph, target) = (project(), host());
    let value: Value = serde_json::from_str(&document(&graph, &target, &[])).unwrap();
    let crates = value["components"].as_array().unwrap().iter();
    let crates = crates.filter(|c| c["purl"].as_str().unwrap().starts_with("pkg:cargo/"));
    let ours: BTreeSet<String> = crates
        .map(|c| {
            assert_eq!(c["hashes"][0]["content"].as_str().unwrap().len(), 64, "{c}");
            assert!(c["licenses"][0]["expression"].is_string(), "{c}");
            format!("{} v{}", c["name"].as_str().unwrap(), c["version"].as_str().unwrap())
        })
        .collect();
    assert_eq!(ours, linked_by_tree(&target));
}

/// The crates of `cargo tree -e normal`, less the macros and what only they need, found by indentation.
fn linked_by_tree(target: &Triple) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(crates_folder()).args(["tree", "--locked", "-e", "normal", "-p", "sayna", "--no-dedupe"]);
    command.args(["--target", target.as_str(), "--no-default-features", "--prefix", "depth"]);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let mut linked = BTreeSet::new();
    let mut macro_at = None;
    for line in text.lines() {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let depth: usize = line[..digits].parse().unwrap();
        if macro_at.is_some_and(|at| depth > at) {
            continue;
        }
        macro_at = line.contains("(proc-macro)").then_some(depth);
        if macro_at.is_none() && depth > 0 {
            linked.insert(line[digits..].split(' ').take(2).collect::<Vec<_>>().join(" "));
        }
    }
    assert!(linked.len() > 10, "cargo tree says {linked:?}");
    linked
}

#[test]
fn the_document_has_its_shape() {
    let skeleton = Skeleton::new();
    let target = LINUX.parse().unwrap();
    let webrtc = native("BSD-3-Clause", &"ab".repeat(32));
    let text = document(&skeleton.graph_of(LINUX, &["extra"]), &target, &[&webrtc]);
    // Named instead of shown: what changes with each version of this program and of the test's table.
    let tool = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let shown = text.replacen(&tool, "\"version\": \"<tool>\"", 1);
    golden("sbom.cdx.json", &shown.replace(&plan().commit, "<commit>").replace(&serial(&text), "<serial>"));
}

fn serial(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap();
    value["serialNumber"].as_str().unwrap().to_owned()
}

#[test]
fn sbom_has_the_fields_that_verify_reads() {
    let value: Value = serde_json::from_str(&document(&project(), &host(), &[])).unwrap();
    let at = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    assert_eq!(at("/specVersion"), "1.6");
    assert_eq!(at("/metadata/component/version"), "0.1.0");
    assert_eq!(at("/metadata/component/hashes/0/content"), Digest::of(b"ELF").hex());
    assert_eq!(at("/metadata/component/purl"), "pkg:github/saynaai/sayna@v0.1.0");
    assert_eq!(at("/metadata/timestamp"), "2026-01-02T03:04:05Z");
}

#[test]
fn the_libraries_inside_an_input_stand_in_its_component_and_it_depends_on_them() {
    let value: Value = serde_json::from_str(&with_libraries()).unwrap();
    let webrtc = all(&value["components"]).into_iter().find(|c| c["name"] == "libwebrtc").unwrap();
    let expected = serde_json::json!([
        {"type": "library", "bom-ref": "webrtc in libwebrtc 124", "name": "webrtc",
            "licenses": [{"expression": "BSD-3-Clause"}]},
        {"type": "library", "bom-ref": "ffmpeg in libwebrtc 124", "name": "ffmpeg",
            "licenses": [{"license": {"name": "the text of ffmpeg in the licences of libwebrtc 124"}}]},
    ]);
    assert_eq!(webrtc["components"], expected);
    let edges = value["dependencies"].as_array().unwrap();
    let of = |name: &str| edges.iter().find(|edge| edge["ref"] == name).unwrap()["dependsOn"].clone();
    assert_eq!(of("libwebrtc 124"), serde_json::json!(["ffmpeg in libwebrtc 124", "webrtc in libwebrtc 124"]));
    assert!(!of(value["metadata"]["component"]["bom-ref"].as_str().unwrap()).to_string().contains("ffmpeg"));
    assert_eq!(with_libraries(), with_libraries());
}

#[test]
fn every_edge_ends_at_a_component() {
    for document in [document(&project(), &host(), &[]), with_libraries()] {
        edges_are_whole(&document);
    }
}

pub(crate) fn edges_are_whole(document: &str) {
    let value: Value = serde_json::from_str(document).unwrap();
    let all = all(&value["components"]).into_iter().chain([&value["metadata"]["component"]]);
    let refs: Vec<&str> = all.map(|c| c["bom-ref"].as_str().unwrap()).collect();
    let unique: BTreeSet<&str> = refs.iter().copied().collect();
    assert_eq!(unique.len(), refs.len(), "a bom-ref stands twice");
    let dependencies = value["dependencies"].as_array().unwrap();
    let from: Vec<&str> = dependencies.iter().map(|d| d["ref"].as_str().unwrap()).collect();
    assert_eq!(from.len(), unique.len());
    assert_eq!(from.into_iter().collect::<BTreeSet<_>>(), unique);
    let to = dependencies.iter().filter_map(|d| d["dependsOn"].as_array()).flatten();
    let to: BTreeSet<&str> = to.map(|id| id.as_str().unwrap()).collect();
    let root = value["metadata"]["component"]["bom-ref"].as_str().unwrap();
    let reached: BTreeSet<&str> = to.iter().copied().chain([root]).collect();
    assert_eq!(reached, unique, "an edge leads nowhere, or nothing leads to a component");
}

#[test]
fn equal_input_in_different_places_gives_equal_bytes() {
    let (one, other, plan) = (Skeleton::new(), Skeleton::new(), plan());
    let target = LINUX.parse().unwrap();
    let of = |skeleton: &Skeleton| bytes(&plan, &skeleton.graph(), &target, &[]).unwrap();
    assert_eq!(of(&one), of(&other));
    let text = String::from_utf8(of(&one)).unwrap();
    assert!(!text.contains(one.root().to_str().unwrap()) && text.ends_with("}\n"));
}

#[test]
fn another_content_has_another_serial_number() {
    let skeleton = Skeleton::new();
    let linux = document(&skeleton.graph(), &LINUX.parse().unwrap(), &[]);
    let more = document(&skeleton.graph_of(LINUX, &["extra"]), &LINUX.parse().unwrap(), &[]);
    assert_ne!(serial(&linux), serial(&more));
    assert!(serial(&linux).starts_with("urn:uuid:"));
}

#[test]
fn both_spellings_of_a_native_digest_are_one_and_others_are_refused() {
    let (skeleton, target) = (Skeleton::new(), LINUX.parse().unwrap());
    let graph = skeleton.graph();
    let of = |sha256: &str| bytes(&plan(), &graph, &target, &[&native("BSD-3-Clause", sha256)]);
    let hex = Digest::of(b"").hex();
    assert_eq!(of(&hex).unwrap(), of("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").unwrap());
    let error = of("sha256-short").unwrap_err();
    assert!(error.to_string().contains("libwebrtc") && error.hint().is_some(), "{error}");
    assert!(!String::from_utf8(of("").unwrap()).unwrap().contains("checksum="));
}

/// The official JSON schema, strictly, by the library that CycloneDX keeps for Python.
/// The same executable on two platforms.
fn of_image() -> String {
    let one = with_libraries();
    let platforms = ["linux/amd64", "linux/arm64"]
        .map(|name| image::Platform { name: name.to_owned(), document: serde_json::from_str(&one).unwrap() });
    let bytes = image::document(&plan(), "docker.io/saynaai/sayna", Digest::of(b"index"), &platforms).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_images_document_is_about_its_index_and_has_each_platforms_executable_with_all_that_it_links() {
    let image: Value = serde_json::from_str(&of_image()).unwrap();
    let about = &image["metadata"]["component"];
    assert_eq!((&about["type"], &about["name"]), (&"container".into(), &"docker.io/saynaai/sayna".into()));
    assert_eq!(about["hashes"][0]["content"], Digest::of(b"index").hex());
    let one: Value = serde_json::from_str(&with_libraries()).unwrap();
    let linked = all(&one["components"]).len();
    let mut references = BTreeSet::from([about["bom-ref"].as_str().unwrap()]);
    for (executable, name) in image["components"].as_array().unwrap().iter().zip(["linux/amd64", "linux/arm64"]) {
        assert_eq!(executable["name"], format!("sayna {name}"));
        assert_eq!(executable["hashes"], one["metadata"]["component"]["hashes"]);
        let inside = all(&executable["components"]);
        assert_eq!(inside.len(), linked);
        references.extend([executable].into_iter().chain(inside).map(|c| c["bom-ref"].as_str().unwrap()));
    }
    assert_eq!(references.len(), 1 + 2 * (1 + linked), "each has a name of its own");
    let edges = image["dependencies"].as_array().unwrap();
    let targets = edges.iter().flat_map(|e| e["dependsOn"].as_array().into_iter().flatten());
    let named: BTreeSet<&str> = targets.chain(edges.iter().map(|e| &e["ref"])).map(|r| r.as_str().unwrap()).collect();
    assert_eq!(named, references);
    assert_eq!(of_image(), of_image());
}

#[test]
fn a_document_of_somebody_else_is_no_part_of_an_images() {
    let platforms = [image::Platform { name: "linux/amd64".to_owned(), document: serde_json::json!({"a": []}) }];
    let error = image::document(&plan(), "x", Digest::of(b"index"), &platforms).unwrap_err();
    assert!(error.to_string().contains("linux/amd64") && error.hint().is_some(), "{error}");
}

#[test]
#[ignore = "needs cyclonedx-python-lib"]
fn sbom_is_valid_by_the_official_schema() {
    let webrtc = native("BSD-3-Clause", &"ab".repeat(32));
    let with_webrtc = document(&project(), &LINUX.parse().unwrap(), &[&webrtc]);
    for text in [document(&project(), &host(), &[]), with_webrtc, with_libraries(), of_image()] {
        assert_eq!(validate(&text), "None");
    }
    let broken = document(&project(), &host(), &[]).replace("\"specVersion\": \"1.6\"", "\"specVersion\": 16");
    assert_ne!(validate(&broken), "None", "the validator accepts anything");
}

pub(crate) fn validate(text: &str) -> String {
    let ours = || crates_folder().join("dist/tools/venv/bin/python");
    let python = std::env::var_os("SAYNA_TEST_PYTHON").map_or_else(ours, PathBuf::from);
    let script = "import sys\n\
         from cyclonedx.schema import SchemaVersion\n\
         from cyclonedx.validation.json import JsonStrictValidator\n\
         print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))\n";
    let mut command = Command::new(&python);
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot run {}: {e}", python.display()));
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn only_what_has_a_checksum_of_the_registry_has_its_purl() {
    let of = |graph: &Graph| serde_json::from_str::<Value>(&document(graph, &LINUX.parse().unwrap(), &[])).unwrap();
    let mut graph = Skeleton::new().graph();
    // A crate of the same name and version as one of the registry's, which a `[patch]` put in its place.
    let purl = |value: &Value| {
        let shared = value["components"].as_array().unwrap().iter().find(|c| c["name"] == "shared").unwrap().clone();
        (shared["purl"].as_str().unwrap().to_owned(), shared["pedigree"].clone())
    };
    let (patched, pedigree) = purl(&of(&graph));
    let commit = pedigree["commits"][0]["uid"].as_str().unwrap();
    let url = format!("git%2Bhttps:%2F%2Fgithub.com%2Fsaynaai%2Fsayna%40{commit}");
    assert_eq!(patched, format!("pkg:generic/shared@1.0.0?vcs_url={url}"));
    for krate in &mut graph.crates {
        krate.checksum = Some(Digest::of(b"shared.crate"));
        krate.id.origin = Origin::Registry;
    }
    assert_eq!(purl(&of(&graph)), ("pkg:cargo/shared@1.0.0".to_owned(), Value::Null));
    for krate in &mut graph.crates {
        krate.id.origin = Origin::Other { index: "https://crates.example.org/index/".to_owned() };
    }
    let other = "pkg:cargo/shared@1.0.0?repository_url=https:%2F%2Fcrates.example.org%2Findex%2F";
    assert_eq!(purl(&of(&graph)), (other.to_owned(), Value::Null));
}
