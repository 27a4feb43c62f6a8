//! Requests to one registry, with whatever it wants to see of us.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::Reference;
use super::challenge::Challenge;
use super::credentials::{self, Credentials, Kind, Variables};
use crate::http::{self, Body, Client, Method, Repeat, Request, Response, Secret};
use crate::registry::{Error, Purpose};

/// The user agent of this program.
const CLIENT: &str = "sayna-release";
/// GitHub's registry, whose new packages are private.
const GHCR: &str = "ghcr.io";
const PRIVATE: &str =
    "strangers cannot read this package, because it is private or does not exist; make it public there";
/// Said by the specification where a token does not say how long it lasts.
const LIFE: Duration = Duration::from_secs(60);
/// A token is not used so shortly before its end.
const MARGIN: Duration = Duration::from_secs(10);

/// The purpose of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading.
    Pull,
    /// Writing, and reading on the way.
    Push,
}

/// The credentials of a request.
#[derive(Debug, Clone)]
enum Authorization {
    Nothing,
    /// With its user.
    Password(String, Secret),
    Token(Secret),
}

#[derive(Debug)]
struct Token {
    secret: Secret,
    until: SystemTime,
}

/// The state of the authorization so far.
#[derive(Debug, Default)]
struct State {
    challenge: Option<Challenge>,
    /// Looked for once, when the registry asks.
    looked: bool,
    credentials: Option<Arc<Credentials>>,
    /// By what they allow.
    tokens: BTreeMap<String, Token>,
    /// The credentials were of no use for reading, which goes on without them.
    anonymous: bool,
    /// The repository is there: something was written to it.
    written: bool,
}

/// The answer of a token server; either name, by the specification.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    /// A number of seconds, by the specification; some servers write a fraction or a text.
    expires_in: Option<Value>,
}

/// A time of at most a day.
fn seconds(value: &Value) -> Option<Duration> {
    const DAY: f64 = 86_400.0;
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds.clamp(0.0, DAY)).ok()
}

pub(super) struct Session {
    client: Client,
    reference: Reference,
    variables: Box<Variables>,
    purpose: Purpose,
    state: Mutex<State>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.reference)
    }
}

impl Session {
    pub(super) fn new(reference: Reference, client: Client, variables: Box<Variables>) -> Self {
        Self { client, reference, variables, purpose: Purpose::Look, state: Mutex::default() }
    }

    pub(super) fn for_purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_written(&self) {
        self.state().written = true;
    }

    /// Whether a refusal to read may be a registry's way to say that there is no such repository yet.
    pub(super) fn may_be_missing(&self) -> bool {
        matches!(self.purpose, Purpose::DryRun | Purpose::Publish) && !self.state().written
    }

    pub(super) const fn reference(&self) -> &Reference {
        &self.reference
    }

    pub(super) fn pause(&self, time: Duration) {
        self.client.clock().sleep(time);
    }

    /// Sends what `make` makes and reads the answer. What everybody may read is read by everybody: where our credentials are
    /// of no use, once more without them.
    pub(super) fn call<'m, T>(
        &self,
        access: Access,
        make: impl Fn() -> Request<'m>,
        read: impl Fn(Response<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Some registries make a repository for a token that may push, and know of none for one that may only read.
        let access = if self.purpose == Purpose::Publish { Access::Push } else { access };
        match self.once(access, &make, &read) {
            Err(error) if access == Access::Pull && self.goes_on_anonymously(&error) => {
                self.once(access, &make, &read).map_err(|_anonymous| error)
            }
            other => other,
        }
    }

    /// Whether reading goes on without credentials from now on.
    fn goes_on_anonymously(&self, error: &Error) -> bool {
        let mut state = self.state();
        let useless = match error {
            Error::Credentials(_) => true,
            Error::Denied { .. } => state.credentials.is_some(),
            _ => false,
        };
        if !useless || state.anonymous {
            return false;
        }
        state.anonymous = true;
        state.tokens.clear();
        true
    }

    /// Sends and reads; where the registry wants to know who asks, once more with that.
    fn once<'m, T>(
        &self,
        access: Access,
        make: &impl Fn() -> Request<'m>,
        read: &impl Fn(Response<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let attempt = |proof: &Authorization| {
            let request = authorized(make(), proof);
            read(self.client.send(&request)?)
        };
        let first = self.proof(access)?;
        let error = match attempt(&first) {
            Err(Error::Http(error)) if matches!(error.status(), Some(401 | 403)) => error,
            other => return other,
        };
        let learned = error.status() == Some(401) && self.learn(access, &error, &first);
        if !learned {
            return Err(self.denied(&error));
        }
        match attempt(&self.proof(access)?) {
            Err(Error::Http(error)) if matches!(error.status(), Some(401 | 403)) => Err(self.denied(&error)),
            other => other,
        }
    }

    /// Takes note of a challenge; `false` where it asks for nothing but what was shown already.
    fn learn(&self, access: Access, error: &http::Error, shown: &Authorization) -> bool {
        let lines = error.refused().map(|r| r.challenges.as_slice()).unwrap_or_default();
        let Some(challenge) = Challenge::of(lines) else { return false };
        let mut state = self.state();
        if let Authorization::Token(old) = shown {
            // It was revoked or has expired early. Another thread may have a fresh one by now.
            let scope = self.scope(access);
            if state.tokens.get(&scope).is_some_and(|token| token.secret == *old) {
                state.tokens.remove(&scope);
            }
        }
        let password_again = challenge == Challenge::Basic && matches!(shown, Authorization::Password(..));
        state.challenge = Some(challenge);
        !password_again
    }

    /// The credentials to send. Held locked while a token is fetched: the other threads want the same one.
    fn proof(&self, access: Access) -> Result<Authorization, Error> {
        let mut state = self.state();
        let Some(challenge) = state.challenge.clone() else { return Ok(Authorization::Nothing) };
        let is_anonymous = access == Access::Pull && state.anonymous;
        let credentials = if is_anonymous { None } else { self.credentials(&mut state)? };
        let (realm, service) = match challenge {
            Challenge::Basic => return self.password(credentials.as_deref()),
            Challenge::Bearer { realm, service } => (realm, service),
        };
        let scope = self.scope(access);
        let now = self.client.clock().now();
        if let Some(token) = state.tokens.get(&scope).filter(|token| token.until > now) {
            return Ok(Authorization::Token(token.secret.clone()));
        }
        let token = self.fetch(&realm, service.as_deref(), &scope, credentials.as_deref())?;
        let proof = Authorization::Token(token.secret.clone());
        state.tokens.insert(scope, token);
        Ok(proof)
    }

    /// For a registry that wants to see it with every request.
    fn password(&self, credentials: Option<&Credentials>) -> Result<Authorization, Error> {
        match credentials {
            None => Ok(Authorization::Nothing),
            Some(known) if known.kind == Kind::Password => {
                Ok(Authorization::Password(known.user.clone(), known.secret.clone()))
            }
            Some(Credentials { from, .. }) => {
                let (from, host) = (from.clone(), self.reference.host().to_owned());
                Err(credentials::Error::IdentityToken { from, host }.into())
            }
        }
    }

    fn credentials(&self, state: &mut State) -> Result<Option<Arc<Credentials>>, Error> {
        if !state.looked {
            state.credentials = credentials::find(&self.reference, &*self.variables)?.map(Arc::new);
            state.looked = true;
        }
        Ok(state.credentials.clone())
    }

    fn scope(&self, access: Access) -> String {
        let actions = if access == Access::Pull { "pull" } else { "pull,push" };
        format!("repository:{}:{actions}", self.reference.path())
    }

    /// Fetches a token from whom the registry trusts.
    fn fetch(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Token, Error> {
        let broken = |reason: String| Error::Broken { path: self.reference.to_string(), reason };
        let mut url = Url::parse(realm).map_err(|e| broken(format!("its token server {realm:?}: {e}")))?;
        if self.reference.api().scheme() == "https" && url.scheme() != "https" {
            return Err(broken(format!("its token server {realm} is not encrypted; no password is sent there")));
        }
        url.query_pairs_mut().extend_pairs(service.map(|s| ("service", s))).append_pair("scope", scope);
        let request = ask(url, credentials).repeat(Repeat::Safe);
        let now = self.client.clock().now();
        let ask = || self.client.send(&request).and_then(Response::json::<Answer>);
        let answer = ask().or_else(|error| match error.status() {
            // Token servers under load refuse what they allow a moment later.
            Some(403) => {
                self.pause(Duration::from_secs(1));
                ask()
            }
            _ => Err(error),
        });
        let answer = answer.map_err(|error| match error.status() {
            // Whatever a token server refuses says nothing of the registry's content.
            Some(400..=499) if !error.is_limit() => self.denial(&error, credentials),
            _ => error.into(),
        })?;
        let secret = answer.token.or(answer.access_token).filter(|t| !t.is_empty());
        let none = || {
            let reason = format!("the token server of {} gave no token", self.reference);
            http::Error::Form { call: format!("GET {realm}"), reason }
        };
        let secret = secret.ok_or_else(none)?;
        let life = answer.expires_in.as_ref().and_then(seconds).unwrap_or(LIFE);
        let life = life.saturating_sub(MARGIN.min(life / 2));
        Ok(Token { secret: Secret::new(secret), until: now.checked_add(life).unwrap_or(now) })
    }

    /// The page with the visibility of a package at ghcr.io.
    fn settings(&self) -> String {
        let (owner, name) = self.reference.path().split_once('/').unwrap_or((self.reference.path(), ""));
        format!("https://github.com/orgs/{owner}/packages/container/{}/settings", name.replace('/', "%2F"))
    }

    fn denied(&self, error: &http::Error) -> Error {
        let state = self.state();
        self.denial(error, state.credentials.as_deref())
    }

    /// Says whose word was not enough, and where that came from.
    fn denial(&self, error: &http::Error, credentials: Option<&Credentials>) -> Error {
        let (user, password) = credentials::variables(self.reference.host());
        let host = self.reference.host();
        let advice = match credentials {
            Some(known) => {
                let Credentials { user, from, .. } = known;
                let who = match known.kind {
                    Kind::Password => format!("user {user:?} of {from}"),
                    Kind::IdentityToken => format!("the identity token of {from}"),
                };
                format!("{who} may not do this: check the password or token, and what it is allowed to do")
            }
            None if host == GHCR && self.purpose == Purpose::Look => format!("{PRIVATE}: {}", self.settings()),
            None => format!("no credentials were found: set {user} and {password}, or run `docker login {host}`"),
        };
        Error::Denied { registry: self.reference.to_string(), error: error.to_string(), advice }
    }
}

/// The query of a token server: with a password by GET (distribution, "Token Authentication Specification"), with an identity
/// token by POST ("Oauth2 Token Authentication"). The query of `url` says what for.
fn ask(mut url: Url, credentials: Option<&Credentials>) -> Request<'_> {
    match credentials {
        None => Request::new(Method::GET, url.as_str()),
        Some(Credentials { user, secret, kind: Kind::Password, .. }) => {
            Request::new(Method::GET, url.as_str()).basic(user, secret)
        }
        Some(Credentials { secret, kind: Kind::IdentityToken, .. }) => {
            let more = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", secret.expose())];
            url.query_pairs_mut().extend_pairs(more);
            let form = url.query().unwrap_or_default().as_bytes().to_vec();
            url.set_query(None);
            let body = Body::Bytes(form, "application/x-www-form-urlencoded");
            Request::new(Method::POST, url.as_str()).body(body).hiding(secret)
        }
    }
}

fn authorized<'r>(request: Request<'r>, proof: &'r Authorization) -> Request<'r> {
    match proof {
        Authorization::Nothing => request,
        Authorization::Password(user, secret) => request.basic(user, secret),
        Authorization::Token(secret) => request.bearer(secret),
    }
}
