//! The local recogniser on unusual speech, and on sounds that are not speech.

use sayna::audio::{Converter, Encoding, Format};
use sayna::config::Config;
use sayna::local::piper::{RATE, SynthesisOptions};
use sayna::local::whisper::Transcription;
use sayna::local::{Engines, Recognizer};

use super::*;

/// Returns the transcriptions of these samples, utterance by utterance as in a session, but without a time limit.
fn recognised(recognizer: &Recognizer, audio: &[u8]) -> Vec<Transcription> {
    let (mut stream, mut utterances) = (recognizer.stream(), Vec::new());
    stream.push(&[audio, &vec![0; 32_000]].concat(), &mut utterances).unwrap();
    utterances.iter().map(|utterance| recognizer.whisper.transcribe(&utterance.samples).unwrap()).collect()
}

fn engines() -> Engines {
    let mut config = Config::default();
    config.models.path = Some(folder());
    Engines::new(&config)
}

#[tokio::test]
#[ignore = "needs the models and a recording of speech, from PyPI"]
async fn local_recogniser_transcribes_a_repeated_word() {
    let recognizer = engines().recognizer().await.unwrap();
    // "No" 4.6 times a second, and 3.3 times.
    let bytes = |ms: usize| ms * 32;
    for (silence, times) in [(17, 15), (100, 12)] {
        let no = [&recording()[bytes(3_520)..bytes(3_720)], &vec![0; bytes(silence)]].concat();
        let heard = recognised(&recognizer, &no.repeat(times));
        let [Transcription { text, confidence }] = &heard[..] else { panic!("{heard:?}") };
        let count = words(text).iter().filter(|word| *word == "no").count();
        assert!(count >= times / 2 && count <= times * 2, "{times} times no, {silence} ms between: {text}");
        assert!(*confidence > 0.5, "{confidence}: {text}");
    }
}

#[tokio::test]
#[ignore = "needs the models, from PyPI"]
async fn local_recogniser_transcribes_fast_digits() {
    let engines = engines();
    let voice = engines.voice().await.unwrap();
    let mut converter = Converter::new(Format::mono(Encoding::Linear16, RATE), Encoding::Linear16, 16_000).unwrap();
    let mut audio = Vec::new();
    let digits = ["one two three four five six seven eight nine zero"; 6].join(" ");
    for sentence in voice.sentences(&digits).pieces {
        let samples = voice.synthesize(&sentence, SynthesisOptions { rate: 2.0, noise: false }).unwrap();
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        audio.extend_from_slice(&converter.push(bytes.into()));
    }
    let recognizer = engines.recognizer().await.unwrap();
    let text: String = recognised(&recognizer, &audio).into_iter().map(|heard| heard.text).collect();
    assert!(text.chars().filter(char::is_ascii_digit).count() >= 30, "{text}");
}

/// Returns samples of a function of the time in seconds, which returns -1 to 1.
fn sound(seconds: f64, sample: impl FnMut(f64) -> f64) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "samples of 16 bits")]
    let count = (seconds * 16_000.0) as u32;
    let times = (0..count).map(|n| f64::from(n) / 16_000.0).map(sample);
    #[expect(clippy::cast_possible_truncation, reason = "samples of 16 bits")]
    times.flat_map(|sample| ((sample * 16_000.0) as i16).to_le_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models and a recording of speech, from PyPI"]
async fn local_recogniser_returns_no_text_for_other_sounds() {
    let server = server(&[]);
    let tone = |hertz: f64, at: f64| (std::f64::consts::TAU * hertz * at).sin();
    let mut state = 1_u32;
    let mut hiss = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    let during = |at: f64, of: f64, on: f64| f64::from(at % of < on);
    let both = |one: f64, other: f64, at: f64| f64::midpoint(tone(one, at), tone(other, at));
    // The notes of a melody, two a second.
    let note = |at: f64| 220.0 * 2_f64.powf((tone(0.3, (at * 2.0).floor() / 2.0) * 12.0).round() / 12.0);
    let sounds = [
        ("ringback", sound(8.0, |at| both(440.0, 480.0, at) * during(at, 6.0, 2.0))),
        ("keys", sound(8.0, |at| both(770.0, 1_336.0, at) * during(at, 0.2, 0.1))),
        ("clicks", sound(8.0, |at| hiss() * (-(at % 0.2) * 800.0).exp())),
        ("breath", sound(8.0, |at| hiss() * 0.2 * (at * 1.2).sin().powi(2) * during(at, 2.6, 1.5))),
        (
            "music",
            sound(8.0, |at| {
                let loud = (-(at * 2.0 % 1.0) * 2.0).exp() / 3.0;
                let harmonics = (1..6).map(|n| tone(note(at) * f64::from(n), at) / f64::from(n));
                harmonics.sum::<f64>() * loud
            }),
        ),
    ];
    let beginning = recording()[..12 * 3_200].to_vec();
    for (name, sound) in sounds {
        let mut client = Client::ready(&server, config()).await;
        let text = recognised_text(&mut client, &[sound, vec![0; 32_000], beginning.clone()].concat(), 1).await;
        assert_eq!(words(&text), ["ever", "tried"], "{name}");
        client.close().await;
    }
}
