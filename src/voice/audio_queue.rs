//! Audio on its way to a provider that has no room for it at the moment.
//!
//! A recording that comes faster than it sounds is held back: all of it is heard, later. A provider that takes less than one
//! second of audio in a second is another matter, as the client of a conversation would be heard later and later: audio leaves
//! this queue in real time at least, taken by the provider or dropped, the oldest first.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until};

use super::optional;
use crate::audio::Format;

/// As much audio is held; then no more is read from the client. A connection that is lost is mostly found again by then.
const CAPACITY: Duration = Duration::from_secs(5);
/// As far behind real time a provider may fall. Less than [`CAPACITY`], so that a client in real time is never held back: when the
/// queue is full of its audio, the provider is as far behind.
const MAX_LAG: Duration = Duration::from_secs(4);
/// The same where the queue was filled faster than in real time: such a client waits, and none of what it hears gets older by that.
const MAX_RECORDING_LAG: Duration = Duration::from_secs(120);
/// Bytes a second of compressed audio, of which it is not known: more than speech codecs need.
const COMPRESSED_BYTES_PER_SECOND: usize = 16_000;
/// A client's message may be long. A provider's queue is counted in pieces, and takes none that are longer.
const MAX_PIECE: usize = 16 * 1024;

/// What has become of the first piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// The provider has it.
    Accepted,
    /// The provider did not keep up with real time: so many bytes are dropped.
    Dropped(usize),
    /// The provider has ended the stream.
    Closed,
}

/// The queue.
#[derive(Debug)]
pub(super) struct AudioQueue {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    limit: usize,
    /// Bytes a second, where they are known.
    rate: Option<u64>,
    /// Bytes of a sample of all channels: what is dropped is whole ones.
    sample: usize,
    /// When something last began to wait, and how many bytes have left since.
    since: Instant,
    left: u64,
    /// What waits came faster than in real time.
    recording: bool,
}

impl AudioQueue {
    /// For audio of this format; none where it is compressed.
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

    /// Pieces that wait.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// No more is to be read.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.limit
    }

    /// Takes a piece, and gives it on where nothing waits before it. Gives the bytes that were dropped for it, of a source that
    /// does not wait.
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

    /// Forgets all of it: the provider has ended the stream.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.bytes = 0;
    }

    /// Waits until the first piece is taken, or is to be dropped.
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

    /// When a provider that takes nothing more is too far behind.
    fn late(&self) -> Instant {
        let heard = match self.rate {
            Some(rate) => Duration::from_millis(self.left.saturating_mul(1_000) / rate),
            // Each piece that is taken counts as in time.
            None => Duration::ZERO,
        };
        self.since + heard + if self.recording { MAX_RECORDING_LAG } else { MAX_LAG }
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

    /// Takes the first piece out, or as much of it.
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
    async fn a_recording_waits_for_a_provider_in_real_time() {
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
    async fn a_recording_waits_for_two_minutes_more_than_it_lasts() {
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
    async fn of_a_conversation_the_newest_is_kept_and_reading_goes_on() {
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
    async fn what_is_dropped_is_whole_samples_of_all_channels() {
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
    async fn long_messages_are_cut_and_all_of_them_is_heard() {
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
