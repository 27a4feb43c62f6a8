//! The token for GitHub.

use std::process::{Command, Stdio};

use reqwest::Url;

use crate::http::Secret;

/// The value of an environment variable; a closure, so that tests need not change their own environment.
pub type Variables<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// In the order in which they are asked for; `gh` has the same two.
const VARIABLES: [&str; 2] = ["GITHUB_TOKEN", "GH_TOKEN"];

/// A token, and where it was found.
#[derive(Debug)]
pub struct Token {
    pub(super) secret: Secret,
    /// For the message when it is not accepted.
    pub from: String,
}

impl Token {
    /// Returns the token of the environment, else that of GitHub's own program for this server. `None` suffices to read
    /// everything public.
    pub(super) fn find(api: &Url, variables: &Variables<'_>) -> Option<Self> {
        let of = |name: &&str| variables(name).filter(|v| !v.trim().is_empty()).map(|v| (v, (*name).to_owned()));
        let found = VARIABLES.iter().find_map(of);
        let (secret, from) = found.or_else(|| {
            // An enterprise server's API is below its own name.
            let host = api.host_str()?;
            let host = host.strip_prefix("api.").unwrap_or(host);
            Some((ask(host, variables)?, "`gh auth token`".to_owned()))
        })?;
        Some(Self { secret: Secret::new(secret), from })
    }
}

/// A program that is not there, or not logged in, has none.
fn ask(host: &str, variables: &Variables<'_>) -> Option<String> {
    let path = variables("PATH")?;
    let mut command = Command::new("gh");
    let command = command.args(["auth", "token", "--hostname", host]).env("PATH", path);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text).filter(|text| output.status.success() && !text.trim().is_empty())
}
