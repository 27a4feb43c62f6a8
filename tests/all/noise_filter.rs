//! The noise filter end to end: the audio that a provider receives from a client that asks for the filter.

use bytes::Bytes;
use sayna::audio::{Converter, Encoding, Format};
use serde_json::{Value, json};
use vendors::{Scene, Server as Provider, Vendor};

use crate::provider::stt::{VENDORS, connect_with, rest, send};
use crate::support::World;
use crate::support::client::{Client, config};

/// Returns linear samples as bytes.
fn bytes(samples: &[i16]) -> Bytes {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
}

fn converted(audio: &[u8], from: (Encoding, u32), to: (Encoding, u32)) -> Vec<u8> {
    let mut converter = Converter::new(Format::mono(from.0, from.1), to.0, to.1).unwrap();
    [converter.push(Bytes::copy_from_slice(audio)), converter.finish()].concat()
}

/// Returns noise, the same each time.
fn hiss(samples: usize, loudness: i32) -> Vec<i16> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i16::try_from((i32::try_from(state >> 16).unwrap() - 32_768) * loudness / 32_768).unwrap()
    };
    (0..samples).map(|_| next()).collect()
}

fn power(samples: impl Iterator<Item = f64>) -> f64 {
    samples.map(|sample| sample * sample).sum()
}

/// Returns a ratio of powers in decibels.
fn decibels(ratio: f64) -> f64 {
    10.0 * ratio.log10()
}

/// Returns how much quieter `after` is than `before`, in decibels.
fn quieter(before: &[i16], after: &[i16]) -> f64 {
    let of = |samples: &[i16]| power(samples.iter().map(|sample| f64::from(*sample)));
    decibels(of(before) / of(after))
}

/// Returns the signal-to-noise ratio in decibels.
fn snr(speech: &[i16], heard: &[i16]) -> f64 {
    let rest = speech.iter().zip(heard).map(|(speech, heard)| f64::from(*speech) - f64::from(*heard));
    decibels(power(speech.iter().map(|sample| f64::from(*sample))) / power(rest))
}

fn filtering(vendor: &str, changes: Value) -> Value {
    let mut config = config(vendor, "deepgram");
    let Value::Object(changes) = changes else { panic!("{changes}") };
    config["stt_config"]["noise_filter"] = json!(true);
    config["stt_config"].as_object_mut().unwrap().extend(changes);
    config
}

/// Returns the audio that Deepgram receives over `/ws`. The filter holds its last 40 ms until more audio follows.
async fn heard(audio: &[u8], format: Format, changes: Value) -> Vec<u8> {
    let deepgram = vendors::server(Vendor::Deepgram).stt([Scene::new()]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let mut client = Client::ready(&server, filtering("deepgram", changes)).await;
    let second = usize::try_from(format.bytes_per_second().unwrap()).unwrap();
    let mut sent = 0;
    for piece in audio.chunks(second / 50).chain(vec![0; second / 10].chunks(second / 50)) {
        client.audio(Bytes::copy_from_slice(piece)).await;
        sent += piece.len();
        // The server drops audio if more than this waits for the provider.
        deepgram.until(|record| record.connections[0].audio_bytes + second / 2 >= sent).await;
    }
    deepgram.until(|record| record.connections[0].audio_bytes >= audio.len()).await;
    let record = deepgram.record();
    assert_eq!(record.faults(), Vec::<String>::new());
    record.connections[0].audio[..audio.len()].to_vec()
}

#[tokio::test]
async fn noise_filter_lowers_hiss_in_every_encoding() {
    let rate = 16_000;
    let hiss = hiss(rate as usize * 3, 3_000);
    for encoding in [Encoding::Linear16, Encoding::Mulaw, Encoding::Alaw] {
        let linear = (Encoding::Linear16, rate);
        let sent = converted(&bytes(&hiss), linear, (encoding, rate));
        let format = Format::mono(encoding, rate);
        let changes = json!({"encoding": encoding.name(), "sample_rate": rate});
        let heard = samples(&converted(&heard(&sent, format, changes).await, (encoding, rate), linear));
        // The filter needs one second to adapt.
        let quieter = quieter(&hiss[rate as usize..], &heard[rate as usize..]);
        assert!(quieter > 12.0, "{encoding:?}: {quieter} dB");
    }
}

#[tokio::test]
#[ignore = "needs a recording of speech, from PyPI"]
async fn noise_filter_lowers_noise_and_keeps_speech() {
    let path = std::env::var("SAYNA_TEST_SPEECH").expect("SAYNA_TEST_SPEECH: `.ci/run` sets it by bench/speech.sh");
    let speech = samples(&std::fs::read(path).unwrap()[44..]);
    // In the band of a telephone the network has less to go by.
    for (encoding, rate, gain) in [(Encoding::Linear16, 16_000, 5.0), (Encoding::Mulaw, 8_000, 1.5)] {
        let (linear, other) = ((Encoding::Linear16, 16_000), (encoding, rate));
        let noisy: Vec<i16> = speech.iter().zip(hiss(speech.len(), 1_500)).map(|(a, b)| a.saturating_add(b)).collect();
        let (clean, sent) = (converted(&bytes(&speech), linear, other), converted(&bytes(&noisy), linear, other));
        let changes = json!({"encoding": encoding.name(), "sample_rate": rate});
        let heard = heard(&sent, Format::mono(encoding, rate), changes).await;
        let [clean, sent, heard] =
            [clean, sent, heard].map(|audio| samples(&converted(&audio, other, (Encoding::Linear16, rate))));
        let (before, after) = (snr(&clean, &sent), snr(&clean, &heard));
        assert!(after > before + gain, "{encoding:?}: {before} dB before, {after} dB after");
        // Pauses and words: the quietest and the loudest frames of 20 ms of the clean recording.
        let frame = rate as usize / 50;
        let loud = |at: &usize| power(clean[*at..at + frame].iter().map(|sample| f64::from(*sample)));
        let mut frames: Vec<usize> = (0..clean.len() - frame).step_by(frame).collect();
        frames.sort_by(|a, b| loud(a).total_cmp(&loud(b)));
        let of = |audio: &[i16], frames: &[usize]| -> Vec<i16> {
            frames.iter().flat_map(|at| audio[*at..at + frame].to_vec()).collect()
        };
        let (pauses, words) = (&frames[..frames.len() / 4], &frames[frames.len() * 3 / 4..]);
        let pauses = quieter(&of(&sent, pauses), &of(&heard, pauses));
        let words = quieter(&of(&clean, words), &of(&heard, words));
        assert!(pauses > 12.0 && words.abs() < 2.0, "{encoding:?}: pauses {pauses} dB, words {words} dB quieter");
    }
}

#[tokio::test]
async fn noise_filter_keeps_the_duration_for_every_provider() {
    // One second in each format, and the bytes that each provider receives.
    for (encoding, rate, channels, sent) in [
        ("mulaw", 8_000, 1, 8_000),
        ("alaw", 8_000, 1, 8_000),
        ("linear16", 16_000, 1, 32_000),
        ("linear16", 22_050, 1, 44_100),
        ("linear16", 48_000, 2, 192_000),
    ] {
        for vendor in VENDORS {
            let changes = json!({
                "encoding": encoding, "sample_rate": rate, "channels": channels, "noise_filter": true,
            });
            let server = vendors::server(vendor).stt([Scene::new()]).start().await;
            let stt = connect_with(vendor, &server, changes).await;
            send(&stt, Bytes::from(vec![0x55; sent]).chunks(640).map(Bytes::copy_from_slice)).await;
            rest(stt).await;
            server.until(|record| record.connections[0].ended).await;
            let record = server.record();
            assert_eq!(record.faults(), Vec::<String>::new(), "{vendor:?}");
            assert_eq!(record.connections[0].audio_bytes, taken(vendor, &server, rate, encoding), "{vendor:?} {rate}");
        }
    }
}

/// Returns the bytes of one second of one channel, as in `docs/use/providers.md`.
fn taken(vendor: Vendor, server: &Provider, rate: usize, encoding: &str) -> usize {
    let law = encoding != "linear16";
    match vendor {
        Vendor::Deepgram => {
            assert_eq!(server.record().connections[0].query("channels"), Some("1"));
            if law { rate } else { rate * 2 }
        }
        Vendor::ElevenLabs if encoding == "mulaw" => rate,
        Vendor::Azure => rate.min(16_000) * 2,
        _ => rate * 2,
    }
}

#[tokio::test]
async fn noise_filter_takes_thirty_seconds_in_one_message() {
    let server = vendors::server(Vendor::Deepgram).stt([Scene::new()]).start().await;
    let stt = connect_with(Vendor::Deepgram, &server, json!({"noise_filter": true})).await;
    send(&stt, [bytes(&hiss(480_000, 3_000))]).await;
    rest(stt).await;
    server.until(|record| record.connections[0].ended).await;
    let heard = server.record().connections[0].audio.clone();
    assert_eq!(heard.len(), 960_000);
    assert!(samples(&heard[32_000..]).iter().all(|sample| sample.abs() < 1_000));
}

#[tokio::test]
async fn noise_filter_is_off_by_default() {
    let deepgram = vendors::server(Vendor::Deepgram).stt([Scene::new()]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    for wish in [None, Some(false)] {
        let mut wanted = config("deepgram", "deepgram");
        if let Some(wish) = wish {
            wanted["stt_config"]["noise_filter"] = json!(wish);
        }
        let mut client = Client::ready(&server, wanted).await;
        let hiss = bytes(&hiss(16_000, 3_000));
        client.audio(hiss.clone()).await;
        deepgram.until(|record| record.connections.last().unwrap().audio == hiss).await;
    }
}

#[tokio::test]
async fn noise_filter_refuses_compressed_audio() {
    let vendors = [vendors::server(Vendor::Deepgram).start().await, vendors::server(Vendor::Cartesia).start().await];
    let server = World::new().serve_with(&[("deepgram", &vendors[0]), ("cartesia", &vendors[1])], &[]);
    let mut client = Client::connect(&server).await;
    for (vendor, encoding, reason) in [
        ("deepgram", "opus", "noise_filter takes linear16, mulaw and alaw, not 'opus'"),
        ("deepgram", "wav", "noise_filter takes linear16, mulaw and alaw, not 'wav'"),
        ("deepgram", "amr-nb", "noise_filter takes linear16, mulaw and alaw, not 'amr-nb'"),
        ("cartesia", "flac", "provider cartesia does not support encoding 'flac': use linear16, mulaw or alaw"),
    ] {
        client.send(filtering(vendor, json!({"encoding": encoding}))).await;
        client.expect_error(&format!("Failed to create voice manager: {reason}")).await;
    }
    // The connection stays open, and the next configuration is accepted.
    client.send(filtering("deepgram", json!({}))).await;
    client.expect("ready").await;
}
