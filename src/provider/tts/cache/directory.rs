//! The cache in a directory: `<path>/<2 hex>/<32 hex>`, and beside each file a `.meta` with its times and size.
//!
//! Each file appears by a rename, `.meta` first. An entry counts only if both files exist and the size is right, so it is always
//! either whole or absent, also after a crash. The sweep touches only folders of two hexadecimal digits, and nothing else in the
//! directory.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use super::Key;
use crate::disk;
use crate::provider::tts::output::MAX_AUDIO;

/// The time between two sweeps, unless the limit is reached before.
const SWEEP: Duration = Duration::from_secs(600);
/// The longest time that writing a file takes. An older temporary file was left by a crash.
const ABANDONED: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub(in crate::provider) struct Directory {
    path: PathBuf,
    limit: u64,
    ttl: Duration,
    bytes: AtomicU64,
    full: Notify,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    /// Seconds since 1970.
    expires_at: u64,
    created_at: u64,
    /// Bytes of audio.
    size: u64,
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn try_to_write(directory: &Path) -> io::Result<()> {
    let trial = directory.join(format!(".sayna-{}", Uuid::new_v4().simple()));
    File::create(&trial)?;
    fs::remove_file(&trial)
}

impl Directory {
    /// Creates the directory if necessary, and checks that it is writable.
    pub(super) fn open(path: PathBuf, limit: u64, ttl: Duration) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        try_to_write(&path)?;
        Ok(Self { path, limit, ttl, bytes: AtomicU64::new(0), full: Notify::new() })
    }

    /// Whether [`Self::open`] could do that: the directory, or the nearest above it that is there, can be written.
    pub(super) fn could_open(path: &Path) -> io::Result<()> {
        let there = path.ancestors().find(|path| path.symlink_metadata().is_ok());
        let there = there.unwrap_or(Path::new("."));
        if !there.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        try_to_write(there)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn file(&self, key: &Key) -> PathBuf {
        let name = key.name();
        let (folder, _) = name.split_at_checked(2).unwrap_or_default();
        self.path.join(folder).join(&name)
    }

    pub(super) fn get(&self, key: &Key) -> Option<Bytes> {
        let path = self.file(key);
        let meta = meta(&path)?;
        if meta.expires_at <= seconds(SystemTime::now()) {
            self.remove(&path);
            return None;
        }
        let file = File::open(&path).ok()?;
        if file.metadata().ok()?.len() != meta.size || meta.size > MAX_AUDIO as u64 {
            return None;
        }
        let mut audio = Vec::with_capacity(usize::try_from(meta.size).ok()?);
        (&file).take(meta.size).read_to_end(&mut audio).ok()?;
        // The sweep orders entries by this time. A file system that ignores it loses only that order.
        file.set_modified(SystemTime::now()).ok();
        (audio.len() as u64 == meta.size).then(|| audio.into())
    }

    pub(super) fn put(&self, key: &Key, audio: &[u8]) -> io::Result<()> {
        let size = audio.len() as u64;
        if size > self.limit {
            return Ok(());
        }
        let path = self.file(key);
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder)?;
        let now = SystemTime::now();
        let meta = Meta { expires_at: seconds(now + self.ttl), created_at: seconds(now), size };
        // An existing entry of another size is absent while its two files do not match.
        disk::replace(&path.with_extension("meta"), &serde_json::to_vec(&meta)?)?;
        disk::replace(&path, audio)?;
        disk::sync(folder);
        if self.bytes.fetch_add(size, Ordering::Relaxed) + size > self.limit {
            self.full.notify_one();
        }
        Ok(())
    }

    /// Removes an entry, audio first, so that a crash in between leaves no entry.
    fn remove(&self, path: &Path) {
        let size = fs::metadata(path).map_or(0, |metadata| metadata.len());
        // Another server with this directory may have removed it already.
        if fs::remove_file(path).is_ok() {
            let less = |bytes: u64| Some(bytes.saturating_sub(size));
            self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
        }
        fs::remove_file(path.with_extension("meta")).ok();
    }

    /// Sweeps at once, then every ten minutes and whenever the cache is full, until the cache is dropped.
    pub(super) async fn sweep_forever(directory: Weak<Self>) {
        while let Some(strong) = directory.upgrade() {
            let swept = tokio::task::spawn_blocking(move || strong.sweep(SystemTime::now())).await;
            if let Ok(Err(error)) = swept {
                tracing::warn!(%error, "failed to sweep the cache");
            }
            let Some(strong) = directory.upgrade() else { return };
            // Only the notification is awaited, so the sweep does not keep the directory alive.
            let full = tokio::time::timeout(SWEEP, strong.full.notified());
            full.await.ok();
        }
    }

    /// Removes expired and abandoned files, then the least recently used entries beyond the limit.
    fn sweep(&self, now: SystemTime) -> io::Result<()> {
        let mut entries = Vec::new();
        for folder in fs::read_dir(&self.path)?.flatten() {
            if is_hex(&folder.file_name().to_string_lossy(), 2) {
                // A folder that another server has removed is empty.
                fs::read_dir(folder.path()).into_iter().flatten().flatten().for_each(|file| {
                    entries.extend(self.examine(&file.path(), now));
                });
            }
        }
        let mut total: u64 = entries.iter().map(|(_, size, _)| size).sum();
        entries.sort_by_key(|(used, ..)| *used);
        for (_, size, path) in entries {
            if total <= self.limit {
                break;
            }
            self.remove(&path);
            total -= size;
        }
        self.bytes.store(total, Ordering::Relaxed);
        Ok(())
    }

    /// Returns the time of last use, the size and the path of an entry. Other files of the cache are removed.
    fn examine(&self, path: &Path, now: SystemTime) -> Option<(SystemTime, u64, PathBuf)> {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
        let used = metadata.modified().ok()?;
        let old = now.duration_since(used).is_ok_and(|age| age > ABANDONED);
        if is_hex(&name, 32) {
            let whole = meta(path).is_some_and(|meta| meta.size == metadata.len() && meta.expires_at > seconds(now));
            if whole {
                return Some((used, metadata.len(), path.to_owned()));
            }
            // A file without its `.meta` may be about to get one.
            if old || meta(path).is_some() {
                self.remove(path);
            }
        } else if old && (is_temporary(&name) || is_orphan(path, &name)) {
            fs::remove_file(path).ok();
        }
        None
    }
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_temporary(name: &str) -> bool {
    name.strip_suffix(".tmp").is_some_and(|id| is_hex(id, 32))
}

/// Returns whether this is a `.meta` without its audio.
fn is_orphan(path: &Path, name: &str) -> bool {
    name.strip_suffix(".meta").is_some_and(|id| is_hex(id, 32)) && !path.with_extension("").exists()
}

fn meta(path: &Path) -> Option<Meta> {
    serde_json::from_slice(&fs::read(path.with_extension("meta")).ok()?).ok()
}
