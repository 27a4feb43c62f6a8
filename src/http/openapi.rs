//! The OpenAPI 3.1 document of the REST interface, derived from the handlers.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};

use super::{health, livekit, recording, rooms, sip, speak, voices, webhook};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Sayna", description = "A real-time voice server: text to speech over REST, sessions over `/ws`."),
    paths(
        health::health,
        health::ready,
        voices::voices,
        speak::speak,
        livekit::token,
        rooms::list,
        rooms::room,
        rooms::remove,
        rooms::mute,
        recording::recording,
        sip::hooks,
        sip::set_hooks,
        sip::delete_hooks,
        sip::transfer,
        sip::call,
        webhook::webhook,
    ),
    components(schemas(crate::voice::Command, crate::voice::Event)),
    security(("bearer" = [])),
    modifiers(&Bearer),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Returns the document as JSON.
pub fn json() -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Document::openapi().to_pretty_json()?)
}

/// Returns the document as YAML.
pub fn yaml() -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Document::openapi().to_yaml()?)
}
