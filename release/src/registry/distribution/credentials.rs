//! Credentials for a registry, from the environment, then Docker's `config.json` and its credential helpers.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::reference::{DOCKER_HUB, Reference};
use crate::atomic::{At as _, PathError};
use crate::http::Secret;

/// The name of Docker Hub in Docker's own files.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// The value of an environment variable; a closure, so that tests need not change their own environment.
pub type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A user and a password.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) secret: Secret,
    pub(super) kind: Kind,
    /// The source of the credentials, for the message when they are rejected.
    pub(super) from: String,
}

/// The kind of a secret, which decides where it may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A password, or an access token in its place: for the registry and for its token server.
    Password,
    /// The identity token of a login, which only its token server accepts.
    IdentityToken,
}

/// Credentials that are there but cannot be used. None of the texts holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be read.
    #[error(transparent)]
    File(#[from] PathError),
    /// It is not of Docker's form.
    #[error("{}: {reason}; `docker login` writes it", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
    /// One variable without the other.
    #[error("{set} is set and {missing} is not; set both or neither")]
    Half {
        /// The variable that is there.
        set: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A credential helper failed.
    #[error("{program} (named in {}): {reason}", path.display())]
    Helper {
        /// The helper.
        program: String,
        /// The configuration that names it.
        path: PathBuf,
        /// The error.
        reason: String,
    },
    /// An identity token for a registry that has no token server.
    #[error("{from} has an identity token for {host}, which asks for a password: log in with a user and a password")]
    IdentityToken {
        /// Its source.
        from: String,
        /// The registry.
        host: String,
    },
}

/// `config.json`: what is read of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

/// The answer of a credential helper.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The two variables that are asked for a registry. Docker Hub's are its own, so that its token goes nowhere else.
pub(super) fn variables(host: &str) -> (&'static str, &'static str) {
    if host == DOCKER_HUB {
        ("DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN")
    } else {
        ("SAYNA_REGISTRY_USERNAME", "SAYNA_REGISTRY_PASSWORD")
    }
}

/// Looks for credentials of a repository; `None` where there are none.
pub(super) fn find(repository: &Reference, variable: &Variables) -> Result<Option<Credentials>, Error> {
    let (user, password) = variables(repository.host());
    let value = |name| variable(name).filter(|v| !v.is_empty());
    match (value(user), value(password)) {
        (Some(name), Some(secret)) => {
            let from = format!("the environment ({user}, {password})");
            return Ok(Some(Credentials { user: name, secret: Secret::new(secret), kind: Kind::Password, from }));
        }
        (Some(_), None) => return Err(Error::Half { set: user, missing: password }),
        (None, Some(_)) => return Err(Error::Half { set: password, missing: user }),
        (None, None) => {}
    }
    let folder = value("DOCKER_CONFIG").map(PathBuf::from);
    let home = || value("HOME").or_else(|| value("USERPROFILE")).map(|home| Path::new(&home).join(".docker"));
    match folder.or_else(home) {
        Some(folder) => in_config(repository, &folder.join("config.json")),
        None => Ok(None),
    }
}

fn in_config(repository: &Reference, path: &Path) -> Result<Option<Credentials>, Error> {
    let text = match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.at("read", path)?,
    };
    let form = |reason: String| Error::Form { path: path.to_owned(), reason };
    let config: Config = serde_json::from_slice(&text).map_err(|e| form(e.to_string()))?;
    let host = repository.host();
    let rank = |key: &str| (named(key, repository), key == host);
    // With a store, Docker keeps an empty entry for every registry that it knows.
    let entries = config.auths.iter().filter(|(key, entry)| named(key, repository).is_some() && !entry.is_empty());
    let entry = entries.max_by_key(|(key, _)| rank(key));
    // A helper is of a whole registry: the key of a namespace says more.
    let own = config.cred_helpers.iter().find(|(key, _)| named(key, repository) == Some(0)).map(|(_, helper)| helper);
    if entry.is_none_or(|(key, _)| named(key, repository) == Some(0))
        && let Some(helper) = own.or(config.creds_store.as_ref()).filter(|h| !h.is_empty())
        && let Some(found) = ask(helper, host, path)?
    {
        return Ok(Some(found));
    }
    let Some((key, entry)) = entry else { return Ok(None) };
    let from = format!("{} (auths.{key:?})", path.display());
    let found = |user: &str, secret: &str, kind| {
        Ok(Some(Credentials { user: user.into(), secret: Secret::new(secret), kind, from }))
    };
    if !entry.identitytoken.is_empty() {
        return found(&entry.username, &entry.identitytoken, Kind::IdentityToken);
    }
    if !entry.auth.is_empty() {
        let text = STANDARD.decode(&entry.auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = text.as_deref().and_then(|t| t.split_once(':'));
        let (user, password) =
            pair.ok_or_else(|| form(format!("auths.{key:?}.auth is not base64 of user:password")))?;
        return found(user, password.trim_end_matches('\0'), Kind::Password);
    }
    found(&entry.username, &entry.password, Kind::Password)
}

impl Entry {
    fn is_empty(&self) -> bool {
        [&self.auth, &self.username, &self.identitytoken].iter().all(|text| text.is_empty())
    }
}

/// How much of a repository's path a key of the configuration names, in bytes: none of it with the registry alone, all of it
/// with the repository, anything in between with a namespace (containers-auth.json(5)). `None` for a key of something else.
/// `https://host`, `https://host/v1/` and `host/v2/` are a registry's addresses, which Docker has taken for its name.
fn named(key: &str, repository: &Reference) -> Option<usize> {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let is_hub = repository.host() == DOCKER_HUB && ["index.docker.io", "registry-1.docker.io"].contains(&host);
    if host != repository.host() && !is_hub {
        return None;
    }
    let path = path.trim_end_matches('/');
    if bare.len() < key.len() || ["", "v1", "v2"].contains(&path) {
        return Some(0);
    }
    let below = repository.path().strip_prefix(path)?;
    (below.is_empty() || below.starts_with('/')).then_some(path.len())
}

/// Asks the helper that a configuration names.
fn ask(helper: &str, host: &str, path: &Path) -> Result<Option<Credentials>, Error> {
    let program = format!("docker-credential-{helper}");
    if helper.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return run_helper(&program, host, path);
    }
    Err(Error::Helper { program, path: path.to_owned(), reason: "is not the name of a program".to_owned() })
}

/// `get`: the registry on standard input, the answer as JSON on standard output.
fn run_helper(program: &str, host: &str, path: &Path) -> Result<Option<Credentials>, Error> {
    let failed = |reason: String| Error::Helper { program: program.to_owned(), path: path.to_owned(), reason };
    let mut command = Command::new(program);
    let command = command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|e| failed(format!("cannot be run: {e}")))?;
    if let Some(mut input) = child.stdin.take() {
        let key = if host == DOCKER_HUB { DOCKER_HUB_KEY } else { host };
        // A helper that does not want to read says why by its exit status.
        let _closed = input.write_all(key.as_bytes());
    }
    let output = child.wait_with_output().map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        // By the protocol an error's words are on standard output. A successful answer, which has the secret, is never shown.
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if said.contains("credentials not found") {
            return Ok(None);
        }
        return Err(failed(format!("{} ({said})", output.status)));
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_secret| failed("its answer is not JSON with Username and Secret".to_owned()))?;
    let from = format!("{program} (named in {})", path.display());
    // Docker's way to say that the secret is no password.
    let kind = if answer.username == "<token>" { Kind::IdentityToken } else { Kind::Password };
    Ok(Some(Credentials { user: answer.username, secret: Secret::new(answer.secret), kind, from }))
}

#[cfg(test)]
mod tests;
