//! The pages as a Markdown parser reads them: links, anchors, tables, and the paths that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::support::project_file;

/// The pages outside of docs/ that readers find on GitHub.
const TOP: [&str; 3] = ["README.md", "CONTRIBUTING.md", "SECURITY.md"];

/// Pages of other projects that the code names.
const FOREIGN: [&str; 2] = ["docs/API.md", "docs/changed.md"];

/// The page that leads to all others.
const INDEX: &str = "docs/README.md";

/// The folders of the repository that a path in a page may begin with.
const FOLDERS: [&str; 10] =
    ["src/", "release/", "tests/", "docs/", "nix/", ".ci/", ".github/", "examples/", "bench/", "benches/"];

/// A page, by what the tests compare.
pub(crate) struct Page {
    /// Language and text of each fenced block.
    pub(crate) fences: Vec<(String, String)>,
    /// GitHub's names of the headings.
    anchors: BTreeSet<String>,
    /// Targets of links and pictures.
    links: Vec<String>,
    /// Inline code.
    code: Vec<String>,
    /// Paragraphs that begin as a row of a table does.
    stray_rows: Vec<String>,
}

impl Page {
    /// Reads the page of that path from the root of the repository.
    pub(crate) fn read(name: &str) -> Self {
        Self::parse(&project_file(name))
    }

    fn parse(text: &str) -> Self {
        let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
        let (mut fences, mut links, mut code, mut stray_rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut headings, mut heading, mut fence) = (Vec::new(), None::<String>, None::<(String, String)>);
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    fence = Some((language.into_string(), String::new()));
                }
                Event::End(TagEnd::CodeBlock) => fences.extend(fence.take()),
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => headings.extend(heading.take()),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push(dest_url.into_string());
                }
                Event::Start(Tag::Paragraph)
                    if text[range.clone()].lines().any(|line| line.trim().starts_with('|')) =>
                {
                    stray_rows.push(text[range].to_owned());
                }
                Event::Text(part) | Event::Code(part) if heading.is_some() => {
                    heading.as_mut().unwrap().push_str(&part);
                }
                Event::Text(part) => {
                    if let Some((_, body)) = &mut fence {
                        body.push_str(&part);
                    }
                }
                Event::Code(part) => code.push(part.into_string()),
                _ => {}
            }
        }
        Self { fences, anchors: anchors(&headings), links, code, stray_rows }
    }
}

/// GitHub's names of headings: one that occurs again has a number.
fn anchors(headings: &[String]) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for heading in headings {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let times = seen.entry(slug.clone()).or_default();
        found.insert(if *times == 0 { slug } else { format!("{slug}-{times}") });
        *times += 1;
    }
    found
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The files of a folder and its folders that `wanted` accepts, as paths from the root of the repository, in order.
fn files(folder: &str, wanted: fn(&Path) -> bool) -> Vec<String> {
    fn collect(name: &str, wanted: fn(&Path) -> bool, found: &mut Vec<String>) {
        for entry in fs::read_dir(root().join(name)).unwrap().map(Result::unwrap) {
            let name = format!("{name}/{}", entry.file_name().into_string().unwrap());
            if entry.path().is_dir() {
                collect(&name, wanted, found);
            } else if wanted(&entry.path()) {
                found.push(name);
            }
        }
    }
    let mut found = Vec::new();
    collect(folder, wanted, &mut found);
    found.sort();
    found
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "md")
}

/// The pages of docs/ and its folders.
pub(super) fn pages() -> Vec<String> {
    files("docs", is_page)
}

/// Those and the ones at the top.
fn all_pages() -> impl Iterator<Item = String> {
    pages().into_iter().chain(TOP.map(str::to_owned))
}

/// A path from the root of the repository, without `.` and `..`.
fn resolved(page: &str, target: &str) -> String {
    let mut path = PathBuf::new();
    for part in Path::new(page).parent().unwrap().join(target).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{page} links out of the repository: {target}"),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path.display().to_string()
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let (mut count, mut dead) = (0, Vec::new());
    for page in all_pages() {
        for target in Page::read(&page).links.iter().filter(|target| !target.starts_with("http")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { page.clone() } else { resolved(&page, file) };
            let is_there = root().join(&file).exists();
            if !is_there || !anchor.is_empty() && !Page::read(&file).anchors.contains(anchor) {
                dead.push(format!("{page} links to {target}"));
            }
            count += 1;
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(count > 100, "only {count} links were found");
}

#[test]
fn every_page_is_reached_from_the_index() {
    let mut reached = BTreeSet::from([INDEX.to_owned()]);
    let mut left = vec![INDEX.to_owned()];
    while let Some(page) = left.pop() {
        for target in Page::read(&page).links.iter().filter(|target| !target.starts_with("http")) {
            let file = target.split('#').next().unwrap();
            let file = if file.is_empty() { continue } else { resolved(&page, file) };
            if is_page(Path::new(&file)) && reached.insert(file.clone()) {
                left.push(file);
            }
        }
    }
    let orphans: Vec<String> = pages().into_iter().filter(|page| !reached.contains(page)).collect();
    assert!(orphans.is_empty(), "no page links to {orphans:?}");
}

#[test]
fn every_row_of_a_table_stands_in_a_table() {
    for page in all_pages() {
        let stray = Page::read(&page).stray_rows;
        assert!(stray.is_empty(), "{page} has rows outside of a table:\n{}", stray.join("\n"));
    }
}

#[test]
fn every_path_in_the_pages_exists() {
    let (mut count, mut missing) = (0, Vec::new());
    let rust = |path: &Path| path.extension().is_some_and(|e| e == "rs");
    let sources: Vec<String> =
        ["src", "release", "tests", "fuzz/fuzz_targets", "benches"].iter().flat_map(|f| files(f, rust)).collect();
    for page in all_pages() {
        for path in Page::read(&page).code {
            let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            // A file without its folder: there is one of that name.
            let is_bare = is_plain && rust(Path::new(&path)) && !path.contains('/');
            if is_bare && !sources.iter().any(|source| source.ends_with(&format!("/{path}"))) {
                missing.push(format!("{page} names {path}"));
            }
            if is_plain && FOLDERS.iter().any(|folder| path.starts_with(folder)) {
                if !root().join(&path).exists() {
                    missing.push(format!("{page} names {path}"));
                }
                count += 1;
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(count > 60, "only {count} paths were found");
}

/// The places of pages in a text: `docs/use/x.md`, with or without an anchor.
fn places(text: &str) -> Vec<(String, Option<String>)> {
    let taken = |rest: &str, more: &str| -> String {
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || more.contains(*c)).collect()
    };
    let mut found = Vec::new();
    for (at, _) in text.match_indices("docs/") {
        // Not the end of another path, or an address.
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || "/._-".contains(c)) {
            continue;
        }
        let path = taken(&text[at..], "/._-");
        if let Some(end) = path.find(".md") {
            let path = &path[..end + 3];
            let anchor = text[at + path.len()..].strip_prefix('#').map(|rest| taken(rest, "_-"));
            found.push((path.to_owned(), anchor));
        }
    }
    found
}

#[test]
fn every_page_that_the_code_names_is_there_with_its_anchor() {
    let source = |path: &Path| {
        let ends = ["rs", "toml", "nix", "yml", "yaml", "sh", "py", "html"];
        path.extension().is_none_or(|e| ends.iter().any(|end| e == *end)) && !path.ends_with("docs/pages.rs")
    };
    let folders =
        ["src", "release/src", "release/tests", "tests", "nix", ".ci", ".github", "benches", "bench", "examples"];
    let top = ["sayna-release.toml", "config.example.yaml", "cliff.toml", "deny.toml", "Cargo.toml", "flake.nix"];
    let (mut count, mut missing) = (0, Vec::new());
    for file in folders.iter().flat_map(|folder| files(folder, source)).chain(top.map(str::to_owned)) {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for (page, anchor) in places(&text) {
            let there = root().join(&page).exists();
            // A test may name the pages of a project of its own.
            let is_foreign = file.contains("tests/") || FOREIGN.contains(&page.as_str());
            let is_known = there || is_foreign;
            let has = anchor.as_ref().is_none_or(|anchor| !there || Page::read(&page).anchors.contains(anchor));
            if !is_known || !has {
                missing.push(format!("{file} names {page}, {anchor:?}"));
            }
            count += 1;
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(count > 20, "only {count} places were found");
}

#[test]
fn anchors_rows_and_places_are_found() {
    let page = Page::parse("# A `b.json` c\n\n## Same\n\n## Same\n\n| a |\n|---|\n| b |\n\n| stray |\n");
    assert_eq!(Vec::from_iter(page.anchors), ["a-bjson-c", "same", "same-1"]);
    assert_eq!(page.stray_rows.len(), 1);
    let found = places("see docs/a/b-c.md#x_y, \"docs/d.md\", https://e/docs/f.md and /docs/g.md.");
    let expected = [("docs/a/b-c.md", Some("x_y")), ("docs/d.md", None)];
    assert_eq!(found, expected.map(|(page, anchor)| (page.to_owned(), anchor.map(str::to_owned))));
}
