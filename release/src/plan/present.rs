//! Whether the tree has what a release is built from: at least one target, the files that each stage reads, and all of them in
//! Git, as a release is built from a clone.

use super::contents::Contents;
use super::problem::Problem;
use crate::licences;
use crate::package;
use crate::table::{ArchiveKind, Builder, Target};
use crate::triple::Os;

/// The toolchain files of rustup; the first of the two wins.
pub(super) const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// The page on the table's keys.
const KEYS: &str = "docs/release/table-reference.md has every key";

impl Contents<'_> {
    /// Everything that is missing.
    pub(super) fn present(&self, time: i64) -> Vec<Problem> {
        let table = &self.source.table;
        let mut problems = Vec::new();
        let none = |what: &str| format!("the table has no {what}, so there is nothing to release");
        if table.targets.is_empty() {
            problems.push(Problem::new("target-none", none("[[target]]")).hint(KEYS));
        }
        if table.image.as_ref().is_some_and(|image| image.platforms.is_empty()) {
            problems.push(Problem::new("platform-none", none("platform under [image]")).hint(KEYS));
        }
        if table.image.as_ref().is_some_and(|image| image.repositories.is_empty()) {
            problems.push(Problem::new("repository-none", none("repository under [image]")).hint(KEYS));
        }
        problems.extend(table.targets.iter().filter_map(runner));
        problems.extend(self.flake());
        problems.extend(self.ignored_files());
        problems.extend(self.toolchain_file());
        problems.extend(table.targets.iter().find_map(|target| dated(target, time)));
        problems.extend(self.licences());
        problems
    }

    fn flake(&self) -> Option<Problem> {
        let by_nix = self.source.table.targets.iter().find(|target| target.builder == Builder::Nix)?;
        (!self.root.join("flake.nix").exists()).then(|| {
            let message = format!("{} is built by nix, and there is no flake.nix", by_nix.triple.get_ref());
            let hint = "write builder = \"cargo\", or add the flake: docs/release/building.md has its outputs";
            Problem::new("flake-missing", message).hint(hint).at(by_nix.triple.span())
        })
    }

    /// rustup takes the tree's own choice before the one of the table.
    fn toolchain_file(&self) -> Option<Problem> {
        let wanted = &self.source.table.release.toolchain;
        let name = TOOLCHAIN_FILES.into_iter().find(|name| self.root.join(name).is_file())?;
        let text = std::fs::read_to_string(self.root.join(name)).ok()?;
        let table: Option<toml::Table> = text.parse().ok();
        let channel = table.as_ref().and_then(|t| t.get("toolchain")?.get("channel")?.as_str());
        let channel = channel.unwrap_or_else(|| text.trim());
        let number = channel.split('-').next().unwrap_or(channel);
        let is_version = number.starts_with(|c: char| c.is_ascii_digit());
        let full = wanted.get_ref().to_string();
        let fits = full == number || full.strip_prefix(number).is_some_and(|rest| rest.starts_with('.'));
        (is_version && !fits).then(|| {
            let message = format!("{name} asks for rustc {channel}, and releases are built with {full}");
            Problem::new("toolchain-file", message).hint("write the same version in both").at(wanted.span())
        })
    }

    /// deny.toml, and the licences that every binary or a native input brings.
    fn licences(&self) -> Vec<Problem> {
        let problem = |error: licences::Error| {
            let hint = match error {
                licences::Error::File(_) => Some(
                    "write deny.toml at the root, with the licences that may be linked: [licenses] allow = [\"Apache-2.0\", \"MIT\"]"
                        .to_owned(),
                ),
                ref other => other.hint(),
            };
            Problem { hint, ..Problem::new("licences", error.to_string()) }
        };
        let native = &self.source.table.native;
        let mut problems: Vec<Problem> = licences::known(self.root, native).into_iter().map(problem).collect();
        if let Err(reason) = licences::canonical_expression(&self.package.licence) {
            let message =
                format!("the package's licence {:?} is not an SPDX expression: {reason}", self.package.licence);
            problems.push(Problem::new("licence-form", message).hint("write an identifier of spdx.org/licenses"));
        }
        problems
    }
}

/// GitHub's labels begin with the system.
fn runner(target: &Target) -> Option<Problem> {
    let triple = target.triple.get_ref();
    let of = [("ubuntu-", Os::Linux), ("macos-", Os::Macos), ("windows-", Os::Windows)];
    let (_, os) = of.into_iter().find(|(label, _)| target.runner.starts_with(label))?;
    (os != triple.os()).then(|| {
        let message = format!("{triple} is not built on the runner {:?}", target.runner);
        let hint = "each target is built on a runner of its own system";
        Problem::new("runner-mismatch", message).hint(hint).at(target.triple.span())
    })
}

/// A zip has the years from 1980 to 2107.
fn dated(target: &Target, time: i64) -> Option<Problem> {
    let error = (target.archive == ArchiveKind::Zip).then(|| package::dos_time(time).err())??;
    let hint = "unset SOURCE_DATE_EPOCH, or commit with this year's date";
    Some(Problem::new("time-range", error.to_string()).hint(hint).at(target.triple.span()))
}
