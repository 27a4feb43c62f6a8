//! Responses.

use std::fmt;
use std::io::Write;
use std::path::Path;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LINK};
use serde::de::DeserializeOwned;

use super::{Client, Error, Request, client};
use crate::atomic::{At as _, AtomicFile};
use crate::digest::{Digest, HashingWriter};
use crate::shown::on_one_line;

/// Documents are far smaller.
const DOCUMENT: u64 = 16 << 20;

/// An answer whose body is still to be read. Where the body breaks off and the request may be repeated, it is.
pub struct Response<'a> {
    pub(super) client: &'a Client,
    pub(super) request: &'a Request<'a>,
    pub(super) attempt: u32,
    pub(super) inner: reqwest::Response,
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {})", self.status(), self.call())
    }
}

impl Response<'_> {
    /// The status.
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// One header, where it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name).and_then(|v| v.to_str().ok())
    }

    /// The URL of the answer, after redirects.
    pub fn url(&self) -> &str {
        self.inner.url().as_str()
    }

    /// Returns the URL of the next page of a list, on the same server.
    pub fn next_page(&self) -> Result<Option<String>, Error> {
        let Some(target) = self.next_link() else { return Ok(None) };
        let here = self.inner.url();
        match here.join(&target) {
            Ok(next) if next.origin() == here.origin() => Ok(Some(next.into())),
            _ => Err(Error::Form { call: self.call(), reason: format!("its next page is at {target:?}") }),
        }
    }

    /// Returns the server's reference to the next page: `Link: <…>; rel="next"` (RFC 8288), in one header or several.
    pub fn next_link(&self) -> Option<String> {
        let headers = self.headers().get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        // An address has no angle bracket in it, but may have commas.
        let mut links = headers.flat_map(|value| value.split('<').filter_map(|link| link.split_once('>')));
        links.find(|(_, parameters)| is_next(parameters)).map(|(target, _)| target.trim().to_owned())
    }

    fn call(&self) -> String {
        client::call(self.request, self.inner.url())
    }

    /// An answer in the server's place: a network that wants a login first gives its page with a status of success.
    fn not_a_page(&self) -> Error {
        Error::Form {
            call: self.call(),
            reason: "the answer is a page for a browser, not what was asked for".to_owned(),
        }
    }

    /// An answer without a body, such as that to HEAD, which must not be a page's.
    pub fn without_body(self) -> Result<(), Error> {
        let kind = self.header(CONTENT_TYPE.as_str()).unwrap_or_default().trim_ascii_start();
        let is_html = kind.get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        if is_html { Err(self.not_a_page()) } else { Ok(()) }
    }

    /// The body as a JSON document.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let call = self.call();
        let bytes = self.bytes(DOCUMENT)?;
        serde_json::from_slice(&bytes).map_err(|e| {
            let reason = format!("not what was expected: {}", on_one_line(&e.to_string()));
            Error::Form { call, reason }
        })
    }

    /// The body, where it has at most `limit` bytes.
    pub fn bytes(self, limit: u64) -> Result<Vec<u8>, Error> {
        self.pour(limit, || Ok(Vec::new()))
    }

    /// Writes the body, of at most `limit` bytes, to a file, whole or not at all, and says what was written.
    pub fn save(self, to: &Path, limit: u64) -> Result<(Digest, u64), Error> {
        let written = self.pour(limit, || Ok(HashingWriter::new(AtomicFile::create(to)?)))?;
        let (file, digest, size) = written.into_parts();
        file.commit()?;
        Ok((digest, size))
    }

    /// Reads the body into a fresh sink per attempt.
    fn pour<W: Write>(mut self, limit: u64, sink: impl Fn() -> Result<W, Error>) -> Result<W, Error> {
        loop {
            let mut target = sink()?;
            match self.read_into(&mut target, limit) {
                Ok(()) => return Ok(target),
                Err(error) => self = self.client.again(self.request, error, self.attempt)?,
            }
        }
    }

    fn too_long(&self, found: &str, limit: u64) -> Error {
        Error::TooLong { call: self.call(), found: found.to_owned(), limit }
    }

    fn read_into(&mut self, target: &mut impl Write, limit: u64) -> Result<(), Error> {
        if let Some(announced) = self.inner.content_length().filter(|announced| *announced > limit) {
            return Err(self.too_long(&announced.to_string(), limit));
        }
        let mut left = limit;
        let mut first = true;
        while let Some(chunk) = self.client.chunk(self.request, &mut self.inner)? {
            if std::mem::take(&mut first) && is_page(&chunk) {
                return Err(self.not_a_page());
            }
            let size = chunk.len() as u64;
            left = match left.checked_sub(size) {
                Some(left) => left,
                None => return Err(self.too_long(&format!("{limit} and more"), limit)),
            };
            target.write_all(&chunk).at("write", Path::new("a download"))?;
        }
        Ok(())
    }
}

/// Whether bytes are the beginning of a page for a browser, which nothing is that a release has.
fn is_page(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let begins = |with: &[u8]| bytes.get(..with.len()).is_some_and(|b| b.eq_ignore_ascii_case(with));
    [&b"<!doctype html"[..], b"<html", b"<head", b"<script", b"<meta", b"<!--"].into_iter().any(begins)
}

/// Whether the parameters behind an address have the relation `next`, alone or among others.
fn is_next(parameters: &str) -> bool {
    let relations = parameters.split([';', ',']).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
    });
    relations.flat_map(str::split_whitespace).any(|relation| relation.eq_ignore_ascii_case("next"))
}
