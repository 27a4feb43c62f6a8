//! Single-flight synthesis: concurrent requests for the same key share one upstream request, from its beginning. The request is
//! cancelled when its last listener drops it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::cache::Key;
use super::pace::Pace;
use super::parts::is_spoken;
use super::synthesizer::Synthesizer;
use super::{Started, TtsError};
use crate::audio::{Encoding, Format, wav};
use crate::provider::stats::Count;
use crate::provider::{Shared, Source};

/// A text to speak, without anything of the session that asked for it.
#[derive(Debug, Clone)]
pub(super) struct Utterance {
    pub(super) synthesizer: Arc<Synthesizer>,
    pub(super) text: String,
    /// The text that was spoken before it, for its melody.
    pub(super) previous: Option<String>,
}

/// The audio of a synthesis so far. It only grows, so each listener reads at its own pace. [`Pace`] bounds how far it grows ahead
/// of them. Reading takes a lock only to count a reference.
#[derive(Debug, Default)]
struct Progress {
    pieces: Vec<Bytes>,
    end: Option<Result<(), TtsError>>,
    cached: bool,
    pace: Arc<Pace>,
}

/// All syntheses that are under way, by their cache keys. The providers own it. The lock is held for one look-up per text, and
/// never across an await.
#[derive(Debug, Default)]
pub(in crate::provider) struct Flights {
    map: Mutex<HashMap<Key, watch::Sender<Progress>>>,
}

impl Flights {
    /// Removes a flight without listeners from the map. Returns false where it has some, or has ended.
    fn abandon(&self, key: &Key, progress: &watch::Sender<Progress>) -> bool {
        let mut flights = self.lock();
        let abandoned = progress.receiver_count() == 0 && progress.borrow().end.is_none();
        if abandoned {
            flights.remove(key);
        }
        abandoned
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Sender<Progress>>> {
        // A map of senders is whole after every statement, so a poisoned lock is still usable.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joins the flight of this key, or starts one.
pub(super) fn join(key: Key, utterance: Utterance) -> Synthesis {
    let shared = Arc::clone(&utterance.synthesizer.settings.shared);
    if let Some(audio) = shared.cache.at_hand(&key) {
        shared.stats.source(Source::Cache);
        return Synthesis::new(watch::channel(Progress::cached(audio)).1, None);
    }
    let mut flights = shared.flights.lock();
    let (progress, source) = match flights.entry(key) {
        Entry::Occupied(entry) => (entry.get().subscribe(), Some(Source::Shared)),
        Entry::Vacant(entry) => {
            let (sender, progress) = watch::channel(Progress::default());
            entry.insert(sender.clone());
            tokio::spawn(run(key, utterance, sender));
            (progress, None)
        }
    };
    drop(flights);
    if source.is_some() {
        shared.stats.source(Source::Shared);
    }
    Synthesis::new(progress, source)
}

/// Runs a flight until it ends or its last listener is gone.
async fn run(key: Key, utterance: Utterance, progress: watch::Sender<Progress>) {
    let mut entry = MapEntry { shared: Arc::clone(&utterance.synthesizer.settings.shared), key: Some(key) };
    {
        let mut flight = std::pin::pin!(speak(&key, &utterance, &progress));
        loop {
            tokio::select! {
                biased;
                () = &mut flight => break,
                () = progress.closed() => {
                    if entry.shared.flights.abandon(&key, &progress) {
                        // The next flight of this key may be on the map already.
                        entry.key = None;
                        return;
                    }
                    // Either the synthesis has ended and only the cache is still to be written, or a new listener has joined.
                    if progress.borrow().end.is_some() {
                        flight.await;
                        break;
                    }
                }
            }
        }
    }
}

/// The entry of a flight on the map. The flight's task owns it and removes it when it ends, also when it panics: otherwise later
/// requests for the same key would wait for ever.
struct MapEntry {
    shared: Arc<Shared>,
    key: Option<Key>,
}

impl Drop for MapEntry {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // The sender is dropped outside of the lock, because that wakes the listeners.
            let flight = self.shared.flights.lock().remove(&key);
            drop(flight);
        }
    }
}

async fn speak(key: &Key, utterance: &Utterance, progress: &watch::Sender<Progress>) {
    let Utterance { synthesizer, text, previous } = utterance;
    let settings = &synthesizer.settings;
    let shared = &settings.shared;
    if let Some(audio) = shared.cache.get(key).await {
        shared.stats.source(Source::Cache);
        progress.send_replace(Progress::cached(audio));
        return;
    }
    let text = match synthesizer.pronounced(text).await {
        Ok(text) => text,
        Err(error) => {
            shared.stats.count(settings.credential.provider, Count::Error(error.kind()));
            progress.send_modify(|progress| progress.end = Some(Err(error)));
            return;
        }
    };
    if !is_spoken(&text) {
        progress.send_replace(Progress::silent());
        return;
    }
    shared.stats.source(Source::Provider);
    let pace = Arc::clone(&progress.borrow().pace);
    let sink = |piece: Bytes| {
        pace.produced(piece.len());
        progress.send_modify(|progress| progress.pieces.push(piece));
    };
    let end = synthesizer.synthesize(&text, previous.as_deref(), &pace, sink).await;
    let whole = end.is_ok().then(|| whole(settings.format, &progress.borrow().pieces));
    progress.send_modify(|progress| progress.end = Some(end));
    // The listeners have everything. Until the cache is written, further requests find all of it here.
    if let Some(audio) = whole {
        shared.cache.put(*key, audio).await;
    }
}

/// Joins the audio into one piece. The header of a WAV stream gets its length, which is known now.
fn whole(format: Format, pieces: &[Bytes]) -> Bytes {
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    let length = whole.len().checked_sub(wav::HEADER).and_then(|length| u32::try_from(length).ok());
    if format.encoding == Encoding::Wav
        && let Some(header) = wav::header(&format, length)
        && let Some(head) = whole.get_mut(..wav::HEADER)
    {
        head.copy_from_slice(&header);
    }
    whole.freeze()
}

/// The audio of one text, for one listener. The session (or the REST request) that asked for the text owns it. Dropping it leaves
/// the flight, and the last listener that leaves cancels the upstream request.
#[derive(Debug)]
pub struct Synthesis {
    progress: watch::Receiver<Progress>,
    /// The index of the next piece, or `usize::MAX` behind the end.
    next: usize,
    /// Bytes that [`Self::next`] has returned.
    taken: usize,
    pace: Arc<Pace>,
    /// Where the audio comes from, if that is known before it begins.
    source: Option<Source>,
}

impl Progress {
    /// A synthesis that the cache had.
    fn cached(audio: Bytes) -> Self {
        Self { pieces: vec![audio], end: Some(Ok(())), cached: true, pace: Arc::default() }
    }

    /// The synthesis of a text without anything to speak.
    fn silent() -> Self {
        Self { pieces: Vec::new(), ..Self::cached(Bytes::new()) }
    }
}

impl Synthesis {
    fn new(progress: watch::Receiver<Progress>, source: Option<Source>) -> Self {
        let pace = Arc::clone(&progress.borrow().pace);
        Self { progress, next: 0, taken: 0, pace, source }
    }

    /// The synthesis of a text without anything to speak: it ends at once.
    pub(super) fn silent() -> Self {
        Self::new(watch::channel(Progress::silent()).1, None)
    }

    /// Waits for the first audio and leaves it in place.
    pub async fn start(&mut self) -> Result<Started, TtsError> {
        let begun = |progress: &Progress| !progress.pieces.is_empty() || progress.end.is_some();
        let source = self.source;
        let Ok(progress) = self.progress.wait_for(begun).await else { return Err(TtsError::Ended) };
        if let Some(Err(error)) = &progress.end {
            return Err(error.clone());
        }
        let length = || progress.pieces.iter().map(|piece| piece.len() as u64).sum();
        let source = source.unwrap_or(if progress.cached { Source::Cache } else { Source::Provider });
        Ok(Started { cached_len: progress.end.is_some().then(length), source })
    }

    /// Returns the next piece, and `None` behind the end or an error. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Bytes, TtsError>> {
        loop {
            {
                let progress = self.progress.borrow_and_update();
                if let Some(piece) = progress.pieces.get(self.next) {
                    self.next += 1;
                    self.taken += piece.len();
                    self.pace.consumed(self.taken);
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
                return Some(Err(TtsError::Ended));
            }
        }
    }
}
