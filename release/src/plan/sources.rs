//! Whether Git has what a release is built from. A build in a clone has none of the files that Git ignores here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use cargo_metadata::{DependencyKind, Package};

use super::contents::{Contents, first, is_inside};
use super::manifests::described;
use super::present::TOOLCHAIN_FILES;
use super::problem::Problem;
use crate::licences;
use crate::table::{FILE, Table};

/// Files that this program, Cargo and Nix read by these names. Cargo's configuration has a finding of its own.
const OWN: [&str; 8] =
    ["Cargo.toml", "Cargo.lock", "cliff.toml", licences::POLICY_FILE, FILE, "flake.nix", "flake.lock", "models.json"];

/// The text before the name of a file that a source includes.
const INCLUDES: [&str; 4] = ["include!", "include_str!", "include_bytes!", "#[path"];
/// So far before it, in bytes: the two may stand in several lines.
const NEAR: usize = 120;

/// A crate of this tree that the release is built from, and the first file of each of its parts.
struct Local {
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Contents<'_> {
    /// Files that are here and in no clone, as Git ignores them. New ones that it does not ignore are changes.
    pub(super) fn ignored_files(&self) -> Option<Problem> {
        let files =
            self.source.table.programs().flat_map(|program| program.files()).map(|file| file.get_ref().as_str());
        let named = OWN.into_iter().chain(TOOLCHAIN_FILES).chain(files.filter(|name| is_inside(name)));
        let mut read: BTreeSet<PathBuf> =
            named.map(PathBuf::from).filter(|name| self.root.join(name).is_file()).collect();
        // What cannot be listed has an error of its own.
        let files = self.checkout.files().unwrap_or_default();
        // A file below a link has another path where it is listed; the link itself is found elsewhere.
        let top = fs::canonicalize(self.root).unwrap_or_else(|_unreadable| self.root.to_owned());
        let at_its_place =
            |path: &Path| Some(fs::canonicalize(self.root.join(path)).ok()?.strip_prefix(&top).ok()?.to_owned());
        let has = |path: &Path| files.contains(path) || at_its_place(path).is_some_and(|path| files.contains(&path));
        let (crates, target) = crates(self.root, &self.source.table);
        let ignored = self.checkout.ignored(target.as_deref()).unwrap_or_default();
        for krate in crates {
            let lacks: Vec<PathBuf> = krate.files.iter().filter(|file| !has(file)).cloned().collect();
            // Of a crate that lies in an ignored folder as a whole, its manifest says it.
            if lacks.is_empty() {
                read.extend(self.taken_in(&krate.folder, &files, &ignored));
            }
            read.extend(lacks);
        }
        let missing: Vec<String> =
            read.into_iter().filter(|path| !has(path)).map(|path| path.display().to_string()).collect();
        (!missing.is_empty()).then(|| {
            let message = format!("Git ignores what a release needs: {}", first(&missing));
            Problem::new("file-ignored", message).hint("`git add --force` them, and take them out of .gitignore")
        })
    }

    /// Ignored files below a crate's folder that one of its sources has as a module, or takes in by name.
    fn taken_in(&self, folder: &Path, files: &BTreeSet<PathBuf>, ignored: &[PathBuf]) -> Vec<PathBuf> {
        let below: Vec<&PathBuf> = ignored.iter().filter(|path| path.starts_with(folder)).collect();
        if below.is_empty() {
            return Vec::new();
        }
        let is_source = |path: &&PathBuf| path.extension().is_some_and(|end| end == "rs") && path.starts_with(folder);
        let mut found = Vec::new();
        for source in files.iter().filter(is_source) {
            let Ok(text) = fs::read_to_string(self.root.join(source)) else { continue };
            found.extend(below.iter().filter(|file| takes_in(source, &text, file)).map(|file| (*file).clone()));
        }
        found
    }
}

/// Whether a source declares a file as a module, or names it where it includes files.
fn takes_in(source: &Path, text: &str, file: &Path) -> bool {
    is_module(source, text, file).unwrap_or_default() || is_included(text, file).unwrap_or_default()
}

/// `mod name;` in a source is `name.rs` or `name/mod.rs` in its folder or below.
fn is_module(source: &Path, text: &str, file: &Path) -> Option<bool> {
    let stem = file.file_stem()?.to_str()?;
    let folder = file.parent()?;
    let (name, of) = if stem == "mod" { (folder.file_name()?.to_str()?, folder.parent()?) } else { (stem, folder) };
    let declares = |rest: &str| {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("r#").unwrap_or(rest).strip_prefix(name);
        rest.is_some_and(|rest| rest.trim_start().starts_with(';'))
    };
    let is_rust = file.extension()? == "rs" && of.starts_with(source.parent()?);
    Some(is_rust && text.split("mod ").skip(1).any(declares))
}

/// `include_str!` of `folder/name` and its kin.
fn is_included(text: &str, file: &Path) -> Option<bool> {
    let name = file.file_name()?.to_str()?;
    let quoted = format!("{name}\"");
    let is_named = |(at, _): (usize, &str)| {
        let before = text.get(..at)?;
        let start = before.rfind('"')?;
        let path = Path::new(text.get(start + 1..at + name.len())?);
        let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
        let mut near = start.saturating_sub(NEAR);
        while !text.is_char_boundary(near) {
            near += 1;
        }
        let includes = INCLUDES.iter().any(|word| text.get(near..start).is_some_and(|text| text.contains(word)));
        Some(includes && file.ends_with(parts.collect::<PathBuf>()))
    };
    Some(text.match_indices(&quoted).any(|found| is_named(found).unwrap_or_default()))
}

/// The crates of this tree that are built for the release, and the folder that Cargo builds in. What Cargo does not
/// understand has a finding of its own.
fn crates(root: &Path, table: &Table) -> (Vec<Local>, Option<PathBuf>) {
    let Ok(top) = root.canonicalize() else { return (Vec::new(), None) };
    let mut waiting = vec![top.join("Cargo.toml")];
    waiting.extend(patches(&top));
    let (mut seen, mut found, mut target) = (BTreeSet::new(), Vec::new(), None);
    // Cargo describes all members of a workspace at once.
    let mut packages: BTreeMap<PathBuf, Package> = BTreeMap::new();
    while let Some(manifest) = waiting.pop() {
        if !manifest.starts_with(&top) || !seen.insert(manifest.clone()) {
            continue;
        }
        if !packages.contains_key(&manifest) {
            let Some(metadata) = manifest.parent().and_then(|folder| described(folder).ok()) else { continue };
            target.get_or_insert(metadata.target_directory.into_std_path_buf());
            let by_manifest = |package: Package| (package.manifest_path.clone().into_std_path_buf(), package);
            // A product is a member of the same workspace.
            let of_release = |package: &&Package| table.program(package.name.as_str()).is_some();
            let released = metadata.packages.iter().filter(of_release);
            waiting.extend(released.map(|package| package.manifest_path.clone().into_std_path_buf()));
            packages.extend(metadata.packages.into_iter().map(by_manifest));
        }
        if let Some(package) = packages.get(&manifest) {
            waiting.extend(beneath(package));
            found.push(local(&top, package));
        }
    }
    let target = target.and_then(|folder| folder.strip_prefix(&top).map(Path::to_owned).ok());
    (found, target)
}

/// The manifests of the crates that it depends on by path, but for its tests.
fn beneath(package: &Package) -> Vec<PathBuf> {
    let built = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    let folders = built.filter_map(|dependency| dependency.path.as_ref());
    folders.filter_map(|folder| folder.join("Cargo.toml").canonicalize().ok()).collect()
}

/// Those that `[patch]` puts in the place of others.
fn patches(top: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(top.join("Cargo.toml")).unwrap_or_default();
    let manifest: toml::Table = text.parse().unwrap_or_default();
    let sources = manifest.get("patch").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let crates = sources.filter_map(toml::Value::as_table).flat_map(toml::Table::values);
    let folders = crates.filter_map(|krate| krate.get("path")?.as_str());
    folders.filter_map(|folder| top.join(folder).join("Cargo.toml").canonicalize().ok()).collect()
}

fn local(top: &Path, package: &Package) -> Local {
    let manifest = package.manifest_path.as_std_path();
    let is_built = |target: &&cargo_metadata::Target| {
        target.is_lib()
            || target.is_proc_macro()
            || target.is_custom_build()
            || (target.is_bin() && target.name == package.name.as_str())
    };
    let sources = package.targets.iter().filter(is_built).map(|target| target.src_path.clone().into_std_path_buf());
    let licence = package.license_file().map(cargo_metadata::camino::Utf8PathBuf::into_std_path_buf);
    let files = std::iter::once(manifest.to_owned()).chain(sources).chain(licence).filter(|file| file.is_file());
    let inside = |path: &Path| path.canonicalize().ok()?.strip_prefix(top).map(Path::to_owned).ok();
    let folder = manifest.parent().and_then(inside).unwrap_or_default();
    Local { folder, files: files.filter_map(|file| inside(&file)).collect() }
}
