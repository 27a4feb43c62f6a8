//! Lists of voices.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Shared;

/// A voice that can speak. What is not known is `Unknown`, a missing sample is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoiceInfo {
    /// What `voice_id` takes.
    pub id: String,
    /// The address of a sample.
    pub sample: String,
    /// Its name.
    pub name: String,
    /// Its accent.
    pub accent: String,
    /// `Male`, `Female`, `Neutral` or `Unknown`.
    pub gender: String,
    /// The language, in English.
    pub language: String,
}

pub(super) async fn all(_shared: &Shared) -> BTreeMap<&'static str, Vec<VoiceInfo>> {
    BTreeMap::new()
}
