//! Creations that GitHub does not recognize when they are sent again.

use serde_json::Value;

use super::{Error, Forge as _, Github, Method, Response, TRIES, VISIBILITY_ATTEMPTS};
use crate::http;

impl Github {
    /// Creates something that must not be there twice: after an answer that was lost it is looked for before the next try.
    pub(super) fn once<T>(
        &self,
        doing: &'static str,
        url: &str,
        fields: &Value,
        read: impl Fn(Response<'_>) -> Result<T, http::Error>,
        look: impl Fn() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let request = self.request(Method::POST, url).body(Self::body(fields));
        for attempt in 1.. {
            let error = match self.change(&request).and_then(&read) {
                Ok(made) => return Ok(made),
                Err(error) if error.is_ambiguous() => error,
                Err(error) => return Err(self.refused(doing, error)),
            };
            for pause in 1..=VISIBILITY_ATTEMPTS {
                if let Some(found) = look()? {
                    return Ok(found);
                }
                self.pause(pause);
            }
            if attempt == TRIES {
                return Err(self.refused(doing, error));
            }
        }
        Err(Error::Missing { forge: self.name(), what: doing.to_owned() })
    }
}
