//! The linked crates, read from `cargo tree`.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use cargo_metadata::Package;
use percent_encoding::percent_decode_str;
use semver::Version;

use super::{Error, Origin, failed};
use crate::cargo::foreign;
use crate::children;
use crate::triple::Triple;

/// A crate as `cargo tree` shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shown {
    name: String,
    version: Version,
    /// A folder, a repository with the first digits of a commit, or a registry's name; nothing for Cargo's registry.
    from: Option<String>,
}

impl Shown {
    /// Whether it is that package of `cargo metadata`.
    pub(super) fn is(&self, package: &Package) -> bool {
        if self.name != package.name.as_str() || self.version != package.version {
            return false;
        }
        let origin = package.source.as_ref().map(|source| Origin::parse(&source.repr));
        match (&self.from, origin) {
            (None, Some(Some(Origin::Registry))) => true,
            // One of the two may be reached by a link.
            (Some(from), None) => package.manifest_path.parent().is_some_and(|folder| {
                folder == from.as_str()
                    || matches!((folder.canonicalize(), Path::new(from).canonicalize()), (Ok(a), Ok(b)) if a == b)
            }),
            (Some(from), Some(Some(Origin::Git { url, commit }))) => {
                let shown = from.rsplit_once('#');
                shown.is_some_and(|(of, digits)| is_same(of, &url) && commit.starts_with(digits))
            }
            // Two other registries with the same crate: the metadata has each one's address, the tree its local name alone.
            (Some(from), Some(Some(Origin::Other { .. }) | None)) => from.starts_with("registry "),
            _ => false,
        }
    }
}

/// One of Cargo's answers has a branch as `a%2Fb`, another one as `a/b`.
fn is_same(shown: &str, described: &str) -> bool {
    shown == described || decoded(shown) == described.as_bytes() || shown.as_bytes() == decoded(described)
}

/// The address as it is, and what the manifest asks for without its encoding.
fn decoded(url: &str) -> Vec<u8> {
    let (address, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    address.bytes().chain(percent_decode_str(query)).collect()
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// The linked crates; each is a key, also the ones that depend on nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tree {
    /// The package itself.
    pub(super) root: Shown,
    /// The dependencies of each crate.
    pub(super) edges: BTreeMap<Shown, BTreeSet<Shown>>,
}

/// Asks Cargo for the normal dependencies of one package on one target; macros run at build time and are not linked.
pub(super) fn read(
    options: &[&str],
    root: &Path,
    package: &str,
    triple: &Triple,
    features: &[String],
) -> Result<Tree, Error> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["tree", "--locked", "--color", "never", "--no-default-features"]).args(options);
    command.args(["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", " {p}"]);
    command.args(["--package", package, "--target", triple.as_str(), "--features", &features.join(",")]);
    for name in foreign(triple.as_str()) {
        command.env_remove(name);
    }
    let output = children::output(command.stdin(Stdio::null())).map_err(Error::Run)?;
    if !output.status.success() {
        return Err(failed("cargo tree", triple, &output));
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Reads lines such as `2 mio v1.2.0 (/where/it/lies) (*)`. A crate's dependencies follow its first mention only; any
/// later one ends in `(*)` and adds just the edge to it.
fn parse(text: &str) -> Result<Tree, Error> {
    let mut edges: BTreeMap<Shown, BTreeSet<Shown>> = BTreeMap::new();
    let mut above: Vec<Shown> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let wrong = || Error::TreeLine { line: line.to_owned() };
        let (depth, id) = entry(line).ok_or_else(wrong)?;
        if depth > above.len() || (depth == 0 && !above.is_empty()) {
            return Err(wrong());
        }
        above.truncate(depth);
        if let Some(parent) = above.last() {
            edges.entry(parent.clone()).or_default().insert(id.clone());
        }
        edges.entry(id.clone()).or_default();
        above.push(id);
    }
    let root = above.into_iter().next().ok_or_else(|| Error::TreeLine { line: String::new() })?;
    Ok(Tree { root, edges })
}

fn entry(line: &str) -> Option<(usize, Shown)> {
    let mut words = line.split_whitespace();
    let depth = words.next()?.parse().ok()?;
    let name = words.next()?.to_owned();
    let version = Version::parse(words.next()?.strip_prefix('v')?).ok()?;
    // A folder may have spaces in its name.
    let rest = line.trim_end().trim_end_matches(" (*)").replacen(" (proc-macro)", "", 1);
    let from = rest.split_once(" (").and_then(|(_, from)| from.strip_suffix(')')).map(str::to_owned);
    Some((depth, Shown { name, version, from }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_crate_keeps_the_edges_of_its_first_mention() {
        let text = "0 app v0.1.0 (/home/a b/app)\n1 x v1.0.0\n2 y v2.0.0+c.1\n1 z v1.0.0\n2 x v1.0.0 (*)\n";
        let tree = parse(text).unwrap();
        let edges: Vec<String> = tree
            .edges
            .iter()
            .map(|(id, to)| format!("{id} > {}", to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
            .collect();
        assert_eq!(
            edges,
            ["app 0.1.0 > x 1.0.0, z 1.0.0", "x 1.0.0 > y 2.0.0+c.1", "y 2.0.0+c.1 > ", "z 1.0.0 > x 1.0.0"]
        );
    }

    #[test]
    fn crates_of_one_name_and_version_are_told_by_where_they_come_from() {
        let text = "0 app v0.1.0 (/app)\n1 x v1.0.0\n1 x v1.0.0 (/app/x y)\n2 z v1.0.0\n1 x v1.0.0 (/app/x y) (*)\n\
                    1 x v1.0.0 (proc-macro) (https://example.org/x#0123abcd)\n";
        let from: Vec<_> = parse(text).unwrap().edges.into_keys().map(|shown| (shown.name, shown.from)).collect();
        let of = |name: &str, from: &str| (name.to_owned(), Some(from.to_owned()));
        let x = [of("x", "/app/x y"), of("x", "https://example.org/x#0123abcd"), ("z".to_owned(), None)];
        assert_eq!(from, [vec![of("app", "/app"), ("x".to_owned(), None)], x.to_vec()].concat());
    }

    #[test]
    fn a_line_of_another_form_is_an_error() {
        for text in ["", "app v0.1.0", "0 app", "0 app 0.1.0", "0 app v0.1.0\n2 x v1.0.0", "0 a v1.0.0\n0 b v1.0.0"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
