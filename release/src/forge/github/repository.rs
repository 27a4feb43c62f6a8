//! Names of repositories, and which servers are GitHub's.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use super::{Error, Variables};

/// The address of GitHub's own API; a workflow's runner names it, or that of its enterprise server, in this variable.
const API: &str = "https://api.github.com";
const API_VARIABLE: &str = "GITHUB_API_URL";

/// `owner/repository`
#[derive(Debug, Clone)]
pub struct Repository(String);

/// Text that names no repository.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a repository on GitHub; write github:OWNER/REPOSITORY, such as github:saynaai/sayna")]
pub struct NotARepository(String);

impl Repository {
    /// `owner/repository`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// GitHub's names have no case of their own.
impl PartialEq for Repository {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Repository {}

impl FromStr for Repository {
    type Err = NotARepository;

    fn from_str(text: &str) -> Result<Self, NotARepository> {
        let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(fine) && !name.bytes().all(|b| b == b'.');
        match text.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => Ok(Self(text.to_owned())),
            _ => Err(NotARepository(text.to_owned())),
        }
    }
}

/// The API that the environment names, else GitHub's own. A token goes there: it has to be encrypted, or on this machine.
pub(super) fn api(variables: &Variables<'_>) -> Result<Url, Error> {
    let text = variables(API_VARIABLE).filter(|text| !text.is_empty()).unwrap_or_else(|| API.to_owned());
    let wrong = |reason: String| Error::Broken { path: format!("{API_VARIABLE}={text}"), reason };
    let url = Url::parse(&text).map_err(|e| wrong(e.to_string()))?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "https" || here { Ok(url) } else { Err(wrong("is not encrypted".to_owned())) }
}

/// Whether an address that the API gave leads to the same GitHub: its host, or one beside it (`api.github.com`,
/// `uploads.github.com`, `github.com`).
pub(super) fn is_own(api: &Url, url: &Url) -> bool {
    let (Some(host), Some(other)) = (api.host_str(), url.host_str()) else { return false };
    let domain = host.strip_prefix("api.").unwrap_or(host);
    let beside = other.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    url.scheme() == api.scheme() && beside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        api(&|_| Some(text.to_owned())).map(String::from).map_err(|e| e.to_string())
    }

    #[test]
    fn a_token_goes_to_no_server_without_encryption() {
        assert_eq!(api(&|_| None).unwrap().as_str(), "https://api.github.com/");
        assert_eq!(of("https://ghe.example/api/v3").unwrap(), "https://ghe.example/api/v3");
        assert_eq!(of("http://127.0.0.1:5000").unwrap(), "http://127.0.0.1:5000/");
        assert!(of("http://api.github.com").unwrap_err().contains("GITHUB_API_URL"));
        assert!(of("api.github.com").unwrap_err().contains("GITHUB_API_URL"));
    }

    #[test]
    fn only_servers_beside_the_api_are_the_same_github() {
        let api = Url::parse("https://api.github.com").unwrap();
        let own = |url: &str| is_own(&api, &Url::parse(url).unwrap());
        for url in ["https://uploads.github.com/x", "https://github.com/x", "https://api.github.com/x"] {
            assert!(own(url), "{url}");
        }
        for url in ["http://github.com/x", "https://evilgithub.com/x", "https://github.com.evil.io/x", "file:///x"] {
            assert!(!own(url), "{url}");
        }
    }

    #[test]
    fn names_of_repositories() {
        let one: Repository = "saynaai/sayna".parse().unwrap();
        assert_eq!(one, "SaynaAI/Sayna".parse().unwrap());
        for text in ["", "sayna", "a/b/c", "a/", "/b", "a/..", "a b/c", "a/b?c", "a/b#c", "a/é"] {
            assert!(text.parse::<Repository>().is_err(), "{text}");
        }
    }
}
