//! Syntheses that are under way. Whoever asks for a text that is being spoken already boards that flight: one request serves
//! them all, from its beginning. It ends early only when the last passenger has left.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::cache::Key;
use super::client::{Utterance, synthesize};
use super::engine::Engine;
use super::{Started, TtsError};
use crate::audio::{Encoding, wav};
use crate::provider::Source;

/// What has come of a synthesis so far. It only grows, so that everyone can read at their own pace; how much it can grow is
/// bounded by the client. Reading takes a lock for as long as it takes to count a reference.
#[derive(Debug, Default)]
struct Progress {
    pieces: Vec<Bytes>,
    end: Option<Result<(), TtsError>>,
    cached: bool,
}

/// Every synthesis that is under way. The lock is held for a look-up, once per text, and never while anything is waited for.
#[derive(Debug, Default)]
pub(in crate::provider) struct Flights {
    map: Mutex<HashMap<Key, watch::Sender<Progress>>>,
}

impl Flights {
    /// Takes a flight without passengers off the map; false where it has some, or has landed.
    fn abandon(&self, key: &Key, progress: &watch::Sender<Progress>) -> bool {
        let mut flights = self.lock();
        let abandoned = progress.receiver_count() == 0 && progress.borrow().end.is_none();
        if abandoned {
            flights.remove(key);
        }
        abandoned
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Sender<Progress>>> {
        // A map of senders is whole after every statement.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Boards the flight for this key, or starts one.
pub(super) fn board(key: Key, utterance: Utterance) -> Speech {
    let shared = Arc::clone(&utterance.voice.shared);
    if let Some(audio) = shared.cache.at_hand(&key) {
        shared.stats.source(Source::Cache);
        let progress = Progress { pieces: vec![audio], end: Some(Ok(())), cached: true };
        return Speech { progress: watch::channel(progress).1, next: 0, source: None };
    }
    let mut flights = shared.flights.lock();
    let (progress, source) = match flights.entry(key) {
        Entry::Occupied(entry) => (entry.get().subscribe(), Some(Source::Shared)),
        Entry::Vacant(entry) => {
            let (sender, progress) = watch::channel(Progress::default());
            entry.insert(sender.clone());
            tokio::spawn(fly(key, utterance, sender));
            (progress, None)
        }
    };
    drop(flights);
    if source.is_some() {
        shared.stats.source(Source::Shared);
    }
    Speech { progress, next: 0, source }
}

/// Speaks, or gives up once nobody listens any more.
async fn fly(key: Key, utterance: Utterance, progress: watch::Sender<Progress>) {
    let shared = Arc::clone(&utterance.voice.shared);
    {
        let mut flight = std::pin::pin!(speak(&key, &utterance, &progress));
        loop {
            tokio::select! {
                biased;
                () = &mut flight => break,
                () = progress.closed() => {
                    if shared.flights.abandon(&key, &progress) {
                        return;
                    }
                    // It has landed, and what is left is to keep the audio; or someone has boarded since.
                    if progress.borrow().end.is_some() {
                        flight.await;
                        break;
                    }
                }
            }
        }
    }
    shared.flights.lock().remove(&key);
}

async fn speak(key: &Key, utterance: &Utterance, progress: &watch::Sender<Progress>) {
    let shared = &utterance.voice.shared;
    if let Some(audio) = shared.cache.get(key).await {
        shared.stats.source(Source::Cache);
        progress.send_replace(Progress { pieces: vec![audio], end: Some(Ok(())), cached: true });
        return;
    }
    shared.stats.source(Source::Provider);
    let sink = |piece: Bytes| progress.send_modify(|progress| progress.pieces.push(piece));
    let Utterance { voice, text, previous } = utterance;
    let end = match &voice.engine {
        Engine::Vendor(vendor) => synthesize(voice, vendor, text, previous.as_deref(), sink).await,
        #[cfg(feature = "local")]
        Engine::Local(speaker) => super::local::synthesize(voice, speaker, text, sink).await,
    };
    let whole = end.is_ok().then(|| whole(utterance, &progress.borrow().pieces));
    progress.send_modify(|progress| progress.end = Some(end));
    // The passengers are served; those who board now find all of it here until it lies in the cache.
    if let Some(audio) = whole {
        shared.cache.put(*key, audio).await;
    }
}

/// The audio in one piece; of a WAV stream the header now knows the length.
fn whole(utterance: &Utterance, pieces: &[Bytes]) -> Bytes {
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    let format = utterance.voice.format;
    let length = whole.len().checked_sub(wav::HEADER).and_then(|length| u32::try_from(length).ok());
    if format.encoding == Encoding::Wav
        && let Some(header) = wav::header(&format, length)
        && let Some(head) = whole.get_mut(..wav::HEADER)
    {
        head.copy_from_slice(&header);
    }
    whole.freeze()
}

/// A text being spoken. Dropping it gives it up.
#[derive(Debug)]
pub struct Speech {
    progress: watch::Receiver<Progress>,
    next: usize,
    /// Where it comes from, where that is known before the beginning.
    source: Option<Source>,
}

impl Speech {
    /// Waits for the first audio and leaves it where it is.
    pub async fn start(&mut self) -> Result<Started, TtsError> {
        let begun = |progress: &Progress| !progress.pieces.is_empty() || progress.end.is_some();
        let source = self.source;
        let Ok(progress) = self.progress.wait_for(begun).await else { return Err(ended()) };
        if let Some(Err(error)) = &progress.end {
            return Err(error.clone());
        }
        let length = || progress.pieces.iter().map(|piece| piece.len() as u64).sum();
        let source = source.unwrap_or(if progress.cached { Source::Cache } else { Source::Provider });
        Ok(Started { cached_len: progress.end.is_some().then(length), source })
    }

    /// The next piece; after an error or the end there is none. Nothing is lost when this is given up half-way.
    pub async fn next(&mut self) -> Option<Result<Bytes, TtsError>> {
        loop {
            {
                let progress = self.progress.borrow_and_update();
                if let Some(piece) = progress.pieces.get(self.next) {
                    self.next += 1;
                    return Some(Ok(piece.clone()));
                }
                if self.next == usize::MAX {
                    return None;
                }
                if let Some(end) = progress.end.clone() {
                    self.next = usize::MAX;
                    return end.err().map(Err);
                }
            }
            if self.progress.changed().await.is_err() {
                self.next = usize::MAX;
                return Some(Err(ended()));
            }
        }
    }
}

/// The task was dropped with its runtime.
fn ended() -> TtsError {
    TtsError::Ended
}
