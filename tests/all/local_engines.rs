//! The local engines end to end: real models and real speech, without a key and without a network.

mod odd_sounds;
mod word_errors;

use std::io::{Read as _, Write as _};

use serde_json::{Value, json};

use self::word_errors::{rate, word_error_rate, word_errors, words};
use crate::models::{bare, folder};
use crate::support::client::{Client, Frame};
use crate::support::{Answer, Server, World};

/// The text of the recording.
const BECKETT: &str = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.";

/// Sentences that are synthesised and then recognised: stories and questions, numbers and names. Numbers are written as Whisper
/// writes them.
const SENTENCES: [&str; 8] = [
    "The quick brown fox jumps over the lazy dog, and nobody in the whole village seems to mind.",
    "On the 21st of May we paid $35 for four tickets to the concert.",
    "Please remember to close the window before you leave the house tonight.",
    "Could you tell me how to get to the nearest train station from here?",
    "Dr. Smith called this morning, and she would like to see you on Thursday at 10:30.",
    "I'm sorry, but your appointment has been postponed; would you like to choose another day?",
    "The temperature will fall to minus 5 degrees, with heavy snow in the mountains of Canada.",
    "What a wonderful surprise! Elizabeth and Michael have arrived from London.",
];

fn config() -> Value {
    json!({
        "type": "config",
        "stt_config": {
            "provider": "local", "language": "en-US", "sample_rate": 16000, "channels": 1, "punctuation": true,
            "encoding": "linear16", "model": "",
        },
        "tts_config": {"provider": "local", "model": "", "audio_format": "linear16", "sample_rate": 16000},
    })
}

fn server(variables: &[(&str, &str)]) -> Server {
    let models = folder();
    World::new().serve(&[&[("SAYNA_MODELS_PATH", models.to_str().unwrap())], variables].concat())
}

fn recording() -> Vec<u8> {
    let path = std::env::var("SAYNA_TEST_SPEECH").expect("SAYNA_TEST_SPEECH: `.ci/run` sets it by bench/speech.sh");
    std::fs::read(path).unwrap().split_off(44)
}

/// Sends audio and a second and a half of silence. Returns the final results up to an end of speech with at least so many words.
async fn recognised_text(client: &mut Client, audio: &[u8], words_at_least: usize) -> String {
    let mut text = Vec::new();
    // As fast as possible, in fewer pieces than the queue holds.
    for piece in audio.chunks(9_600).chain([[0; 9_600].as_slice(); 5]) {
        client.audio(piece.to_vec()).await;
    }
    let mut last = Value::Null;
    loop {
        match client.next().await {
            // Interim results may change.
            Frame::Event(event) if event["type"] == "stt_result" && event["is_final"] == false => {}
            Frame::Event(event) if event["type"] == "stt_result" => {
                text.extend(event["transcript"].as_str().map(str::to_owned));
                last = event;
            }
            other => panic!("expected words, not {other:?}"),
        }
        if last["is_speech_final"] == true && words(&text.join(" ")).len() >= words_at_least {
            return text.join(" ");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn local_engines_without_models_report_the_command_that_fetches_them() {
    let world = World::new();
    let variables = bare(&world);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = world.serve(&variables);
    let mut client = Client::connect(&server).await;
    client.send(config()).await;
    let error = client.expect("error").await["message"].to_string();
    assert!(
        error.contains("Failed to start voice manager: local: the model file silero_vad.onnx is missing"),
        "{error}"
    );
    assert!(error.contains("`sayna init` fetches it"), "{error}");
    let answer = server.post("/speak", &json!({"text": "hello", "tts_config": config()["tts_config"]}));
    assert_eq!(answer.status(), 500);
    assert!(answer.json()["error"].to_string().contains("`sayna init` fetches it"));
    assert_eq!(server.ask("GET", "/voices").1, "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_engines_refuse_what_they_cannot_do() {
    let server = World::new().serve(&[]);
    for (part, field, value, expected) in [
        (
            "stt_config",
            "language",
            json!("de-DE"),
            "provider local does not support language 'de-DE': its model supports only English (en)",
        ),
        (
            "stt_config",
            "model",
            json!("large"),
            "provider local does not support model 'large': its only model is whisper-tiny.en",
        ),
        (
            "stt_config",
            "encoding",
            json!("opus"),
            "provider local does not support encoding 'opus': use linear16, mulaw or alaw",
        ),
        (
            "tts_config",
            "voice_id",
            json!("amy"),
            "provider local does not support voice_id 'amy': its only voice is en_US-joe-medium",
        ),
        (
            "tts_config",
            "audio_format",
            json!("mp3"),
            "provider local does not support audio_format 'mp3': use linear16, wav, mulaw or alaw",
        ),
    ] {
        let mut config = config();
        config[part][field] = value;
        let mut client = Client::connect(&server).await;
        client.send(config).await;
        client.expect_error(&format!("Failed to create voice manager: {expected}")).await;
    }
    let mut config = config();
    config["stt_config"]["auth"] = json!({"api_key": "k"});
    let mut client = Client::connect(&server).await;
    client.send(config).await;
    let expected = "Invalid auth input for provider local: Unsupported auth field(s) for provider local: api_key";
    client.expect_error(expected).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models and a recording of speech, from PyPI"]
#[allow(clippy::print_stdout, reason = "with --nocapture it shows the word errors")]
async fn local_recogniser_transcribes_a_recording_and_the_local_voice() {
    let server = server(&[]);
    let mut client = Client::ready(&server, config()).await;
    let mut all = vec![(BECKETT, recognised_text(&mut client, &recording(), words(BECKETT).len()).await)];
    for said in SENTENCES {
        // A session each, so that a word that one result lacks is not in the next.
        let mut client = Client::ready(&server, config()).await;
        client.speak(said).await;
        let audio = client.utterance().await.concat();
        all.push((said, recognised_text(&mut client, &audio, words(said).len() * 3 / 4).await));
        client.close().await;
    }
    let errors: usize = all.iter().map(|(said, heard)| word_errors(said, heard)).sum();
    let count: usize = all.iter().map(|(said, _)| words(said).len()).sum();
    let wrong: Vec<_> = all.iter().filter(|(said, heard)| word_errors(said, heard) > 0).collect();
    println!("{errors} of {count} words: {wrong:#?}");
    assert!(rate(errors, count) <= 0.1, "{errors} of {count} words: {wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models and a recording of speech, from PyPI"]
async fn local_recogniser_sends_interim_results() {
    let server = server(&[]);
    let mut client = Client::ready(&server, config()).await;
    // The first two words again and again in real time, without a pause that would end the utterance.
    let sentence = &recording()[9_600..35_200];
    let heard = loop {
        client.audio(sentence.to_vec()).await;
        let sounds = std::time::Duration::from_millis(800);
        // A slow machine drops some of it, and sends an error.
        if let Ok(Frame::Event(event)) = tokio::time::timeout(sounds, client.next()).await
            && event["type"] == "stt_result"
        {
            break event;
        }
    };
    assert_eq!((&heard["is_final"], &heard["is_speech_final"]), (&json!(false), &json!(false)), "{heard}");
    assert!(!words(heard["transcript"].as_str().unwrap()).is_empty(), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models and a recording of speech, from PyPI"]
async fn local_recogniser_ends_utterances_when_audio_stops() {
    let server = server(&[]);
    let mut client = Client::ready(&server, config()).await;
    // "Ever tried", up to its last sound, as from a client that sends only while a button is pressed.
    let sentence = &recording()[9_600..35_200];
    for _ in 0..2 {
        client.audio(sentence.to_vec()).await;
        let ended = loop {
            let heard = client.expect("stt_result").await;
            if heard["is_final"] == true {
                break heard;
            }
        };
        assert_eq!(ended["is_speech_final"], true, "{ended}");
        // One sentence each, not joined to the next.
        assert!((1..=3).contains(&words(ended["transcript"].as_str().unwrap()).len()), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models and a recording of speech, from PyPI"]
async fn local_recogniser_transcribes_audio_faster_than_real_time_to_its_end() {
    let server = server(&[]);
    let mut client = Client::ready(&server, config()).await;
    let times = 2;
    let said = vec![BECKETT; times].join(" ");
    let audio = recording().repeat(times);
    for piece in audio.chunks(640).chain([[0; 640].as_slice(); 75]) {
        client.audio(piece.to_vec()).await;
    }
    let mut text = String::new();
    // The last word, as often as it was sent.
    while words(&text).iter().filter(|word| *word == "better").count() < times {
        let heard = client.expect("stt_result").await;
        if heard["is_final"] == true {
            text = format!("{text} {}", heard["transcript"].as_str().unwrap());
        }
    }
    assert!(word_error_rate(&said, &text) <= 0.2, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the models, from PyPI"]
async fn local_engines_give_no_slot_to_silent_clients_and_queue_texts() {
    let server = server(&[("SAYNA_LOCAL_MAX_SESSIONS", "1")]);
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(Client::ready(&server, config()).await);
    }
    let mut client = Client::ready(&server, config()).await;
    let heard = recognised_text(&mut client, &recording(), 11).await;
    assert!(word_errors(BECKETT, &heard) <= 2, "{heard}");
    std::thread::scope(|threads| {
        for text in ["One and one.", "Two and two.", "Three and three.", "Four and four."] {
            let server = &server;
            threads.spawn(move || assert_eq!(speak(server, text).status(), 200));
        }
    });
}

#[test]
#[ignore = "needs the models, from PyPI"]
fn local_voice_without_a_free_slot_answers_503_with_retry_after() {
    let server = server(&[("SAYNA_LOCAL_MAX_SESSIONS", "1"), ("SAYNA_LOCAL_WAIT_SECONDS", "0")]);
    let long = "This is a sentence of a long text. ".repeat(100);
    let body =
        json!({"text": long, "tts_config": {"provider": "local", "model": "", "audio_format": "wav"}}).to_string();
    let mut first = server.connect();
    let head = "POST /speak HTTP/1.1\r\nHost: test\r\nContent-Type: application/json";
    write!(first, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    first.read_exact(&mut [0; 12]).unwrap();
    let refused = speak(&server, "Another.");
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")));
    let expected = "Failed to synthesize speech: local: no free slot within 0 s (1 in use); retry later, or raise \
                    local.max_sessions or local.wait_seconds";
    assert_eq!(refused.json(), json!({"error": expected}));
    // A slot is free again when its client disconnects.
    drop(first);
    while speak(&server, "Another.").status() != 200 {}
}

fn speak(server: &Server, text: &str) -> Answer {
    server
        .post("/speak", &json!({"text": text, "tts_config": {"provider": "local", "model": "", "audio_format": "wav"}}))
}

#[test]
#[ignore = "needs the models, from PyPI"]
fn local_voice_is_listed_and_speaks_in_every_format() {
    let server = server(&[]);
    let voices: Value = serde_json::from_str(&server.ask("GET", "/voices").1).unwrap();
    assert_eq!(voices["local"][0]["id"], "en_US-joe-medium");
    for (format, rate, bytes) in [("wav", 22_050, 2), ("linear16", 8_000, 2), ("mulaw", 8_000, 1)] {
        let tts = json!({"provider": "local", "model": "", "audio_format": format, "sample_rate": rate});
        let answer = server.post("/speak", &json!({"text": "Hello there.", "tts_config": tts}));
        assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(&answer.body));
        // Between half a second and three seconds.
        assert!((rate * bytes / 2..rate * bytes * 3).contains(&answer.body.len()), "{format}: {}", answer.body.len());
    }
}

/// A pause and the script's name replace words in another script, and the log names it.
#[test]
#[ignore = "needs the models, from PyPI"]
fn local_voice_names_scripts_that_it_cannot_read() {
    let world = World::new();
    let mut command = world.command(&[]);
    command.envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("SAYNA_MODELS_PATH", folder().to_str().unwrap())]);
    let server = Server::start_logging(command, std::fs::File::create(world.path("log")).unwrap());
    let tts = json!({"provider": "local", "model": "", "audio_format": "wav"});
    let size = |text: &str| {
        let answer = server.post("/speak", &json!({"text": text, "tts_config": tts}));
        assert_eq!(answer.status(), 200, "{text}");
        answer.body.len()
    };
    assert!(size("привет") > 22_050 && size("hello привет there") > size("hello there"));
    let log = std::fs::read_to_string(world.path("log")).unwrap();
    assert!(log.contains("left out words: the local voice speaks only English scripts=[\"cyrillic\"]"), "{log}");
    assert_eq!(size("🎉"), 44);
}

/// One sentence of 300 characters, with and without commas. The memory is that of one piece.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the models, from PyPI"]
#[allow(clippy::print_stdout, reason = "with --nocapture it shows the figure")]
fn local_voice_needs_no_more_memory_for_an_endless_sentence() {
    let tts = json!({"provider": "local", "model": "", "audio_format": "mulaw", "sample_rate": 8_000, "request_timeout": 600});
    let clause = "and then they went on to the next house to ask for a glass of water";
    for text in [format!("{clause} ").repeat(5), format!("{clause}, ").repeat(5), "9".repeat(60)] {
        let server = server(&[]);
        let answer = server.post("/speak", &json!({"text": text, "tts_config": tts}));
        assert!(answer.status() == 200 && answer.whole, "{text}");
        let most = server.peak_kb() / 1_024;
        println!("{most} MB at the most");
        assert!(most < 450, "{most} MB: {text}");
    }
}

/// Returns the lines of the README's session without an account.
fn session() -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let block = readme.split("```sh\n").find(|block| block.contains("examples/answer.py")).unwrap();
    let lines = block.split("```").next().unwrap().lines();
    lines.map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sayna-client, the models and a recording of speech, from PyPI"]
async fn local_engines_answer_a_recording_as_in_the_readme() {
    let lines = session();
    let [init, serve, install, answer] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(install, "pip install sayna-client");
    let world = World::new();
    let variables = bare(&world);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let arguments = init.strip_prefix("cargo run --release --features local -- ").unwrap();
    let from = folder();
    let ended = world.run_with(&[arguments, "--from", from.to_str().unwrap()], &variables);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert_eq!(serve, "cargo run --release --features local &");
    let server = world.serve(&variables);
    std::fs::copy(std::env::var("SAYNA_TEST_SPEECH").unwrap(), world.path("question.wav")).unwrap();
    let arguments = answer.strip_prefix("python3 ").unwrap().split(' ');
    let mut python = std::process::Command::new(crate::sdk::installed("python"));
    for argument in arguments {
        let example = argument.starts_with("examples/");
        python.arg(if example { format!("{}/{argument}", env!("CARGO_MANIFEST_DIR")) } else { argument.to_owned() });
    }
    // The example waits long enough for a slow machine.
    python.arg(server.url()).current_dir(world.path("")).env("QUIET", "15");
    let output = crate::sdk::run(python).await;
    let (said, failed) = (crate::sdk::text(&output.stdout), crate::sdk::text(&output.stderr));
    assert!(output.status.success(), "{failed}");
    let text: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("heard ")).collect();
    assert!(word_error_rate(BECKETT, &text.join(" ")) <= 0.1, "{said}");
    // The answer repeats the text: at least three seconds of samples behind a header.
    let answer = std::fs::read(world.path("answer.wav")).unwrap();
    assert!(answer.starts_with(b"RIFF") && answer.len() > 24_000 * 2 * 3, "{said}");
}
