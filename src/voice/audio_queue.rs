//! Audio that waits because the provider's channel is full.
//!
//! A recording that arrives faster than real time is held back: the provider receives all of it, later. A provider that is slower
//! than real time is different, because a live conversation would lag more and more. So audio leaves this queue at least in real
//! time: either the provider accepts it, or the oldest is dropped.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until};

use super::optional;
use crate::audio::Format;

/// The capacity of the queue. When it is full, the client is not read. Most lost connections are restored by then.
const CAPACITY: Duration = Duration::from_secs(5);
/// How far a provider may lag behind real time. It is less than [`CAPACITY`], so a client in real time is never held back: when
/// the queue is full of its audio, the provider lags by more than this.
const MAX_LAG: Duration = Duration::from_secs(4);
/// The same for a queue that was filled faster than real time. Such a client waits anyway, so lag does no harm.
const MAX_RECORDING_LAG: Duration = Duration::from_secs(120);
/// An estimate for compressed audio, whose rate is not known: more than speech codecs need.
const COMPRESSED_BYTES_PER_SECOND: usize = 16_000;
/// The largest piece that goes to a provider, in bytes. The provider's channel counts pieces, and a client's message may be long.
const MAX_PIECE: usize = 16 * 1024;

/// What became of the first piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// The provider's channel accepted it.
    Accepted,
    /// The provider is too slow: this many bytes were dropped.
    Dropped(usize),
    /// The provider has ended the stream.
    Closed,
}

/// The queue between a session and its provider. The conversation owns it, and empties it when the provider ends the stream.
#[derive(Debug)]
pub(super) struct AudioQueue {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    limit: usize,
    /// Bytes per second. `None` for compressed audio.
    rate: Option<u64>,
    /// Bytes of one sample of all channels. Only whole samples are dropped.
    sample: usize,
    /// When the queue was last empty, and how many bytes have left it since.
    since: Instant,
    left: u64,
    /// The queue was filled faster than real time.
    recording: bool,
}

impl AudioQueue {
    /// Creates a queue for audio of this format. `None` stands for compressed audio.
    pub(super) fn new(format: Option<Format>) -> Self {
        let rate = format.and_then(|format| format.bytes_per_second()).filter(|rate| *rate > 0);
        let sample = format.and_then(|format| format.frame_bytes()).unwrap_or(1).max(1);
        let per_second = rate.and_then(|rate| usize::try_from(rate).ok()).unwrap_or(COMPRESSED_BYTES_PER_SECOND);
        let limit = per_second.saturating_mul(usize::try_from(CAPACITY.as_secs()).unwrap_or(1));
        Self {
            pieces: VecDeque::new(),
            bytes: 0,
            limit,
            rate,
            sample,
            since: Instant::now(),
            left: 0,
            recording: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Returns the number of pieces that wait.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Returns whether the client must not be read.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }

    /// Adds a piece. If the queue is empty, the piece goes to the provider at once. A full queue drops its oldest audio, which
    /// only happens for a source that cannot be held back, such as a room.
    pub(super) fn push(&mut self, audio: Bytes, provider: &Sender<Bytes>) -> Forwarded {
        let mut audio = audio;
        if self.is_empty() && audio.len() <= MAX_PIECE {
            match provider.try_send(audio) {
                Ok(()) => return Forwarded::Accepted,
                Err(TrySendError::Closed(_)) => return Forwarded::Closed,
                Err(TrySendError::Full(back)) => audio = back,
            }
        }
        if self.is_empty() {
            (self.since, self.left, self.recording) = (Instant::now(), 0, false);
        }
        let mut dropped = 0;
        while self.is_full() {
            dropped += self.drop_oldest();
        }
        self.bytes += audio.len();
        self.pieces.push_back(audio);
        self.recording |= self.is_full() && Instant::now() < self.late();
        if dropped > 0 { Forwarded::Dropped(dropped) } else { Forwarded::Accepted }
    }

    /// Drops everything, because the provider has ended the stream.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.bytes = 0;
    }

    /// Waits until the provider accepts the first piece, or until the piece is too late and dropped. Cancel safe.
    pub(super) async fn forward(&mut self, provider: &Sender<Bytes>) -> Forwarded {
        let too_late = optional(self.is_full().then(|| sleep_until(self.late())));
        tokio::select! {
            biased;
            place = provider.reserve() => match (place, self.leave(MAX_PIECE)) {
                (Ok(place), Some(piece)) => {
                    place.send(piece);
                    Forwarded::Accepted
                }
                _ => Forwarded::Closed,
            },
            () = too_late => Forwarded::Dropped(self.drop_oldest()),
        }
    }

    /// Returns the time at which a provider that accepts nothing more lags too far behind.
    fn late(&self) -> Instant {
        let sent = match self.rate {
            Some(rate) => Duration::from_millis(self.left.saturating_mul(1_000) / rate),
            // Each piece that is taken counts as in time.
            None => Duration::ZERO,
        };
        self.since + sent + if self.recording { MAX_RECORDING_LAG } else { MAX_LAG }
    }

    /// Drops about a piece, in whole samples: what follows is to begin where the one before has ended.
    fn drop_oldest(&mut self) -> usize {
        let first = self.pieces.front().map_or(0, Bytes::len).min(MAX_PIECE);
        let most = self.bytes - self.bytes % self.sample;
        let all = first.next_multiple_of(self.sample).min(most);
        let mut rest = all;
        while rest > 0
            && let Some(piece) = self.leave(rest)
        {
            rest -= piece.len();
        }
        all
    }

    /// Removes the first piece, or at most `most` bytes of it.
    fn leave(&mut self, most: usize) -> Option<Bytes> {
        let first = self.pieces.front_mut()?;
        let piece = first.split_to(first.len().min(most));
        if first.is_empty() {
            self.pieces.pop_front();
        }
        self.bytes -= piece.len();
        self.left += piece.len() as u64;
        if self.rate.is_none() {
            self.since = Instant::now();
        }
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Encoding;
    use tokio::sync::mpsc;

    const FORMAT: Format = Format { encoding: Encoding::Linear16, sample_rate: 16_000, channels: 1 };

    fn second(number: u8) -> Vec<Bytes> {
        (0..50).map(|_| Bytes::from(vec![number; 640])).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn recording_reaches_a_real_time_provider_whole() {
        let (provider, mut taken) = mpsc::channel(1);
        let mut audio_queue = AudioQueue::new(Some(FORMAT));
        let mut recording: VecDeque<Bytes> = (0..60).flat_map(second).collect();
        let mut heard = Vec::new();
        while !recording.is_empty() || !audio_queue.is_empty() {
            while !audio_queue.is_full()
                && let Some(piece) = recording.pop_front()
            {
                assert_eq!(audio_queue.push(piece, &provider), Forwarded::Accepted);
            }
            tokio::select! {
                passed = audio_queue.forward(&provider), if !audio_queue.is_empty() => assert_eq!(passed, Forwarded::Accepted),
                () = tokio::time::sleep(Duration::from_millis(20)) => heard.push(taken.recv().await.unwrap()),
            }
        }
        while let Ok(piece) = taken.try_recv() {
            heard.push(piece);
        }
        assert_eq!(heard.concat(), (0..60).flat_map(second).collect::<Vec<_>>().concat());
    }

    #[tokio::test(start_paused = true)]
    async fn recording_is_dropped_two_minutes_behind_its_length() {
        let (provider, _taken) = mpsc::channel(1);
        let mut audio_queue = AudioQueue::new(Some(FORMAT));
        let mut recording = (0..5).flat_map(second).chain(second(5).into_iter().take(1));
        recording.by_ref().for_each(|piece| assert_eq!(audio_queue.push(piece, &provider), Forwarded::Accepted));
        assert!(audio_queue.is_full());
        let begun = Instant::now();
        assert!(matches!(audio_queue.forward(&provider).await, Forwarded::Dropped(_)));
        assert_eq!(begun.elapsed(), MAX_RECORDING_LAG);
    }

    #[tokio::test(start_paused = true)]
    async fn live_audio_keeps_the_newest_and_the_client_is_read() {
        let (provider, mut taken) = mpsc::channel(1);
        let mut audio_queue = AudioQueue::new(Some(FORMAT));
        let mut dropped = 0;
        for piece in (0..30).flat_map(second) {
            let until = Instant::now() + Duration::from_millis(20);
            audio_queue.push(piece, &provider);
            loop {
                tokio::select! {
                    passed = audio_queue.forward(&provider), if !audio_queue.is_empty() => {
                        let Forwarded::Dropped(bytes) = passed else { panic!("{passed:?}") };
                        dropped += bytes;
                    }
                    () = sleep_until(until) => break,
                }
            }
            assert!(!audio_queue.is_full(), "a client in real time is held back");
        }
        drop(provider);
        assert_eq!(dropped + audio_queue.bytes + 640, 30 * 32_000);
        assert_eq!(taken.recv().await.unwrap()[0], 0);
        assert_eq!(audio_queue.pieces.back().unwrap()[0], 29);
        assert!(audio_queue.pieces.front().unwrap()[0] >= 24);
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_audio_is_whole_samples_of_all_channels() {
        let (provider, _taken) = mpsc::channel(1);
        let mut audio_queue = AudioQueue::new(Some(Format { channels: 3, ..FORMAT }));
        let mut dropped = Vec::new();
        for piece in (0..1_500).map(|_| Bytes::from(vec![0; 641])) {
            if let Forwarded::Dropped(bytes) = audio_queue.push(piece, &provider) {
                dropped.push(bytes);
            }
        }
        assert!(!dropped.is_empty() && dropped.iter().all(|bytes| bytes % 6 == 0), "{dropped:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn long_audio_messages_are_split_and_none_is_lost() {
        let (provider, mut taken) = mpsc::channel(100);
        let mut audio_queue = AudioQueue::new(None);
        assert_eq!(audio_queue.push(Bytes::from(vec![7; 1 << 20]), &provider), Forwarded::Accepted);
        assert!(audio_queue.is_full());
        while !audio_queue.is_empty() {
            assert_eq!(audio_queue.forward(&provider).await, Forwarded::Accepted);
        }
        drop(provider);
        let mut bytes = 0;
        while let Some(piece) = taken.recv().await {
            assert!(piece.len() <= MAX_PIECE);
            bytes += piece.len();
        }
        assert_eq!(bytes, 1 << 20);
        let (closed, _) = mpsc::channel(1);
        assert_eq!(audio_queue.push(Bytes::from_static(b"a"), &closed), Forwarded::Closed);
    }
}
