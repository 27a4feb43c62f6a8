//! Errors of HTTP, without secrets.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use super::wait::{Advice, LONGEST};
use crate::atomic::PathError;

/// The error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// TLS or the runtime could not be set up.
    #[error("no HTTP client: {reason}")]
    Setup {
        /// The reason.
        reason: String,
    },
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// A file that was to be sent has another size.
    #[error("{}: has {found} bytes, expected {expected}", path.display())]
    Resized {
        /// The file.
        path: PathBuf,
        /// The expected size in bytes.
        expected: u64,
        /// The size that was found, in bytes.
        found: u64,
    },
    /// It cannot be put on the wire.
    #[error("{url}: {reason}")]
    Unsendable {
        /// The target of the redirect.
        url: String,
        /// The problem.
        reason: String,
    },
    /// The server was not reached: nothing has happened there.
    #[error("{call}: {reason}")]
    Unreached {
        /// Method and address.
        call: String,
        /// The reason.
        reason: String,
    },
    /// The connection ended before the whole answer was there: whether the server did it is unknown.
    #[error("{call}: {reason}")]
    Broken {
        /// Method and address.
        call: String,
        /// The reason.
        reason: String,
    },
    /// The server answered, but not what was asked for.
    #[error(transparent)]
    Refused(#[from] Box<Refused>),
    /// The answer is not in the form that was asked for: it says nothing of what was asked.
    #[error("{call}: {reason}")]
    Form {
        /// Method and address.
        call: String,
        /// The problem.
        reason: String,
    },
    /// The answer is longer than what was asked for can be.
    #[error("{call}: the answer has {found} bytes; the limit is {limit}")]
    TooLong {
        /// Method and address.
        call: String,
        /// How many bytes it announces or has had so far.
        found: String,
        /// In bytes.
        limit: u64,
    },
}

/// A status that is an error.
#[derive(Debug, thiserror::Error)]
#[error("{call}: status {status}{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
pub struct Refused {
    /// Method and address.
    pub call: String,
    /// The status.
    pub status: u16,
    /// The server's own words.
    pub message: String,
    /// The server's own codes, such as `already_exists` or `MANIFEST_UNKNOWN`.
    pub codes: Vec<String>,
    /// Every line of `WWW-Authenticate`.
    pub challenges: Vec<String>,
    /// `X-Accepted-GitHub-Permissions`, where it has one: what a token would need.
    pub permissions: Option<String>,
    pub(super) advice: Advice,
}

impl Error {
    /// The status, where there is an answer.
    pub fn status(&self) -> Option<u16> {
        self.refused().map(|r| r.status)
    }

    /// The answer, where there is one that is an error.
    pub fn refused(&self) -> Option<&Refused> {
        if let Self::Refused(refused) = self { Some(refused) } else { None }
    }

    /// Whether the server may have done what was asked all the same: look before asking again.
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::Form { .. } | Self::TooLong { .. } => true,
            Self::Refused(refused) => matches!(refused.advice, Advice::Transient(_)),
            _ => false,
        }
    }

    /// Whether it says nothing of what was asked for: this machine, the way to the server or the server itself is in trouble.
    pub fn says_nothing(&self) -> bool {
        match self {
            // That something is not there is an answer. Any other refusal is of the one who asks, or of a proxy or a network
            // that answers in the server's place.
            Self::Refused(refused) => !matches!(refused.status, 404 | 410),
            Self::Resized { .. } | Self::TooLong { .. } => false,
            _ => true,
        }
    }

    /// Whether a quota is used up for longer than anyone waits.
    pub fn is_limit(&self) -> bool {
        self.refused().is_some_and(|r| matches!(r.advice, Advice::Limited(_)))
    }

    /// The way out.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Setup { .. } => "look at the file that SAYNA_CA_FILE names".to_owned(),
            Self::Resized { .. } => "build the part again".to_owned(),
            Self::Unreached { .. } => {
                "check the network, and SAYNA_CA_FILE where a proxy has its own certificate".into()
            }
            Self::Broken { .. } => "run this again: it looks at what is there first".to_owned(),
            Self::Form { .. } => {
                "look at the address in a browser: a proxy, or a network that wants a login, may answer in the server's place".into()
            }
            Self::Refused(refused) => return refused.hint(),
            _ => return None,
        };
        Some(text)
    }
}

impl Refused {
    fn hint(&self) -> Option<String> {
        match self.advice {
            Advice::Limited(Some(wait)) if wait > LONGEST => {
                Some(format!("the limit ends in {} minutes; run this again then", minutes(wait)))
            }
            Advice::Limited(_) => Some("the limit did not end; run this again later".to_owned()),
            Advice::Transient(_) => Some("the server is in trouble; run this again later".to_owned()),
            Advice::Final => None,
        }
    }
}

fn minutes(time: Duration) -> u64 {
    time.as_secs().div_ceil(60)
}

/// An address as it may be printed: neither password nor values of the query, which are credentials at many a storage.
pub(super) fn printable(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail only for addresses that have no host.
    let _hostless = shown.set_username("").and_then(|()| shown.set_password(None));
    let keys: Vec<String> = url.query_pairs().map(|(key, _)| format!("{key}=…")).collect();
    shown.set_query(None);
    let query = if keys.is_empty() { String::new() } else { format!("?{}", keys.join("&")) };
    format!("{shown}{query}")
}

/// The server's words and codes: `{"message", "errors": [{"code", "message", …}]}` is GitHub's form, and without the first
/// one that of registries; anything else is shown as it is, one line of it.
pub(super) fn words(body: &[u8]) -> (String, Vec<String>) {
    let Ok(document) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(body);
        let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
        return (line.chars().take(200).collect(), Vec::new());
    };
    let of = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let errors: Vec<Value> = document.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
    let codes = errors.iter().filter_map(|e| of(e, "code")).collect();
    let each = errors.iter().filter_map(|e| {
        let field = of(e, "field").map(|f| format!("{f} ")).unwrap_or_default();
        of(e, "message").or_else(|| of(e, "code")).or_else(|| e.as_str().map(str::to_owned)).map(|w| field + &w)
    });
    let first = of(&document, "message").into_iter();
    (first.chain(each).collect::<Vec<_>>().join("; "), codes)
}
