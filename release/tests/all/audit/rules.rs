//! Each rule: a file that keeps it and files that break it, and nothing but it.

use sayna_release::audit::{self, Expectations, Facts, Format, Hardening, Rule, Signature};
use sayna_release::table::{Floor, Source, Table};

use super::fixtures::{Elf, MachO, Pe};

pub(super) const LINUX: &str = "x86_64-unknown-linux-gnu";
pub(super) const MAC: &str = "aarch64-apple-darwin";
const WINDOWS: &str = "x86_64-pc-windows-msvc";

/// The repository's own table: what the audit is for.
pub(super) fn table() -> Table {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    Source::read(root).unwrap().table
}

fn facts(bytes: &[u8]) -> Facts {
    audit::facts(bytes).unwrap()
}

pub(super) fn broken(triple: &str, bytes: &[u8]) -> Vec<(Rule, String)> {
    let table = table();
    let target = table.target(&triple.parse().unwrap()).unwrap();
    let expectations = Expectations::from(target);
    let findings = audit::findings(&facts(bytes), Some(&expectations));
    assert!(findings.iter().all(|f| !f.fix.is_empty()), "each finding says how to fix it: {findings:?}");
    findings.into_iter().map(|f| (f.rule, format!("{} | {}", f.what, f.fix))).collect()
}

/// Asserts that one rule alone is broken, and that the finding says these words.
pub(super) fn breaks(triple: &str, bytes: &[u8], rule: Rule, words: &[&str]) {
    let found = broken(triple, bytes);
    assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [rule], "{found:?}");
    for word in words {
        assert!(found[0].1.contains(word), "{word:?} is missing from {:?}", found[0].1);
    }
}

#[test]
fn right_files_have_no_finding() {
    assert_eq!(broken(LINUX, &Elf::default().build()), []);
    assert_eq!(broken(MAC, &MachO::default().build()), []);
    assert_eq!(broken(WINDOWS, &Pe::default().build()), []);
    let pe32 = Pe { machine: 0x14c, is_64: false, flags: 0x4140, ..Pe::default() };
    assert_eq!(broken("i686-pc-windows-msvc", &pe32.build()), []);
    let arm = Elf { machine: 183, loader: Some("/lib/ld-linux-aarch64.so.1"), ..Elf::default() };
    assert_eq!(broken("aarch64-unknown-linux-gnu", &arm.build()), []);
}

#[test]
fn a_right_name_with_a_wrong_architecture_is_found() {
    let arm = Elf { machine: 183, loader: Some("/lib/ld-linux-aarch64.so.1"), ..Elf::default() };
    breaks(LINUX, &arm.build(), Rule::Architecture, &["aarch64", "x86_64"]);
    let found =
        broken(MAC, &Elf { machine: 183, loader: None, needed: vec![], versions: vec![], ..Elf::default() }.build());
    assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [Rule::Format]);
    let intel = MachO { cpu: 0x0100_0007, ..MachO::default() };
    breaks(MAC, &MachO::universal(&[intel, MachO::default()]), Rule::Architecture, &["x86_64"]);
    breaks("i686-pc-windows-msvc", &Pe::default().build(), Rule::Architecture, &["x86_64", "i686"]);
}

#[test]
fn only_the_systems_loader_is_allowed() {
    for loader in ["/lib/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2/", "/lib/ld-musl-x86_64.so.1"] {
        breaks(LINUX, &Elf { loader: Some(loader), ..Elf::default() }.build(), Rule::Loader, &[loader, "patchelf"]);
    }
    assert_eq!(broken(LINUX, &Elf { loader: None, ..Elf::default() }.build()), []);
    breaks(MAC, &MachO { loader: "/opt/dyld", ..MachO::default() }.build(), Rule::Loader, &["/opt/dyld"]);
}

#[test]
fn only_listed_libraries_are_allowed() {
    let elf = Elf { needed: vec!["libc.so.6", "libssl.so.3"], ..Elf::default() };
    breaks(LINUX, &elf.build(), Rule::Libraries, &["libssl.so.3", "libs"]);
    let framework = "/System/Library/Frameworks/Security.framework/Versions/A/Security";
    assert_eq!(broken(MAC, &MachO { needed: vec![framework], ..MachO::default() }.build()), []);
    for library in ["/opt/homebrew/lib/libz.1.dylib", "@rpath/libz.dylib", "/System/Library/Frameworks/../../x.dylib"] {
        breaks(MAC, &MachO { needed: vec![library], ..MachO::default() }.build(), Rule::Libraries, &[library]);
    }
    let pe = Pe { imports: vec!["KERNEL32.DLL", "libssl-3.dll"], ..Pe::default() };
    breaks(WINDOWS, &pe.build(), Rule::Libraries, &["libssl-3.dll"]);
    let late = Pe { delayed: vec!["dbghelp2.dll"], ..Pe::default() };
    breaks(WINDOWS, &late.build(), Rule::Libraries, &["dbghelp2.dll"]);
}

#[test]
fn the_visual_c_runtime_is_named_as_such() {
    for library in ["VCRUNTIME140.dll", "MSVCP140.dll", "api-ms-win-crt-runtime-l1-1-0.dll"] {
        let pe = Pe { imports: vec!["kernel32.dll", library], ..Pe::default() };
        breaks(WINDOWS, &pe.build(), Rule::Redistributable, &[library, "crt-static"]);
    }
    // Without a target as well: it is wrong for every one.
    let pe = Pe { imports: vec!["VCRUNTIME140.dll"], ..Pe::default() };
    let found = audit::findings(&facts(&pe.build()), None);
    assert_eq!(found.iter().map(|f| f.rule).collect::<Vec<_>>(), [Rule::Redistributable]);
}

#[test]
fn no_search_path_is_allowed() {
    breaks(LINUX, &Elf { rpath: Some("$ORIGIN/../lib"), ..Elf::default() }.build(), Rule::SearchPath, &["$ORIGIN"]);
    breaks(LINUX, &Elf { runpath: Some("/opt/lib"), ..Elf::default() }.build(), Rule::SearchPath, &["/opt/lib"]);
    let rpath = Some("@loader_path/../lib");
    breaks(MAC, &MachO { rpath, ..MachO::default() }.build(), Rule::SearchPath, &["delete_rpath @loader_path"]);
}

#[test]
fn a_glibc_that_is_too_new_is_held_against_the_floor() {
    let with = |version| Elf { versions: vec![("libc.so.6", version, false)], ..Elf::default() }.build();
    assert_eq!(broken(LINUX, &with("GLIBC_2.34")), []);
    // 2.9 is older than 2.34, though not as text.
    assert_eq!(broken(LINUX, &with("GLIBC_2.9")), []);
    let ways = ["GLIBC_2.38", "symbol_0", "Nix", "cargo zigbuild --target x86_64-unknown-linux-gnu.2.34"];
    breaks(LINUX, &with("GLIBC_2.38"), Rule::Glibc, &ways);
    breaks(LINUX, &with("GLIBC_ABI_DT_RELR"), Rule::Glibc, &["GLIBC_ABI_DT_RELR"]);
    breaks(LINUX, &with("GLIBC_PRIVATE"), Rule::Glibc, &["GLIBC_PRIVATE"]);
    let weak = Elf { versions: vec![("libc.so.6", "GLIBC_2.99", true)], ..Elf::default() };
    assert_eq!(broken(LINUX, &weak.build()), [], "the loader starts a file whose weak need is not met");
}

#[test]
fn the_newest_version_of_each_family_is_told_with_a_symbol() {
    let versions = vec![
        ("libc.so.6", "GLIBC_2.34", false),
        ("libc.so.6", "GLIBC_2.4", false),
        ("libgcc_s.so.1", "GCC_3.0", false),
    ];
    let found = facts(&Elf { versions, ..Elf::default() }.build()).images.remove(0).symbol_versions;
    let told: Vec<_> =
        found.iter().map(|v| (v.name.as_str(), v.library.as_str(), v.symbol.as_deref().unwrap())).collect();
    assert_eq!(told, [("GLIBC_2.34", "libc.so.6", "symbol_0"), ("GCC_3.0", "libgcc_s.so.1", "symbol_2")]);
}

#[test]
fn libstdcxx_is_allowed_only_where_it_is_listed() {
    for version in ["GLIBCXX_3.4.30", "CXXABI_1.3"] {
        let elf = Elf { versions: vec![("libstdc++.so.6", version, false)], ..Elf::default() }.build();
        breaks(LINUX, &elf, Rule::Libstdcxx, &[version, "statically"]);
        let libs = ["libc.so.6".to_owned(), "libstdc++.so.6".to_owned()];
        let (triple, floor) = (LINUX.parse().unwrap(), Floor::default());
        let expectations = Expectations { triple: &triple, floor: &floor, libs: &libs };
        assert_eq!(audit::findings(&facts(&elf), Some(&expectations)), []);
    }
}

#[test]
fn the_systems_version_is_held_against_the_floor() {
    let mac = |minimum| MachO { minimum, ..MachO::default() }.build();
    assert_eq!(broken(MAC, &mac(Some(0x000e_0000))), []);
    breaks(MAC, &mac(Some(0x000e_0001)), Rule::MinimumOs, &["14.0.1", "MACOSX_DEPLOYMENT_TARGET"]);
    breaks(MAC, &mac(None), Rule::MinimumOs, &["does not say"]);
    let windows = |subsystem| Pe { subsystem, ..Pe::default() }.build();
    assert_eq!(broken(WINDOWS, &windows((10, 0))), []);
    breaks(WINDOWS, &windows((10, 1)), Rule::MinimumOs, &["10.1"]);
}

#[test]
fn elf_protections_are_asked_for() {
    breaks(LINUX, &Elf { kind: 2, ..Elf::default() }.build(), Rule::Pie, &["fixed address"]);
    breaks(LINUX, &Elf { relro: false, ..Elf::default() }.build(), Rule::Relro, &["relro-level"]);
    breaks(LINUX, &Elf { binds_now: false, ..Elf::default() }.build(), Rule::Relro, &["-z now"]);
    breaks(LINUX, &Elf { stack: Some(7), ..Elf::default() }.build(), Rule::Stack, &["is executable"]);
    breaks(LINUX, &Elf { stack: None, ..Elf::default() }.build(), Rule::Stack, &["does not say"]);
}

#[test]
fn mac_protections_are_asked_for() {
    breaks(MAC, &MachO { flags: 0x85, ..MachO::default() }.build(), Rule::Pie, &["no_pie"]);
    breaks(MAC, &MachO { signature: None, ..MachO::default() }.build(), Rule::Signature, &["codesign"]);
    let intel = MachO { cpu: 0x0100_0007, signature: None, ..MachO::default() };
    assert_eq!(broken("x86_64-apple-darwin", &intel.build()), []);
    let certified = facts(&MachO { signature: Some(0), ..MachO::default() }.build());
    assert_eq!(certified.images[0].signature, Signature::Certificate);
    assert_eq!(facts(&MachO::default().build()).images[0].signature, Signature::AdHoc);
}

#[test]
fn windows_protections_are_asked_for() {
    let with = |flags| Pe { flags, ..Pe::default() }.build();
    breaks(WINDOWS, &with(0x4120), Rule::Aslr, &["/DYNAMICBASE"]);
    breaks(WINDOWS, &with(0x4140), Rule::Aslr, &["/HIGHENTROPYVA"]);
    breaks(WINDOWS, &with(0x4060), Rule::Dep, &["/NXCOMPAT"]);
    breaks(WINDOWS, &with(0x0160), Rule::Cfg, &["control-flow-guard"]);
}

#[test]
fn a_file_is_matched_with_its_target() {
    let table = table();
    let matched = |bytes: &[u8]| audit::matching(&facts(bytes), &table).map(|t| t.triple.get_ref().as_str());
    assert_eq!(matched(&Elf::default().build()), Some(LINUX));
    assert_eq!(matched(&MachO::default().build()), Some(MAC));
    assert_eq!(matched(&Pe::default().build()), Some(WINDOWS));
    assert_eq!(matched(&Elf { machine: 243, ..Elf::default() }.build()), None);
    assert_eq!(matched(&MachO::universal(&[MachO::default(), MachO::default()])), None);
}

#[test]
fn facts_of_a_universal_file_are_of_every_slice() {
    let intel = MachO { cpu: 0x0100_0007, minimum: Some(0x000a_0c00), ..MachO::default() };
    let images = facts(&MachO::universal(&[intel, MachO::default()])).images;
    let told: Vec<_> =
        images.iter().map(|i| (i.format, i.arch.as_str(), i.minimum_os.clone().unwrap().to_string())).collect();
    assert_eq!(told, [(Format::MachO, "x86_64", "10.12".to_owned()), (Format::MachO, "aarch64", "11.0".to_owned())]);
    assert!(images.iter().all(|i| i.hardening == Hardening::MachO { pie: true }));
}
