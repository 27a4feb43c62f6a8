//! Lists of voices: each vendor's list, converted to one shape.

mod locale;
mod map;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::tts::TtsError;
use super::{Credential, Name, Shared, address, retry_after, shortened, told};

/// The time-out for a vendor's list. A client waits for the slowest vendor.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a list is cached, and how long a vendor is not queried again after a failure.
const KEPT: Duration = Duration::from_secs(300);
const LEFT_ALONE: Duration = Duration::from_secs(10);
/// The largest list in bytes. Azure's has 500 kB.
const MAX_LIST: usize = 16 * 1024 * 1024;
/// The most pages of a list.
const MAX_PAGES: usize = 20;

/// A voice. Unknown fields are `Unknown`, a missing sample is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoiceInfo {
    /// The value for `voice_id`.
    pub id: String,
    /// The URL of a sample.
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

/// The cached lists, one per vendor that has one. A request to a vendor holds the lock of its list, so concurrent clients share
/// the answer.
#[derive(Debug, Default)]
pub(super) struct Lists {
    deepgram: List,
    elevenlabs: List,
    google: List,
    azure: List,
}

type List = Mutex<Option<CachedList>>;

/// A vendor's last answer and its time. `voices` is `None` after a failure.
#[derive(Debug, Clone)]
struct CachedList {
    at: Instant,
    voices: Option<Vec<VoiceInfo>>,
}

impl CachedList {
    fn is_good(&self) -> bool {
        self.at.elapsed() < if self.voices.is_some() { KEPT } else { LEFT_ALONE }
    }
}

impl Lists {
    /// Returns the list of a vendor. Cartesia's is not offered to clients, and the local voice needs none.
    fn of(&self, name: Name) -> Option<&List> {
        match name {
            Name::Deepgram => Some(&self.deepgram),
            Name::ElevenLabs => Some(&self.elevenlabs),
            Name::Google => Some(&self.google),
            Name::Azure => Some(&self.azure),
            Name::Cartesia | Name::Local => None,
        }
    }
}

/// Queries all vendors that the server has credentials for, in parallel. Vendors that fail are left out.
pub(super) async fn all(shared: &Arc<Shared>) -> BTreeMap<&'static str, Vec<VoiceInfo>> {
    let (elevenlabs, deepgram, google, azure) = tokio::join!(
        of(shared, Name::ElevenLabs),
        of(shared, Name::Deepgram),
        of(shared, Name::Google),
        of(shared, Name::Azure)
    );
    [elevenlabs, deepgram, google, azure, local(shared)].into_iter().flatten().collect()
}

/// Returns the local voice, if its model is installed.
#[cfg(feature = "local")]
fn local(shared: &Shared) -> Option<(&'static str, Vec<VoiceInfo>)> {
    let voice = VoiceInfo {
        id: super::tts::LOCAL_VOICE.to_owned(),
        sample: String::new(),
        name: "Joe".to_owned(),
        accent: "American".to_owned(),
        gender: "Male".to_owned(),
        language: "English".to_owned(),
    };
    shared.local.has_voice().then(|| (Name::Local.as_str(), vec![voice]))
}

/// This build has no local voice.
#[cfg(not(feature = "local"))]
fn local(_shared: &Shared) -> Option<(&'static str, Vec<VoiceInfo>)> {
    None
}

/// Returns a vendor's list from the cache or by a request. The request runs to its end even if the client leaves.
async fn of(shared: &Arc<Shared>, name: Name) -> Option<(&'static str, Vec<VoiceInfo>)> {
    let credential = Credential::resolve(name, None, &shared.config).ok()?;
    let shared = Arc::clone(shared);
    let list = tokio::spawn(async move {
        let mut cached = shared.lists.of(name)?.lock().await;
        if !cached.as_ref().is_some_and(CachedList::is_good) {
            let voices = ask(&shared, &credential).await;
            *cached = Some(CachedList { at: Instant::now(), voices });
        }
        cached.as_ref()?.voices.clone()
    });
    Some((name.as_str(), list.await.ok()??))
}

async fn ask(shared: &Shared, credential: &Credential) -> Option<Vec<VoiceInfo>> {
    let name = credential.provider;
    let timed_out = TtsError::Timeout { provider: name, what: "list its voices", limit: LIMIT };
    match tokio::time::timeout(LIMIT, pages(shared, credential)).await.unwrap_or(Err(timed_out)) {
        Ok(voices) => Some(voices),
        Err(error) => {
            tracing::warn!(provider = %name, %error, "failed to list voices");
            None
        }
    }
}

async fn pages(shared: &Shared, credential: &Credential) -> Result<Vec<VoiceInfo>, TtsError> {
    let provider = credential.provider;
    let mut voices = Vec::new();
    let mut next = Some(String::new());
    for _ in 0..MAX_PAGES {
        let Some(page) = next.take() else { break };
        let body = fetch(shared, credential, &page).await?;
        let unreadable = |e: serde_json::Error| TtsError::Unreadable { provider, problem: e.to_string() };
        let listed = map::read(provider, &body).map_err(unreadable)?;
        voices.extend(listed.voices);
        next = listed.next;
    }
    Ok(voices)
}

/// Returns the URL of a list, and the name and value of the header with the key.
fn request(credential: &Credential, base: Option<&Url>, page: &str) -> Option<(Url, &'static str, String)> {
    let key = credential.key.expose();
    let (usual, path, header, value) = match credential.provider {
        Name::Deepgram => ("https://api.deepgram.com", "v1/models", "Authorization", format!("Token {key}")),
        Name::ElevenLabs => ("https://api.elevenlabs.io", "v2/voices", "xi-api-key", key.to_owned()),
        Name::Google => ("https://texttospeech.googleapis.com", "v1/voices", "Authorization", String::new()),
        Name::Azure => ("", "cognitiveservices/voices/list", "Ocp-Apim-Subscription-Key", key.to_owned()),
        Name::Cartesia | Name::Local => return None,
    };
    let region = credential.region.as_deref().unwrap_or_default();
    let azure = format!("https://{region}.tts.speech.microsoft.com");
    let mut url = address(base, if usual.is_empty() { &azure } else { usual }, path).ok()?;
    if credential.provider == Name::ElevenLabs {
        url.query_pairs_mut().append_pair("page_size", "100");
        if !page.is_empty() {
            url.query_pairs_mut().append_pair("next_page_token", page);
        }
    }
    Some((url, header, value))
}

async fn fetch(shared: &Shared, credential: &Credential, page: &str) -> Result<Vec<u8>, TtsError> {
    let provider = credential.provider;
    let unreachable = |e: reqwest::Error| TtsError::Unreachable { provider, reason: told(&e) };
    let nowhere =
        || TtsError::Unreachable { provider, reason: "it has no list, or its address cannot be used".to_owned() };
    let base = shared.vendor(provider).and_then(|vendor| vendor.tts_url.as_ref());
    let (url, header, mut value) = request(credential, base, page).ok_or_else(nowhere)?;
    let http = &shared.outbound.http;
    if let Some(tokens) = shared.tokens.as_ref().filter(|_| provider == Name::Google) {
        value = format!("Bearer {}", tokens.get(http).await?.expose());
    }
    let mut value = HeaderValue::from_str(&value).map_err(|_| nowhere())?;
    value.set_sensitive(true);
    let mut response = http.get(url).header(header, value).send().await.map_err(unreachable)?;
    let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_LIST {
            return Err(TtsError::TooLong { provider, limit: MAX_LIST });
        }
    }
    if status != 200 {
        return Err(TtsError::Api { provider, status, body: shortened(&body, 200), retry_after, own: false });
    }
    Ok(body)
}

#[cfg(fuzzing)]
pub(super) fn fuzzing(provider: Name, body: &[u8]) -> Option<Vec<String>> {
    map::read(provider, body).ok().map(|listed| listed.voices.into_iter().map(|voice| voice.id).collect())
}
