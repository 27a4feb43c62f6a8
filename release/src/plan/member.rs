//! The demands on each package that is released, as Cargo describes it.

use cargo_metadata::{Package as Described, Target as CargoTarget};

use super::contents::first;
use super::problem::Problem;
use crate::table::Source;

/// A package whose `rust-version` is above the compiler of releases.
pub(super) fn too_new(source: &Source, described: &Described) -> Option<Problem> {
    let toolchain = &source.table.release.toolchain;
    let wanted = toolchain.get_ref();
    let least = described.rust_version.as_ref().filter(|least| *least > wanted)?;
    let message = format!("{} asks for rustc {least}, and releases are built with {wanted}", described.name);
    let hint = format!("set release.toolchain to {least} or newer, or lower `rust-version` in Cargo.toml");
    Some(Problem::new("toolchain-old", message).hint(hint).at(toolchain.span()))
}

pub(super) fn binary<'a>(package: &'a Described, name: &str) -> Result<&'a CargoTarget, Problem> {
    let binaries = || package.targets.iter().filter(|target| target.is_bin());
    binaries().find(|target| target.name == name).ok_or_else(|| {
        let there: Vec<String> = binaries().map(|target| target.name.clone()).collect();
        let there = if there.is_empty() { "no binary".to_owned() } else { first(&there) };
        let hint =
            "each released program is a package with a binary of its own name: add src/main.rs or a [[bin]] of that name";
        Problem::new("binary-missing", format!("the package has no binary {name:?}; it has {there}")).hint(hint)
    })
}

/// The files that the build of the binary begins with.
pub(super) fn sources(package: &Described) -> Option<Problem> {
    let is_built = |target: &&CargoTarget| {
        target.is_lib() || target.is_custom_build() || (target.is_bin() && target.name == package.name.as_str())
    };
    let built = package.targets.iter().filter(is_built);
    let missing: Vec<String> =
        built.filter(|target| !target.src_path.is_file()).map(|target| target.src_path.to_string()).collect();
    (!missing.is_empty()).then(|| {
        let message = format!("Cargo.toml names source files that are not there: {}", first(&missing));
        Problem::new("source-missing", message).hint("add them, or name others in Cargo.toml")
    })
}

pub(super) fn licence_file(package: &Described) -> Option<Problem> {
    let path = package.license_file()?;
    (!path.is_file()).then(|| {
        let message = format!("Cargo.toml names the licence file {path}, which is not there");
        Problem::new("licence-file", message).hint("add the file, or name another in `license-file`")
    })
}
