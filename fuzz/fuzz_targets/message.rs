//! `cargo fuzz run message`: no text frame of a client makes the parser panic, and a refusal is one printable line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sayna::voice::{Command, Turn};
use sayna::{config, provider::Transcript};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Command::read(text) {
        // The turn rules accept any text, so this one is used as a recognised text too.
        Ok(Command::Speak { text, .. }) => {
            let mut turn = Turn::new(config::Turn::default());
            let now = std::time::Instant::now();
            for (is_final, is_speech_final) in [(false, false), (true, false), (true, true)] {
                let heard = Transcript { transcript: text.clone(), is_final, is_speech_final, confidence: 1.0 };
                turn.on(heard, now);
            }
            assert!(!turn.is_open() && turn.deadline().is_none());
        }
        Ok(_) => {}
        Err(error) => assert!(!error.contains(char::is_control)),
    }
});
