//! `docs/release/table-reference.md` against the types that read `sayna-release.toml` and `models.json`.

use std::collections::BTreeMap;

use crate::support::project_file;

const PAGE: &str = "docs/release/table-reference.md";

/// The headings of the page with the type that has their keys.
const SECTIONS: [(&str, &str); 15] = [
    ("`[release]`", "Release"),
    ("`[build]`", "Build"),
    ("`build.remap`", "Remap"),
    ("`build.rustflags`", "ByOs"),
    ("`[[target]]`", "Target"),
    ("`target.floor`", "Floor"),
    ("`target.budget`", "TargetBudget"),
    ("`[[product]]`", "Product"),
    ("`product.budget`", "ProductBudget"),
    ("`[image]`", "Image"),
    ("`image.platforms`", "Platform"),
    ("`[[native]]`", "Written"),
    ("`[budget]`", "Budget"),
    ("`[forge]`", "Forge"),
    ("`models.json`", "Model"),
];

/// The keys of a type with whether each must be there.
type Keys = BTreeMap<String, bool>;

/// Every struct of the sources that is read from a file.
fn types() -> BTreeMap<String, Keys> {
    let mut found = BTreeMap::new();
    for file in ["table.rs", "table/product.rs", "table/native.rs", "table/model.rs"] {
        let text = project_file(&format!("release/src/{file}"));
        let (mut before, mut lines) = (Vec::new(), text.lines());
        while let Some(line) = lines.next() {
            let head = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("struct ");
            if let Some(name) = head.and_then(|rest| rest.strip_suffix(" {")) {
                let is_read = before.iter().any(|line: &&str| line.contains("Deserialize"));
                let optional = before.iter().any(|line| line.contains("serde(") && line.contains("default"));
                let fields: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
                if is_read {
                    found.insert(name.to_owned(), keys(&fields, optional));
                }
            }
            if line.starts_with("#[") { before.push(line) } else { before.clear() }
        }
    }
    found
}

fn keys(fields: &[&str], optional: bool) -> Keys {
    let mut found = Keys::new();
    let (mut name, mut skipped, mut default) = (None::<String>, false, optional);
    for line in fields.iter().map(|line| line.trim()) {
        if let Some(attribute) = line.strip_prefix("#[serde(") {
            let renamed = attribute.split_once("rename = \"").map(|(_, rest)| rest.split('"').next().unwrap());
            name = renamed.map(str::to_owned).or(name);
            skipped |= attribute.starts_with("skip)");
            default |= attribute.contains("default");
        } else if let Some((field, kind)) = line.strip_suffix(',').and_then(|line| line.split_once(": "))
            && !line.starts_with("//")
        {
            let key = name.take().unwrap_or_else(|| field.trim_start_matches("pub ").to_owned());
            if !skipped {
                found.insert(key, !default && !kind.starts_with("Option<"));
            }
            (skipped, default) = (false, optional);
        }
    }
    found
}

/// The rows of a section: key, and whether the column "default" says that it is required.
fn documented(page: &str, heading: &str) -> Keys {
    let start = page.find(&format!("## {heading}\n")).unwrap_or_else(|| panic!("{PAGE} has no section {heading}"));
    let section = page[start + 3..].split("\n##").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(" | ").collect();
        assert_eq!(cells.len(), 5, "{heading}: {line}");
        assert!(cells.iter().all(|cell| !cell.trim_matches([' ', '|']).is_empty()), "{heading}: {line}");
        (cells[0].trim_end_matches('`').to_owned(), cells[2] == "required")
    };
    rows.map(row).collect()
}

#[test]
fn the_table_reference_has_every_key_and_no_other() {
    let (page, types) = (project_file(PAGE), types());
    for (heading, name) in SECTIONS {
        assert_eq!(documented(&page, heading), types[name], "{PAGE}, {heading}");
    }
    // `Table` itself has the sections as its keys, `Native` is made of `Written`, and no other type is left out.
    let sections = SECTIONS.map(|(heading, _)| heading.trim_matches(['`', '[', ']']));
    for key in types["Table"].keys() {
        assert!(sections.contains(&key.as_str()), "{PAGE} has no section for `{key}`");
    }
    let known: Vec<&str> = SECTIONS.iter().map(|(_, name)| *name).chain(["Table", "Native"]).collect();
    let missing: Vec<&String> = types.keys().filter(|name| !known.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{PAGE} has no section for {missing:?}");
}
