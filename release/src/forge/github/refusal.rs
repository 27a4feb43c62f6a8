//! Refusals of GitHub, with the next step for each.

use super::{Error, Forge as _, Github};
use crate::http;

const NOBODY: &str = "no token was found: set GITHUB_TOKEN or GH_TOKEN, or run `gh auth login`";

impl Github {
    /// `doing` is a verb for people: "GitHub does not let this token …".
    pub(super) fn refused(&self, doing: &'static str, error: http::Error) -> Error {
        let Some(refused) = error.refused().filter(|_| !error.is_limit()) else { return error.into() };
        let words = refused.message.to_ascii_lowercase();
        let (forge, said) = (self.name(), error.to_string());
        if refused.status == 422 && words.contains("immutable release") {
            // A name that a deleted immutable release had, or an asset for one that is public.
            return Error::Spoiled { forge, doing, said };
        }
        let advice = match refused.status {
            401 => self.unknown(),
            403 | 404 => self.forbidden(refused.permissions.as_deref(), &words),
            _ => return error.into(),
        };
        Error::Denied { forge, doing, said, advice }
    }

    fn unknown(&self) -> String {
        match &self.token {
            Some(token) => format!("GitHub does not know the token of {}: it has expired or was revoked", token.from),
            None => NOBODY.to_owned(),
        }
    }

    /// To a token that may not see or write, GitHub often says that there is nothing.
    fn forbidden(&self, permissions: Option<&str>, words: &str) -> String {
        let Some(token) = &self.token else { return NOBODY.to_owned() };
        let needs = permissions.map_or_else(|| "contents: write".to_owned(), |p| p.replace('=', ": "));
        let mut advice = format!(
            "the token of {} needs {needs} on {} (a workflow's job: `permissions:`; a classic token: the scope repo)",
            token.from, self.repository
        );
        if words.contains("integration") || words.contains("not found") {
            advice.push_str(
                "; a workflow's own token also may not touch a release whose commit changes workflows that the default \
                 branch does not have: merge first, or publish from a laptop",
            );
        }
        advice
    }
}
