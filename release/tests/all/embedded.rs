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

use crate::support::graph::{Skeleton, project};

const MODULES: [(&str, &str); 2] = [("src/embedded.rs", "embedded"), ("release/src/section.rs", "section")];

/// Compiles a program with one of the two modules, optimised and stripped as a release.
fn compiled(module: &str, digits: Option<&str>, folder: &Path) -> PathBuf {
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
        assert_eq!(embedded::check(&program, &graph).unwrap(), Some(graph.crates.len() + 1));
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
fn programs_without_a_list_are_built_and_accepted() {
    for (module, _) in MODULES {
        let folder = tempfile::tempdir().unwrap();
        let program = compiled(module, None, folder.path());
        assert_eq!(embedded::check(&program, &project()).unwrap(), None);
        assert_eq!(audit::read(&program).unwrap().crates, None);
    }
    assert_eq!(List::inside(b"no executable").unwrap(), None);
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
    let error = embedded::check(&program, &skeleton.graph()).unwrap_err();
    assert!(matches!(error, Fault::Other(_)) && error.hint().is_some(), "{error}");
    assert!(error.to_string().ends_with("it has windows-only 1.0.0 too"), "{error}");
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
