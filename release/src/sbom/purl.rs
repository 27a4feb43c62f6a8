//! Package URLs (ECMA-427).

use std::fmt::Write as _;

use crate::graph::Id;
use crate::plan::Plan;

/// `pkg:cargo/name@version`
pub(super) fn of_crate(id: &Id) -> String {
    format!("pkg:cargo/{}@{}", encode(&id.name), encode(&id.version.to_string()))
}

/// `pkg:generic/name@version?vcs_url=git%2B<source>%40<commit>`, of a crate that no registry has like this.
pub(super) fn in_repository(id: &Id, plan: &Plan) -> String {
    let url = format!("git+{}@{}", plan.source, plan.commit);
    generic(&id.name, &id.version.to_string(), &[("vcs_url", &url)])
}

/// `pkg:github/owner/repository@tag`, of a source on GitHub. That type's names are lower case.
pub(super) fn github(source: &str, tag: &str) -> Option<String> {
    let (owner, repository) = source.strip_prefix("https://github.com/")?.trim_end_matches('/').split_once('/')?;
    let name = |word: &str| encode(&word.to_lowercase());
    Some(format!("pkg:github/{}/{}@{}", name(owner), name(repository), encode(tag)))
}

/// `pkg:generic/name@version?…`, for what no package registry has; qualifiers come sorted by key.
pub(super) fn generic(name: &str, version: &str, qualifiers: &[(&str, &str)]) -> String {
    let mut purl = format!("pkg:generic/{}@{}", encode(name), encode(version));
    for (number, (key, value)) in qualifiers.iter().enumerate() {
        purl.push(if number == 0 { '?' } else { '&' });
        purl.push_str(key);
        purl.push('=');
        purl.push_str(&encode(value));
    }
    purl
}

/// Percent-encodes all but the characters that a package URL leaves as they are.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ok = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_metadata_and_urls_are_encoded() {
        let id = Id { name: "libgit2-sys".to_owned(), version: "0.18.2+1.9.1".parse().unwrap() };
        assert_eq!(of_crate(&id), "pkg:cargo/libgit2-sys@0.18.2%2B1.9.1");
        let qualifiers = [("checksum", "sha256:ab"), ("download_url", "https://example.org/a b.zip")];
        let generic = generic("x", "1", &qualifiers);
        assert_eq!(generic, "pkg:generic/x@1?checksum=sha256:ab&download_url=https:%2F%2Fexample.org%2Fa%20b.zip");
    }

    #[test]
    fn only_github_has_a_github_purl() {
        assert_eq!(github("https://github.com/SaynaAI/sayna", "v1.0.0").unwrap(), "pkg:github/saynaai/sayna@v1.0.0");
        assert_eq!(github("https://example.org/a/b", "v1"), None);
    }
}
