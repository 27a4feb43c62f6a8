//! Settings of the repository and rights of the token, for `doctor`.

use serde::Deserialize;

use super::{Error, Github, Method, Repeat};

/// The repository's settings that a release depends on, as this token sees them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether the token may push; `None` where GitHub does not say.
    pub push: Option<bool>,
    /// The scopes of a classic token; `None` of other ones.
    pub scopes: Option<String>,
    /// Whether releases are immutable; `None` where only an administrator may know.
    pub immutable: Option<bool>,
}

#[derive(Deserialize)]
struct Permissions {
    push: bool,
    admin: bool,
}

/// `full-repository`
#[derive(Deserialize)]
struct About {
    permissions: Option<Permissions>,
}

/// `check-immutable-releases`
#[derive(Deserialize)]
struct Immutable {
    enabled: bool,
}

impl Github {
    /// The source of the token; `None` without one.
    pub fn token_from(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.from.as_str())
    }

    /// Asks for them.
    pub fn settings(&self) -> Result<Settings, Error> {
        let url = self.url("");
        let request = self.request(Method::GET, &url).repeat(Repeat::Safe);
        let answer = self.client.send(&request).map_err(|e| self.refused("read the repository", e))?;
        let scopes = answer.header("x-oauth-scopes").map(str::to_owned);
        let about: About = answer.json().map_err(|e| self.refused("read the repository", e))?;
        let admin = about.permissions.as_ref().is_some_and(|p| p.admin);
        let immutable = if admin { Some(self.immutable()?) } else { None };
        Ok(Settings { push: about.permissions.map(|p| p.push), scopes, immutable })
    }

    /// 404 is GitHub's way to say that they are not on.
    fn immutable(&self) -> Result<bool, Error> {
        let found = self.read::<Immutable>("read the repository's settings", &self.url("/immutable-releases"))?;
        Ok(found.is_some_and(|found| found.enabled))
    }
}
