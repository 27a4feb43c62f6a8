//! The one client of all synthesis: a request over the shared pool, its answer as a stream. HTTP/1.1: a request has its
//! connection for itself, so that one slow answer delays no other, and the connection is kept for the next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::{Instant, sleep, timeout};

use super::TtsError;
use super::dialect::{Decoder, Request};
use super::engine::Vendor;
use super::flight::Pace;
use super::limit::parts;
use super::voice::Inner;
use crate::audio::{Converter, Encoding, Format, wav};
use crate::provider::stats::Count;
use crate::provider::{Name, retry_after, shortened, told};

/// Attempts, as long as no audio has come; and the first pause between them, which doubles.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// As long as a client waits for all pauses together. A vendor that asks for more is not waited for at all.
const PATIENCE: Duration = Duration::from_secs(5);
/// As much of an error's body as is told.
const MAX_BODY: usize = 500;
/// Audio that is converted at once.
const SLICE: usize = 64 * 1024;
/// More than a text of 5000 characters makes, at the highest rate, spoken as slowly as can be.
pub(super) const MAX_AUDIO: usize = 128 * 1024 * 1024;

/// Speaks a text: every piece of audio goes to `sink` as it comes. What the vendor does not take at once is asked for in parts, one
/// after the other, and comes as one stream.
pub(super) async fn synthesize(
    voice: &Inner,
    vendor: &Vendor,
    text: &str,
    previous: Option<&str>,
    pace: &Pace,
    mut sink: impl FnMut(Bytes),
) -> Result<(), TtsError> {
    let (stats, provider) = (&voice.shared.stats, voice.credential.provider);
    let parts = parts(text, vendor.dialect.limit());
    let spoken = async {
        let mut output = Output::new(vendor.dialect.format(), voice.format, provider)?;
        if parts.len() > 1 && vendor.dialect.format().encoding == Encoding::Flac {
            return Err(TtsError::Unjoinable { provider, parts: parts.len() });
        }
        let (mut before, mut received) = (previous, 0);
        for part in &parts {
            let response = asked(voice, vendor, &vendor.dialect.request(part, before)).await?;
            receive(voice, vendor, response, pace, &mut received, &mut output, &mut sink).await?;
            before = Some(part);
        }
        output.finish(provider, &mut sink).await
    };
    spoken.await.inspect_err(|error| stats.count(provider, Count::Error(error.kind())))
}

/// Sends a request until it is answered, as often as that is worth it.
async fn asked(voice: &Inner, vendor: &Vendor, request: &Request) -> Result<Response, TtsError> {
    let (stats, provider) = (&voice.shared.stats, voice.credential.provider);
    let (mut attempt, mut waited) = (1, Duration::ZERO);
    loop {
        stats.count(provider, Count::Request);
        let error = match ask(voice, vendor, request).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let pause = pause(attempt, &error);
        if !error.is_retryable() || attempt >= ATTEMPTS || waited + pause > PATIENCE {
            return Err(error);
        }
        stats.count(provider, Count::Error(error.kind()));
        tracing::warn!(%provider, attempt, %error, "synthesis is tried again");
        sleep(pause).await;
        waited += pause;
        attempt += 1;
    }
}

fn pause(attempt: u32, error: &TtsError) -> Duration {
    let pause = PAUSE * 2_u32.pow(attempt.saturating_sub(1));
    error.retry_after().map_or(pause, |after| pause.max(after))
}

/// Sends a request, and returns an answer that has audio.
async fn ask(voice: &Inner, vendor: &Vendor, request: &Request) -> Result<Response, TtsError> {
    let provider = voice.credential.provider;
    let limit = voice.request_timeout;
    let timed_out = TtsError::Timeout { provider, what: "answer", limit };
    timeout(limit, send(voice, vendor, request)).await.unwrap_or(Err(timed_out))
}

async fn send(voice: &Inner, vendor: &Vendor, request: &Request) -> Result<Response, TtsError> {
    let (provider, own) = (voice.credential.provider, voice.credential.own);
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

/// As much of a body as is told. Whatever is wrong with it, the status is the news.
async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < MAX_BODY
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    shortened(&body, MAX_BODY)
}

/// The body of an answer, decoded and converted.
async fn receive(
    voice: &Inner,
    vendor: &Vendor,
    mut response: Response,
    pace: &Pace,
    received: &mut usize,
    output: &mut Output,
    sink: &mut impl FnMut(Bytes),
) -> Result<(), TtsError> {
    let provider = voice.credential.provider;
    let mut time = Allowance::new(provider, voice.request_timeout);
    output.begin(vendor.dialect.decoder());
    let cut = |e: reqwest::Error| TtsError::Cut { provider, reason: told(&e) };
    loop {
        // The time that the passengers take is not the vendor's.
        pace.room().await;
        let Some(piece) = time.spend(response.chunk()).await?.map_err(cut)? else { break };
        *received += piece.len();
        if *received > MAX_AUDIO {
            return Err(TtsError::TooLong { provider, limit: MAX_AUDIO });
        }
        output.push(piece, sink);
    }
    output.end(provider, sink).await
}

/// The time that a provider has for its answer: only what it is waited for counts.
pub(super) struct Allowance {
    provider: Name,
    limit: Duration,
    left: Duration,
}

impl Allowance {
    pub(super) fn new(provider: Name, limit: Duration) -> Self {
        Self { provider, limit, left: limit }
    }

    /// Waits for a part of the answer, no longer than there is time left.
    pub(super) async fn spend<T>(&mut self, part: impl Future<Output = T>) -> Result<T, TtsError> {
        let Self { provider, limit, .. } = *self;
        let timed_out = |_| TtsError::Timeout { provider, what: "finish its answer", limit };
        let begun = Instant::now();
        let part = timeout(self.left, part).await.map_err(timed_out)?;
        self.left = self.left.saturating_sub(begun.elapsed());
        Ok(part)
    }
}

/// From the vendor's bytes to the client's.
pub(super) struct Output {
    decoder: Decoder,
    converter: Converter,
    header: Option<[u8; wav::HEADER]>,
    given: usize,
}

impl Output {
    pub(super) fn new(from: Format, to: Format, provider: Name) -> Result<Self, TtsError> {
        let wav = to.encoding == Encoding::Wav;
        let encoding = if wav { Encoding::Linear16 } else { to.encoding };
        let converter = Converter::new(from, encoding, to.sample_rate);
        let converter = converter.map_err(|e| TtsError::Unreadable { provider, problem: e.to_string() })?;
        let header = if wav { wav::header(&to, None) } else { None };
        Ok(Self { decoder: Decoder::Raw, converter, header, given: 0 })
    }

    /// Another answer begins, whose audio goes on where that of the last one ended.
    fn begin(&mut self, decoder: Decoder) {
        self.decoder = decoder;
    }

    /// The answer has ended.
    async fn end(&mut self, provider: Name, sink: &mut impl FnMut(Bytes)) -> Result<(), TtsError> {
        let decoder = std::mem::replace(&mut self.decoder, Decoder::Raw);
        // A whole answer in JSON is megabytes: it is read on a thread for what computes.
        let mut last = match decoder {
            Decoder::Raw => Bytes::new(),
            json @ Decoder::Json { .. } => {
                spawn_blocking(move || json.finish(provider)).await.unwrap_or(Err(TtsError::Ended))?
            }
        };
        while !last.is_empty() {
            let audio = self.converter.push(last.split_to(last.len().min(SLICE)));
            self.give(audio, sink);
            yield_now().await;
        }
        Ok(())
    }

    pub(super) fn push(&mut self, piece: Bytes, sink: &mut impl FnMut(Bytes)) {
        let audio = self.decoder.push(piece);
        let audio = self.converter.push(audio);
        self.give(audio, sink);
    }

    pub(super) async fn finish(mut self, provider: Name, sink: &mut impl FnMut(Bytes)) -> Result<(), TtsError> {
        self.end(provider, sink).await?;
        let rest = self.converter.finish();
        self.give(rest, sink);
        if self.given == 0 {
            Err(TtsError::Unreadable { provider, problem: "an answer without audio".to_owned() })
        } else {
            Ok(())
        }
    }

    fn give(&mut self, audio: Bytes, sink: &mut impl FnMut(Bytes)) {
        if audio.is_empty() {
            return;
        }
        self.given += audio.len();
        if let Some(header) = self.header.take() {
            sink(Bytes::copy_from_slice(&header));
        }
        sink(audio);
    }
}

/// Something to speak: what a request needs, free of whoever asked.
#[derive(Debug, Clone)]
pub(super) struct Utterance {
    pub(super) voice: Arc<Inner>,
    pub(super) text: String,
    pub(super) previous: Option<String>,
}
