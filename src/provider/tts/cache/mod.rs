//! The cache of synthesised audio: in memory, or in a directory that outlives the server.
//!
//! Only whole syntheses are stored. A cache that fails is a miss and a log line, never a failed request.

mod directory;
mod key;
mod memory;

use std::io;
use std::sync::Arc;

use bytes::Bytes;

pub(super) use key::Key;

use crate::config;
use directory::Directory;
use memory::Memory;

/// The cache of whole syntheses. `Providers` owns it for the life of the server.
#[derive(Debug)]
pub(in crate::provider) enum Cache {
    Memory(Memory),
    Directory(Arc<Directory>),
}

impl Cache {
    /// Opens the cache in the configured directory, which is created and swept regularly, or in memory without one.
    pub(in crate::provider) fn open(config: &config::Cache) -> io::Result<Self> {
        let Some(path) = &config.path else { return Ok(Self::Memory(Memory::new(config.memory_bytes, config.ttl))) };
        let directory = Arc::new(Directory::open(path.clone(), config.max_bytes, config.ttl)?);
        tokio::spawn(Directory::sweep_forever(Arc::downgrade(&directory)));
        Ok(Self::Directory(directory))
    }

    /// Returns whether [`Self::open`] would succeed, without creating anything.
    pub(in crate::provider) fn examine(config: &config::Cache) -> io::Result<()> {
        config.path.as_deref().map_or(Ok(()), Directory::could_open)
    }

    /// Looks up an entry without I/O. A directory never has one here.
    pub(super) fn at_hand(&self, key: &Key) -> Option<Bytes> {
        match self {
            Self::Memory(memory) => memory.get(key),
            Self::Directory(_) => None,
        }
    }

    /// Looks up an entry.
    pub(super) async fn get(&self, key: &Key) -> Option<Bytes> {
        match self {
            Self::Memory(memory) => memory.get(key),
            Self::Directory(directory) => {
                let (directory, key) = (Arc::clone(directory), *key);
                tokio::task::spawn_blocking(move || directory.get(&key)).await.ok().flatten()
            }
        }
    }

    /// Stores a whole synthesis.
    pub(super) async fn put(&self, key: Key, audio: Bytes) {
        match self {
            Self::Memory(memory) => memory.put(key, audio),
            Self::Directory(directory) => {
                let directory = Arc::clone(directory);
                let written = tokio::task::spawn_blocking(move || directory.put(&key, &audio)).await;
                if let Ok(Err(error)) = written {
                    tracing::warn!(%error, "failed to write to the cache");
                }
            }
        }
    }

    /// Returns the bytes of audio in the cache. For a directory it is an estimate since the last sweep.
    pub(in crate::provider) fn bytes(&self) -> u64 {
        match self {
            Self::Memory(memory) => memory.bytes(),
            Self::Directory(directory) => directory.bytes(),
        }
    }
}
