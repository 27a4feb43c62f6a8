//! Package URLs (ECMA-427).

use std::fmt::Write as _;

use crate::graph::{Id, Origin};
use crate::plan::Plan;

/// Of a crate. Only what a registry has is `pkg:cargo`, of another registry than Cargo's with `repository_url`: scanners
/// look at name and version alone. All else is `pkg:generic/name@version?vcs_url=git%2B<repository>%40<commit>`.
pub(super) fn of_crate(id: &Id, plan: &Plan) -> String {
    let (name, version) = (&id.name, &id.version.to_string());
    match &id.origin {
        Origin::Registry => of("cargo", name, version, &[]),
        Origin::Other { index } => of("cargo", name, version, &[("repository_url", index)]),
        Origin::Git { url, commit } => generic(name, version, &[("vcs_url", &vcs(repository(url), commit))]),
        Origin::Project => generic(name, version, &[("vcs_url", &vcs(&plan.source, &plan.commit))]),
    }
}

/// A repository's address without the branch or tag that the manifest asks for: the commit says it.
pub(super) fn repository(url: &str) -> &str {
    url.split_once('?').map_or(url, |(repository, _)| repository)
}

fn vcs(repository: &str, commit: &str) -> String {
    format!("git+{repository}@{commit}")
}

/// `pkg:github/owner/repository@tag`, of a source on GitHub. That type's names are lower case.
pub(super) fn github(source: &str, tag: &str) -> Option<String> {
    let (owner, repository) = source.strip_prefix("https://github.com/")?.trim_end_matches('/').split_once('/')?;
    let name = |word: &str| encode(&word.to_lowercase());
    Some(format!("pkg:github/{}/{}@{}", name(owner), name(repository), encode(tag)))
}

/// `pkg:generic/name@version?…`, for what no package registry has; qualifiers come sorted by key.
pub(super) fn generic(name: &str, version: &str, qualifiers: &[(&str, &str)]) -> String {
    of("generic", name, version, qualifiers)
}

/// `pkg:deb/<distribution>/name@version?…`; qualifiers come sorted by key.
pub(super) fn debian(distribution: &str, name: &str, version: &str, qualifiers: &[(&str, &str)]) -> String {
    of(&format!("deb/{}", encode(distribution)), name, version, qualifiers)
}

/// `pkg:nix/name@version?…`, as scanners write it of a path in a store; qualifiers come sorted by key.
pub(super) fn nix(name: &str, version: &str, qualifiers: &[(&str, &str)]) -> String {
    of("nix", name, version, qualifiers)
}

fn of(kind: &str, name: &str, version: &str, qualifiers: &[(&str, &str)]) -> String {
    let mut purl = format!("pkg:{kind}/{}", encode(name));
    if !version.is_empty() {
        purl.push('@');
        purl.push_str(&encode(version));
    }
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
        assert_eq!(of("cargo", "libgit2-sys", "0.18.2+1.9.1", &[]), "pkg:cargo/libgit2-sys@0.18.2%2B1.9.1");
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
