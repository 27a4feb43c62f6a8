//! The cache, and requests that many share.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sayna::config::Config;
use sayna::outbound::Outbound;
use sayna::provider::{Providers, Source, StartError, TtsError, Voice};
use serde_json::{Value, json};
use tempfile::TempDir;
use vendors::{Body, Server, Vendor};

use super::{config, heard, providers, tts_options, voice};

const DEEPGRAM: Vendor = Vendor::Deepgram;

fn open(config: &Config) -> Providers {
    Providers::new(config, Outbound::new(None::<&Path>).unwrap()).unwrap()
}

fn in_directory(server: &Server, path: &Path) -> Config {
    let mut config = config(DEEPGRAM, server);
    config.cache.path = Some(path.to_owned());
    config
}

fn speaker(providers: &Providers, changes: Value) -> Voice {
    providers.voice(&tts_options(DEEPGRAM, changes)).unwrap()
}

/// Every file of a cache, once all that is being written is written.
async fn files(folder: &TempDir, wanted: usize) -> Vec<PathBuf> {
    // A disk that others use may take its time.
    for _ in 0..6_000 {
        let folders =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        let files = folders.flat_map(|path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        let mut files: Vec<PathBuf> = files.collect();
        if files.len() == wanted && files.iter().all(|path| path.extension().is_none_or(|e| e == "meta")) {
            files.sort();
            return files;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there never were {wanted} files");
}

#[tokio::test]
async fn cache_serves_the_second_request_for_a_text() {
    let server = vendors::server(DEEPGRAM).start().await;
    let providers = providers(DEEPGRAM, &server);
    let first = heard(speaker(&providers, json!({})).speak("Hello", None)).await.unwrap();
    let mut again = speaker(&providers, json!({})).speak(" Hello ", Some("whatever came before"));
    let started = again.start().await.unwrap();
    assert_eq!((started.source, started.cached_len), (Source::Cache, Some(first.len() as u64)));
    // All of it at once.
    assert_eq!(again.next().await.unwrap().unwrap(), first);
    assert!(again.next().await.is_none());
    assert_eq!(server.record().requests.len(), 1);
    let snapshot = providers.snapshot();
    assert_eq!((snapshot.cache_hits, snapshot.cache_misses, snapshot.cache_bytes), (1, 1, first.len() as u64));
}

#[tokio::test]
async fn cache_key_covers_everything_that_changes_the_audio() {
    let server = vendors::server(DEEPGRAM).start().await;
    let providers = providers(DEEPGRAM, &server);
    let word = |pronunciation: &str| json!({"pronunciations": [{"word": "Hello", "pronunciation": pronunciation}]});
    let changes = [
        json!({}),
        json!({"model": "aura-2-thalia-en"}),
        json!({"voice_id": "aura-luna-en"}),
        json!({"sample_rate": 16_000}),
        json!({"audio_format": "mulaw", "sample_rate": 8_000}),
        json!({"speaking_rate": 1.25}),
        word("Hullo"),
        word("Hallo"),
        json!({"auth": {"api_key": vendors::KEY}, "model": "own"}),
    ];
    for _ in 0..2 {
        for change in &changes {
            heard(speaker(&providers, change.clone()).speak("Hello", None)).await.unwrap();
        }
    }
    heard(speaker(&providers, json!({})).speak("hello", None)).await.unwrap();
    assert_eq!(server.record().requests.len(), changes.len() + 1);
}

#[tokio::test]
async fn cache_entries_belong_to_a_credential() {
    let server = vendors::server(DEEPGRAM).start().await;
    let providers = providers(DEEPGRAM, &server);
    heard(speaker(&providers, json!({})).speak("Hello", None)).await.unwrap();
    let error =
        heard(speaker(&providers, json!({"auth": {"api_key": "wrong"}})).speak("Hello", None)).await.unwrap_err();
    assert!(matches!(error, TtsError::Api { status: 401, .. }));
}

#[tokio::test]
async fn concurrent_requests_share_one_synthesis() {
    let folder = tempfile::tempdir().unwrap();
    for directory in [false, true] {
        let server = vendors::server(DEEPGRAM).tts([Body::Slow(1_024, Duration::from_millis(5))]).start().await;
        let config = if directory { in_directory(&server, folder.path()) } else { config(DEEPGRAM, &server) };
        let providers = open(&config);
        let speeches: Vec<_> = (0..10).map(|_| speaker(&providers, json!({})).speak("one sentence", None)).collect();
        let mut late = None;
        for audio in futures_util::future::join_all(speeches.into_iter().map(heard)).await {
            assert_eq!(audio.unwrap(), vendors::speech("one sentence", "linear16", 24_000));
            late.get_or_insert_with(|| speaker(&providers, json!({})).speak("one sentence", None));
        }
        // A request just after the end finds the whole entry.
        assert_eq!(heard(late.unwrap()).await.unwrap(), vendors::speech("one sentence", "linear16", 24_000));
        assert_eq!(server.record().requests.len(), 1);
        assert_eq!(providers.snapshot().cache_shared, if directory { 10 } else { 9 });
    }
}

#[tokio::test]
async fn shared_synthesis_serves_late_listeners_and_survives_one_that_leaves() {
    let server = vendors::server(DEEPGRAM).tts([Body::Slow(2_048, Duration::from_millis(10))]).start().await;
    let voice = voice(DEEPGRAM, &server, json!({}));
    let mut first = voice.speak("a sentence of some length", None);
    first.next().await.unwrap().unwrap();
    let late = voice.speak("a sentence of some length", None);
    drop(first);
    assert_eq!(heard(late).await.unwrap(), vendors::speech("a sentence of some length", "linear16", 24_000));
    let record = server.record();
    assert_eq!((record.requests.len(), record.requests[0].cancelled), (1, false));
}

#[tokio::test]
async fn shared_synthesis_is_cancelled_when_its_last_listener_leaves() {
    let folder = tempfile::tempdir().unwrap();
    for directory in [false, true] {
        let server =
            vendors::server(DEEPGRAM).tts([Body::Slow(2_048, Duration::from_millis(10)), Body::Speech]).start().await;
        let config = if directory { in_directory(&server, folder.path()) } else { config(DEEPGRAM, &server) };
        let providers = open(&config);
        let mut speech = speaker(&providers, json!({})).speak("a sentence of some length", None);
        speech.next().await.unwrap().unwrap();
        drop(speech);
        server.until(|record| record.requests[0].cancelled).await;
        let audio = heard(speaker(&providers, json!({})).speak("a sentence of some length", None)).await.unwrap();
        assert_eq!(audio, vendors::speech("a sentence of some length", "linear16", 24_000));
        assert_eq!(server.record().requests.len(), 2);
    }
}

#[tokio::test]
async fn failed_synthesis_fails_for_all_listeners_and_is_not_cached() {
    let server = vendors::server(DEEPGRAM).tts([Body::Cut(4_096), Body::Speech]).start().await;
    let voice = voice(DEEPGRAM, &server, json!({}));
    let speeches = [voice.speak("cut in the middle", None), voice.speak("cut in the middle", None)];
    for speech in futures_util::future::join_all(speeches.map(heard)).await {
        assert!(matches!(speech, Err(TtsError::Cut { .. })));
    }
    assert_eq!(heard(voice.speak("cut in the middle", None)).await.unwrap().len(), 17 * 2_400);
    assert_eq!(server.record().requests.len(), 2);
}

#[tokio::test]
async fn cache_directory_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = vendors::server(DEEPGRAM).start().await;
    let config = in_directory(&server, folder.path());
    let audio = heard(speaker(&open(&config), json!({})).speak("Hello", None)).await.unwrap();
    let files = files(&folder, 2).await;
    let (name, meta) = (files[0].file_name().unwrap().to_str().unwrap(), fs::read(&files[1]).unwrap());
    assert_eq!((name.len(), files[0].parent().unwrap().file_name().unwrap().to_str()), (32, Some(&name[..2])));
    assert_eq!(fs::read(&files[0]).unwrap(), audio);
    let meta: Value = serde_json::from_slice(&meta).unwrap();
    assert_eq!(meta["size"], audio.len());
    assert_eq!(meta["expires_at"].as_u64().unwrap() - meta["created_at"].as_u64().unwrap(), 2_592_000);
    // The server may be gone, and the vendor too.
    server.kill().await;
    let mut speech = speaker(&open(&config), json!({})).speak("Hello", None);
    assert_eq!(speech.start().await.unwrap().source, Source::Cache);
    assert_eq!(heard(speech).await.unwrap(), audio);
}

#[tokio::test]
async fn cache_directory_ignores_incomplete_entries() {
    let damage: [fn(&[PathBuf]); 5] = [
        |files| fs::write(&files[0], b"short").unwrap(),
        |files| fs::remove_file(&files[0]).unwrap(),
        |files| fs::remove_file(&files[1]).unwrap(),
        |files| fs::write(&files[1], b"{\"size\":").unwrap(),
        |files| {
            let meta = fs::read_to_string(&files[1]).unwrap();
            let mut meta: Value = serde_json::from_str(&meta).unwrap();
            meta["expires_at"] = json!(1);
            fs::write(&files[1], meta.to_string()).unwrap();
        },
    ];
    for (number, damage) in damage.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let server = vendors::server(DEEPGRAM).start().await;
        let config = in_directory(&server, folder.path());
        let audio = heard(speaker(&open(&config), json!({})).speak("Hello", None)).await.unwrap();
        damage(&files(&folder, 2).await);
        assert_eq!(heard(speaker(&open(&config), json!({})).speak("Hello", None)).await.unwrap(), audio);
        assert_eq!(server.record().requests.len(), 2, "damage {number}");
        files(&folder, 2).await;
    }
}

#[tokio::test]
async fn cache_sweep_removes_expired_and_excess_entries_only() {
    let folder = tempfile::tempdir().unwrap();
    let server = vendors::server(DEEPGRAM).start().await;
    let mut config = in_directory(&server, folder.path());
    let providers = open(&config);
    for text in ["first", "other", "third"] {
        heard(speaker(&providers, json!({})).speak(text, None)).await.unwrap();
        let wanted = 2 * server.record().requests.len();
        files(&folder, wanted).await;
    }
    drop(providers);
    // What a crash leaves, what others put there, and what is neither.
    let old = SystemTime::now() - Duration::from_secs(7_200);
    let strange = ["models/ab/file", "sip_hooks.json", "ab/notes.txt", "ab/nested/x", "ABCDEF"];
    let abandoned = ["ab/0123456789abcdef0123456789abcdef.tmp", "ab/fedcba9876543210fedcba9876543210.meta"];
    for name in strange.iter().chain(&abandoned) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        fs::File::open(&path).unwrap().set_modified(old).unwrap();
    }
    // The first is in use again when there is room for only two of the three.
    heard(speaker(&open(&config), json!({})).speak("first", None)).await.unwrap();
    config.cache.max_bytes = 2 * 5 * 2_400;
    let second = open(&config);
    let gone = |name: &&str| !folder.path().join(name).exists();
    // A disk that others use may take its time.
    for _ in 0..6_000 {
        if abandoned.iter().all(gone) && second.snapshot().cache_bytes == config.cache.max_bytes {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(abandoned.iter().all(gone), "what a crash has left is still there");
    assert_eq!(strange.iter().filter(|name| gone(name)).count(), 0, "what is not ours is gone");
    assert_eq!(second.snapshot().cache_bytes, config.cache.max_bytes);
    heard(speaker(&second, json!({})).speak("first", None)).await.unwrap();
    heard(speaker(&second, json!({})).speak("third", None)).await.unwrap();
    assert_eq!(server.record().requests.len(), 3);
}

#[tokio::test]
async fn cache_memory_is_bounded() {
    let server = vendors::server(DEEPGRAM).start().await;
    let mut config = config(DEEPGRAM, &server);
    config.cache.memory_bytes = 2 * 5 * 2_400;
    let providers = open(&config);
    for text in ["first", "other", "third", "third", "first"] {
        heard(speaker(&providers, json!({})).speak(text, None)).await.unwrap();
    }
    let texts: Vec<Value> = server.record().requests.iter().map(|request| request.json()["text"].clone()).collect();
    assert_eq!(texts, ["first", "other", "third", "first"]);
    assert_eq!(providers.snapshot().cache_bytes, config.cache.memory_bytes);
}

#[tokio::test]
async fn cache_directory_that_is_unusable_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let server = vendors::server(DEEPGRAM).start().await;
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Providers::new(&in_directory(&server, &file), Outbound::new(None::<&Path>).unwrap()).unwrap_err();
    assert!(matches!(&error, StartError::Cache { path, .. } if *path == file), "{error}");
}
