//! What a session hears: its client's or room's audio on the way to the provider, and what comes of it.

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tracing::{debug, warn};

use super::{Session, now, timestamp};
use crate::error::SessionError;
use crate::provider::SttEvent;
use crate::voice::{Activity, Event, News};

impl Session {
    pub(super) fn audio(&mut self, audio: Bytes) -> Result<(), SessionError> {
        let dropping = self.dropping;
        self.shared.metrics.audio_in(audio.len());
        let conversation = self.conversation()?;
        if !conversation.ears.audio(&audio) {
            conversation.turn.hear(Activity::Unknown, now());
        }
        let sent = match &conversation.stt {
            Some(stt) => {
                let sent = stt.audio.try_send(audio);
                conversation.unheard.set(stt.audio.max_capacity() - stt.audio.capacity());
                sent
            }
            None => Err(TrySendError::Closed(audio)),
        };
        self.dropping = sent.is_err();
        let error = match sent {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(_)) => SessionError::AudioDropped,
            Err(TrySendError::Closed(_)) => SessionError::AudioUnheard,
        };
        self.shared.metrics.audio_dropped();
        // Said once, not fifty times a second.
        if dropping { Ok(()) } else { Err(error) }
    }

    pub(super) fn heard(&mut self, event: Option<SttEvent>) {
        // A deadline that passed before this result is older than it.
        self.tick();
        let Some(conversation) = &mut self.conversation else { return };
        match event {
            Some(SttEvent::Result(result)) => {
                if let Some(result) = conversation.turn.on(result, now()) {
                    if self.shared.config.log.transcripts {
                        debug!(transcript = %result.transcript, is_speech_final = result.is_speech_final, "heard");
                    }
                    self.tell(result.into());
                }
            }
            Some(SttEvent::Reconnecting(error)) => warn!(%error, "speech-to-text connection lost, trying again"),
            Some(SttEvent::Error(error)) => self.fail(&SessionError::Stt(error)),
            None => conversation.stt = None,
        }
    }

    pub(super) fn activity(&mut self, activity: Activity) {
        self.tick();
        if let Some(conversation) = &mut self.conversation {
            let news = conversation.turn.hear(activity, now());
            if let (Some(event), Some(silence)) = (news, conversation.ears.tells()) {
                let silence =
                    (event == News::SilenceDetected).then(|| silence.as_millis().try_into().unwrap_or(u64::MAX));
                self.tell(Event::VadEvent { event, timestamp_ms: timestamp(), silence_duration_ms: silence });
            }
        }
        self.tick();
    }

    pub(super) fn tick(&mut self) {
        let forced = self.conversation.as_mut().and_then(|conversation| conversation.turn.tick(now()));
        if let Some(forced) = forced {
            self.tell(forced.into());
        }
    }
}
