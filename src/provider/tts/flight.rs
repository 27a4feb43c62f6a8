//! Syntheses that are under way. Whoever asks for a text that is being spoken already boards that flight: one request serves
//! them all, from its beginning. It ends early only when the last passenger has left.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, watch};

use super::cache::Key;
use super::client::{Utterance, synthesize};
use super::engine::Engine;
use super::limit::is_spoken;
use super::{Started, TtsError};
use crate::audio::{Encoding, wav};
use crate::provider::stats::Count;
use crate::provider::{Shared, Source};

/// How much audio may be ahead of the passenger who has taken most. A provider is not read faster: audio that is not taken would
/// fill the memory. It is almost three minutes at 24 kHz.
const AHEAD: usize = 8 * 1024 * 1024;

/// What has come of a synthesis so far. It only grows, so that everyone can read at their own pace; how much it can grow is
/// bounded by what its passengers have taken. Reading takes a lock for as long as it takes to count a reference.
#[derive(Debug, Default)]
struct Progress {
    pieces: Vec<Bytes>,
    end: Option<Result<(), TtsError>>,
    cached: bool,
    pace: Arc<Pace>,
}

/// How far a synthesis is, and how far its fastest passenger.
#[derive(Debug, Default)]
pub(super) struct Pace {
    given: AtomicUsize,
    taken: AtomicUsize,
    moved: Notify,
}

impl Pace {
    fn gave(&self, bytes: usize) {
        self.given.fetch_add(bytes, Ordering::AcqRel);
    }

    fn took(&self, until: usize) {
        if self.taken.fetch_max(until, Ordering::AcqRel) < until {
            self.moved.notify_one();
        }
    }

    /// Whether more is wanted now.
    pub(super) fn has_room(&self) -> bool {
        self.given.load(Ordering::Acquire) < self.taken.load(Ordering::Acquire) + AHEAD
    }

    /// Waits until the passengers have taken so much that more is wanted.
    pub(super) async fn room(&self) {
        while !self.has_room() {
            // A move between the look and the wait has left its notice.
            self.moved.notified().await;
        }
    }
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
pub(super) fn board(key: Key, utterance: Utterance) -> Synthesis {
    let shared = Arc::clone(&utterance.voice.shared);
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
            tokio::spawn(fly(key, utterance, sender));
            (progress, None)
        }
    };
    drop(flights);
    if source.is_some() {
        shared.stats.source(Source::Shared);
    }
    Synthesis::new(progress, source)
}

/// Speaks, or gives up once nobody listens any more.
async fn fly(key: Key, utterance: Utterance, progress: watch::Sender<Progress>) {
    let mut entry = Landing { shared: Arc::clone(&utterance.voice.shared), key: Some(key) };
    {
        let mut flight = std::pin::pin!(speak(&key, &utterance, &progress));
        loop {
            tokio::select! {
                biased;
                () = &mut flight => break,
                () = progress.closed() => {
                    if entry.shared.flights.abandon(&key, &progress) {
                        // The next flight of this text may be on the map already.
                        entry.key = None;
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
}

/// The place of a flight on the map, which is cleared whichever way the flight ends: one that unwinds must not leave behind what
/// others would wait for.
struct Landing {
    shared: Arc<Shared>,
    key: Option<Key>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // Outside of the lock, as what is removed wakes its passengers.
            let flight = self.shared.flights.lock().remove(&key);
            drop(flight);
        }
    }
}

async fn speak(key: &Key, utterance: &Utterance, progress: &watch::Sender<Progress>) {
    let shared = &utterance.voice.shared;
    if let Some(audio) = shared.cache.get(key).await {
        shared.stats.source(Source::Cache);
        progress.send_replace(Progress::cached(audio));
        return;
    }
    let Utterance { voice, text, previous } = utterance;
    let text = match voice.pronounced(text).await {
        Ok(text) => text,
        Err(error) => {
            shared.stats.count(voice.credential.provider, Count::Error(error.kind()));
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
        pace.gave(piece.len());
        progress.send_modify(|progress| progress.pieces.push(piece));
    };
    let end = match &voice.engine {
        Engine::Vendor(vendor) => synthesize(voice, vendor, &text, previous.as_deref(), &pace, sink).await,
        #[cfg(feature = "local")]
        Engine::Local(speaker) => super::local::synthesize(voice, speaker, &text, &pace, sink).await,
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
pub struct Synthesis {
    progress: watch::Receiver<Progress>,
    next: usize,
    /// Bytes that were taken.
    taken: usize,
    pace: Arc<Pace>,
    /// Where it comes from, where that is known before the beginning.
    source: Option<Source>,
}

impl Progress {
    /// Of audio that is there already.
    fn cached(audio: Bytes) -> Self {
        Self { pieces: vec![audio], end: Some(Ok(())), cached: true, pace: Arc::default() }
    }

    /// Of a text that has nothing to say.
    fn silent() -> Self {
        Self { pieces: Vec::new(), ..Self::cached(Bytes::new()) }
    }
}

impl Synthesis {
    fn new(progress: watch::Receiver<Progress>, source: Option<Source>) -> Self {
        let pace = Arc::clone(&progress.borrow().pace);
        Self { progress, next: 0, taken: 0, pace, source }
    }

    /// Of a text that has nothing to say.
    pub(super) fn silent() -> Self {
        Self::new(watch::channel(Progress::silent()).1, None)
    }

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
                    self.taken += piece.len();
                    self.pace.took(self.taken);
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

/// The task was dropped with its runtime, or has unwound.
fn ended() -> TtsError {
    TtsError::Ended
}
