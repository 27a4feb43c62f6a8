//! The type of a key. The keys themselves are in `table`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{Config, Secret};

/// One key of the configuration, an entry of the table.
pub(super) struct Key {
    /// The name in the file: sections and key, separated by dots. Empty if only the environment can set it.
    pub(super) path: &'static str,
    /// The environment variables. Unknown variables that begin with `SAYNA_` are no error, because Kubernetes adds
    /// `SAYNA_PORT=tcp://…` for a service of the name "sayna".
    pub(super) env: &'static [&'static str],
    /// The expected value, as a phrase that follows "must be".
    pub(super) expected: &'static str,
    /// Parses and sets a value.
    pub(super) set: Set,
    /// Returns the value in use as it is written in a file. Empty if there is none, `(secret)` if it must not be shown.
    pub(super) show: fn(&Config) -> String,
}

impl Key {
    /// Returns whether messages must not contain values of the key.
    pub(super) fn is_secret(&self) -> bool {
        self.expected == SECRET || matches!(self.set, Set::Records { .. })
    }

    /// Whether this value must not be: it is wrong, so it may hold a secret where none belongs, as addresses do before an `@`
    /// and behind a `?`.
    pub(super) fn hides(&self, text: &str) -> bool {
        self.is_secret() || self.expected == HTTP || self.expected == WS || text.contains(['@', '?'])
    }
}

/// What addresses must be; they mark a key as one.
pub(super) const HTTP: &str = "an http:// or https:// address, without query, user and password";
pub(super) const WS: &str = "an http://, https://, ws:// or wss:// address, without query, user and password";

/// What a secret must be; it marks a key as one.
pub(super) const SECRET: &str = "a text that is not empty, without blanks at its ends";

/// How a key is set; `None` where the value is not one for it.
pub(super) enum Set {
    /// From one text.
    Text(fn(&mut Config, &str) -> Option<()>),
    /// From a list in the file, or texts with commas between them in the environment.
    List(fn(&mut Config, Vec<String>) -> Option<()>),
    /// From a list of mappings in the file, or a JSON array in the environment.
    Records {
        /// What each may have.
        fields: &'static [&'static str],
        /// Sets all of them.
        set: fn(&mut Config, Vec<Record>) -> Option<()>,
    },
}

/// One mapping of a list: the fields that it has.
pub(super) type Record = BTreeMap<&'static str, String>;

/// How a value is written.
pub(super) trait Show {
    fn show(&self) -> String;
}

macro_rules! show_by_display {
    ($($type:ty),*) => { $(impl Show for $type { fn show(&self) -> String { self.to_string() } })* };
}
show_by_display!(String, bool, u16, u64, usize, f32, Url, SocketAddr);

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map(Show::show).unwrap_or_default()
    }
}

impl Show for PathBuf {
    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Show for Secret {
    fn show(&self) -> String {
        "(secret)".to_owned()
    }
}

impl Show for Vec<String> {
    fn show(&self) -> String {
        self.join(", ")
    }
}

/// A time in seconds.
pub(super) fn seconds(time: Duration) -> String {
    time.as_secs().to_string()
}

/// A time in milliseconds.
pub(super) fn ms(time: Duration) -> String {
    time.as_millis().to_string()
}
