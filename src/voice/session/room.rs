//! The LiveKit room of a session: events from it, audio and messages to it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::{KEPT_FREE, Session, Stage, timestamp};
use crate::error::SessionError;
use crate::room::{Packet, Participant, RoomEvent, RoomWakeup, number};
use crate::voice::message::{Arrival, Event, LivekitSetup, RoomMessage, Subscription};
use crate::voice::{Close, Output, start};

/// The time between `participant_disconnected` and the end of the session, so that the client receives the event before the close
/// frame.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The payload of a message to the room, as clients of the room expect it.
#[derive(Serialize)]
struct OutgoingMessage<'a> {
    message: &'a str,
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    debug: Option<&'a Value>,
}

impl Session {
    /// Returns the `ready` event.
    pub(super) fn ready(&self, stream_id: String, livekit: Option<&LivekitSetup>) -> Event {
        let (identity, name) = livekit.map(start::participant).unzip();
        Event::Ready {
            stream_id,
            livekit_room_name: livekit.map(|livekit| livekit.room_name.clone()),
            livekit_url: self.shared.config.livekit.public_url.clone(),
            sayna_participant_identity: identity,
            sayna_participant_name: name,
        }
    }

    pub(super) fn send_message(
        &mut self,
        message: &str,
        role: &str,
        topic: Option<String>,
        debug: Option<&Value>,
    ) -> Result<(), SessionError> {
        let room = self.room.as_ref().ok_or(SessionError::NoRoom)?;
        let payload = serde_json::to_vec(&OutgoingMessage { message, role, debug }).unwrap_or_default();
        let packet = Packet { topic: topic.unwrap_or_else(|| "messages".to_owned()), payload };
        if room.send(packet) { Ok(()) } else { Err(SessionError::MessageQueueFull) }
    }

    /// Transfers the call in the room. That may take half a minute, so a task of the rooms does it. Only a failure is reported.
    pub(super) fn transfer(&mut self, transfer_to: &str) {
        let (Some(room), Some(rooms)) = (&self.room, &self.shared.rooms) else {
            return self.emit(transfer_error(&SessionError::NoRoom));
        };
        let Some(to) = number(transfer_to).map(|number| format!("tel:{number}")) else {
            return self.emit(transfer_error(&SessionError::PhoneNumber));
        };
        let (livekit, room) = (rooms.livekit.clone(), room.room().to_owned());
        // Weak, so that the transfer does not keep the socket open.
        let (output, metrics) = (self.channels.output.downgrade(), self.shared.metrics.clone());
        rooms.tasks.spawn(async move {
            let failed = match livekit.transfer_first(&room, &to).await {
                Ok(Some(_)) => return,
                Ok(None) => SessionError::NoCall,
                Err(error) => SessionError::Transfer(error),
            };
            // A client whose queue is full gets no error.
            if output.upgrade().is_some_and(|output| output.try_send(Output::Event(transfer_error(&failed))).is_ok()) {
                metrics.queued(1);
            }
        });
    }

    /// Marks the end of a text, behind its last audio.
    pub(super) fn end_utterance(&self) {
        if let Some(room) = &self.room {
            room.end_utterance(self.speaks_to_the_end());
        }
    }

    /// Sends a frame of audio to the room, or without a room to the client.
    pub(super) fn play(&mut self, frame: Bytes) {
        let kept = self.speaks_to_the_end();
        if let Some(room) = &self.room {
            self.pending = room.speak(frame, kept).err();
        } else if self.channels.output.capacity() > KEPT_FREE {
            self.send(Output::Audio(self.channels.epoch.tag(kept), frame));
        } else {
            self.pending = Some(frame);
        }
    }

    pub(super) fn start_loading(&self) -> Result<(), SessionError> {
        match (self.stage, &self.room) {
            (Stage::Unconfigured, _) => Err(SessionError::LoadingBeforeConfig),
            (Stage::WithoutAudio, _) => Err(SessionError::LoadingWithoutAudio),
            (Stage::Failed | Stage::Ready, None) => Err(SessionError::LoadingWithoutRoom),
            (Stage::Failed | Stage::Ready, Some(room)) if room.start_loading() => Ok(()),
            (Stage::Failed | Stage::Ready, Some(_)) => Err(SessionError::NoClip),
        }
    }

    pub(super) fn stop_loading(&self) {
        if let Some(room) = &self.room {
            room.stop_loading();
        }
    }

    pub(super) async fn room_event(&mut self, wakeup: RoomWakeup) {
        let Some(room) = self.room.as_ref().map(|room| room.room().to_owned()) else { return };
        let event = match wakeup {
            RoomWakeup::RoomForSpeech => {
                if let Some(frame) = self.pending.take() {
                    self.play(frame);
                }
                return;
            }
            RoomWakeup::Event(event) => event,
        };
        match event {
            Some(RoomEvent::Audio(audio)) => {
                if let Err(error) = self.audio(audio) {
                    self.fail(&error);
                }
            }
            Some(RoomEvent::Data { identity, topic, payload }) => {
                let text = String::from_utf8(payload.into());
                let (message, data) = text
                    .map_or_else(|other| (None, Some(STANDARD.encode(other.as_bytes()))), |text| (Some(text), None));
                let topic = topic.filter(|topic| !topic.is_empty()).unwrap_or_else(|| "default".to_owned());
                let message = RoomMessage { message, data, identity, topic, room, timestamp: timestamp() };
                self.emit(Event::Message { message });
            }
            Some(RoomEvent::Joined(participant)) => {
                self.emit(Event::ParticipantConnected { participant: arrival(participant, room) });
            }
            Some(RoomEvent::Left(participant)) => {
                self.emit(Event::ParticipantDisconnected { participant: arrival(participant, room) });
                tokio::time::sleep(LAST_WORDS).await;
                self.send(Output::Close(Close::Left));
                self.over = true;
            }
            Some(RoomEvent::Track { participant, sid }) => {
                let Arrival { identity, name, room, timestamp } = arrival(participant, room);
                let track = Subscription { identity, name, track_kind: "audio", track_sid: sid, room, timestamp };
                self.emit(Event::TrackSubscribed { track });
            }
            Some(RoomEvent::Lost(reason)) => self.lost(reason),
            None => self.lost("the connection has ended".to_owned()),
        }
    }

    /// Reports that the room is lost. The session continues over its socket.
    fn lost(&mut self, reason: String) {
        self.room = None;
        self.fail(&SessionError::RoomLost(reason));
    }
}

fn transfer_error(error: &SessionError) -> Event {
    Event::SipTransferError { message: error.to_string() }
}

fn arrival(participant: Participant, room: String) -> Arrival {
    let Participant { identity, name } = participant;
    Arrival { identity, name: Some(name).filter(|name| !name.is_empty()), room, timestamp: timestamp() }
}
