//! The HTTP client of all synthesis: a request over the shared pool, its answer as a stream. HTTP/1.1: each request has a
//! connection of its own, so a slow answer delays no other, and the pool keeps the connection for the next request.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use tokio::time::{sleep, timeout};

use super::TtsError;
use super::dialect::Request;
use super::engine::Vendor;
use super::output::{Allowance, MAX_AUDIO, Output};
use super::pace::Pace;
use super::parts::parts;
use super::settings::Settings;
use crate::audio::Encoding;
use crate::outbound::RetryPolicy;
use crate::provider::stats::Count;
use crate::provider::{Name, retry_after, shortened, told};

/// Three attempts, as long as no audio has arrived, with pauses of 0.2 s and 0.4 s.
const RETRY: RetryPolicy =
    RetryPolicy { attempts: 3, first_pause: Duration::from_millis(200), factor: 2, jitter: false };
/// The longest time that a client waits for all pauses together. When a vendor asks for more, the request fails at once.
const MAX_RETRY_WAIT: Duration = Duration::from_secs(5);
/// Bytes of an error's body that are reported.
const MAX_BODY: usize = 500;

/// One synthesis at a vendor.
pub(super) struct Client<'a> {
    pub(super) settings: &'a Settings,
    pub(super) vendor: &'a Vendor,
    pub(super) pace: &'a Pace,
}

impl Client<'_> {
    /// Speaks a text. Each piece of audio goes to `sink` as soon as it arrives. A text beyond the vendor's limit is requested in
    /// parts, one after the other, and arrives as one stream.
    pub(super) async fn synthesize(
        &self,
        text: &str,
        previous: Option<&str>,
        mut sink: impl FnMut(Bytes),
    ) -> Result<(), TtsError> {
        let (provider, dialect) = (self.provider(), &self.vendor.dialect);
        let parts = parts(text, dialect.limit());
        let spoken = async {
            let mut output = Output::new(dialect.format(), self.settings.format, provider)?;
            if parts.len() > 1 && dialect.format().encoding == Encoding::Flac {
                return Err(TtsError::Unjoinable { provider, parts: parts.len() });
            }
            let (mut before, mut received) = (previous, 0);
            for part in &parts {
                let response = self.answer(&dialect.request(part, before)).await?;
                self.receive(response, &mut received, &mut output, &mut sink).await?;
                before = Some(part);
            }
            output.finish(&mut sink).await
        };
        spoken.await.inspect_err(|error| self.count(Count::Error(error.kind())))
    }

    fn provider(&self) -> Name {
        self.settings.credential.provider
    }

    fn count(&self, what: Count) {
        self.settings.shared.stats.count(self.provider(), what);
    }

    /// Sends a request, with retries by [`RETRY`], and returns an answer that has audio.
    async fn answer(&self, request: &Request) -> Result<Response, TtsError> {
        let (mut attempt, mut waited) = (1, Duration::ZERO);
        loop {
            self.count(Count::Request);
            let error = match self.attempt(request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let pause = RETRY.pause(attempt, error.retry_after());
            if !error.is_retryable() || RETRY.is_exhausted(attempt) || waited + pause > MAX_RETRY_WAIT {
                return Err(error);
            }
            self.count(Count::Error(error.kind()));
            tracing::warn!(provider = %self.provider(), attempt, %error, "synthesis failed, retrying");
            sleep(pause).await;
            waited += pause;
            attempt += 1;
        }
    }

    /// Sends a request once, within the time-out of the voice.
    async fn attempt(&self, request: &Request) -> Result<Response, TtsError> {
        let limit = self.settings.request_timeout;
        let timed_out = TtsError::Timeout { provider: self.provider(), what: "answer", limit };
        timeout(limit, self.send(request)).await.unwrap_or(Err(timed_out))
    }

    async fn send(&self, request: &Request) -> Result<Response, TtsError> {
        let (provider, own, vendor) = (self.provider(), self.settings.credential.own, self.vendor);
        let mut builder = vendor.http.post(request.url.clone()).header(CONTENT_TYPE, request.content_type);
        let sensitive = |value: &str| {
            let mut value = HeaderValue::from_str(value).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let unusable = |name: &str| TtsError::Unreachable {
            provider,
            reason: format!("the key has characters that the header {name} cannot hold"),
        };
        for (name, value) in &request.headers {
            builder = builder.header(*name, sensitive(value.expose()).ok_or_else(|| unusable(name))?);
        }
        if let Some(tokens) = &vendor.tokens {
            builder = builder.bearer_auth(tokens.get(&vendor.http).await?.expose());
        }
        let response = builder.body(request.body.clone()).send().await;
        let response = response.map_err(|e| TtsError::Unreachable { provider, reason: told(&e) })?;
        let status = response.status().as_u16();
        if status != 200 {
            let retry_after = retry_after(response.headers());
            let body = beginning(response).await;
            return Err(TtsError::Api { provider, status, body, retry_after, own });
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        if !vendor.dialect.decoder().takes(&kind) {
            let problem = format!("{kind} instead of audio: {}", beginning(response).await);
            return Err(TtsError::Unreadable { provider, problem });
        }
        Ok(response)
    }

    /// Decodes and converts the body of an answer. `received` counts the bytes of all parts.
    async fn receive(
        &self,
        mut response: Response,
        received: &mut usize,
        output: &mut Output,
        sink: &mut impl FnMut(Bytes),
    ) -> Result<(), TtsError> {
        let provider = self.provider();
        let mut time = Allowance::new(provider, self.settings.request_timeout);
        output.begin(self.vendor.dialect.decoder());
        let cut = |e: reqwest::Error| TtsError::Cut { provider, reason: told(&e) };
        loop {
            // The time that the listeners take does not count against the vendor.
            self.pace.room().await;
            let Some(piece) = time.spend(response.chunk()).await?.map_err(cut)? else { break };
            *received += piece.len();
            if *received > MAX_AUDIO {
                return Err(TtsError::TooLong { provider, limit: MAX_AUDIO });
            }
            output.push(piece, sink);
        }
        output.end(sink).await
    }
}

/// Reads the first [`MAX_BODY`] bytes of an error's body. A body that cannot be read is not reported, because the status is what
/// matters.
async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < MAX_BODY
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    shortened(&body, MAX_BODY)
}
