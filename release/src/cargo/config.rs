//! Cargo's configuration outside of the tree. Cargo reads `.cargo/config.toml` of every folder above the tree and of its own
//! home. What is set there and changes what is built is in no commit, so another machine builds other bytes.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use crate::atomic::{At as _, PathError};
use crate::git::Checkout;

/// The next step for configuration outside of the tree.
pub(crate) const OUTSIDE: &str = "write it into .cargo/config.toml of this tree and commit it, or take it out; mirrors and network settings may stay";

/// Settings with their files, for a message.
pub(crate) fn listed(settings: &[Setting]) -> String {
    settings.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A setting that changes what is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The file.
    pub path: PathBuf,
    /// Its key, with dots.
    pub key: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.key, self.path.display())
    }
}

/// Cargo's configuration outside of the tree.
#[derive(Debug, Default)]
pub struct Outside {
    /// Settings that change the output.
    pub changing: Vec<Setting>,
    /// The rest, joined: where crates come from, and how. The nearest file wins, as with Cargo.
    pub harmless: Table,
}

/// Sections that change no byte: crates are held against the checksums in Cargo.lock, wherever they come from.
const HARMLESS: [&str; 14] = [
    "alias",
    "cache",
    "cargo-new",
    "credential-alias",
    "doc",
    "future-incompat-report",
    "http",
    "install",
    "net",
    "registries",
    "registry",
    "resolver",
    "source",
    "term",
];

/// Keys of `[build]` that change no byte, or that every call of Cargo here sets itself.
const HARMLESS_BUILD: [&str; 7] =
    ["dep-info-basedir", "jobs", "rustdoc", "rustdocflags", "target", "target-dir", "warnings"];

/// Keys whose value is a path, below the folder that has `.cargo`.
const PATHS: [&str; 4] = ["cainfo", "directory", "local-registry", "proxy-cainfo"];

impl Outside {
    /// Reads what Cargo reads for a tree: the folders from the tree upwards, then Cargo's home. The tree's own file is
    /// outside too where Git does not track it.
    pub fn of(root: &Path, home: &Path) -> Result<Self, PathError> {
        let mut outside = Self::default();
        let mut seen = BTreeSet::new();
        let folders = root.ancestors().map(|folder| folder.join(".cargo")).chain([home.to_owned()]);
        for path in folders.filter_map(|folder| config_in(&folder)) {
            let real = fs::canonicalize(&path).at("read", &path)?;
            if !seen.insert(real) {
                continue;
            }
            let text = fs::read_to_string(&path).at("read", &path)?;
            if is_tracked(root, &path) {
                outside.changing.extend(led_outside(root, &path, &text, &mut BTreeSet::new()));
                continue;
            }
            match text.parse::<Table>() {
                Ok(table) => outside.take(&path, table),
                Err(_not_toml) => outside.changing.push(Setting { path, key: "what is no TOML".to_owned() }),
            }
        }
        Ok(outside)
    }

    fn take(&mut self, path: &Path, table: Table) {
        let (mut harmless, changing): (Table, Table) =
            table.into_iter().partition(|(name, _)| HARMLESS.contains(&name.as_str()));
        let mut keys = Vec::new();
        changing.iter().for_each(|(name, value)| leaves(name, value, &mut keys));
        let keys = keys.into_iter().filter(|key| !is_harmless(key));
        self.changing.extend(keys.map(|key| Setting { path: path.to_owned(), key }));
        anchor(&mut harmless, path.parent().and_then(Path::parent).unwrap_or(path));
        join(&mut self.harmless, harmless);
    }
}

/// Keys of `[build]`, and what starts programs that are there already.
fn is_harmless(key: &str) -> bool {
    let of_build = key.strip_prefix("build.").and_then(|key| key.split('.').next());
    of_build.is_some_and(|key| HARMLESS_BUILD.contains(&key))
        || (key.starts_with("target.") && key.ends_with(".runner"))
}

/// Cargo's file in a folder; of two it takes the one without an ending.
fn config_in(folder: &Path) -> Option<PathBuf> {
    ["config", "config.toml"].map(|name| folder.join(name)).into_iter().find(|path| path.is_file())
}

/// Whether a file is one of the tree's own. A tree without Git is a copy of what Git has.
fn is_tracked(root: &Path, path: &Path) -> bool {
    let Ok(name) = path.strip_prefix(root) else { return false };
    let tracked = Checkout::open(root).and_then(|checkout| checkout.tracked());
    tracked.map_or(true, |tracked| tracked.iter().any(|entry| entry.path == name))
}

/// The settings of a file of the tree that lead to what is not the tree's own: files that it includes, and folders of crates.
fn led_outside(root: &Path, path: &Path, text: &str, seen: &mut BTreeSet<PathBuf>) -> Vec<Setting> {
    let setting = |key: &str| Setting { path: path.to_owned(), key: key.to_owned() };
    let Ok(table) = text.parse::<Table>() else { return vec![setting("what is no TOML")] };
    let folder = path.parent().unwrap_or(root);
    let mut led = Vec::new();
    for include in paths(table.get("include"), "path") {
        let file = plain(&folder.join(include));
        match fs::read_to_string(&file) {
            Ok(text) if is_tracked(root, &file) => {
                if seen.insert(file.clone()) {
                    led.extend(led_outside(root, &file, &text, seen));
                }
            }
            _ => led.push(setting(&format!("include {include:?}"))),
        }
    }
    // Folders of crates are named from the folder that has `.cargo`.
    let leaves_tree = |path: &&str| !plain(&folder.parent().unwrap_or(root).join(path)).starts_with(root);
    led.extend(paths(table.get("paths"), "path").into_iter().filter(leaves_tree).map(|_| setting("paths")));
    let patched = table.get("patch").and_then(Value::as_table).into_iter().flatten();
    for (registry, crates) in patched {
        for (name, patch) in crates.as_table().into_iter().flatten() {
            let path = patch.get("path").and_then(Value::as_str);
            led.extend(path.filter(leaves_tree).map(|_| setting(&format!("patch.{registry}.{name}.path"))));
        }
    }
    led
}

/// The paths in a value: a text, or a list of texts or of tables that have `key`.
fn paths<'a>(value: Option<&'a Value>, key: &str) -> Vec<&'a str> {
    let path = |value: &'a Value| value.as_str().or_else(|| value.get(key)?.as_str());
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(path).collect(),
        other => other.into_iter().filter_map(path).collect(),
    }
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
        plain
    })
}

/// The keys of all values below a name.
fn leaves(name: &str, value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| leaves(&format!("{name}.{key}"), value, keys)),
        _ => keys.push(name.to_owned()),
    }
}

/// Makes relative paths absolute, so that they hold in another file too.
fn anchor(table: &mut Table, base: &Path) {
    for (key, value) in table.iter_mut() {
        match value {
            Value::Table(inner) => anchor(inner, base),
            Value::String(path) if PATHS.contains(&key.as_str()) => *path = base.join(&*path).display().to_string(),
            _ => {}
        }
    }
}

/// Adds what is not there yet.
fn join(into: &mut Table, more: Table) {
    for (key, value) in more {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => join(inner, more),
            (Some(_), _) => {}
            (None, value) => drop(into.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<String>, String) {
        let mut outside = Outside::default();
        outside.take(Path::new("/home/ann/.cargo/config.toml"), text.parse().unwrap());
        (outside.changing.into_iter().map(|setting| setting.key).collect(), outside.harmless.to_string())
    }

    #[test]
    fn cargo_settings_that_change_bytes_are_named_by_key() {
        for (text, keys) in [
            ("[profile.release]\nopt-level = 0\n", vec!["profile.release.opt-level"]),
            ("[profile.release.package.\"*\"]\nopt-level = 0\n", vec!["profile.release.package.*.opt-level"]),
            ("[build]\nrustflags = [\"-Ctarget-cpu=native\"]\njobs = 2\n", vec!["build.rustflags"]),
            ("[build]\nrustc-wrapper = \"sccache\"\nrustc = \"x\"\n", vec!["build.rustc-wrapper", "build.rustc"]),
            ("[build]\nincremental = true\n", vec!["build.incremental"]),
            (
                "[target.x86_64-unknown-linux-gnu]\nlinker = \"mold\"\nrunner = \"x\"\n",
                vec!["target.x86_64-unknown-linux-gnu.linker"],
            ),
            ("[target.'cfg(unix)']\nrustflags = \"-g\"\n", vec!["target.cfg(unix).rustflags"]),
            ("[env]\nCFLAGS = \"-O0\"\n", vec!["env.CFLAGS"]),
            ("[env]\nCC = { value = \"x\", force = true }\n", vec!["env.CC.value", "env.CC.force"]),
            ("[patch.crates-io]\nserde = { path = \"x\" }\n", vec!["patch.crates-io.serde.path"]),
            ("paths = [\"/x\"]\ninclude = \"other.toml\"\n", vec!["paths", "include"]),
            ("[unstable]\nbuild-std = [\"std\"]\n", vec!["unstable.build-std"]),
            ("[something.new]\nx = 1\n", vec!["something.new.x"]),
        ] {
            let (mut found, harmless) = of(text);
            let mut keys = keys;
            found.sort();
            keys.sort_unstable();
            assert_eq!(found, keys, "{text}");
            assert!(!harmless.contains("rust") && !harmless.contains("opt-level"), "{harmless}");
        }
    }

    #[test]
    fn mirrors_and_the_network_are_kept_and_their_paths_hold_elsewhere() {
        let text = "[source.mirror]\nregistry = \"sparse+https://mirror.invalid/\"\n[source.here]\ndirectory = \"crates\"\n\
                    [source.crates-io]\nreplace-with = \"mirror\"\n[http]\nproxy = \"p:1\"\ncainfo = \"/etc/ca.pem\"\n\
                    [net]\noffline = true\n[registries.own]\nindex = \"x\"\n[term]\nquiet = true\n[profile.release]\n";
        let (changing, harmless) = of(text);
        assert_eq!(changing, [""; 0]);
        let kept: Table = harmless.parse().unwrap();
        assert_eq!(kept["source"]["here"]["directory"].as_str(), Some("/home/ann/crates"));
        assert_eq!(kept["http"]["cainfo"].as_str(), Some("/etc/ca.pem"));
        assert_eq!(kept["source"]["crates-io"]["replace-with"].as_str(), Some("mirror"));
        assert!(kept["net"]["offline"].as_bool().unwrap() && kept.contains_key("registries"));
    }

    #[test]
    fn the_nearest_file_wins() {
        let mut outside = Outside::default();
        outside.take(Path::new("/a/b/.cargo/config.toml"), "[http]\nproxy = \"near\"\n".parse().unwrap());
        outside.take(Path::new("/a/.cargo/config.toml"), "[http]\nproxy = \"far\"\ntimeout = 9\n".parse().unwrap());
        assert_eq!(outside.harmless["http"]["proxy"].as_str(), Some("near"));
        assert_eq!(outside.harmless["http"]["timeout"].as_integer(), Some(9));
    }
}
