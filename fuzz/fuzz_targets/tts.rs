//! No body of a synthesis provider makes its reader panic, and the cuts between its pieces change nothing. The first byte selects
//! the reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sayna::audio::{Encoding, Format};
use sayna::provider::{Name, fuzzing};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    match Name::all().nth(usize::from(*first)) {
        Some(provider) => {
            let ids = fuzzing::list(provider, body).unwrap_or_default();
            assert!(ids.iter().all(|id| !id.is_empty()));
        }
        None => {
            let encoding = if first % 2 == 0 { Encoding::Linear16 } else { Encoding::Mp3 };
            let format = Format::mono(encoding, 24_000);
            let step = usize::from(first / 2).max(1);
            let pieces: Vec<&[u8]> = body.chunks(step).collect();
            assert_eq!(fuzzing::body(format, &pieces), fuzzing::body(format, &[body]));
        }
    }
});
