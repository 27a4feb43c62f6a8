//! The providers, by name.

use std::fmt;

/// A speech provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// Deepgram.
    Deepgram,
    /// `ElevenLabs`.
    ElevenLabs,
    /// Cartesia.
    Cartesia,
    /// Google: text-to-speech only.
    Google,
    /// Azure.
    Azure,
    /// The local engines (feature `local`).
    Local,
}

/// An unknown provider name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Unsupported provider: {0}")]
pub struct Unsupported(pub String);

impl Name {
    /// All names, also of providers that this build does not have.
    pub(super) const NAMES: [Self; 6] =
        [Self::Deepgram, Self::ElevenLabs, Self::Cartesia, Self::Google, Self::Azure, Self::Local];

    /// Returns the providers of this build.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.into_iter().filter(|name| *name != Self::Local || cfg!(feature = "local"))
    }

    /// Parses a name, in any case.
    pub fn parse(name: &str) -> Result<Self, Unsupported> {
        let name = name.to_lowercase();
        match name.as_str() {
            "microsoft-azure" => Ok(Self::Azure),
            _ => Self::all().find(|known| known.as_str() == name).ok_or(Unsupported(name)),
        }
    }

    /// Returns the name in messages, metrics and lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deepgram => "deepgram",
            Self::ElevenLabs => "elevenlabs",
            Self::Cartesia => "cartesia",
            Self::Google => "google",
            Self::Azure => "azure",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_names_are_parsed_in_any_case() {
        for name in Name::all() {
            assert_eq!(Name::parse(name.as_str()), Ok(name));
            assert_eq!(Name::parse(&name.as_str().to_uppercase()), Ok(name));
        }
        assert_eq!(Name::parse("Microsoft-Azure"), Ok(Name::Azure));
        let error = Name::parse("Whisper").unwrap_err();
        assert_eq!(error.to_string(), "Unsupported provider: whisper");
    }
}
