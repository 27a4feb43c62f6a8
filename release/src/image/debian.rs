//! The packages of a Debian system that an image's files belong to, in the form of distroless images: the entry of each
//! package in `var/lib/dpkg/status.d`, and its licences in `usr/share/doc`. Scanners read the packages of an image there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::layer::{Node, NodeKind};
use crate::atomic::PathError;
use crate::bounded;

/// The folder of the entries, in an image and without the first slash.
pub const ENTRIES: &str = "var/lib/dpkg/status.d";
/// The name and version of the distribution.
pub const RELEASE: &str = "usr/lib/os-release";
/// The ending of the list of a package's files, beside its entry.
pub const FILES: &str = ".md5sums";

/// The package that makes the file of certificates when it is installed, so no list of files names that.
pub const CERTIFICATES: &str = "ca-certificates";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// The largest database that is read.
const LARGEST: u64 = 256 << 20;

/// One installed package.
#[derive(Debug, Clone)]
struct Package {
    /// Its entry in `var/lib/dpkg/status`.
    entry: String,
    /// Name of its files in `var/lib/dpkg/info`, without the ending.
    info: PathBuf,
}

/// A system's packages, and the package of each file.
#[derive(Debug)]
struct Database<'a> {
    root: &'a Path,
    packages: BTreeMap<String, Package>,
    /// The package's name by a path of this system.
    owners: BTreeMap<String, String>,
}

/// The nodes that describe the packages of the files, which are pairs of the path in the image and the path here. None where
/// the system at `root` has no packages of Debian.
pub(super) fn described(files: &[(String, PathBuf)], root: &Path) -> Result<Vec<Node>, PathError> {
    let Some(database) = Database::read(root)? else { return Ok(Vec::new()) };
    let release = root.join(RELEASE);
    let mut all: Vec<(String, PathBuf)> = files.to_vec();
    if release.is_file() {
        all.push((RELEASE.to_owned(), release));
    }
    let mut owned: BTreeMap<&str, Vec<&(String, PathBuf)>> = BTreeMap::new();
    for file in &all {
        if let Some(package) = database.owner(&file.1) {
            owned.entry(package).or_default().push(file);
        }
    }
    let node = |path: String, kind: NodeKind| Node { path, kind, owner: 0 };
    let mut nodes = Vec::new();
    if let Some((path, from)) = all.iter().find(|(path, _)| path == RELEASE) {
        nodes.push(node(path.clone(), NodeKind::File { from: from.clone(), mode: 0o644 }));
    }
    for (name, files) in owned {
        let Some(package) = database.packages.get(name) else { continue };
        nodes.push(node(format!("{ENTRIES}/{name}"), NodeKind::Text(package.entry.clone())));
        nodes.push(node(format!("{ENTRIES}/{name}{FILES}"), NodeKind::Text(database.sums(package, &files)?)));
        let licences = root.join("usr/share/doc").join(name).join("copyright");
        if licences.is_file() {
            let path = format!("usr/share/doc/{name}/copyright");
            nodes.push(node(path, NodeKind::File { from: licences, mode: 0o644 }));
        }
    }
    Ok(nodes)
}

impl<'a> Database<'a> {
    fn read(root: &'a Path) -> Result<Option<Self>, PathError> {
        let (status, info) = (root.join("var/lib/dpkg/status"), root.join("var/lib/dpkg/info"));
        if !status.is_file() || !info.is_dir() {
            return Ok(None);
        }
        let text = text(&status)?;
        let mut database = Self { root, packages: BTreeMap::new(), owners: BTreeMap::new() };
        for entry in text.split("\n\n").map(str::trim).filter(|entry| !entry.is_empty()) {
            let value = |name| field(entry, name);
            let (Some(name), Some(status)) = (value("Package"), value("Status")) else { continue };
            let arch = value("Architecture").unwrap_or_default();
            let named = [format!("{name}:{arch}"), name.to_owned()];
            let lists = named.iter().map(|named| info.join(named)).find(|path| beside(path, ".list").is_file());
            let Some(info) = lists.filter(|_| status.ends_with(" installed") && is_name(name)) else { continue };
            for path in self::text(&beside(&info, ".list"))?.lines() {
                database.owners.insert(path.to_owned(), name.to_owned());
            }
            database.packages.insert(name.to_owned(), Package { entry: format!("{entry}\n"), info });
        }
        Ok(Some(database))
    }

    /// The package of a file. Lists name files by the path that a package has, which may lead through `/lib -> /usr/lib`.
    fn owner(&self, path: &Path) -> Option<&str> {
        let candidates = self.spellings(path);
        if candidates.contains(BUNDLE) && self.packages.contains_key(CERTIFICATES) {
            return Some(CERTIFICATES);
        }
        candidates.iter().find_map(|path| self.owners.get(path)).map(String::as_str)
    }

    /// The paths by which the system's lists may name a file.
    fn spellings(&self, path: &Path) -> BTreeSet<String> {
        let here = |path: &Path| {
            let root = self.root.canonicalize().unwrap_or_default();
            let inside = path.strip_prefix(self.root).or_else(|_| path.strip_prefix(&root)).unwrap_or(path);
            format!("/{}", inside.to_string_lossy().trim_start_matches('/'))
        };
        let real = path.canonicalize().map(|path| here(&path)).ok();
        let both: Vec<String> = [here(path)].into_iter().chain(real).collect();
        let merged = both.iter().filter_map(|path| path.strip_prefix("/usr").map(str::to_owned));
        let split = both.iter().map(|path| format!("/usr{path}"));
        merged.chain(split).chain(both.iter().cloned()).collect()
    }

    /// The files of a package that are in the image, each with the sum that the package has of it.
    fn sums(&self, package: &Package, files: &[&(String, PathBuf)]) -> Result<String, PathError> {
        let list = beside(&package.info, FILES);
        let known = if list.is_file() { text(&list)? } else { String::new() };
        let known: BTreeMap<String, &str> = known
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(sum, path)| (format!("/{path}"), sum))
            .collect();
        let mut sums = String::new();
        for (inside, from) in files {
            if let Some(sum) = self.spellings(from).iter().find_map(|path| known.get(path)) {
                sums.extend([sum, "  ", inside, "\n"]);
            }
        }
        Ok(sums)
    }
}

/// The value of a field of an entry, from its first line.
pub(crate) fn field<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Whether it is the name of a package by Debian's policy, section 5.6.1.
pub(crate) fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    name.len() >= 2 && name.bytes().all(known) && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn text(path: &Path) -> Result<String, PathError> {
    Ok(String::from_utf8_lossy(&bounded::read(path, LARGEST)?).into_owned())
}
