//! Transcription over a WebSocket: one loop that plays scenes, whatever the protocol.

use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use tokio::time::{sleep_until, timeout};

use crate::App;
use crate::record::{Connection, Heard};
use crate::script::{Handshake, Say, Scene, Step};
use crate::tts::{Asked, refuse};

/// A piece of audio that has come.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The number of the connection, from 0.
    pub connection: usize,
    /// When it came.
    pub at: Instant,
    /// Bytes of audio on that connection with this piece.
    pub total: usize,
    /// How the piece begins: a sender can write there when it was sent.
    pub head: [u8; 8],
}

/// The meaning of a frame from the client.
pub(crate) enum Input {
    Audio(Bytes),
    Other(Heard),
}

/// A vendor's words.
pub(crate) trait Protocol: Send + 'static {
    /// The message that says "ready", where there is one.
    fn ready(&mut self) -> Option<Message> {
        None
    }

    /// The frames that say it.
    fn say(&mut self, say: &Say) -> Vec<Message>;

    /// Returns the meaning of a text or binary frame, or why it is wrong.
    fn hear(&mut self, message: Message) -> Result<Input, String>;

    /// Returns the messages that follow the last transcription: at a flush, or at the `end`.
    fn done(&mut self, end: bool) -> Vec<Message>;

    /// So many bytes of audio are what the next final words are about.
    fn covers(&mut self, _bytes: usize) {}

    /// How long a client may be silent.
    fn patience(&self) -> Duration {
        Duration::from_secs(180)
    }
}

/// Answers the handshake. A wrong key gets 401, any other fault 400.
pub(crate) async fn transcribe(
    app: App,
    asked: Asked,
    right_key: bool,
    upgrade: Option<WebSocketUpgrade>,
    protocol: impl Protocol,
) -> Response {
    let mut faults = asked.faults.clone();
    if upgrade.is_none() {
        faults.push(format!("{} was asked for without a WebSocket handshake", asked.path));
    }
    let index = enter(&app, &asked, &faults);
    let scene = app.scenes.get(index).or(app.scenes.last()).cloned().unwrap_or_default();
    match (&scene.handshake, upgrade) {
        (Handshake::Refuse(status, headers, body), _) => refuse(*status, headers, body),
        (Handshake::Silent, _) => std::future::pending().await,
        _ if !right_key => refuse(401, &[], r#"{"error":"the key is wrong"}"#),
        (_, Some(upgrade)) if faults.is_empty() => {
            // Under a load of many connections, no more buffer than messages need.
            let upgrade = upgrade.read_buffer_size(8 * 1024).write_buffer_size(8 * 1024);
            upgrade.on_upgrade(move |socket| Player { app, index, protocol, socket, counted: 0, flushes: 0 }.run(scene))
        }
        _ => refuse(400, &[], &format!("{{\"error\":{:?}}}", faults.join("; "))),
    }
}

fn enter(app: &App, asked: &Asked, faults: &[String]) -> usize {
    let mut index = 0;
    app.record.send_modify(|record| {
        index = record.connections.len();
        record.connections.push(Connection {
            path: asked.path.clone(),
            query: asked.query.clone(),
            headers: asked.headers.clone(),
            at: Instant::now(),
            heard: Vec::new(),
            audio: BytesMut::new(),
            audio_bytes: 0,
            audio_frames: 0,
            ended: false,
            faults: faults.to_vec(),
        });
    });
    index
}

/// One connection, playing its scene.
struct Player<P> {
    app: App,
    index: usize,
    protocol: P,
    socket: WebSocket,
    /// Bytes of audio that no step has waited for yet.
    counted: usize,
    /// Flushes that no step has waited for yet.
    flushes: usize,
}

/// The connection is over.
struct Over;

impl<P: Protocol> Player<P> {
    async fn run(mut self, scene: Scene) {
        let mut stopped = self.app.stopped.clone();
        // Either side may end the connection.
        tokio::select! {
            _ = stopped.changed() => {}
            _ = self.play(scene) => {}
        }
        self.note(|connection| connection.ended = true);
    }

    async fn play(&mut self, scene: Scene) -> Result<(), Over> {
        if scene.handshake != Handshake::NeverReady
            && let Some(ready) = self.protocol.ready()
        {
            self.send(vec![ready]).await?;
        }
        loop {
            for step in &scene.steps {
                self.step(step).await?;
            }
            if !scene.repeat {
                break;
            }
        }
        loop {
            self.read().await?;
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), Over> {
        match step {
            Step::After(bytes) => {
                while self.counted < *bytes {
                    self.read().await?;
                }
                self.counted -= bytes;
                Ok(())
            }
            Step::Flushed => {
                while self.flushes == 0 {
                    self.read().await?;
                }
                (self.flushes, self.counted) = (self.flushes - 1, 0);
                Ok(())
            }
            Step::Delay(time) => {
                let end = tokio::time::Instant::now() + *time;
                loop {
                    tokio::select! {
                        () = sleep_until(end) => return Ok(()),
                        read = self.read() => read?,
                    }
                }
            }
            Step::Say(say) => {
                let frames = match say {
                    Say::Text(text) => vec![Message::text(text.as_str())],
                    Say::Binary(bytes) => vec![Message::Binary(bytes.clone())],
                    Say::Ping => vec![Message::Ping(Bytes::from_static(b"are you there"))],
                    Say::Transcript(_) | Say::Error(_) => {
                        let heard = self.app.record.borrow().connections[self.index].audio_bytes;
                        self.protocol.covers(heard - self.counted);
                        self.protocol.say(say)
                    }
                };
                self.send(frames).await
            }
            Step::Drop => Err(Over),
            Step::Close(code, reason) => self.close(*code, reason).await,
            Step::Hang => std::future::pending().await,
        }
    }

    /// Takes the next message.
    async fn read(&mut self) -> Result<(), Over> {
        let Ok(message) = timeout(self.protocol.patience(), self.socket.recv()).await else {
            return self.close(1011, "nothing came for too long").await;
        };
        match message {
            None | Some(Err(_)) => Err(Over),
            Some(Ok(Message::Ping(_))) => Ok(()),
            Some(Ok(Message::Pong(_))) => self.heard(Heard::Pong).await,
            Some(Ok(Message::Close(frame))) => {
                self.note(|connection| connection.heard.push(Heard::Close(frame.map(|frame| frame.code))));
                // The library answers when it is asked for more.
                while let Some(Ok(_)) = self.socket.recv().await {}
                Err(Over)
            }
            Some(Ok(message)) => match self.protocol.hear(message) {
                Ok(Input::Audio(audio)) => {
                    self.audio(&audio);
                    Ok(())
                }
                Ok(Input::Other(heard)) => self.heard(heard).await,
                Err(fault) => {
                    self.note(|connection| connection.faults.push(fault.clone()));
                    let frames = self.protocol.say(&Say::Error(fault));
                    self.send(frames).await?;
                    self.close(1008, "a frame was wrong").await
                }
            },
        }
    }

    async fn heard(&mut self, heard: Heard) -> Result<(), Over> {
        self.note(|connection| connection.heard.push(heard.clone()));
        match heard {
            Heard::Flush => {
                self.flushes += 1;
                self.protocol.covers(self.app.record.borrow().connections[self.index].audio_bytes);
                let frames = self.protocol.done(false);
                self.send(frames).await
            }
            Heard::Finish => {
                let frames = self.protocol.done(true);
                self.send(frames).await?;
                self.close(1000, "").await
            }
            Heard::Config(_) | Heard::KeepAlive | Heard::Pong | Heard::Close(_) => Ok(()),
        }
    }

    fn audio(&mut self, audio: &Bytes) {
        self.counted += audio.len();
        let keep = self.app.keep_audio;
        let mut total = 0;
        self.note(|connection| {
            connection.audio_bytes += audio.len();
            connection.audio_frames += 1;
            total = connection.audio_bytes;
            if keep {
                connection.audio.extend_from_slice(audio);
            }
        });
        if let Some(tap) = &self.app.tap {
            // A test that has stopped listening wants no more of it.
            let head = audio.first_chunk().copied().unwrap_or_default();
            tap.send(Arrival { connection: self.index, at: Instant::now(), total, head }).ok();
        }
    }

    async fn send(&mut self, frames: Vec<Message>) -> Result<(), Over> {
        for frame in frames {
            self.socket.send(frame).await.map_err(|_| Over)?;
        }
        Ok(())
    }

    /// Says goodbye and waits until the other side has done so too.
    async fn close(&mut self, code: u16, reason: &str) -> Result<(), Over> {
        let frame = CloseFrame { code, reason: reason.into() };
        self.socket.send(Message::Close(Some(frame))).await.map_err(|_| Over)?;
        while let Some(Ok(message)) = self.socket.recv().await {
            if let Message::Close(frame) = message {
                self.note(|connection| connection.heard.push(Heard::Close(frame.map(|frame| frame.code))));
            }
        }
        Err(Over)
    }

    fn note(&self, note: impl FnOnce(&mut Connection)) {
        self.app.record.send_modify(|record| note(&mut record.connections[self.index]));
    }
}
