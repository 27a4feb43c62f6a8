//! What GitHub answers.

use serde_json::{Value, json};

use super::state::Rights;

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    pub(super) fn error(status: u16, message: &str) -> Self {
        Self::new(status, json!({"message": message, "documentation_url": "https://docs.github.com/rest"}))
    }

    /// `errors` as 422 has them.
    pub(super) fn invalid(resource: &str, code: &str, field: &str, message: &str) -> Self {
        let mut error = json!({"resource": resource, "code": code, "field": field});
        if !message.is_empty() {
            error["message"] = json!(message);
        }
        let body = json!({"message": "Validation Failed", "errors": [error],
            "documentation_url": "https://docs.github.com/rest"});
        Self::new(422, body)
    }

    pub(super) fn with(mut self, name: &'static str, value: u64) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

pub(super) type Outcome = Result<Answer, Answer>;

/// Whether the rights of a caller are enough; without any, GitHub wants to know who asks.
pub(super) fn may(rights: Rights, needed: Rights, permission: &str) -> Result<(), Answer> {
    match rights {
        _ if rights >= needed => Ok(()),
        Rights::Nobody => Err(Answer::error(401, "Requires authentication")),
        _ => {
            let mut answer = Answer::error(403, "Resource not accessible by personal access token");
            answer.headers.push(("x-accepted-github-permissions", permission.to_owned()));
            Err(answer)
        }
    }
}

/// One attestation of a list; a bundle that is too large is at its address alone.
pub(super) fn attestation(bundle: &Value) -> Value {
    json!({"bundle": bundle, "bundle_url": "https://storage.example.org/bundle.json.sn", "repository_id": 1})
}

pub(super) fn missing() -> Answer {
    Answer::error(404, "Not Found")
}
