//! The cache in memory: an LRU cache with a limit in bytes and a time to live.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lru::LruCache;
use tokio::time::Instant;

use super::Key;

/// The most entries. It only matters for a flood of very short texts.
const MAX_ENTRIES: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();

#[derive(Debug)]
pub(in crate::provider) struct Memory {
    /// Held for one look-up or one insertion per text, never across an await, and not on the audio path.
    entries: Mutex<Entries>,
    limit: u64,
    ttl: Duration,
}

#[derive(Debug)]
struct Entries {
    lru: LruCache<Key, (Bytes, Instant)>,
    bytes: u64,
}

impl Memory {
    pub(super) fn new(limit: u64, ttl: Duration) -> Self {
        // The map grows as it is filled.
        let lru = LruCache::unbounded();
        Self { entries: Mutex::new(Entries { lru, bytes: 0 }), limit, ttl }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Bytes> {
        let mut entries = self.lock();
        let (audio, until) = entries.lru.get(key)?;
        if *until > Instant::now() {
            return Some(audio.clone());
        }
        entries.remove(key);
        None
    }

    pub(super) fn put(&self, key: Key, audio: Bytes) {
        if audio.len() as u64 > self.limit {
            return;
        }
        let mut entries = self.lock();
        entries.remove(&key);
        entries.bytes += audio.len() as u64;
        entries.lru.put(key, (audio, Instant::now() + self.ttl));
        while (entries.bytes > self.limit || entries.lru.len() > MAX_ENTRIES.get())
            && let Some((_, (oldest, _))) = entries.lru.pop_lru()
        {
            entries.bytes -= oldest.len() as u64;
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // The map is consistent after every statement, so a poisoned lock is still usable.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, key: &Key) {
        if let Some((audio, _)) = self.lru.pop(key) {
            self.bytes -= audio.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(length: usize) -> Bytes {
        Bytes::from(vec![1; length])
    }

    #[tokio::test(start_paused = true)]
    async fn memory_cache_drops_the_least_recently_used() {
        let memory = Memory::new(100, Duration::from_secs(60));
        let [a, b, c] = [1, 2, 3].map(Key::of_number);
        memory.put(a, audio(40));
        memory.put(b, audio(40));
        assert_eq!(memory.get(&a), Some(audio(40)));
        memory.put(c, audio(30));
        assert_eq!((memory.get(&a).is_some(), memory.get(&b).is_some(), memory.get(&c).is_some()), (true, false, true));
        assert_eq!(memory.bytes(), 70);
        // The same key counts once. An entry that exceeds the limit alone is not stored.
        memory.put(c, audio(30));
        memory.put(b, audio(101));
        assert_eq!((memory.bytes(), memory.get(&b)), (70, None));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_cache_entries_expire() {
        let memory = Memory::new(100, Duration::from_secs(60));
        let key = Key::of_number(1);
        memory.put(key, audio(40));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(memory.get(&key).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((memory.get(&key), memory.bytes()), (None, 0));
    }
}
