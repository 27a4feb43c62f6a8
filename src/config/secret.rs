//! Texts that are never printed.

use std::fmt;

use ring::digest::{SHA256, digest};

/// A password, key or token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the code that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether `other` is the same text, in constant time.
    pub fn is(&self, other: &str) -> bool {
        let (ours, theirs) = (digest(&SHA256, self.0.as_bytes()), digest(&SHA256, other.as_bytes()));
        // Digests have the same length, and all bytes are compared.
        ours.as_ref().iter().zip(theirs.as_ref()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_and_never_shown() {
        let secret = Secret::new("hunter2");
        assert!(secret.is("hunter2"));
        for other in ["", "hunter", "hunter3", "hunter22", "Hunter2"] {
            assert!(!secret.is(other), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "(secret)");
    }
}
