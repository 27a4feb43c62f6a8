//! Google: tokens for service accounts, speech, the list of voices.

use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::tts::{Asked, Wanted, enter, fields_only, json, list, refuse, synthesize};
use crate::{App, Server};

/// Made for these tests and used for nothing else.
const PRIVATE_KEY: &str = include_str!("service-account.pem");
const EMAIL: &str = "sayna-tests@project.iam.gserviceaccount.example";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN: &str = "ya29.token-of-the-tests";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/token", post(token))
        .route("/v1/text:synthesize", post(speak))
        .route("/v1/voices", get(voices))
}

impl Server {
    /// The JSON file of a service account whose tokens come from this server.
    pub fn service_account(&self) -> String {
        json!({
            "type": "service_account", "project_id": "project", "private_key_id": "1", "private_key": PRIVATE_KEY,
            "client_email": EMAIL, "client_id": "1", "auth_uri": format!("{}/auth", self.url()),
            "token_uri": format!("{}/token", self.url()), "universe_domain": "googleapis.com",
        })
        .to_string()
    }
}

async fn token(State(app): State<App>, parts: Parts, body: String) -> Response {
    let mut asked = Asked::new(&parts);
    let form = asked.header("content-type") == Some("application/x-www-form-urlencoded");
    asked.check(form, || "the body is no form".to_owned());
    let uri = format!("/?{body}").parse().unwrap();
    let fields =
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default();
    let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let grant = field("grant_type") == Some("urn:ietf:params:oauth:grant-type:jwt-bearer");
    asked.check(grant, || "grant_type".to_owned());
    if let Err(fault) = check_assertion(field("assertion").unwrap_or_default(), &format!("{}/token", app.url)) {
        asked.faults.push(fault);
    }
    let index = enter(&app, &asked, &body);
    if !asked.faults.is_empty() {
        return refuse(400, &[], r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#);
    }
    app.record.send_modify(|record| record.requests[index].answered = true);
    refuse(200, &[], &json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}).to_string())
}

fn check_assertion(assertion: &str, audience: &str) -> Result<(), String> {
    let (message, signature) = assertion.rsplit_once('.').ok_or("no assertion")?;
    let (header, claims) = message.split_once('.').ok_or("no claims")?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|e| e.to_string());
    let json =
        |text: &str| decode(text).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(|e| e.to_string()));
    let (header, claims) = (json(header)?, json(claims)?);
    if header["alg"] != "RS256" || header["typ"] != "JWT" {
        return Err(format!("the header is {header}"));
    }
    if claims["iss"] != EMAIL || claims["scope"] != SCOPE || claims["aud"] != audience {
        return Err(format!("the claims are {claims}"));
    }
    let (from, to) = (claims["iat"].as_i64().unwrap_or(0), claims["exp"].as_i64().unwrap_or(0));
    if !(1..=3_600).contains(&(to - from)) || from < 1_700_000_000 {
        return Err(format!("the times are {from} to {to}"));
    }
    let pem: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("---")).collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(pem).unwrap()).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    key.verify(message.as_bytes(), &decode(signature)?).map_err(|_| "the signature is wrong".to_owned())
}

fn right_token(asked: &Asked) -> bool {
    asked.header("authorization") == Some(&format!("Bearer {TOKEN}"))
}

async fn speak(State(app): State<App>, parts: Parts, body: String) -> Response {
    let mut asked = Asked::new(&parts);
    asked.query_only(&[]);
    let value = json(&mut asked, &body);
    fields_only(&mut asked, &value, &["input", "voice", "audioConfig"]);
    fields_only(&mut asked, &value["input"], &["text", "ssml"]);
    fields_only(&mut asked, &value["voice"], &["languageCode", "name", "ssmlGender"]);
    let config = &value["audioConfig"];
    fields_only(&mut asked, config, &["audioEncoding", "speakingRate", "pitch", "volumeGainDb", "sampleRateHertz"]);
    let (language, name) =
        (value["voice"]["languageCode"].as_str().unwrap_or_default(), value["voice"]["name"].as_str());
    asked.check(!language.is_empty(), || "there is no languageCode".to_owned());
    asked.check(name.is_none_or(|name| name.starts_with(language)), || format!("{name:?} does not speak {language}"));
    let encoding = match config["audioEncoding"].as_str() {
        Some("LINEAR16") => "linear16",
        Some("MULAW") => "mulaw",
        Some("ALAW") => "alaw",
        Some("MP3") => "mp3",
        Some("OGG_OPUS") => "opus",
        _ => "unknown",
    };
    asked.check(encoding != "unknown", || format!("audioEncoding is {}", config["audioEncoding"]));
    let rate = config["sampleRateHertz"].as_u64().unwrap_or(24_000);
    asked.check((8_000..=48_000).contains(&rate), || format!("sampleRateHertz is {rate}"));
    let speed = &config["speakingRate"];
    asked.check(speed.is_null() || speed.as_f64().is_some_and(|n| (0.249..=2.001).contains(&n)), || {
        format!("speakingRate {speed}")
    });
    let text = value["input"]["text"].as_str().unwrap_or_default().to_owned();
    asked.check((1..=5_000).contains(&text.len()), || "the text has not 1 to 5000 bytes".to_owned());
    let right = right_token(&asked);
    let sample_rate = u32::try_from(rate).unwrap();
    let wanted =
        Wanted { text, encoding: encoding.to_owned(), sample_rate, content_type: "application/json; charset=UTF-8" };
    let wrap = move |audio: Vec<u8>| {
        let mut content = if encoding == "linear16" { wav_header(sample_rate, audio.len()) } else { vec![] };
        content.extend(audio);
        json!({"audioContent": STANDARD.encode(content)}).to_string().into_bytes()
    };
    synthesize(app, asked, &body, right, wanted, wrap).await
}

fn wav_header(rate: u32, length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap();
    let mut header = b"RIFF".to_vec();
    header.extend((length + 36).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend(rate.to_le_bytes());
    header.extend((rate * 2).to_le_bytes());
    header.extend(b"\x02\0\x10\0data");
    header.extend(length.to_le_bytes());
    header
}

async fn voices(State(app): State<App>, parts: Parts) -> Response {
    let asked = Asked::new(&parts);
    let voice = |name: &str, language: &str, gender: &str| json!({"name": name, "languageCodes": [language], "ssmlGender": gender, "naturalSampleRateHertz": 24_000});
    let body = json!({"voices": [
        voice("en-US-Neural2-F", "en-US", "FEMALE"),
        voice("en-GB-Chirp3-HD-Puck", "en-GB", "MALE"),
        voice("cmn-CN-Standard-A", "cmn-CN", "SSML_VOICE_GENDER_UNSPECIFIED"),
    ]});
    list(&app, &asked, right_token(&asked), &body.to_string())
}
