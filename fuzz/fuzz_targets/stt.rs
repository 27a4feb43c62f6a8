//! No message of a recognition provider makes its dialect panic, or gives words that the protocol cannot represent. The first
//! byte selects the dialect, and a NUL separates messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sayna::provider::{Name, fuzzing};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let providers = [Name::Deepgram, Name::ElevenLabs, Name::Cartesia, Name::Azure];
    let provider = providers[usize::from(*first) % providers.len()];
    let messages: Vec<&[u8]> = rest.split(|byte| *byte == 0).collect();
    let heard = fuzzing::hear(provider, &messages);
    for words in heard.iter().flatten().flatten() {
        assert!((0.0..=1.0).contains(&words.confidence));
        assert!(words.is_final || !words.is_speech_final);
    }
    assert_eq!(fuzzing::hear(provider, &messages), heard);
});
