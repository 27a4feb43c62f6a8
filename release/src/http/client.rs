//! Sending, and sending again.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Url};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;

use super::error::{printable, words};
use super::request::Authorization;
use super::wait::{self, Advice};
use super::{Body, Clock, Error, Refused, Repeat, Request, Response, SystemClock, body, tls};
use crate::progress::Progress;
use crate::shown::on_one_line;

/// A connection on which nothing moves for so long is given up.
const STALL: Duration = Duration::from_secs(60);
const REDIRECTS: usize = 5;
/// Of a refusal no more is read.
const WORDS: usize = 1 << 16;

/// Sends requests and retries them where that is safe. A run has one, which its threads share.
pub struct Client {
    inner: reqwest::Client,
    // A worker of its own keeps idle connections alive, and notices when the other side closes one.
    runtime: Runtime,
    clock: Arc<dyn Clock>,
    progress: Progress,
    attempts: u32,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// A client that says nothing while it waits.
    pub fn new() -> Result<Self, Error> {
        let setup = |reason: String| Error::Setup { reason };
        let inner = reqwest::Client::builder()
            .user_agent(concat!("sayna-release/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls::config()?)
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(20));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Ok(Self {
            inner: inner.build().map_err(|e| setup(reason(&e)))?,
            runtime: runtime.map_err(|e| setup(e.to_string()))?,
            clock: Arc::new(SystemClock),
            progress: Progress::quiet(),
            attempts: wait::ATTEMPTS,
        })
    }

    /// Says in one line when and for how long it waits.
    #[must_use]
    pub fn with_progress(self, progress: &Progress) -> Self {
        Self { progress: progress.clone(), ..self }
    }

    /// Sends each request so many times at most.
    #[must_use]
    pub fn with_attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// Waits by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The clock that it waits by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Sends, and sends again where that is safe and may help.
    pub fn send<'a>(&'a self, request: &'a Request<'a>) -> Result<Response<'a>, Error> {
        self.attempts(request, 1)
    }

    fn attempts<'a>(&'a self, request: &'a Request<'a>, mut attempt: u32) -> Result<Response<'a>, Error> {
        loop {
            match self.once(request) {
                Ok(inner) => return Ok(Response { client: self, request, attempt, inner }),
                Err(error) => self.wait(request, error, attempt)?,
            }
            attempt += 1;
        }
    }

    /// After an answer whose body broke off.
    pub(super) fn again<'a>(
        &'a self,
        request: &'a Request<'a>,
        error: Error,
        attempt: u32,
    ) -> Result<Response<'a>, Error> {
        self.wait(request, error, attempt)?;
        self.attempts(request, attempt + 1)
    }

    /// Waits before the next attempt, or gives the error back where there must be none.
    fn wait(&self, request: &Request<'_>, error: Error, attempt: u32) -> Result<(), Error> {
        let safe = request.repeat == Repeat::Safe;
        let asked = match &error {
            Error::Unreached { .. } => None,
            Error::Broken { .. } if safe => None,
            Error::Refused(refused) => match refused.advice {
                Advice::Limited(asked) => asked,
                Advice::Transient(asked) if safe => asked,
                _ => return Err(error),
            },
            _ => return Err(error),
        };
        if attempt >= self.attempts || asked.is_some_and(|asked| asked > wait::LONGEST) {
            return Err(error);
        }
        // A little more than asked for: clocks are read in whole seconds.
        let pause = asked.unwrap_or_default() + wait::back_off(if asked.is_some() { 1 } else { attempt });
        self.progress.line(&format!("{error}; trying again in {:.1} s", pause.as_secs_f64()));
        self.clock.sleep(pause);
        Ok(())
    }

    /// One attempt, with its redirects. They are followed for GET and HEAD alone, and never take credentials along to
    /// another host or from TLS to none.
    fn once(&self, request: &Request<'_>) -> Result<reqwest::Response, Error> {
        let unsendable = |url: &str, reason: String| Error::Unsendable { url: url.to_owned(), reason };
        let mut url = Url::parse(&request.url).map_err(|e| unsendable(&request.url, e.to_string()))?;
        let mut trusted = true;
        for _ in 0..=REDIRECTS {
            let answer = self.exchange(request, &url, trusted)?;
            let status = answer.status();
            if status.is_success() || request.accepted.contains(&status.as_u16()) {
                return Ok(answer);
            }
            let follows = status.is_redirection() && [Method::GET, Method::HEAD].contains(&request.method);
            let next = answer.headers().get(LOCATION).filter(|_| follows).and_then(|to| to.to_str().ok());
            let Some(next) = next else { return Err(self.refused(request, &url, answer)) };
            let next = url.join(next).map_err(|e| unsendable(&printable(&url), format!("redirects nowhere: {e}")))?;
            if url.scheme() == "https" && next.scheme() != "https" {
                let reason = format!("redirects to {}, which is not encrypted", printable(&next));
                return Err(unsendable(&printable(&url), reason));
            }
            trusted = trusted && next.origin() == url.origin();
            url = next;
        }
        Err(unsendable(&printable(&url), format!("more than {REDIRECTS} redirects")))
    }

    fn exchange(&self, request: &Request<'_>, url: &Url, trusted: bool) -> Result<reqwest::Response, Error> {
        let (body, counts) = body::open(&request.body)?;
        let builder = headers(self.inner.request(request.method.clone(), url.clone()), request, trusted);
        let result = self.runtime.block_on(deliver(builder.body(body), request, counts));
        let shown = || call(request, url);
        match result {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(e)) if e.is_builder() => Err(Error::Unsendable { url: printable(url), reason: reason(&e) }),
            Some(Err(e)) if e.is_connect() => Err(Error::Unreached { call: shown(), reason: reason(&e) }),
            Some(Err(e)) => Err(Error::Broken { call: shown(), reason: reason(&e) }),
            None => Err(Error::Broken { call: shown(), reason: stalled() }),
        }
    }

    /// The next piece of a body.
    pub(super) fn chunk(&self, request: &Request<'_>, from: &mut reqwest::Response) -> Result<Option<Bytes>, Error> {
        let next = self.runtime.block_on(async { tokio::time::timeout(STALL, from.chunk()).await });
        let broken = |reason: String| Error::Broken { call: call(request, from.url()), reason };
        match next {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(e)) => Err(broken(format!("the answer broke off: {}", reason(&e)))),
            Err(_elapsed) => Err(broken(stalled())),
        }
    }

    fn refused(&self, request: &Request<'_>, url: &Url, mut answer: reqwest::Response) -> Error {
        let mut bytes = Vec::new();
        // Words that break off are better than none.
        while bytes.len() < WORDS
            && let Ok(Some(chunk)) = self.chunk(request, &mut answer)
        {
            bytes.extend_from_slice(&chunk);
        }
        let (message, codes) = words(&bytes);
        let (status, headers) = (answer.status().as_u16(), answer.headers());
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let message = match text(LOCATION.as_str()).filter(|_| answer.status().is_redirection()) {
            Some(to) => format!("{message} (it has moved to {to})"),
            None => message,
        };
        let advice = wait::advice(status, headers, &message, self.clock.now());
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok()).map(str::to_owned);
        let challenges = challenges.collect();
        let permissions = text("x-accepted-github-permissions").map(str::to_owned);
        let message = on_one_line(&request.scrub(&message)).into_owned();
        let call = call(request, url);
        Box::new(Refused { call, status, message, codes, challenges, permissions, advice }).into()
    }
}

/// Method and address, for people.
pub(super) fn call(request: &Request<'_>, url: &Url) -> String {
    format!("{} {}", request.method, printable(url))
}

fn stalled() -> String {
    format!("nothing moved for {} s", STALL.as_secs())
}

fn headers(mut builder: RequestBuilder, request: &Request<'_>, trusted: bool) -> RequestBuilder {
    for (name, value) in &request.headers {
        if trusted || !AUTHORIZATION.as_str().eq_ignore_ascii_case(name) {
            builder = builder.header(*name, value);
        }
    }
    builder = match &request.authorization {
        Authorization::Bearer(token) if trusted => builder.bearer_auth(token.expose()),
        Authorization::Basic(user, password) if trusted => builder.basic_auth(user, Some(password.expose())),
        _ => builder,
    };
    match &request.body {
        Body::Empty if request.method == Method::GET || request.method == Method::HEAD => builder,
        Body::Empty => builder.header(CONTENT_LENGTH, 0),
        Body::Bytes(_, content_type) => builder.header(CONTENT_TYPE, *content_type),
        Body::File { size, content_type, .. } => {
            builder.header(CONTENT_TYPE, *content_type).header(CONTENT_LENGTH, *size)
        }
    }
}

/// Sends, telling of bytes as they go; `None` when nothing moves any more.
async fn deliver(
    builder: RequestBuilder,
    request: &Request<'_>,
    mut counts: UnboundedReceiver<u64>,
) -> Option<reqwest::Result<reqwest::Response>> {
    let attempt = if let Body::File { on_progress, .. } = &request.body { Some(on_progress.attempt()) } else { None };
    let tell = |bytes: u64| {
        if let Some(tell) = &attempt {
            tell(bytes);
        }
    };
    let mut answer = pin!(builder.send());
    let result = loop {
        tokio::select! {
            result = &mut answer => break Some(result),
            Some(count) = counts.recv() => tell(count),
            () = tokio::time::sleep(STALL) => break None,
        }
    };
    while let Ok(count) = counts.try_recv() {
        tell(count);
    }
    result
}

/// Returns an error's text with its causes and without the address, whose query may be a credential.
fn reason(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = if text.is_empty() { more } else { format!("{text}: {more}") };
        }
        source = inner.source();
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}
