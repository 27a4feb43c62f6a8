//! The reason why a row does not hold: a fault of the release, or something that could not be read from here.

use std::io;

use crate::atomic::PathError;
use crate::bounded::TooLong;
use crate::publish::known;
use crate::{attest, audit, forge, http, package, registry};

/// The reason why a row does not hold.
#[derive(Debug)]
pub(super) enum Fault {
    /// The release is not as it should be.
    Release(String),
    /// Nothing is known of the release: this machine, the way to the server, or the server itself has a fault.
    Unseen(String),
}

impl Fault {
    fn of(local: bool, text: String) -> Self {
        if local { Self::Unseen(text) } else { Self::Release(text) }
    }
}

/// A statement, or the tag that it names, that could not be read says nothing of the release, whatever the reason.
pub(super) fn unread(error: &forge::Error) -> Fault {
    Fault::Unseen(error.to_string())
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Release(reason)
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::Release(reason.to_owned())
    }
}

/// An error of the system is this machine's fault. A file that is missing is not: it is the release that lacks it. Nor are
/// bytes that cannot be unpacked, which are an error without a number of the system's.
fn is_local(error: &io::Error) -> bool {
    // `tempfile` wraps the system's error in one that names the path.
    let inner = error.get_ref().and_then(std::error::Error::source);
    let inner = inner.and_then(|source| source.downcast_ref::<io::Error>());
    let of_system = error.raw_os_error().or_else(|| inner.and_then(io::Error::raw_os_error)).is_some();
    of_system && error.kind() != io::ErrorKind::NotFound
}

fn of_forge(error: &forge::Error) -> bool {
    match error {
        forge::Error::File(e) => is_local(&e.source),
        forge::Error::Http(e) => of_http(e),
        forge::Error::Denied { .. } => true,
        _ => false,
    }
}

fn of_registry(error: &registry::Error) -> bool {
    match error {
        registry::Error::File(e) => is_local(&e.source),
        registry::Error::Http(e) => of_http(e),
        registry::Error::Credentials(_) | registry::Error::Denied { .. } => true,
        _ => false,
    }
}

fn of_http(error: &http::Error) -> bool {
    match error {
        http::Error::File(e) => is_local(&e.source),
        other => other.says_nothing(),
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::of(is_local(&error), error.to_string())
    }
}

impl From<TooLong> for Fault {
    fn from(error: TooLong) -> Self {
        Self::Release(error.to_string())
    }
}

impl From<PathError> for Fault {
    fn from(error: PathError) -> Self {
        Self::of(is_local(&error.source), error.to_string())
    }
}

impl From<forge::Error> for Fault {
    fn from(error: forge::Error) -> Self {
        Self::of(of_forge(&error), error.to_string())
    }
}

impl From<registry::Error> for Fault {
    fn from(error: registry::Error) -> Self {
        Self::of(of_registry(&error), error.to_string())
    }
}

impl From<known::Error> for Fault {
    fn from(error: known::Error) -> Self {
        match error {
            known::Error::Forge(e) => e.into(),
            known::Error::Registry(e) => e.into(),
            foreign @ known::Error::Foreign { .. } => Self::Unseen(foreign.to_string()),
        }
    }
}

impl From<package::Error> for Fault {
    fn from(error: package::Error) -> Self {
        let local = matches!(&error, package::Error::File(e) if is_local(&e.source));
        Self::of(local, error.to_string())
    }
}

impl From<audit::Error> for Fault {
    fn from(error: audit::Error) -> Self {
        let local = matches!(&error, audit::Error::File(e) if is_local(&e.source));
        Self::of(local, error.to_string())
    }
}

impl From<attest::Error> for Fault {
    fn from(error: attest::Error) -> Self {
        let local = match &error {
            attest::Error::File(e) => is_local(&e.source),
            attest::Error::Root { .. } | attest::Error::Clock { .. } => true,
            _ => false,
        };
        Self::of(local, error.reason())
    }
}
