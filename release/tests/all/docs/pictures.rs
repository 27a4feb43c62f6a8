//! The pictures of the architecture: drawn by `.ci/pictures` from the descriptions beside them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::pages::root;

/// The descriptions.
fn descriptions() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs/contribute")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|e| e == "picture")).collect()
}

#[test]
#[ignore = "needs python3"]
fn pictures_are_those_of_their_descriptions() {
    let output = Command::new("python3").arg(root().join(".ci/pictures")).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn pictures_have_all_words_of_their_descriptions_and_name_files_that_exist() {
    let mut count = 0;
    for path in descriptions() {
        let description = fs::read_to_string(&path).unwrap();
        let drawn = fs::read_to_string(path.with_extension("svg")).unwrap();
        assert!(drawn.contains("prefers-color-scheme:dark"), "{}", path.display());
        for words in description.lines().flat_map(|line| line.split('|').skip(1)).map(str::trim) {
            assert!(drawn.contains(&format!(">{words}</text>")), "{}: {words}; run .ci/pictures", path.display());
            let is_path = words.starts_with("src/") || words.starts_with("release/");
            assert!(!is_path || root().join(words).exists(), "{}: {words} is not there", path.display());
            count += 1;
        }
    }
    assert!(count > 40, "only {count} texts were found");
}
