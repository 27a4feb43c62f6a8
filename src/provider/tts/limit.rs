//! The length of text that a vendor accepts in one request.

/// Stands for a space inside a pronunciation until the text has been split: no part ends there. It is as long as a space.
pub(super) const GLUE: char = '\u{1f}';

/// The longest text that a vendor accepts in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// The vendor documents no limit.
    None,
    /// Unicode characters.
    Characters(usize),
    /// Bytes in UTF-8.
    Bytes(usize),
}

impl Limit {
    /// Returns how much of the limit a character takes.
    pub(super) fn size(self, c: char) -> usize {
        match self {
            Self::None => 0,
            Self::Characters(_) => 1,
            Self::Bytes(_) => c.len_utf8(),
        }
    }

    /// Returns the limit in the unit of [`Self::size`].
    pub(super) fn most(self) -> usize {
        match self {
            Self::None => usize::MAX,
            Self::Characters(most) | Self::Bytes(most) => most,
        }
    }
}
