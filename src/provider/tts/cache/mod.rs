//! Speech that was synthesised before: in memory, or in a directory that outlives the server.
//!
//! Only whole syntheses come in, so whatever comes out is whole. A cache that fails is a miss and a line in the log, never a
//! failed request.

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

/// Where speech is kept.
#[derive(Debug)]
pub(in crate::provider) enum Cache {
    Memory(Memory),
    Directory(Arc<Directory>),
}

impl Cache {
    /// In the configured directory, which is made where it is not there, and swept from now on; else in memory.
    pub(in crate::provider) fn open(config: &config::Cache) -> io::Result<Self> {
        let Some(path) = &config.path else { return Ok(Self::Memory(Memory::new(config.memory_bytes, config.ttl))) };
        let directory = Arc::new(Directory::open(path.clone(), config.max_bytes, config.ttl)?);
        tokio::spawn(Directory::sweep_forever(Arc::downgrade(&directory)));
        Ok(Self::Directory(directory))
    }

    /// Whether [`Self::open`] could do its work; nothing is made.
    pub(in crate::provider) fn examine(config: &config::Cache) -> io::Result<()> {
        config.path.as_deref().map_or(Ok(()), Directory::could_open)
    }

    /// What can be had without waiting.
    pub(super) fn at_hand(&self, key: &Key) -> Option<Bytes> {
        match self {
            Self::Memory(memory) => memory.get(key),
            Self::Directory(_) => None,
        }
    }

    /// What is there at all.
    pub(super) async fn get(&self, key: &Key) -> Option<Bytes> {
        match self {
            Self::Memory(memory) => memory.get(key),
            Self::Directory(directory) => {
                let (directory, key) = (Arc::clone(directory), *key);
                tokio::task::spawn_blocking(move || directory.get(&key)).await.ok().flatten()
            }
        }
    }

    /// Keeps a whole synthesis.
    pub(super) async fn put(&self, key: Key, audio: Bytes) {
        match self {
            Self::Memory(memory) => memory.put(key, audio),
            Self::Directory(directory) => {
                let directory = Arc::clone(directory);
                let written = tokio::task::spawn_blocking(move || directory.put(&key, &audio)).await;
                if let Ok(Err(error)) = written {
                    tracing::warn!(%error, "speech could not be kept in the cache");
                }
            }
        }
    }

    /// Bytes of audio in it, as far as it knows.
    pub(in crate::provider) fn bytes(&self) -> u64 {
        match self {
            Self::Memory(memory) => memory.bytes(),
            Self::Directory(directory) => directory.bytes(),
        }
    }
}
