//! The pages for operators in `docs/use` name every metric and every error code of the source, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The string literals of a text that are the first argument of one of these calls.
fn first_arguments(source: &str, calls: &[&str]) -> BTreeSet<String> {
    let arguments = |call: &&str| source.split(*call).skip(1).map(str::trim_start).collect::<Vec<_>>();
    let literals = calls.iter().flat_map(arguments).filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
    literals.map(str::to_owned).collect()
}

/// The words between backticks that begin so, up to their labels.
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
