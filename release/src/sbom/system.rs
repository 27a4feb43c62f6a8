//! The rest of an image as components: the packages of its system, the paths of a Nix store, and every other file.
//!
//! The files are those that the layers have. A file that belongs to nothing stands by itself, and then the document does not
//! call itself complete.

use std::collections::{BTreeMap, BTreeSet};

use super::cyclonedx::{Component, Hash, Kind, Licence, Name, Property};
use super::purl;
use crate::digest::Digest;
use crate::image::{Inventory, debian};

const STORE: &str = "nix/store/";
const DOCS: &str = "usr/share/doc/";
/// Files that the image's assembly writes.
const OWN: [&str; 2] = ["etc/group", "etc/passwd"];
/// Vendor and product in the National Vulnerability Database, of store paths whose names are these.
const CPE: [(&str, &str); 5] = [
    ("gcc", "gnu:gcc"),
    ("glibc", "gnu:glibc"),
    ("libidn2", "gnu:libidn2"),
    ("protobuf", "google:protobuf"),
    ("zlib", "zlib:zlib"),
];

/// The components of a system, and whether each file belongs to one that says its origin.
pub(super) struct System {
    pub(super) components: Vec<Component>,
    pub(super) complete: bool,
}

/// Reads the components of an image. `known` are the digests of files that are components already: the executable and models.
pub(super) fn components(inventory: &Inventory, known: &BTreeSet<Digest>) -> System {
    let release = inventory.text(debian::RELEASE).map(Release::read);
    let packages = Packages::read(inventory);
    let mut owned: BTreeMap<&str, Vec<Component>> = packages.names().map(|name| (name, Vec::new())).collect();
    let mut store: BTreeSet<&str> = BTreeSet::new();
    let mut system = System { components: Vec::new(), complete: true };
    for (path, content) in &inventory.0 {
        if let Some(rest) = path.strip_prefix(STORE) {
            store.insert(rest.split('/').next().unwrap_or(rest));
            continue;
        }
        let Some((digest, _)) = content.file else { continue };
        if let Some(files) = packages.owner(path).and_then(|name| owned.get_mut(name)) {
            files.push(file(path, &digest));
        } else if !known.contains(&digest) {
            system.complete &= OWN.contains(&path.as_str());
            system.components.push(file(path, &digest));
        }
    }
    system.components.extend(release.as_ref().map(Release::component));
    for (name, files) in owned {
        let Some(entry) = packages.entries.get(name) else { continue };
        system.components.push(package(name, entry, files, release.as_ref(), inventory));
    }
    system.components.extend(store.into_iter().map(store_path));
    system
}

fn file(path: &str, digest: &Digest) -> Component {
    let mut component = Component::new(Kind::File, format!("/{path}"), String::new());
    component.bom_ref = format!("file /{path}");
    component.hashes = vec![Hash::sha256(digest)];
    component
}

/// The distribution, as `os-release` names it.
struct Release {
    id: String,
    version: String,
}

impl Release {
    fn read(text: &str) -> Self {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
        };
        Self { id: value("ID"), version: value("VERSION_ID") }
    }

    fn component(&self) -> Component {
        let mut component = Component::new(Kind::OperatingSystem, self.id.clone(), self.version.clone());
        component.bom_ref = format!("system {} {}", self.id, self.version);
        component
    }
}

/// The packages that an image describes.
struct Packages<'a> {
    entries: BTreeMap<&'a str, &'a str>,
    files: BTreeMap<&'a str, &'a str>,
}

impl<'a> Packages<'a> {
    fn read(inventory: &'a Inventory) -> Self {
        let mut packages = Self { entries: BTreeMap::new(), files: BTreeMap::new() };
        for (path, content) in &inventory.0 {
            let name = path.strip_prefix(debian::ENTRIES).and_then(|name| name.strip_prefix('/'));
            let (Some(name), Some(text)) = (name, &content.text) else { continue };
            if let Some(name) = name.strip_suffix(debian::FILES) {
                let paths = text.lines().filter_map(|line| line.split_once("  "));
                packages.files.extend(paths.map(|(_, path)| (path, name)));
            } else if debian::field(text, "Package") == Some(name) && debian::is_name(name) {
                packages.entries.insert(name, text);
            }
        }
        packages
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().copied()
    }

    /// The package of a file: by its list, by its folder, or because it makes the file when it is installed.
    fn owner(&self, path: &str) -> Option<&'a str> {
        let entry = path.strip_prefix(debian::ENTRIES).and_then(|rest| rest.strip_prefix('/'));
        let docs = || path.strip_prefix(DOCS).and_then(|rest| rest.split('/').next());
        let name = match (self.files.get(path), entry) {
            (Some(name), _) => name,
            (None, Some(entry)) => entry.strip_suffix(debian::FILES).unwrap_or(entry),
            (None, None) if path == crate::image::CERTIFICATES => debian::CERTIFICATES,
            (None, None) => docs()?,
        };
        self.entries.get_key_value(name).map(|(name, _)| *name)
    }
}

fn package(
    name: &str,
    entry: &str,
    files: Vec<Component>,
    release: Option<&Release>,
    inventory: &Inventory,
) -> Component {
    let value = |field| debian::field(entry, field).unwrap_or_default();
    let version = value("Version");
    let mut component = Component::new(Kind::Library, name.to_owned(), version.to_owned());
    component.bom_ref = format!("package {name} {version}");
    let (id, distribution) = match release {
        Some(release) => (release.id.as_str(), format!("{}-{}", release.id, release.version)),
        None => ("debian", String::new()),
    };
    // `Source: gcc-12 (12.2.0-14)`, where its version is another one.
    let source = value("Source").split_whitespace().next().unwrap_or_default();
    let qualifiers = [("arch", value("Architecture")), ("distro", &distribution), ("upstream", source)];
    let qualifiers: Vec<_> = qualifiers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    component.purl = Some(purl::debian(id, name, version, &qualifiers));
    component.licences = inventory.text(&format!("{DOCS}{name}/copyright")).map_or_else(Vec::new, |text| {
        let found = licences(text);
        let named = |name: String| Licence::Named { license: Name { name } };
        if found.is_empty() {
            return vec![named(format!("the text of /{DOCS}{name}/copyright"))];
        }
        found.into_iter().map(named).collect()
    });
    component.components = files;
    component
}

/// The short names of the licences in a machine-readable `copyright`, which are Debian's own and not SPDX.
fn licences(text: &str) -> BTreeSet<String> {
    if !text.starts_with("Format:") {
        return BTreeSet::new();
    }
    let names = text.lines().filter_map(|line| line.strip_prefix("License:")).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A path of a Nix store: `<hash>-<name>-<version>-<output>`.
fn store_path(base: &str) -> Component {
    let (hash, rest) = base.split_once('-').unwrap_or(("", base));
    let (name, version, output) = parsed(rest);
    let mut component = Component::new(Kind::Library, name.to_owned(), version.to_owned());
    component.bom_ref = format!("/{STORE}{base}");
    let qualifiers = [("output", output), ("outputhash", hash)];
    let qualifiers: Vec<_> = qualifiers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    component.purl = Some(purl::nix(name, version, &qualifiers));
    let number = version.split('-').next().filter(|number| !number.is_empty());
    let product = CPE.iter().find(|(known, _)| *known == name.trim_start_matches('x'));
    component.cpe =
        product.zip(number).map(|((_, product), number)| format!("cpe:2.3:a:{product}:{number}:*:*:*:*:*:*:*"));
    component.properties = vec![Property { name: "sayna:path".to_owned(), value: format!("/{STORE}{base}") }];
    component
}

/// Name, version and output. The version begins at the first word with a digit at its start; a last word without a digit is an output.
fn parsed(rest: &str) -> (&str, &str, &str) {
    let starts = rest.match_indices('-').map(|(at, _)| at);
    let digit = |at: &usize| rest.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    let Some(at) = starts.into_iter().find(digit) else { return (rest, "", "") };
    let (name, version) = (rest.get(..at).unwrap_or(rest), rest.get(at + 1..).unwrap_or_default());
    match version.rsplit_once('-') {
        Some((version, output)) if !output.bytes().any(|byte| byte.is_ascii_digit()) => (name, version, output),
        _ => (name, version, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_paths_have_the_name_version_and_output_that_nix_gives_them() {
        let cases = [
            ("glibc-2.42-51", ("glibc", "2.42-51", "")),
            ("gcc-15.2.0-lib", ("gcc", "15.2.0", "lib")),
            ("xgcc-15.2.0-libgcc", ("xgcc", "15.2.0", "libgcc")),
            ("nss-cacert-3.121", ("nss-cacert", "3.121", "")),
            ("sayna-ground", ("sayna-ground", "", "")),
            ("abseil-cpp-20250814.1", ("abseil-cpp", "20250814.1", "")),
            ("", ("", "", "")),
            ("-", ("-", "", "")),
            ("-1", ("", "1", "")),
        ];
        for (rest, expected) in cases {
            assert_eq!(parsed(rest), expected, "{rest}");
        }
    }
}
