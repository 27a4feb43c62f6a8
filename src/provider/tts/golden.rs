//! The bytes of each vendor's request.

use url::Url;

use super::choose;
use super::dialect::{Request, VoiceRequest};
use crate::audio::{Encoding, Format};
use crate::config::Secret;
use crate::provider::{Credential, Name, TtsOptions};

fn request(provider: Name, format: Format, rate: f64, text: &str) -> Request {
    let options = serde_json::json!({"provider": provider.as_str(), "model": "", "voice_id": "en-GB-x"});
    let options: TtsOptions = serde_json::from_value(options).unwrap();
    let region = (provider == Name::Azure).then(|| "westeurope".to_owned());
    let credential = Credential { provider, own: false, key: Secret::new("k"), region };
    let request =
        VoiceRequest { options: &options, credential: &credential, base: None, format, rate, high_rates: false };
    choose(&request).unwrap().request(text, Some("before"))
}

fn check(request: &Request, url: &str, headers: &[(&'static str, &str)], body: &str) {
    assert_eq!(request.url, Url::parse(url).unwrap());
    let headers: Vec<(&str, Secret)> = headers.iter().map(|(name, value)| (*name, Secret::new(*value))).collect();
    assert_eq!(request.headers, headers);
    assert_eq!(request.body, body);
}

const LINEAR: Format = Format { encoding: Encoding::Linear16, sample_rate: 24_000, channels: 1 };
const LAW: Format = Format { encoding: Encoding::Mulaw, sample_rate: 8_000, channels: 1 };

#[test]
fn deepgram_request_bytes() {
    check(
        &request(Name::Deepgram, LINEAR, 1.0, "\"Hi\""),
        "https://api.deepgram.com/v1/speak?model=en-GB-x&encoding=linear16&container=none&sample_rate=24000",
        &[("Authorization", "Token k")],
        r#"{"text":"\"Hi\""}"#,
    );
    let url =
        "https://api.deepgram.com/v1/speak?model=en-GB-x&encoding=mulaw&container=none&sample_rate=8000&speed=1.1";
    check(&request(Name::Deepgram, LAW, 1.1, "x"), url, &[("Authorization", "Token k")], r#"{"text":"x"}"#);
}

/// Rates that most accounts may not request are converted from 24 kHz, unless the account may.
#[test]
fn elevenlabs_request_has_high_rates_only_if_the_account_may() {
    let options = serde_json::json!({"provider": "elevenlabs", "model": "eleven_flash_v2_5"});
    let options: TtsOptions = serde_json::from_value(options).unwrap();
    let credential = Credential { provider: Name::ElevenLabs, own: false, key: Secret::new("k"), region: None };
    for (rate, high_rates, expected) in [
        (44_100, false, "pcm_24000"),
        (48_000, false, "pcm_24000"),
        (22_050, false, "pcm_22050"),
        (44_100, true, "pcm_44100"),
        (48_000, true, "pcm_48000"),
    ] {
        let format = Format { sample_rate: rate, ..LINEAR };
        let request =
            VoiceRequest { options: &options, credential: &credential, base: None, format, rate: 1.0, high_rates };
        let url = choose(&request).unwrap().request("x", None).url;
        assert_eq!(url.query(), Some(format!("output_format={expected}").as_str()));
    }
}

#[test]
fn elevenlabs_is_asked_so() {
    check(
        &request(Name::ElevenLabs, LAW, 1.1, "x"),
        "https://api.elevenlabs.io/v1/text-to-speech/en-GB-x/stream?output_format=ulaw_8000",
        &[("xi-api-key", "k")],
        r#"{"model_id":"eleven_v3","text":"x","voice_settings":{"similarity_boost":0.8,"speed":1.1,"stability":0.5,"style":0,"use_speaker_boost":false}}"#,
    );
}

#[test]
fn cartesia_is_asked_so() {
    check(
        &request(Name::Cartesia, LINEAR, 0.5, "x"),
        "https://api.cartesia.ai/tts/bytes",
        &[("Authorization", "Bearer k"), ("Cartesia-Version", "2025-04-16")],
        r#"{"generation_config":{"speed":0.6},"model_id":"sonic-3","output_format":{"container":"raw","encoding":"pcm_s16le","sample_rate":24000},"transcript":"x","voice":{"id":"en-GB-x","mode":"id"}}"#,
    );
}

#[test]
fn azure_is_asked_so() {
    check(
        &request(Name::Azure, LINEAR, 1.5, "a <b> & \u{7}'c'"),
        "https://westeurope.tts.speech.microsoft.com/cognitiveservices/v1",
        &[("Ocp-Apim-Subscription-Key", "k"), ("X-Microsoft-OutputFormat", "raw-24khz-16bit-mono-pcm")],
        "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"en-GB\"><voice name=\"en-GB-x\">\
         <prosody rate=\"+50%\">a &lt;b&gt; &amp; &apos;c&apos;</prosody></voice></speak>",
    );
    let law = request(Name::Azure, LAW, 1.0, "x");
    assert_eq!(law.headers[1], ("X-Microsoft-OutputFormat", Secret::new("raw-8khz-8bit-mono-mulaw")));
    assert_eq!(law.content_type, "application/ssml+xml");
}

#[test]
fn google_is_asked_so() {
    check(
        &request(Name::Google, LINEAR, 1.0, "x"),
        "https://texttospeech.googleapis.com/v1/text:synthesize",
        &[],
        r#"{"audioConfig":{"audioEncoding":"LINEAR16","sampleRateHertz":24000},"input":{"text":"x"},"voice":{"languageCode":"en-GB","name":"en-GB-x"}}"#,
    );
}

#[test]
fn a_voice_cannot_leave_its_place_in_the_address() {
    let options = serde_json::json!({"provider": "elevenlabs", "model": "", "voice_id": "../../v1/user?x=#"});
    let options: TtsOptions = serde_json::from_value(options).unwrap();
    let credential = Credential { provider: Name::ElevenLabs, own: true, key: Secret::new("k"), region: None };
    let request = VoiceRequest {
        options: &options,
        credential: &credential,
        base: None,
        format: LINEAR,
        rate: 1.0,
        high_rates: false,
    };
    let url = choose(&request).unwrap().request("x", None).url;
    assert_eq!(url.path(), "/v1/text-to-speech/..%2F..%2Fv1%2Fuser%3Fx=%23/stream");
}
