//! Downloads model files from their publishers or from a mirror.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Response, StatusCode};
use tokio::time::sleep;
use url::Url;

use super::part::Part;
use super::{Event, File, InitError};
use crate::outbound::{RetryPolicy, told};

/// Three attempts in a row that bring no new bytes, one second apart.
const RETRY: RetryPolicy = RetryPolicy { attempts: 3, first_pause: Duration::from_secs(1), factor: 1, jitter: false };

/// The way to the publishers' hosts.
#[derive(Debug, Clone)]
pub struct Network {
    /// Follows redirects, because the publishers' hosts redirect to their stores.
    pub http: reqwest::Client,
    /// Replaces the scheme and host of every URL.
    pub mirror: Option<Url>,
}

/// Downloads a file, or the rest of it if an earlier run was interrupted.
pub(super) async fn fetch(
    file: &File,
    network: &Network,
    directory: &Path,
    tell: &mut impl FnMut(Event<'_>),
) -> Result<PathBuf, InitError> {
    let url = address(file, network.mirror.as_ref())?;
    let mut part = Part::open(file, directory)?;
    // Bytes of an earlier run may be wrong. Then the whole file is downloaded once more.
    let mut continued = part.bytes > 0;
    loop {
        complete(&mut part, &url, network, tell, file).await?;
        match part.finish() {
            Err(InitError::Wrong { .. }) if continued => {
                (continued, part) = (false, Part::open(file, directory)?);
            }
            finished => return finished,
        }
    }
}

/// Returns the URL of the table, with the mirror's scheme and host if there is one.
fn address(file: &File, mirror: Option<&Url>) -> Result<Url, InitError> {
    let wrong = |_| InitError::Address { name: file.name.clone(), url: file.url.clone() };
    let url = Url::parse(&file.url).map_err(wrong)?;
    let Some(mirror) = mirror else { return Ok(url) };
    let mut mirrored = mirror.clone();
    mirrored.set_path(&format!("{}{}", mirror.path().trim_end_matches('/'), url.path()));
    Ok(mirrored)
}

/// Sends requests until all bytes are present.
async fn complete(
    part: &mut Part<'_>,
    url: &Url,
    network: &Network,
    tell: &mut impl FnMut(Event<'_>),
    file: &File,
) -> Result<(), InitError> {
    let mut failures = 0;
    tell(Event::Begun { file, bytes: part.bytes });
    while !part.is_whole() {
        let before = part.bytes;
        let Err(error) = go_on(part, url, network, tell, file).await else { continue };
        failures = if part.bytes > before { 0 } else { failures + 1 };
        if !error.is_retryable() || RETRY.is_exhausted(failures) {
            return Err(error);
        }
        tell(Event::Again { file, error: &error });
        sleep(RETRY.pause(failures, None)).await;
    }
    Ok(())
}

/// Sends one request for the missing bytes and reads its answer.
async fn go_on(
    part: &mut Part<'_>,
    url: &Url,
    network: &Network,
    tell: &mut impl FnMut(Event<'_>),
    file: &File,
) -> Result<(), InitError> {
    let unreachable = |e: &reqwest::Error| InitError::Unreachable { url: url.clone(), reason: told(e) };
    let mut request = network.http.get(url.clone());
    if part.bytes > 0 {
        request = request.header(RANGE, format!("bytes={}-", part.bytes));
    }
    let mut response = request.send().await.map_err(|e| unreachable(&e))?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT if begins_at(&response, part.bytes) => {}
        // The whole file, although a range was requested.
        StatusCode::OK => part.restart()?,
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if part.bytes > 0 => return part.restart(),
        status => return Err(InitError::Status { url: url.clone(), status: status.as_u16() }),
    }
    let begun = part.bytes;
    while let Some(piece) = response.chunk().await.map_err(|e| unreachable(&e))? {
        part.write(&piece)?;
        tell(Event::Came { file, bytes: part.bytes });
    }
    // The caller requests the rest of a short answer. An empty one counts as an error.
    if part.bytes == begun {
        return Err(InitError::Unreachable { url: url.clone(), reason: "the answer is empty".to_owned() });
    }
    Ok(())
}

fn begins_at(response: &Response, bytes: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok()).unwrap_or_default();
    range.strip_prefix("bytes ").and_then(|range| range.split('-').next()) == Some(&bytes.to_string())
}
