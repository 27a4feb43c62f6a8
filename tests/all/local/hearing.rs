//! What recognition on this machine makes of odd speech, and of sounds that are none.

use super::*;

/// A part of the recording, over and over, with silence between.
fn repeated(from_ms: usize, to_ms: usize, silence_ms: usize, times: usize) -> Vec<u8> {
    let bytes = |ms: usize| ms * 32;
    [&recording()[bytes(from_ms)..bytes(to_ms)], &vec![0; bytes(silence_ms)]].concat().repeat(times)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models and a recording of speech, from PyPI"]
async fn a_word_that_is_said_over_and_over_is_heard_with_a_confidence() {
    let server = server(&[]);
    // 4.6 a second, and 3.3: a quarter of a minute of the former takes a debug build a minute.
    for (silence, times) in [(17, 15), (100, 12)] {
        let mut client = Client::ready(&server, config()).await;
        let text = heard(&mut client, &repeated(3_520, 3_720, silence, times), 1).await;
        let no = words(&text).iter().filter(|word| *word == "no").count();
        assert!(no >= times / 2 && no <= times * 2, "{times} times no, {silence} ms between: {no}, {text}");
        client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models, from PyPI"]
async fn digits_that_are_spoken_fast_are_heard() {
    let server = server(&[]);
    let mut config = config();
    config["tts_config"]["speaking_rate"] = json!(2.0);
    let mut client = Client::ready(&server, config).await;
    client.speak(&["one two three four five six seven eight nine zero"; 3].join(" ")).await;
    let audio = client.utterance().await.concat();
    let text = heard(&mut client, &audio, 1).await;
    assert!(text.chars().filter(char::is_ascii_digit).count() >= 15, "{text}");
}

/// Samples of the length that a function of the second gives, from -1 to 1.
fn sound(seconds: f64, sample: impl FnMut(f64) -> f64) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "samples of 16 bits")]
    let count = (seconds * 16_000.0) as u32;
    let times = (0..count).map(|n| f64::from(n) / 16_000.0).map(sample);
    #[expect(clippy::cast_possible_truncation, reason = "samples of 16 bits")]
    times.flat_map(|sample| ((sample * 16_000.0) as i16).to_le_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models and a recording of speech, from PyPI"]
async fn what_is_no_speech_brings_no_text() {
    let server = server(&[]);
    let tone = |hertz: f64, at: f64| (std::f64::consts::TAU * hertz * at).sin();
    let mut state = 1_u32;
    let mut hiss = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    let during = |at: f64, of: f64, on: f64| f64::from(at % of < on);
    let both = |one: f64, other: f64, at: f64| f64::midpoint(tone(one, at), tone(other, at));
    // Of a melody that goes up and down, twice a second.
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
        let text = heard(&mut client, &[sound, vec![0; 32_000], beginning.clone()].concat(), 1).await;
        assert_eq!(words(&text), ["ever", "tried"], "{name}");
        client.close().await;
    }
}
