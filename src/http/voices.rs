//! `GET /voices`: the voices of all providers.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::provider::VoiceInfo;

/// Lists the voices of each provider that has credentials and answers.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/voices",
    responses((status = 200, body = BTreeMap<String, Vec<VoiceInfo>>), (status = 401, body = crate::error::AuthBody)),
))]
pub(super) async fn voices(State(app): State<App>) -> Json<BTreeMap<&'static str, Vec<VoiceInfo>>> {
    Json(app.shared.providers.voices().await)
}
