//! What vendors do not take is known before they are asked.

use std::time::{Duration, SystemTime};

use sayna::provider::ErrorKind;
use serde_json::json;
use vendors::{Body, Record, Vendor};

use super::tts::{VENDORS, path};
use super::{heard, voice};

/// What each request had for a text.
fn texts(record: &Record, vendor: Vendor) -> Vec<String> {
    let text = |body: &str| {
        if vendor == Vendor::Azure {
            // The only `>` of the text's own is the last before it.
            return body.split("</").next().unwrap().rsplit('>').next().unwrap().to_owned();
        }
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let text = ["/text", "/transcript", "/input/text"].iter().find_map(|place| body.pointer(place));
        text.unwrap().as_str().unwrap().to_owned()
    };
    record.asked(path(vendor)).iter().map(|request| text(&request.body)).collect()
}

#[tokio::test]
async fn tts_long_text_is_one_stream_and_one_cache_entry() {
    let text = (0..125).map(|n| format!("Sentence {n} is für Dr. Smith, as it was.")).collect::<Vec<_>>().join(" ");
    for vendor in VENDORS {
        let server = vendors::server(vendor).start().await;
        let voice = voice(vendor, &server, json!({}));
        let audio = heard(voice.speak(&text, None)).await.unwrap();
        let record = server.record();
        assert_eq!(record.faults(), Vec::<String>::new(), "{vendor:?}");
        let texts = texts(&record, vendor);
        assert_eq!(texts.join(" "), text, "{vendor:?}");
        assert!(texts.iter().all(|text| text.ends_with("was.")), "{vendor:?}: {texts:?}");
        assert_eq!(texts.len() > 1, vendor != Vendor::Cartesia, "{vendor:?}");
        let expected: Vec<u8> = texts.iter().flat_map(|text| vendors::speech(text, "linear16", 24_000)).collect();
        assert!(audio == expected, "{vendor:?}: {} bytes, not {}", audio.len(), expected.len());
        assert!(heard(voice.speak(&text, None)).await.unwrap() == expected);
        assert_eq!(server.record().asked(path(vendor)).len(), texts.len(), "{vendor:?}");
    }
}

#[tokio::test]
async fn tts_long_text_is_never_split_in_a_word_or_pronunciation() {
    let server = vendors::server(Vendor::Deepgram).start().await;
    let words = json!([{"word": "API", "pronunciation": "A P I"}]);
    let voice = voice(Vendor::Deepgram, &server, json!({"pronunciations": words}));
    // Each word ends at another place before the limit.
    for first in 0..4 {
        let text = format!("{} {}", "x".repeat(first + 1), ["API"; 400].join(" "));
        heard(voice.speak(&text, None)).await.unwrap();
    }
    let record = server.record();
    assert_eq!(record.faults(), Vec::<String>::new());
    for part in texts(&record, Vendor::Deepgram) {
        let spelt = part.trim_start_matches('x').trim_start();
        assert!(spelt.starts_with("A P I") && spelt.ends_with("A P I"), "{part}");
    }
}

#[tokio::test]
async fn tts_flac_parts_are_not_joined() {
    let server = vendors::server(Vendor::Deepgram).start().await;
    let voice = voice(Vendor::Deepgram, &server, json!({"audio_format": "flac"}));
    let error = heard(voice.speak(&"word ".repeat(500), None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadOptions);
    assert!(error.to_string().contains("deepgram needs 2 requests for this text"), "{error}");
    assert!(server.record().requests.is_empty());
}

#[tokio::test]
async fn tts_text_without_words_sends_no_request() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).start().await;
        let voice = voice(vendor, &server, json!({}));
        for text in ["", "  \n", "...", "?!", "🎉", "👍🏽", "— *** —", "1️⃣"] {
            assert_eq!(heard(voice.speak(text, None)).await.unwrap(), Vec::<u8>::new(), "{vendor:?} {text}");
        }
        assert!(server.record().requests.is_empty(), "{vendor:?}");
    }
}

#[tokio::test]
async fn tts_long_retry_after_fails_at_once() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
    for (status, after, least, most) in [(429, "30", 30, 30), (503, "6", 6, 6), (429, date.as_str(), 60, 90)] {
        let body = Body::Status(status, vec![("retry-after", after.to_owned())], "busy".to_owned());
        let server = vendors::server(Vendor::Deepgram).tts([body]).start().await;
        let error = heard(voice(Vendor::Deepgram, &server, json!({})).speak("x", None)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
        assert!((least..=most).contains(&error.retry_after().unwrap().as_secs()), "{error}");
        assert!(error.to_string().contains("busy (try again in"), "{error}");
        assert_eq!(server.record().requests.len(), 1, "{status} {after}");
    }
}
