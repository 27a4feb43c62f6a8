//! The pages for operators in `docs/use` name every metric and error code of the source, and no others.

use std::collections::BTreeSet;
use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Returns the string literals of a text that are the first argument of one of these calls.
fn first_arguments(source: &str, calls: &[&str]) -> BTreeSet<String> {
    let arguments = |call: &&str| source.split(*call).skip(1).map(str::trim_start).collect::<Vec<_>>();
    let literals = calls.iter().flat_map(arguments).filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
    literals.map(str::to_owned).collect()
}

/// Returns the words between backticks that begin with `prefix`, without it and without their labels.
fn quoted(page: &str, prefix: &str) -> BTreeSet<String> {
    let words = page.split('`').skip(1).step_by(2).filter_map(|word| word.strip_prefix(prefix));
    words.filter_map(|word| word.split('{').next()).map(str::to_owned).collect()
}

#[test]
fn monitoring_page_lists_every_metric_of_the_source() {
    let calls = [".register(", ".register_with_unit(", " counter(", "encode_descriptor("];
    let metrics = first_arguments(&read("src/metrics.rs"), &calls);
    assert!(metrics.len() > 25, "{metrics:?}");
    let page = quoted(&read("docs/use/monitoring.md"), "sayna_");
    let page: BTreeSet<String> =
        page.iter().map(|name| name.trim_end_matches("_total").trim_end_matches("_seconds").to_owned()).collect();
    assert_eq!(page, metrics);
}

/// Returns the headings of the third level in a chapter of the troubleshooting page.
fn anchors(chapter: &str) -> BTreeSet<String> {
    let page = read("docs/use/troubleshooting.md");
    let chapter = page.split("\n## ").find(|text| text.lines().next() == Some(chapter)).unwrap();
    chapter.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect()
}

/// Returns the words of letters, digits and `_` behind each occurrence of `before`.
fn words_behind(source: &str, before: &str) -> BTreeSet<String> {
    let word = |rest: &str| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().map(str::to_owned);
    source.split(before).skip(1).filter_map(word).collect()
}

#[test]
fn troubleshooting_page_has_an_anchor_per_rest_error_code() {
    let errors = read("src/error/mod.rs");
    let (_, rest) = errors.split_once("impl IntoResponse for Coded").unwrap();
    let (rest, authentication) = rest.split_once("enum AuthError").unwrap();
    let codes = words_behind(rest, "=> \"");
    assert!(codes.contains("CALL_FAILED"), "{codes:?}");
    assert_eq!(anchors("REST error codes"), codes);
    let codes = words_behind(authentication, "=> (\"");
    assert!(codes.contains("unauthorized"), "{codes:?}");
    assert_eq!(anchors("Authentication errors"), codes);
}

#[test]
fn troubleshooting_page_has_an_anchor_per_close_code_and_per_kind_of_provider_error() {
    let codes = words_behind(&read("src/voice/mod.rs"), "=> (");
    assert!(codes.contains("1001"), "{codes:?}");
    assert_eq!(anchors("Close codes"), codes);
    let kinds = words_behind(&read("src/provider/error.rs"), "=> \"");
    assert!(kinds.contains("rate_limited"), "{kinds:?}");
    assert_eq!(anchors("Provider errors"), kinds);
}

#[test]
fn operator_pages_list_every_kind_of_session_error() {
    let kinds = words_behind(&read("src/error/session.rs"), "=> \"");
    assert!(kinds.contains("draining"), "{kinds:?}");
    for name in ["docs/use/monitoring.md", "docs/use/troubleshooting.md"] {
        let page = quoted(&read(name), "");
        assert!(kinds.is_subset(&page), "{name}: {:?}", kinds.difference(&page));
    }
}

/// Returns the pages of a folder and of those in it, as paths from the root of the repository.
fn pages(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap().map(Result::unwrap);
    let names = entries.map(|entry| (entry.path().is_dir(), entry.file_name().into_string().unwrap()));
    let paths = names.flat_map(|(is_folder, name)| {
        let path = format!("{folder}/{name}");
        if is_folder { pages(&path) } else { vec![path] }
    });
    paths.filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn operator_pages_name_source_files_that_exist() {
    let mut missing = Vec::new();
    let mut count = 0;
    for page in pages("docs/use") {
        for folder in ["src/", "tests/", "bench/", "nix/", "release/", "examples/"] {
            for rest in quoted(&read(&page), folder) {
                count += 1;
                let path = format!("{folder}{rest}");
                let file = path.split(' ').next().unwrap();
                if !Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists() {
                    missing.push(format!("{page}: {path}"));
                }
            }
        }
    }
    assert!(count > 40, "only {count} names of files were found");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn local_engines_page_lists_the_model_files_with_their_sizes() {
    let models: Vec<serde_json::Value> = serde_json::from_str(&read("models.json")).unwrap();
    let page = read("docs/use/local-engines.md");
    let (_, table) = page.split_once("| file | needed by the feature | bytes |").unwrap();
    let mut listed = 0;
    for line in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').collect();
        let names = quoted(cells[1], "");
        let is_of_row =
            |model: &&serde_json::Value| names.iter().any(|name| model["name"].as_str().unwrap().ends_with(name));
        let of_row: Vec<u64> = models.iter().filter(is_of_row).map(|model| model["bytes"].as_u64().unwrap()).collect();
        assert_eq!(of_row.len(), names.len(), "{line}");
        assert_eq!(cells[3].trim().replace(',', "").parse(), Ok(of_row.iter().sum::<u64>()), "{line}");
        listed += names.len();
    }
    assert_eq!(listed, models.len());
}
