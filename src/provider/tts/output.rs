//! Audio from an engine to the client: decoding, conversion, the WAV header, and the limits on time and size.

use std::time::Duration;

use bytes::Bytes;
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::{Instant, timeout};

use super::TtsError;
use super::dialect::Decoder;
use crate::audio::{Converter, Encoding, Format, wav};
use crate::provider::Name;

/// Bytes of audio that are converted at a time.
const SLICE: usize = 64 * 1024;
/// The largest synthesis in bytes. A text of 5000 characters makes less, even at the highest rate and the slowest speed.
pub(super) const MAX_AUDIO: usize = 128 * 1024 * 1024;

/// The time that a provider has for one answer. Only the time that is spent waiting for the provider counts.
pub(super) struct Allowance {
    provider: Name,
    limit: Duration,
    left: Duration,
}

impl Allowance {
    pub(super) fn new(provider: Name, limit: Duration) -> Self {
        Self { provider, limit, left: limit }
    }

    /// Waits for a part of the answer for as long as time is left.
    pub(super) async fn spend<T>(&mut self, part: impl Future<Output = T>) -> Result<T, TtsError> {
        let Self { provider, limit, .. } = *self;
        let timed_out = |_| TtsError::Timeout { provider, what: "finish its answer", limit };
        let begun = Instant::now();
        let part = timeout(self.left, part).await.map_err(timed_out)?;
        self.left = self.left.saturating_sub(begun.elapsed());
        Ok(part)
    }
}

/// Converts the bytes of a provider into the format of the client. One per synthesis, also where that takes several requests.
pub(super) struct Output {
    provider: Name,
    decoder: Decoder,
    converter: Converter,
    header: Option<[u8; wav::HEADER]>,
    /// Bytes that went to the sink.
    written: usize,
}

impl Output {
    pub(super) fn new(from: Format, to: Format, provider: Name) -> Result<Self, TtsError> {
        let wav = to.encoding == Encoding::Wav;
        let encoding = if wav { Encoding::Linear16 } else { to.encoding };
        let converter = Converter::new(from, encoding, to.sample_rate);
        let converter = converter.map_err(|e| TtsError::Unreadable { provider, problem: e.to_string() })?;
        let header = if wav { wav::header(&to, None) } else { None };
        Ok(Self { provider, decoder: Decoder::Raw, converter, header, written: 0 })
    }

    /// Begins the next answer. Its audio continues that of the last one.
    pub(super) fn begin(&mut self, decoder: Decoder) {
        self.decoder = decoder;
    }

    /// Ends an answer.
    pub(super) async fn end(&mut self, sink: &mut impl FnMut(Bytes)) -> Result<(), TtsError> {
        let provider = self.provider;
        let decoder = std::mem::replace(&mut self.decoder, Decoder::Raw);
        // A whole answer in JSON is megabytes, so a blocking thread parses it.
        let mut last = match decoder {
            Decoder::Raw => Bytes::new(),
            json @ Decoder::Json { .. } => {
                spawn_blocking(move || json.finish(provider)).await.unwrap_or(Err(TtsError::Ended))?
            }
        };
        while !last.is_empty() {
            let audio = self.converter.push(last.split_to(last.len().min(SLICE)));
            self.write(audio, sink);
            yield_now().await;
        }
        Ok(())
    }

    /// Converts a piece of an answer.
    pub(super) fn push(&mut self, piece: Bytes, sink: &mut impl FnMut(Bytes)) {
        let audio = self.decoder.push(piece);
        let audio = self.converter.push(audio);
        self.write(audio, sink);
    }

    /// Ends the synthesis, and writes what the converter still holds. A synthesis without audio is an error.
    pub(super) async fn finish(mut self, sink: &mut impl FnMut(Bytes)) -> Result<(), TtsError> {
        self.end(sink).await?;
        let rest = self.converter.finish();
        self.write(rest, sink);
        if self.written == 0 {
            Err(TtsError::Unreadable { provider: self.provider, problem: "an answer without audio".to_owned() })
        } else {
            Ok(())
        }
    }

    fn write(&mut self, audio: Bytes, sink: &mut impl FnMut(Bytes)) {
        if audio.is_empty() {
            return;
        }
        self.written += audio.len();
        if let Some(header) = self.header.take() {
            sink(Bytes::copy_from_slice(&header));
        }
        sink(audio);
    }
}
