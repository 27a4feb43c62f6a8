//! The list of crates inside executables: what a build embeds, readers of other projects, and hostile sections.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;
use sayna_release::audit::{self, Rule};
use sayna_release::embedded::{self, Fault, List};
use sayna_release::graph::Graph;
use sayna_release::part::Part;

use crate::rehearse;
use crate::small_release::Release;
use crate::support::graph::{Skeleton, project};

pub(crate) const MODULES: [(&str, &str); 2] = [("src/embedded.rs", "embedded"), ("release/src/section.rs", "section")];

/// Compiles a program with one of the two modules, optimised and stripped as a release.
pub(crate) fn compiled(module: &str, digits: Option<&str>, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let module = root.join(module);
    let main = folder.join("main.rs");
    let out = folder.join("program");
    fs::write(&main, format!("#[path = \"{}\"]\nmod it;\nfn main() {{ it::keep(); }}\n", module.display())).unwrap();
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(["--edition", "2024", "-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1", "-Cstrip=symbols"]);
    command.arg("--remap-path-prefix").arg(format!("{}=/build", folder.display()));
    command.arg("-o").arg(&out).arg(&main).env_remove("SAYNA_DEP_V0");
    if let Some(digits) = digits {
        command.env("SAYNA_DEP_V0", digits);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[test]
fn both_programs_carry_the_list_of_the_graph_which_foreign_readers_read_and_builds_repeat() {
    let graph = project();
    let digits = List::variable(&graph).unwrap();
    assert!(digits.len() / 2 < 8192, "the section has {} bytes", digits.len() / 2);
    for (module, _) in MODULES {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let program = compiled(module, Some(&digits), one.path());
        assert_eq!(List::read(&program).unwrap().unwrap(), List::of(&graph));
        assert_eq!(embedded::check(&program, &graph, true).unwrap(), Some(graph.crates.len() + 1));
        let foreign = auditable_info::audit_info_from_file(&program, auditable_info::Limits::default()).unwrap();
        let theirs: Vec<String> =
            foreign.packages.iter().map(|p| format!("{} {} {}", p.name, p.version, p.root)).collect();
        let ours = List::of(&graph).packages;
        assert_eq!(theirs, ours.iter().map(|p| format!("{} {} {}", p.name, p.version, p.root)).collect::<Vec<_>>());
        let again = compiled(module, Some(&digits), two.path());
        assert!(fs::read(&program).unwrap() == fs::read(&again).unwrap(), "two builds differ");
        let facts = audit::read(&program).unwrap();
        assert_eq!(facts.crates, Some(graph.crates.len() + 1));
        assert!(Command::new(&program).status().unwrap().success());
    }
}

#[test]
fn a_program_without_a_list_is_refused_where_it_needs_one() {
    for (module, _) in MODULES {
        let folder = tempfile::tempdir().unwrap();
        let program = compiled(module, None, folder.path());
        assert_eq!(embedded::check(&program, &project(), false).unwrap(), None);
        let fault = embedded::check(&program, &project(), true).unwrap_err();
        assert!(matches!(fault, Fault::Missing) && fault.hint().unwrap().contains("crates = false"), "{fault}");
        assert_eq!(audit::read(&program).unwrap().crates, None);
    }
    assert_eq!(List::inside(b"no executable".as_slice()).unwrap(), None);
}

#[test]
fn both_programs_have_the_same_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let [one, two] = MODULES.map(|(path, _)| fs::read_to_string(root.join(path)).unwrap());
    assert_eq!(one, two);
    for (main, module) in [("src/main.rs", "embedded"), ("release/src/main.rs", "section")] {
        let text = fs::read_to_string(root.join(main)).unwrap();
        assert!(text.contains(&format!("{module}::keep();")), "{main} does not keep the section");
    }
}

#[test]
fn an_executable_with_the_crates_of_another_graph_is_refused_with_the_difference() {
    let skeleton = Skeleton::new();
    let folder = tempfile::tempdir().unwrap();
    let digits = List::variable(&skeleton.graph_of("x86_64-pc-windows-msvc", &[])).unwrap();
    let program = compiled(MODULES[0].0, Some(&digits), folder.path());
    let error = embedded::check(&program, &skeleton.graph(), true).unwrap_err();
    assert!(matches!(error, Fault::Other(_)) && error.hint().is_some(), "{error}");
    assert!(error.to_string().ends_with("it has windows-only 1.0.0 too"), "{error}");
}

/// A toy project whose table demands lists.
fn demanding() -> crate::support::World {
    let world = rehearse::project();
    world.edit("sayna-release.toml", "crates = false\n", "");
    world
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_program_that_loses_its_list_is_not_built_or_packed() {
    const BUILD: [&str; 3] = ["build", "--target", "x86_64-unknown-linux-gnu"];
    let mut world = demanding();
    world.commit("feat: lists");
    let output = rehearse::run(world.root(), &BUILD);
    let said = rehearse::text(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("has no list of its crates"), "{said}");
    assert!(Part::read(&world.path("dist/x86_64-unknown-linux-gnu")).unwrap().is_none());
    let package = ["package", "--target", BUILD[2], "--binary", "src/main.rs", "--out", "dist/packed"];
    let output = rehearse::run(world.root(), &package);
    let said = rehearse::text(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("has no list of its crates"), "{said}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    world.write("src/embedded.rs", &fs::read_to_string(root.join(MODULES[0].0)).unwrap());
    let main =
        world.read("src/main.rs").replacen("fn main() {\n", "mod embedded;\nfn main() {\n    embedded::keep();\n", 1);
    world.write("src/main.rs", &main);
    world.commit("feat: its list");
    let output = rehearse::run(world.root(), &BUILD);
    assert!(output.status.success(), "{}", rehearse::text(&output.stderr));
    let Some(Part::Binary(part)) = Part::read(&world.path("dist/x86_64-unknown-linux-gnu")).unwrap() else { panic!() };
    assert!(part.built.crates);
}

/// A program that lists itself and these crates, in this version.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn listing(version: &str, crates: &str) -> String {
    let root = format!(r#"{{"name":"sayna","version":"{version}","source":"local","root":true}}"#);
    let bytes = packed(format!(r#"{{"packages":[{crates}{root}]}}"#).as_bytes());
    format!(
        "#[used]\n#[unsafe(link_section = \".dep-v0\")]\nstatic LIST: [u8; {}] = {bytes:?};\n\
         fn main() {{ std::hint::black_box(&LIST); println!(\"sayna 1.2.3\"); }}",
        bytes.len()
    )
}

/// The verdict and the evidence of the row, where the part says whether there is a list.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn verified(release: &Release, says: bool) -> (bool, String) {
    let folder = release.folder.path().join("dist").join(&release.plan.targets[0].folder);
    let Some(Part::Binary(mut part)) = Part::read(&folder).unwrap() else { panic!("no part") };
    part.built.crates = says;
    Part::Binary(part).write(&folder).unwrap();
    assert!(release.publish().complete());
    let report = release.verify();
    let row = report.rows.iter().find(|row| row.id == "crates").unwrap();
    (row.verdict == sayna_release::verify::Verdict::Ok, row.evidence.clone())
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_release_lists_the_crates_of_its_sbom_or_says_that_it_has_no_list() {
    let (held, evidence) = verified(&Release::unpublished(), false);
    assert!(held && evidence.ends_with("no list"), "{evidence}");
    let (held, evidence) = verified(&Release::unpublished(), true);
    assert!(!held && evidence.contains("the manifest says that it has one"), "{evidence}");
    let other = r#"{"name":"other","version":"1.0.0","source":"crates.io"},"#;
    for (version, crates, wanted) in
        [("1.2.3", "", ": 0"), ("1.2.4", "", "of sayna 1.2.4"), ("1.2.3", other, "it has other 1.0.0 too")]
    {
        let (held, evidence) = verified(&Release::unpublished_of_source(&listing(version, crates)), true);
        assert!(held == (wanted == ": 0") && evidence.ends_with(wanted), "{evidence}");
    }
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bombs_wrong_json_and_lists_that_contradict_themselves_are_typed_faults() {
    let of = |text: &str| List::unpack(&packed(text.as_bytes())).unwrap_err();
    let package = |rest: &str| format!(r#"{{"name":"a","version":"1.0.0","source":"local"{rest}}}"#);
    assert!(matches!(List::unpack(&packed(&vec![b' '; 9 << 20])), Err(Fault::Packed(_))));
    assert!(matches!(List::unpack(&vec![0; (1 << 20) + 1]), Err(Fault::TooLarge { .. })));
    assert!(matches!(List::unpack(b"\x78\x9cnothing"), Err(Fault::Packed(_))));
    for text in ["", "[]", "{}", r#"{"packages":{}}"#, r#"{"packages":[{"name":1}]}"#] {
        assert!(matches!(of(text), Fault::Json(_)), "{text}");
    }
    for text in [
        r#"{"packages":[]}"#.to_owned(),
        format!(r#"{{"packages":[{}]}}"#, package("")),
        format!(r#"{{"packages":[{0},{0}]}}"#, package(r#","root":true"#)),
        format!(r#"{{"packages":[{}]}}"#, package(r#","root":true,"dependencies":[1]"#)),
        format!(r#"{{"packages":[{}]}}"#, vec![package(""); (1 << 16) + 1].join(",")),
    ] {
        assert!(matches!(of(&text), Fault::Inside(_)), "{}", &text[..text.len().min(200)]);
    }
}

#[test]
fn a_damaged_section_is_a_finding_of_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let program = compiled(MODULES[0].0, Some(&hex::encode(b"no list of crates")), folder.path());
    let facts = audit::read(&program).unwrap();
    let findings = audit::findings(&facts, None);
    assert!(findings.iter().any(|finding| finding.rule == Rule::Crates), "{findings:?}");
    assert!(facts.crates.is_none() && facts.crates_fault.is_some());
}

fn skeleton() -> Graph {
    Skeleton::new().graph()
}

proptest! {
    #[test]
    fn any_bytes_in_the_section_give_a_list_or_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..512), flip in 0..4096_usize) {
        let _either = List::unpack(&bytes).is_ok();
        let _either = List::unpack(&packed(&bytes)).is_ok();
        let mut whole = List::of(&skeleton_once()).section().unwrap();
        let at = flip % whole.len();
        whole[at] ^= 1 << (flip % 8);
        let _either = List::unpack(&whole).is_ok();
    }
}

/// The graph, resolved once for all cases.
fn skeleton_once() -> Graph {
    static GRAPH: std::sync::OnceLock<Graph> = std::sync::OnceLock::new();
    GRAPH.get_or_init(skeleton).clone()
}
