//! One request cannot bring the server down: what it makes of memory, time and connections is bounded.

use serde_json::{Value, json};
use vendors::Vendor;

use crate::support::World;

fn tts(pronunciations: &Value) -> Value {
    json!({"provider": "deepgram", "model": "", "voice_id": "aura-asteria-en", "pronunciations": pronunciations})
}

/// 105 KB that would become 250 MB.
#[tokio::test(flavor = "multi_thread")]
async fn what_pronunciations_make_of_a_text_counts_against_its_limit() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    for (text, word, pronunciation) in [
        ("a ".repeat(2_500), "a", "x".repeat(100_000)),
        (". ".repeat(2_500), ".", "full stop".to_owned()),
        ("a".to_owned(), "a", "é".repeat(5_001)),
    ] {
        let words = json!([{"word": word, "pronunciation": pronunciation}]);
        let answer = server.post("/speak", &json!({"text": text, "tts_config": tts(&words)}));
        let expected = "Failed to synthesize speech: with its pronunciations the text is longer than 5000 characters \
                        (server.max_text_chars): shorten the text, or what is spoken for its words";
        assert_eq!((answer.status(), answer.json()), (400, json!({"error": expected})));
    }
    assert!(deepgram.record().requests.is_empty());
    let words = json!([{"word": "w".repeat(401), "pronunciation": "x"}]);
    let answer = server.post("/speak", &json!({"text": "a", "tts_config": tts(&words)}));
    assert_eq!(answer.status(), 400);
    assert!(answer.json()["error"].to_string().contains("pronunciations must be a list of words"), "{}", answer.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_clients_with_many_pronunciations_are_served_beside_others() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    // As many as a message can hold; none but the last is in the text.
    let words: Vec<Value> = (0..18_000).map(|n| json!({"word": format!("w{n}x"), "pronunciation": ""})).collect();
    std::thread::scope(|threads| {
        for client in 0..8 {
            let (server, mut words) = (&server, words.clone());
            threads.spawn(move || {
                words.push(json!({"word": "said", "pronunciation": format!("spoken {client}")}));
                let text = format!("{}said", "w1 w2 ".repeat(300));
                let answer = server.post("/speak", &json!({"text": text, "tts_config": tts(&json!(words))}));
                assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(&answer.body));
            });
        }
        assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
    });
    let bodies: Vec<String> = deepgram.record().requests.into_iter().map(|request| request.body).collect();
    for client in 0..8 {
        assert!(bodies.iter().any(|body| body.ends_with(&format!("w2 spoken {client}\"}}"))), "{client}");
    }
}
