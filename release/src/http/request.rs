//! Requests.

use std::fmt;
use std::path::Path;

use reqwest::Method;

use super::ProgressOnce;

/// A password or token. It has no `Display`, and its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Without white space around it, which files and variables tend to have.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The secret itself, for the wire and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Removes the secret from a text that comes from outside.
    pub(super) fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "[secret]") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The body of a request.
pub enum Body<'a> {
    /// Nothing.
    Empty,
    /// Bytes and their media type.
    Bytes(Vec<u8>, &'a str),
    /// A file, opened again for each attempt and streamed.
    File {
        /// The file.
        path: &'a Path,
        /// Its size; another one is an error before anything is sent.
        size: u64,
        /// Its media type.
        content_type: &'a str,
        /// Told of bytes as they go.
        on_progress: &'a ProgressOnce<'a>,
    },
}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes, content_type) => write!(f, "Bytes({} of {content_type})", bytes.len()),
            Self::File { path, size, .. } => write!(f, "File({}, {size})", path.display()),
        }
    }
}

/// Whether the same request may be sent again when the outcome of the first is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is the same as once.
    Safe,
    /// Twice may be one too many. It is sent again only where it certainly had no effect: no connection, or a rate limit.
    Never,
}

#[derive(Debug)]
pub(super) enum Authorization<'a> {
    None,
    /// In the body.
    Inside(&'a Secret),
    Bearer(&'a Secret),
    Basic(String, &'a Secret),
}

/// One request.
#[derive(Debug)]
pub struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'a str, String)>,
    pub(super) authorization: Authorization<'a>,
    pub(super) body: Body<'a>,
    pub(super) repeat: Repeat,
    pub(super) accepted: Vec<u16>,
}

impl<'a> Request<'a> {
    /// Without a body; never repeated unless it says so.
    pub fn new(method: Method, url: &str) -> Self {
        Self {
            method,
            url: url.to_owned(),
            headers: Vec::new(),
            authorization: Authorization::None,
            body: Body::Empty,
            repeat: Repeat::Never,
            accepted: Vec::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets a header in the place of the one that it has.
    #[must_use]
    pub fn replace_header(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.header(name, value)
    }

    /// Authorizes with a token.
    #[must_use]
    pub fn bearer(self, token: &'a Secret) -> Self {
        Self { authorization: Authorization::Bearer(token), ..self }
    }

    /// Authorizes with a name and a password.
    #[must_use]
    pub fn basic(self, user: impl Into<String>, password: &'a Secret) -> Self {
        Self { authorization: Authorization::Basic(user.into(), password), ..self }
    }

    /// Says which secret the body has, so that it is taken out of what is shown.
    #[must_use]
    pub fn hiding(self, secret: &'a Secret) -> Self {
        Self { authorization: Authorization::Inside(secret), ..self }
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, body: Body<'a>) -> Self {
        Self { body, ..self }
    }

    /// Says whether it may be sent again.
    #[must_use]
    pub fn repeat(self, repeat: Repeat) -> Self {
        Self { repeat, ..self }
    }

    /// Statuses outside 200 to 299 that are an answer and no error.
    #[must_use]
    pub fn accept_status(mut self, statuses: &[u16]) -> Self {
        self.accepted.extend_from_slice(statuses);
        self
    }

    /// Takes this request's secret out of a text that the server wrote.
    pub(super) fn scrub(&self, text: &str) -> String {
        match &self.authorization {
            Authorization::None => text.to_owned(),
            Authorization::Inside(secret) | Authorization::Bearer(secret) | Authorization::Basic(_, secret) => {
                secret.scrub(text)
            }
        }
    }
}
