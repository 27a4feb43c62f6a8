//! The input side of a session: audio from the client or the room to the provider, and the results that come back.

use bytes::Bytes;
use tracing::{debug, warn};

use super::{Session, now, timestamp};
use crate::error::SessionError;
use crate::provider::SttEvent;
use crate::voice::audio_queue::Forwarded;
use crate::voice::start::Conversation;
use crate::voice::{Event, SpeakerActivity, VadEvent};

impl Session {
    pub(super) fn audio(&mut self, audio: Bytes) -> Result<(), SessionError> {
        self.shared.metrics.audio_in(audio.len());
        let conversation = self.conversation()?;
        if !conversation.detectors.audio(&audio) {
            conversation.turn.hear(SpeakerActivity::Unknown, now());
        }
        let passed = match &conversation.stt {
            Some(stt) => conversation.audio_queue.push(audio, &stt.audio),
            None => Forwarded::Closed,
        };
        self.passed(passed)
    }

    /// Counts and reports what became of audio on its way to the provider. The client gets one error per period of dropped audio.
    pub(super) fn passed(&mut self, passed: Forwarded) -> Result<(), SessionError> {
        let Some(Conversation { stt, audio_queue, depth, .. }) = &mut self.conversation else { return Ok(()) };
        if let Some(stt) = stt {
            depth.set(audio_queue.len() + stt.audio.max_capacity() - stt.audio.capacity());
        }
        let error = match (passed, stt) {
            (Forwarded::Accepted, _) => {
                // While audio waits, more of it may be dropped: that is still the same period.
                self.dropping &= !audio_queue.is_empty();
                return Ok(());
            }
            (Forwarded::Dropped(bytes), Some(stt)) => {
                stt.dropped(bytes);
                SessionError::AudioDropped
            }
            (Forwarded::Dropped(_), None) => SessionError::AudioDropped,
            (Forwarded::Closed, _) => {
                audio_queue.clear();
                SessionError::AudioUnheard
            }
        };
        self.shared.metrics.audio_dropped();
        // One error, not fifty a second.
        if std::mem::replace(&mut self.dropping, true) { Ok(()) } else { Err(error) }
    }

    pub(super) fn stt_event(&mut self, event: Option<SttEvent>) {
        // A deadline that has passed comes before this result.
        self.tick();
        let Some(conversation) = &mut self.conversation else { return };
        match event {
            Some(SttEvent::Result(result)) => {
                if let Some(result) = conversation.turn.on(result, now()) {
                    if self.shared.config.log.transcripts {
                        debug!(transcript = %result.transcript, is_speech_final = result.is_speech_final, "received a result");
                    }
                    self.emit(result.into());
                }
            }
            Some(SttEvent::Reconnecting(error)) => warn!(%error, "speech-to-text connection lost, retrying"),
            Some(SttEvent::Error(error)) => self.fail(&SessionError::Stt(error)),
            None => {
                conversation.stt = None;
                conversation.audio_queue.clear();
            }
        }
    }

    pub(super) fn activity(&mut self, activity: SpeakerActivity) {
        self.tick();
        if let Some(conversation) = &mut self.conversation {
            let vad_event = conversation.turn.hear(activity, now());
            if let (Some(event), Some(silence)) = (vad_event, conversation.detectors.reported_silence()) {
                let silence =
                    (event == VadEvent::SilenceDetected).then(|| silence.as_millis().try_into().unwrap_or(u64::MAX));
                self.emit(Event::VadEvent { event, timestamp_ms: timestamp(), silence_duration_ms: silence });
            }
        }
        self.tick();
    }

    pub(super) fn tick(&mut self) {
        let forced = self.conversation.as_mut().and_then(|conversation| conversation.turn.tick(now()));
        if let Some(forced) = forced {
            self.emit(forced.into());
        }
    }
}
