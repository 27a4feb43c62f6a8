//! Names of repositories: `docker.io/saynaai/sayna`, as the table and the command line write them.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// The name of Docker Hub; it has others, for historical reasons.
pub(super) const DOCKER_HUB: &str = "docker.io";
/// The host that serves its API.
const DOCKER_HUB_API: &str = "registry-1.docker.io";
/// Registries on these hosts are local and are contacted without TLS. All others require TLS.
const PLAIN: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// One repository of one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    host: String,
    path: String,
    /// The registry's API, up to and with `/v2/`.
    api: Url,
}

/// Text that names no repository.
#[derive(Debug, thiserror::Error)]
#[error(
    "{text:?} is not a repository: {reason}; write docker://HOST/REPOSITORY, such as docker://docker.io/saynaai/sayna"
)]
pub struct NotAReference {
    text: String,
    reason: &'static str,
}

impl Reference {
    /// The registry: `docker.io`, `127.0.0.1:5000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository in it: `saynaai/sayna`.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(super) const fn api(&self) -> &Url {
        &self.api
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker://{}/{}", self.host, self.path)
    }
}

impl FromStr for Reference {
    type Err = NotAReference;

    /// With or without `docker://`. A first part without dot or colon is no host, but belongs to Docker Hub's name.
    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let wrong = |reason| NotAReference { text: text.to_owned(), reason };
        let name = text.strip_prefix("docker://").unwrap_or(text);
        let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost";
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path),
            _ => (DOCKER_HUB, name),
        };
        let host = if host == "index.docker.io" || host == DOCKER_HUB_API { DOCKER_HUB } else { host };
        if path.contains(['@', ':']) {
            return Err(wrong("tags and digests are the release's own"));
        }
        if !path.split('/').all(is_part) {
            return Err(wrong("its parts are lower-case letters and digits, separated by '.', '_', '__' or '-'"));
        }
        if host == DOCKER_HUB && !path.contains('/') {
            return Err(wrong("Docker Hub's are NAMESPACE/REPOSITORY"));
        }
        let bare = without_port(host).ok_or_else(|| wrong("the host is not one"))?;
        let scheme = if PLAIN.contains(&bare) { "http" } else { "https" };
        let server = if host == DOCKER_HUB { DOCKER_HUB_API } else { host };
        let api = Url::parse(&format!("{scheme}://{server}/v2/")).map_err(|_no_url| wrong("the host is not one"))?;
        Ok(Self { host: host.to_owned(), path: path.to_owned(), api })
    }
}

/// The host alone, where it and its port are of the right form.
fn without_port(host: &str) -> Option<&str> {
    let colon = if host.starts_with('[') { host.find("]:").map(|i| i + 1) } else { host.rfind(':') };
    let (bare, port) = colon.map_or((host, None), |i| (host.get(..i).unwrap_or_default(), host.get(i + 1..)));
    let inner = bare.strip_prefix('[').and_then(|b| b.strip_suffix(']'));
    let fine = if let Some(address) = inner {
        address.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        let known = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
        bare.bytes().all(known) && bare.bytes().any(|b| b.is_ascii_alphanumeric())
    };
    (fine && port.is_none_or(|p| p.parse::<u16>().is_ok_and(|p| p > 0))).then_some(bare)
}

/// One part of a repository's name (distribution specification, "Pulling manifests").
fn is_part(part: &str) -> bool {
    let letter = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let separators = part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).filter(|s| !s.is_empty());
    let fine = |s: &str| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-');
    let (first, last) = (part.as_bytes().first(), part.as_bytes().last());
    first.is_some_and(letter) && last.is_some_and(letter) && { separators }.all(fine)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (String, String) {
        let reference: Reference = text.parse().unwrap();
        (reference.to_string(), reference.api.to_string())
    }

    #[test]
    fn names_and_where_they_are_asked() {
        let hub = ("docker://docker.io/saynaai/sayna".to_owned(), "https://registry-1.docker.io/v2/".to_owned());
        for text in ["docker://docker.io/saynaai/sayna", "saynaai/sayna", "index.docker.io/saynaai/sayna"] {
            assert_eq!(read(text), hub, "{text}");
        }
        assert_eq!(read("ghcr.io/a/b/c").1, "https://ghcr.io/v2/");
        assert_eq!(read("docker://localhost:5000/a").1, "http://localhost:5000/v2/");
        assert_eq!(read("127.0.0.1:5000/a").1, "http://127.0.0.1:5000/v2/");
        assert_eq!(read("[::1]:5000/a").1, "http://[::1]:5000/v2/");
        assert_eq!(read("127.0.0.2:5000/a").1, "https://127.0.0.2:5000/v2/");
    }

    #[test]
    fn invalid_repository_references_are_refused() {
        for text in [
            "",
            "docker://",
            "sayna",
            "docker.io/sayna",
            "ghcr.io/",
            "ghcr.io/A",
            "ghcr.io/a:v1",
            "ghcr.io/a@sha256:0",
            "ghcr.io/a//b",
            "ghcr.io/-a",
            "ghcr.io/a___b",
            "ghcr.io/a/../b",
            "user@host.io/a",
            "host:0/a",
            "host:x/a",
            ":5000/a",
            "[::1/a",
            "host.io/a?b",
            "oci:a/b",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again(
            host in "[a-z]{1,8}\\.[a-z]{2,3}(:[1-9][0-9]{0,3})?",
            path in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,4}){0,3}",
        ) {
            let reference: Reference = format!("{host}/{path}").parse().unwrap();
            prop_assert_eq!(reference.path(), path);
            prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
        }

        #[test]
        fn anything_is_read_or_refused(text in "\\PC{0,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert!(reference.api().as_str().ends_with("/v2/"), "{reference}");
                prop_assert_eq!(reference.api().query(), None);
                prop_assert_eq!(reference.api().username(), "");
            }
        }
    }
}
