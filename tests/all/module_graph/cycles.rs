//! Circles between the files of a crate, by the paths that their code names.
//!
//! A file uses another if it names it, or an item of it, by a path from `crate`, `super` or `self`, or by a name that a `use` of
//! such a path has brought in. A folder's own file uses its children. A child may use names of the folders that it is in, as far
//! as they are declared or re-exported there: that alone makes no circle, because parents and children belong together. For files
//! elsewhere a name that a folder re-exports belongs to the file that it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A path of modules below the crate's root; the root itself is empty.
type Module = Vec<String>;

/// Whether the tests inside of files count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tests {
    Counted,
    LeftOut,
}

/// The files of a crate, each with its code: no comments and no strings.
pub(super) struct Files(BTreeMap<Module, String>);

impl Files {
    /// Reads all Rust files below a folder `src`.
    pub(super) fn read(source: &Path, tests: Tests) -> Self {
        let mut found = Vec::new();
        super::files(source, &mut found);
        let mut files = BTreeMap::new();
        for path in found.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
            let relative = path.strip_prefix(source).unwrap().with_extension("");
            let mut module: Module = relative.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
            if module.last().is_some_and(|name| ["mod", "lib", "main"].contains(&name.as_str())) {
                module.pop();
            }
            let text = code(&fs::read_to_string(path).unwrap(), tests);
            // A program's root beside the library's adds to it.
            files.entry(module).or_insert_with(String::new).push_str(&text);
        }
        Self(files)
    }

    /// The files that each file uses, without those of its own line of folders.
    fn edges(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let mut edges = BTreeMap::new();
        for (module, text) in &self.0 {
            let mut used: BTreeSet<&Module> =
                paths(text).iter().filter_map(|path| self.resolve(module, path)).collect();
            used.retain(|other| !module.starts_with(other));
            used.extend(self.0.keys().filter(|child| child.len() == module.len() + 1 && child.starts_with(module)));
            // The root declares everything and is used by all.
            if module.is_empty() {
                used.clear();
            }
            edges.insert(module, used);
        }
        edges
    }

    /// The file that has the item of a path; the longest beginning that is one.
    fn resolve(&self, from: &Module, path: &[String]) -> Option<&Module> {
        let mut absolute = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            _ => from.get(..from.len().checked_sub(path.iter().take_while(|name| *name == "super").count())?)?.to_vec(),
        };
        let mut file = self.0.get_key_value(&absolute)?.0;
        for name in path.iter().skip_while(|name| ["crate", "self", "super"].contains(&name.as_str())) {
            absolute.push(name.clone());
            match self.0.get_key_value(&absolute) {
                Some((next, _)) => file = next,
                None if from.starts_with(file) => break,
                None => return Some(self.origin(file, name)),
            }
        }
        Some(file)
    }

    /// The child from which a folder's own file re-exports a name, else that file.
    fn origin<'a>(&'a self, file: &'a Module, name: &str) -> &'a Module {
        let exports = self.0[file].split(';').filter_map(|line| {
            let (visible, path) = line.rsplit_once("use ")?;
            visible.trim_end().rsplit('\n').next()?.trim().starts_with("pub").then_some(path)
        });
        let mut exported = Vec::new();
        for path in exports {
            expand(path, &mut Vec::new(), &mut exported);
        }
        let found = exported.iter().find(|path| path.last().is_some_and(|last| last == name));
        let child = found.and_then(|path| {
            let inside = path.iter().take(path.len() - 1).filter(|part| *part != "self");
            let child: Module = file.iter().chain(inside).cloned().collect();
            self.0.get_key_value(&child).map(|(child, _)| child)
        });
        child.unwrap_or(file)
    }

    /// The circles between files. A folder with its children counts only if a file elsewhere is in it.
    pub(super) fn cycles(&self) -> Vec<String> {
        let shown = |circle: Vec<&Module>| circle.iter().map(|file| file.join("/")).collect::<Vec<_>>().join(", ");
        circles(&self.edges()).into_iter().map(shown).collect()
    }

    /// The modules at the top of the crate, each with those that its files use.
    pub(super) fn top(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut top: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (file, used) in self.edges() {
            let Some(name) = file.first() else { continue };
            let used = used.into_iter().filter_map(|other| other.first()).filter(|other| *other != name);
            top.entry(name).or_default().extend(used.map(String::as_str));
        }
        top
    }
}

/// Groups that all reach each other, in order.
pub(super) fn circles<K: Ord + Copy>(edges: &BTreeMap<K, BTreeSet<K>>) -> BTreeSet<Vec<K>> {
    let reach: BTreeMap<K, BTreeSet<K>> = edges.keys().map(|from| (*from, reached(edges, *from))).collect();
    let groups = reach.iter().map(|(from, reached)| reached.iter().filter(|to| reach[to].contains(from)).copied());
    groups.map(Iterator::collect).filter(|group: &Vec<K>| group.len() > 1).collect()
}

fn reached<K: Ord + Copy>(edges: &BTreeMap<K, BTreeSet<K>>, from: K) -> BTreeSet<K> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![from]);
    while let Some(next) = waiting.pop() {
        for to in &edges[&next] {
            if found.insert(*to) {
                waiting.push(*to);
            }
        }
    }
    found
}

/// The text without comments and string literals, and without the module `tests` at its end if tests are left out.
fn code(text: &str, tests: Tests) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").filter(|_| tests == Tests::LeftOut);
    let text = &text[..end.unwrap_or(text.len())];
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut outside = true;
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\"", "").replace("'\"'", "");
    joined.split('"').fold(String::new(), |mut code, piece| {
        if outside {
            code.push_str(piece);
        }
        outside = !outside;
        code
    })
}

/// All paths that begin with `crate`, `super` or `self`; the members of a group in braces are paths of their own.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '$')) {
                expand(&text[at..], &mut Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Reads one path, and returns what is behind it.
fn expand<'a>(text: &'a str, begin: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let depth = begin.len();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if end > 0 {
            begin.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        if let Some(next) = rest.strip_prefix("::") {
            rest = next;
            if let Some(mut group) = rest.strip_prefix('{') {
                while !group.trim_start().starts_with('}') && !group.is_empty() {
                    group = expand(group, begin, found);
                    group = group.trim_start().strip_prefix(',').unwrap_or(group);
                    let skipped = group.find([',', '}']).filter(|_| {
                        !group.trim_start().starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '}')
                    });
                    group = skipped.map_or(group, |at| &group[at..]);
                }
                rest = group.trim_start().strip_prefix('}').unwrap_or_default();
                break;
            }
        } else {
            found.push(begin.clone());
            break;
        }
    }
    begin.truncate(depth);
    rest
}

#[test]
fn circles_are_found_through_groups_folders_and_inline_paths() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("lib.rs", "pub mod one;\npub mod two;\npub mod three;\npub mod four;\npub use two::Two;\n"),
        ("one.rs", "use std::fmt;\nuse crate::{four, two::{self, Two}};\n"),
        ("two/mod.rs", "mod inner;\n// crate::three is only mentioned.\nconst TEXT: &str = \"crate::three\";\n"),
        ("two/inner.rs", "use super::Two;\nfn go() { crate::one::go() }\n"),
        ("three.rs", "use crate::two::Two;\n#[cfg(test)]\nmod tests {\n    use crate::four::Four;\n}\n"),
        ("four.rs", "use super::three::{Three};\n"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let cycles = Files::read(folder.path(), Tests::LeftOut).cycles();
    assert_eq!(cycles, ["four, one, three, two, two/inner"], "one → four → three → two → two/inner → one");
    fs::write(folder.path().join("two/inner.rs"), "use super::Two;\n").unwrap();
    assert_eq!(Files::read(folder.path(), Tests::LeftOut).cycles(), Vec::<String>::new());
}
