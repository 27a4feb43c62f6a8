//! Parts of the documentation that are generated from the code. A test compares them; `SAYNA_GOLDEN=write` writes them instead.

use std::path::{Path, PathBuf};

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Compares a whole file of the repository with the generated text.
pub(crate) fn file(name: &str, text: &str) {
    let path = path_of(name);
    if std::env::var_os("SAYNA_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        return std::fs::write(path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let line = |text: &str, at: usize| text.lines().nth(at).unwrap_or("(end)").to_owned();
    if let Some(at) = (0..=text.lines().count()).find(|at| line(text, *at) != line(&committed, *at)) {
        panic!(
            "{name}:{} is not up to date; write it by SAYNA_GOLDEN=write\ncommitted: {}\ngenerated: {}",
            at + 1,
            line(&committed, at),
            line(text, at)
        );
    }
    assert!(text == committed, "{name} differs in its line ends; write it by SAYNA_GOLDEN=write");
}

/// The same for the part of a page between `<!-- marker -->` and `<!-- /marker -->`.
pub(crate) fn section(name: &str, marker: &str, text: &str) {
    let page = std::fs::read_to_string(path_of(name)).unwrap();
    let (begin, end) = (format!("<!-- {marker} -->\n"), format!("<!-- /{marker} -->\n"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{name} has no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{name} has no {end}"));
    file(name, &format!("{before}{begin}{text}{end}{after}"));
}
