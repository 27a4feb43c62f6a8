//! The modules of `release/src` import each other in one direction: the graph of their `use` lines has no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Adds the modules below `crate` that the sources below `path` name, as arrows from `module`.
fn read(path: &Path, module: &str, arrows: &mut Arrows) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            read(&entry.unwrap().path(), module, arrows);
        }
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join(" ");
    for rest in code.split("crate::").skip(1) {
        let list = rest.strip_prefix('{').and_then(|rest| rest.split(';').next());
        // Of `crate::{a::b, c}` the words in front of each comma that is not in an inner list.
        let mut depth = 0;
        let outer = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        };
        let names: Vec<&str> = list.map_or_else(|| vec![rest], |list| list.split(outer).collect());
        for name in names {
            let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            let name = name.trim().split(end).next().unwrap_or_default();
            if name != module {
                arrows.entry(module.to_owned()).or_default().insert(name.to_owned());
            }
        }
    }
}

/// Takes modules without arrows away until none is left, and returns those that stay: they are in a circle or lead to one.
fn in_circles(mut arrows: Arrows) -> BTreeSet<String> {
    loop {
        let known: BTreeSet<String> = arrows.keys().cloned().collect();
        for to in arrows.values_mut() {
            to.retain(|module| known.contains(module));
        }
        let before = arrows.len();
        arrows.retain(|_, to| !to.is_empty());
        if arrows.len() == before {
            return known;
        }
    }
}

#[test]
fn modules_of_the_release_program_import_each_other_without_circles() {
    let mut arrows = Arrows::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !["lib", "main"].contains(&module.as_str()) {
            read(&path, &module, &mut arrows);
        }
    }
    assert!(arrows["publish"].contains("forge") && arrows["rehearse"].contains("publish"), "{arrows:?}");
    let circles = in_circles(arrows);
    assert!(circles.is_empty(), "modules that import each other, or lead to some that do: {circles:?}");
}
