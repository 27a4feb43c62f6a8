//! What a server does: scenes of transcriptions, bodies of syntheses.

use std::time::Duration;

use bytes::Bytes;

/// What a transcriber says, whatever the vendor's words for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Say {
    /// A result.
    Transcript(Transcript),
    /// The vendor's own form of an error message; with a text that it may contain.
    Error(String),
    /// Exactly this text frame.
    Text(String),
    /// Exactly this binary frame.
    Binary(Bytes),
    /// A ping frame.
    Ping,
}

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The words.
    pub text: String,
    /// They will not change any more.
    pub is_final: bool,
    /// The speaker has ended.
    pub is_speech_final: bool,
    /// From 0 to 1, for vendors that tell it.
    pub confidence: f32,
}

impl Say {
    /// Words that may still change.
    pub fn interim(text: &str) -> Self {
        Self::transcript(text, false, false)
    }

    /// Words that will not change, in an utterance that goes on. Vendors without that notion say it as the end.
    pub fn last(text: &str) -> Self {
        Self::transcript(text, true, false)
    }

    /// The last words of an utterance.
    pub fn speech_final(text: &str) -> Self {
        Self::transcript(text, true, true)
    }

    fn transcript(text: &str, is_final: bool, is_speech_final: bool) -> Self {
        Self::Transcript(Transcript { text: text.to_owned(), is_final, is_speech_final, confidence: 0.9 })
    }
}

/// One step of a scene.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Waits until so many bytes of audio have come on this connection since the last such step.
    After(usize),
    /// Waits until the words of all that was sent are asked for.
    Flushed,
    /// Waits that long, while it goes on reading.
    Delay(Duration),
    /// Says something.
    Say(Say),
    /// Ends the TCP connection without a word.
    Drop,
    /// Ends the WebSocket with this code and reason.
    Close(u16, String),
    /// Reads no more, says no more, and keeps the connection.
    Hang,
}

/// How a connection is taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Handshake {
    /// As the protocol says.
    #[default]
    Accept,
    /// With an HTTP status, headers and a body.
    Refuse(u16, Vec<(&'static str, String)>, String),
    /// Never.
    Silent,
    /// As the protocol says, but without the message that says "ready", where the vendor has one.
    NeverReady,
}

/// What happens on one connection of a transcription.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// How it begins.
    pub handshake: Handshake,
    /// What happens then, step by step. After the last one it goes on as a vendor who hears nothing.
    pub steps: Vec<Step>,
    /// Begins again after the last step.
    pub repeat: bool,
}

/// An utterance for every half second of 16 kHz 16-bit audio: an interim, a final, a speech final.
impl Default for Scene {
    fn default() -> Self {
        Self::new()
            .after(8_000)
            .say(Say::interim("hello"))
            .after(4_000)
            .say(Say::last("hello there"))
            .after(4_000)
            .say(Say::speech_final("friend"))
            .repeat()
    }
}

impl Scene {
    /// One where nothing is said.
    pub fn new() -> Self {
        Self { handshake: Handshake::Accept, steps: Vec::new(), repeat: false }
    }

    /// One that does not come to be.
    pub fn refuse(status: u16, body: &str) -> Self {
        Self { handshake: Handshake::Refuse(status, Vec::new(), body.to_owned()), ..Self::new() }
    }

    /// Begins otherwise.
    #[must_use]
    pub fn handshake(mut self, handshake: Handshake) -> Self {
        self.handshake = handshake;
        self
    }

    /// Then waits for so many bytes of audio.
    #[must_use]
    pub fn after(self, bytes: usize) -> Self {
        self.step(Step::After(bytes))
    }

    /// Then waits until the words of all that was sent are asked for.
    #[must_use]
    pub fn flushed(self) -> Self {
        self.step(Step::Flushed)
    }

    /// Then lets time pass.
    #[must_use]
    pub fn delay(self, time: Duration) -> Self {
        self.step(Step::Delay(time))
    }

    /// Then says something.
    #[must_use]
    pub fn say(self, say: Say) -> Self {
        self.step(Step::Say(say))
    }

    /// Then drops the connection.
    #[must_use]
    pub fn drop_connection(self) -> Self {
        self.step(Step::Drop)
    }

    /// Then closes it.
    #[must_use]
    pub fn close(self, code: u16, reason: &str) -> Self {
        self.step(Step::Close(code, reason.to_owned()))
    }

    /// Then reads no more.
    #[must_use]
    pub fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    /// Then begins again.
    #[must_use]
    pub fn repeat(mut self) -> Self {
        self.repeat = true;
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// What a synthesis is answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Audio in the format that was asked for, as long as the text: see [`crate::speech`].
    Speech,
    /// The same, in pieces of so many bytes with a pause before each.
    Slow(usize, Duration),
    /// The same, but after so many bytes the connection is dropped.
    Cut(usize),
    /// The same, but after so many bytes nothing more comes.
    Stall(usize),
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Nothing at all, ever.
    Silent,
    /// 200 with exactly these bytes.
    Bytes(Bytes),
}

impl Body {
    /// A status with a body and no further headers.
    pub fn status(status: u16, body: &str) -> Self {
        Self::Status(status, Vec::new(), body.to_owned())
    }
}
