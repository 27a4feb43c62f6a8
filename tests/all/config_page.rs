//! `docs/use/configuration.md`, generated from the table of keys, the defaults, and the comments of `config.example.yaml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::support::generated;

const EXAMPLE: &str = include_str!("../../config.example.yaml");

const HEAD: &str = "\
# Configuration

Every key of the server, for those who run it. After this page you can set any of them in a file or in the environment, and know
which value wins. The page is generated from `src/config/table.rs` and
[config.example.yaml](../../config.example.yaml) by `tests/all/config_page.rs`.

```sh
sayna check -c sayna.yaml    # report every error, show each value in use and its origin
sayna -c sayna.yaml          # run the server with this file
```

";

/// A key or a section of the example.
#[derive(Debug, Default)]
struct Entry {
    /// The paragraph above it, on one line.
    meaning: String,
    /// The line `# Environment: …`, without those words.
    variables: String,
    /// What the commented-out line shows.
    example: Option<String>,
}

/// The entries by their path, and the paragraphs at the head of the file.
fn example() -> (BTreeMap<String, Entry>, Vec<String>) {
    let (mut entries, mut head) = (BTreeMap::new(), Vec::new());
    let (mut sections, mut pending): (Vec<(usize, String)>, Vec<String>) = (Vec::new(), Vec::new());
    let mut variables = None;
    for line in EXAMPLE.lines() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        let comment = bare.strip_prefix('#').map(str::trim_start);
        if bare.is_empty() || comment == Some("") {
            if entries.is_empty() && sections.is_empty() {
                head.push(std::mem::take(&mut pending).join(" "));
            }
            pending.clear();
        } else if let Some(names) = comment.and_then(|text| text.strip_prefix("Environment: ")) {
            variables = Some(names.to_owned());
        } else if let (Some(text), None) = (comment, &variables) {
            pending.push(text.to_owned());
        } else {
            let (name, value) = comment.unwrap_or(bare).split_once(':').unwrap();
            sections.retain(|(at, _)| *at < indent);
            let path: Vec<_> = sections.iter().map(|(_, name)| name.as_str()).chain([name]).collect();
            let path = path.join(".");
            let shown = comment.map(|_| value.trim().to_owned());
            let entry = Entry {
                meaning: std::mem::take(&mut pending).join(" "),
                variables: variables.take().unwrap_or_default(),
                example: shown.filter(|value| !value.is_empty()),
            };
            if entry.variables.is_empty() {
                sections.push((indent, name.to_owned()));
            }
            assert!(entries.insert(path.clone(), entry).is_none(), "{path} is there twice");
        }
    }
    (entries, head.into_iter().filter(|text| !text.is_empty()).collect())
}

/// Text as the page has it: lines of at most 128 characters, pages of the same folder as links.
fn paragraph(text: &str) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        let page = word.strip_prefix("docs/use/").and_then(|page| page.strip_suffix(".md"));
        let word = page.map_or(word.to_owned(), |page| format!("[{page}]({page}.md)"));
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 128 {
            lines.push(std::mem::take(&mut line));
        }
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(&word);
    }
    lines.push(line);
    lines.join("\n")
}

fn page() -> String {
    let (mut entries, head) = example();
    let defaults = sayna::config::parse(b"", Path::new("x")).unwrap();
    let mut page = HEAD.to_owned();
    for text in &head[1..] {
        writeln!(page, "{}\n", paragraph(text)).unwrap();
    }
    let keys = defaults.settings().zip(sayna::config::variables()).zip(sayna::config::limits());
    let mut section = String::new();
    for (((path, default, _), (_, variables)), (_, limits)) in keys {
        let entry = entries.remove(path).unwrap_or_else(|| panic!("{path} is not in config.example.yaml"));
        assert!(entry.meaning.ends_with('.'), "config.example.yaml: {path} needs a comment of whole sentences");
        assert_eq!(entry.variables, variables.join(" or "), "config.example.yaml: {path}");
        let (parent, _) = path.rsplit_once('.').unwrap();
        for parent in [parent.split('.').next().unwrap(), parent] {
            if let Some(found) = entries.remove(parent) {
                parent.clone_into(&mut section);
                assert!(
                    found.meaning.ends_with('.'),
                    "config.example.yaml: {parent} needs a comment of whole sentences"
                );
                writeln!(page, "## {section}\n\n{}\n", paragraph(&found.meaning)).unwrap();
            }
        }
        assert_eq!(section, parent, "{path} stands in another section");
        let names: Vec<_> = variables.iter().map(|name| format!("`{name}`")).collect();
        writeln!(page, "### {path}\n\n{}\n\n* Value: {limits}", paragraph(&entry.meaning)).unwrap();
        match (default.as_str(), entry.example) {
            ("", Some(example)) => writeln!(page, "* Default: none\n* Example: `{example}`").unwrap(),
            ("", None) => writeln!(page, "* Default: none").unwrap(),
            (default, _) => writeln!(page, "* Default: `{default}`").unwrap(),
        }
        writeln!(page, "* Environment: {}\n", names.join(" or ")).unwrap();
    }
    assert!(entries.is_empty(), "config.example.yaml has keys that the server has not: {:?}", entries.keys());
    format!("{}\n", page.trim_end())
}

#[test]
fn the_configuration_page_is_up_to_date() {
    generated::file("docs/use/configuration.md", &page());
}
