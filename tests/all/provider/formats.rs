//! What comes out is what was asked for, whatever the vendor makes.

use sayna::audio::Encoding;
use sayna::provider::ErrorKind;
use serde_json::json;
use vendors::Vendor;

use super::tts::{VENDORS, path};
use super::{heard, providers, tts_options, voice};

/// Half a second at 24 kHz.
const TEXT: &str = "ten letter";

#[tokio::test]
async fn tts_formats_have_every_rate_and_encoding() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).start().await;
        for (format, rate) in [
            ("linear16", 8_000),
            ("pcm", 16_000),
            ("linear16", 22_050),
            ("linear16", 32_000),
            ("linear16", 44_100),
            ("linear16", 48_000),
            ("mulaw", 8_000),
            ("ulaw", 16_000),
            ("alaw", 8_000),
            ("alaw", 24_000),
        ] {
            let voice = voice(vendor, &server, json!({"audio_format": format, "sample_rate": rate}));
            assert_eq!((voice.format().sample_rate, voice.format_name()), (rate, format));
            let audio = heard(voice.speak(TEXT, None)).await.unwrap();
            let samples = audio.len() / voice.format().frame_bytes().unwrap();
            assert_eq!(samples, rate as usize / 2, "{vendor:?} {format} {rate}");
        }
        assert_eq!(server.record().faults(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn tts_audio_in_a_native_format_is_unchanged() {
    for (vendor, format, rate, encoding) in [
        (Vendor::Deepgram, "mulaw", 8_000, "mulaw"),
        (Vendor::ElevenLabs, "ulaw", 8_000, "mulaw"),
        (Vendor::Cartesia, "alaw", 16_000, "alaw"),
        (Vendor::Azure, "linear16", 22_050, "linear16"),
        (Vendor::Google, "mulaw", 24_000, "mulaw"),
    ] {
        let server = vendors::server(vendor).start().await;
        let voice = voice(vendor, &server, json!({"audio_format": format, "sample_rate": rate}));
        assert_eq!(heard(voice.speak(TEXT, None)).await.unwrap(), vendors::speech(TEXT, encoding, rate), "{vendor:?}");
    }
}

#[tokio::test]
async fn tts_resampling_keeps_the_tone() {
    let server = vendors::server(Vendor::ElevenLabs).start().await;
    let audio =
        heard(voice(Vendor::ElevenLabs, &server, json!({"sample_rate": 8_000})).speak(TEXT, None)).await.unwrap();
    assert_eq!(server.record().requests[0].query("output_format"), Some("pcm_16000"));
    let samples = |bytes: &[u8]| -> Vec<i32> {
        bytes.as_chunks().0.iter().map(|sample| i32::from(i16::from_le_bytes(*sample))).collect()
    };
    // Every other sample of what the vendor made, but for the corners of the wave.
    let (got, made) = (samples(&audio), samples(&vendors::speech(TEXT, "linear16", 16_000)));
    let off =
        got.iter().zip(made.iter().step_by(2)).skip(40).take(3_900).filter(|(a, b)| (*a - *b).abs() > 400).count();
    assert!(off < 40, "{off} of 3900 samples differ");
}

#[tokio::test]
async fn tts_wav_header_has_the_length_once_it_is_known() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).start().await;
        let voice = voice(vendor, &server, json!({"audio_format": "wav", "sample_rate": 16_000}));
        let first = heard(voice.speak(TEXT, None)).await.unwrap();
        let again = heard(voice.speak(TEXT, None)).await.unwrap();
        assert_eq!((&first[..4], &first[36..40]), (b"RIFF".as_slice(), b"data".as_slice()), "{vendor:?}");
        assert_eq!(first.len(), 44 + 16_000);
        assert_eq!((&first[40..44], &again[40..44]), ([0xff; 4].as_slice(), 16_000_u32.to_le_bytes().as_slice()));
        assert_eq!(first[44..], again[44..]);
        assert_eq!(server.record().asked(path(vendor)).len(), 1);
    }
}

#[tokio::test]
async fn tts_compressed_formats_are_native() {
    for (vendor, format, rate, made) in [
        (Vendor::Deepgram, "mp3", 24_000, 22_050),
        (Vendor::Deepgram, "opus", 24_000, 48_000),
        (Vendor::Deepgram, "flac", 24_000, 32_000),
        (Vendor::Deepgram, "aac", 24_000, 22_050),
        (Vendor::ElevenLabs, "mp3_44100_128", 24_000, 44_100),
        (Vendor::ElevenLabs, "mp3", 22_050, 22_050),
        (Vendor::ElevenLabs, "opus", 24_000, 48_000),
        (Vendor::Cartesia, "mp3", 24_000, 24_000),
        (Vendor::Azure, "mp3", 22_050, 24_000),
        (Vendor::Azure, "ogg", 48_000, 48_000),
        (Vendor::Google, "mp3", 24_000, 24_000),
        (Vendor::Google, "opus", 48_000, 48_000),
    ] {
        let server = vendors::server(vendor).start().await;
        let voice = voice(vendor, &server, json!({"audio_format": format, "sample_rate": rate}));
        assert_eq!(voice.format().sample_rate, made, "{vendor:?} {format}");
        let name = voice.format().encoding.name();
        assert_eq!(
            heard(voice.speak(TEXT, None)).await.unwrap(),
            vendors::speech(TEXT, name, made),
            "{vendor:?} {format}"
        );
        assert_eq!(server.record().faults(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn tts_options_are_validated_before_any_request() {
    for (vendor, changes, expected) in [
        (
            Vendor::Cartesia,
            json!({"audio_format": "opus"}),
            "provider cartesia does not support audio_format 'opus': use linear16, mulaw, alaw, wav or mp3",
        ),
        (
            Vendor::Google,
            json!({"audio_format": "aac"}),
            "provider google does not support audio_format 'aac': use linear16, mulaw, alaw, wav, mp3 or opus",
        ),
        (
            Vendor::Deepgram,
            json!({"audio_format": "midi"}),
            "unknown audio_format 'midi': linear16, pcm, wav, mulaw, ulaw, alaw, mp3, opus, flac and aac are supported",
        ),
        (Vendor::Deepgram, json!({"sample_rate": 0}), "a sample rate of 0 Hz is outside of 4000 to 192000 Hz"),
        (Vendor::Deepgram, json!({"speaking_rate": 9}), "speaking_rate must be a number from 0.25 to 4"),
        (Vendor::Deepgram, json!({"request_timeout": 0}), "request_timeout must be a number of seconds from 1 to 600"),
        (Vendor::Cartesia, json!({"voice_id": null}), "voice_id is required for provider cartesia"),
    ] {
        let server = vendors::server(vendor).start().await;
        let error = providers(vendor, &server).voice(&tts_options(vendor, changes)).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (expected, ErrorKind::BadOptions));
    }
    assert_eq!(Encoding::parse("midi"), None);
}
