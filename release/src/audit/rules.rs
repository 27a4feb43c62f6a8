//! The limits of a target, and the facts of an executable that exceed them.

use super::finding::{Finding, Findings, Rule};
use super::{Facts, Format, Image, Paths, SymbolVersion, hardening};
use crate::table::{DottedVersion, Floor, Table, Target};
use crate::triple::{Os, Triple};

/// The limits of a target: its libraries, glibc, oldest system and hardening. Made from the table, read by [`findings`].
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'a> {
    /// Processor and system.
    pub triple: &'a Triple,
    /// The oldest system.
    pub floor: &'a Floor,
    /// Allowed libraries; one that ends in `/` allows everything below it.
    pub libs: &'a [String],
}

impl<'a> From<&'a Target> for Expectations<'a> {
    fn from(target: &'a Target) -> Self {
        Self { triple: target.triple.get_ref(), floor: &target.floor, libs: &target.libs }
    }
}

/// The table's target that a file is for: the same format and processor. A universal file is for none.
pub fn matching<'a>(facts: &Facts, table: &'a Table) -> Option<&'a Target> {
    let [image] = facts.images.as_slice() else { return None };
    table.targets.iter().find(|target| {
        let triple = target.triple.get_ref();
        format_of(triple.os()) == image.format && triple.arch() == image.arch
    })
}

/// Holds facts against a target; without one, against what is wrong for every target.
pub fn findings(facts: &Facts, expectations: Option<&Expectations<'_>>) -> Vec<Finding> {
    let mut findings = Findings::default();
    for image in &facts.images {
        if let Some(expected) = expectations {
            identity(&mut findings, image, expected);
            libraries(&mut findings, image, expected);
            versions(&mut findings, image, expected);
            minimum_os(&mut findings, image, expected);
        }
        loader(&mut findings, image);
        redistributables(&mut findings, image);
        search_paths(&mut findings, image);
        hardening::check(&mut findings, image);
    }
    paths(&mut findings, facts);
    crates(&mut findings, facts);
    findings.0
}

const fn format_of(os: Os) -> Format {
    match os {
        Os::Linux => Format::Elf,
        Os::Macos => Format::MachO,
        Os::Windows => Format::Pe,
    }
}

fn identity(findings: &mut Findings, image: &Image, expected: &Expectations<'_>) {
    let triple = expected.triple;
    let format = format_of(triple.os());
    if image.format != format {
        let what = format!("it is {}, and {triple} runs {}", image.format.name(), format.name());
        findings.add(Rule::Format, what, format!("build it with --target {triple}"));
    }
    if image.arch != triple.arch() {
        let what = format!("it is for {}, and {triple} is {}", image.arch, triple.arch());
        findings.add(
            Rule::Architecture,
            what,
            format!("build it with --target {triple}; its name does not change what it is"),
        );
    }
}

/// The path of the loader on systems, by the psABI of each processor and by dyld's fixed place.
fn system_loader(image: &Image) -> Option<&'static str> {
    match (image.format, image.arch.as_str()) {
        (Format::Elf, "x86_64") => Some("/lib64/ld-linux-x86-64.so.2"),
        (Format::Elf, "aarch64") => Some("/lib/ld-linux-aarch64.so.1"),
        (Format::Elf, "i686") => Some("/lib/ld-linux.so.2"),
        (Format::MachO, _) => Some("/usr/lib/dyld"),
        _ => None,
    }
}

fn loader(findings: &mut Findings, image: &Image) {
    let (Some(found), Some(system)) = (&image.loader, system_loader(image)) else { return };
    if found != system {
        let what = format!("it is loaded by {found}, which other systems do not have");
        let fix = if image.format == Format::Elf {
            format!("patchelf --set-interpreter {system}")
        } else {
            format!("link it with the system's linker, which writes {system}")
        };
        findings.add(Rule::Loader, what, fix);
    }
}

fn libraries(findings: &mut Findings, image: &Image, expected: &Expectations<'_>) {
    for library in image.needed.iter().chain(&image.optional) {
        if is_redistributable(library) && image.format == Format::Pe || is_allowed(library, image.format, expected.libs)
        {
            continue;
        }
        let fix = match image.format {
            Format::MachO if library.starts_with("/nix/") || library.starts_with('@') => {
                "point it at the system's (install_name_tool -change OLD /usr/lib/NAME), then sign again (codesign -f -s -)"
            }
            _ => {
                "link it statically or without it; if every supported system has it, add it to `libs` of the target in the table"
            }
        };
        findings.add(Rule::Libraries, format!("it asks for {library}, which the target does not list"), fix);
    }
}

fn is_allowed(library: &str, format: Format, libs: &[String]) -> bool {
    libs.iter().any(|allowed| match format {
        Format::Pe => allowed.eq_ignore_ascii_case(library),
        _ if allowed.ends_with('/') => library.starts_with(allowed.as_str()) && !library.contains("/../"),
        _ => allowed == library,
    })
}

/// The Visual C++ runtime, and the parts of the C runtime that come with it. The other `api-ms-win-*` names are
/// Windows itself and belong into the table's list.
fn is_redistributable(library: &str) -> bool {
    const BEGINNINGS: [&str; 6] = ["vcruntime1", "msvcp1", "msvcr1", "concrt1", "api-ms-win-crt-", "ucrtbase"];
    let library = library.to_ascii_lowercase();
    BEGINNINGS.iter().any(|beginning| library.starts_with(beginning))
}

fn redistributables(findings: &mut Findings, image: &Image) {
    if image.format != Format::Pe {
        return;
    }
    let named = image.needed.iter().chain(&image.optional).filter(|library| is_redistributable(library));
    let named: Vec<&str> = named.map(String::as_str).collect();
    if !named.is_empty() {
        let what = format!("it needs the C runtime from outside: {}", named.join(", "));
        let fix = "build it with RUSTFLAGS=\"-C target-feature=+crt-static\"; else users have to install the Visual C++ redistributable";
        findings.add(Rule::Redistributable, what, fix);
    }
}

fn search_paths(findings: &mut Findings, image: &Image) {
    for path in &image.search_paths {
        let fix = match image.format {
            Format::Elf => "patchelf --remove-rpath, or link without -rpath".to_owned(),
            _ => format!("install_name_tool -delete_rpath {path}, then sign again (codesign -f -s -)"),
        };
        findings.add(Rule::SearchPath, format!("it searches libraries in {path:?}"), fix);
    }
}

fn versions(findings: &mut Findings, image: &Image, expected: &Expectations<'_>) {
    for need in &image.symbol_versions {
        match need.family.as_str() {
            "GLIBC" => glibc(findings, need, expected),
            "GCC" => libgcc(findings, need, expected),
            "GLIBCXX" | "CXXABI" if !expected.libs.iter().any(|lib| lib.starts_with("libstdc++.so")) => {
                let what = format!("it needs {}{} of {}", need.name, by(need), need.library);
                let fix = "link libstdc++ statically (CXXSTDLIB=static=stdc++ under [env] in the tree's .cargo/config.toml, with its search path); old systems have an old one";
                findings.add(Rule::Libstdcxx, what, fix);
            }
            _ => {}
        }
    }
}

fn glibc(findings: &mut Findings, need: &SymbolVersion, expected: &Expectations<'_>) {
    let Some(floor) = &expected.floor.glibc else { return };
    match &need.version {
        Some(version) if version > floor => {
            let what = format!("it needs {}{}, and the floor is glibc {floor}", need.name, by(need));
            let fix = format!("build it with Nix, or with `cargo zigbuild --target {}.{floor}`", expected.triple);
            findings.add(Rule::Glibc, what, fix);
        }
        Some(_) => {}
        None => {
            let what = format!("it needs {}{}, which only one build of glibc promises", need.name, by(need));
            findings.add(Rule::Glibc, what, "remove the code that uses private symbols of glibc");
        }
    }
}

/// The newest version of libgcc's symbols that systems with a glibc have, from that glibc on (manylinux policies of auditwheel).
const LIBGCC: [([u32; 2], u32); 6] =
    [([2, 12], 4), ([2, 17], 4), ([2, 27], 7), ([2, 34], 11), ([2, 35], 12), ([2, 39], 14)];

fn libgcc(findings: &mut Findings, need: &SymbolVersion, expected: &Expectations<'_>) {
    let (Some(floor), Some(version)) = (&expected.floor.glibc, &need.version) else { return };
    let has = LIBGCC.iter().rev().find(|(glibc, _)| glibc.as_slice() <= floor.0.as_slice());
    let Some(newest) = has.map(|(_, newest)| *newest) else { return };
    if version.0.first().is_some_and(|major| *major > newest) {
        let what = format!(
            "it needs {}{} of {}, and systems with glibc {floor} have that of gcc {newest}",
            need.name,
            by(need),
            need.library
        );
        findings.add(
            Rule::Libgcc,
            what,
            "link libgcc statically (-static-libgcc), or build it with the floor's compiler",
        );
    }
}

fn by(need: &SymbolVersion) -> String {
    need.symbol.as_ref().map_or_else(String::new, |symbol| format!(" (by {symbol})"))
}

fn minimum_os(findings: &mut Findings, image: &Image, expected: &Expectations<'_>) {
    let (floor, system, fix) = match image.format {
        Format::MachO => (&expected.floor.macos, "macOS", "set MACOSX_DEPLOYMENT_TARGET to"),
        Format::Pe => (&expected.floor.windows, "Windows", "link with /SUBSYSTEM:CONSOLE and a version of at most"),
        Format::Elf => return,
    };
    let Some(floor) = floor else { return };
    match &image.minimum_os {
        Some(version) if numbers(version) > numbers(floor) => {
            let what = format!("it asks for {system} {version}, and the floor is {floor}");
            findings.add(Rule::MinimumOs, what, format!("{fix} {floor}"));
        }
        Some(_) => {}
        None => {
            findings.add(Rule::MinimumOs, format!("it does not say which {system} it needs"), format!("{fix} {floor}"));
        }
    }
}

/// `14` and `14.0` are one version.
fn numbers(version: &DottedVersion) -> &[u32] {
    let mut numbers = version.0.as_slice();
    while let [rest @ .., 0] = numbers {
        numbers = rest;
    }
    numbers
}

fn paths(findings: &mut Findings, facts: &Facts) {
    if !facts.store_paths.is_empty() {
        let what = format!("it mentions a Nix store {}", occurrences(&facts.store_paths));
        findings.add(
            Rule::StorePath,
            what,
            "rewrite it to the system's path, or remove the reference (remove-references-to does not: the word stays)",
        );
    }
    if !facts.build_paths.is_empty() {
        let what = format!("it mentions its build machine {}", occurrences(&facts.build_paths));
        findings.add(Rule::BuildPath, what, "build it with --remap-path-prefix for the checkout, Cargo's home and the toolchain, and -ffile-prefix-map for C");
    }
}

fn crates(findings: &mut Findings, facts: &Facts) {
    if let Some(fault) = &facts.crates_fault {
        findings.add(Rule::Crates, fault.clone(), "build it again by `sayna-release build`");
    }
}

fn occurrences(paths: &Paths) -> String {
    let first = paths.examples.first().map_or("", String::as_str);
    if paths.count == 1 { format!("once: {first}") } else { format!("{} times, first: {first}", paths.count) }
}
