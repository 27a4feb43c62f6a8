//! Cargo's surroundings: what of them changes what it builds, and is in no commit.

use std::path::PathBuf;

mod config;
mod environment;
mod words;

pub(crate) use config::{OUTSIDE, listed};
pub use config::{Outside, Setting};
pub use environment::foreign;
pub use words::{Cause, Words};

/// Cargo's home; none where neither `CARGO_HOME` nor a home folder is known.
pub fn home() -> Option<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    named.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}
