//! Authentication by secrets and by an external service.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::support::client::Client;
use crate::support::livekit::{KEYS as KEYS_OF_LIVEKIT, Livekit};
use crate::support::{Answer, Server, World};

const SECRETS: &str = r#"[{"id":"first","secret":"s1"},{"id":"second","secret":"s2"}]"#;

fn guarded() -> Server {
    World::new().serve(&[("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS)])
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status(), answer.json()["error"].as_str().unwrap().to_owned())
}

#[test]
fn api_secret_is_accepted_in_header_and_query() {
    let server = guarded();
    for (path, headers, expected) in [
        ("/voices", vec![], Err("missing_auth_header")),
        ("/voices", vec![("Authorization", "Basic abc")], Err("invalid_auth_header")),
        ("/voices", vec![("Authorization", "Bearer ")], Err("invalid_auth_header")),
        ("/voices", vec![("Authorization", "Bearer s3")], Err("unauthorized")),
        ("/voices", vec![("Authorization", "Bearer s1")], Ok(())),
        ("/voices?api_key=s2", vec![], Ok(())),
        ("/voices?api_key=s3", vec![], Err("unauthorized")),
        // A header that is no token falls back to the query; one that is a wrong token does not.
        ("/voices?api_key=s2", vec![("Authorization", "Basic abc")], Ok(())),
        ("/voices?api_key=s2", vec![("Authorization", "Bearer s3")], Err("unauthorized")),
    ] {
        let answer = server.request("GET", path, &headers, b"");
        match expected {
            Ok(()) => assert_eq!(answer.status(), 200, "{path} {headers:?}"),
            Err(code) => {
                assert_eq!(refused(&answer), (401, code.to_owned()), "{path} {headers:?}");
                assert!(answer.json()["message"].is_string());
            }
        }
    }
    assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
    let wrong = server.request("GET", "/voices", &[("Authorization", "Bearer s3")], b"");
    assert_eq!(wrong.json()["message"], "Unauthorized: Invalid API secret");
}

#[tokio::test]
async fn websocket_requires_authentication() {
    let server = guarded();
    for (path, headers) in [("/ws", vec![]), ("/ws", vec![("authorization", "Bearer no")]), ("/ws?api_key=no", vec![])]
    {
        match Client::connect_with(&server, path, &headers).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 401, "{path}"),
            other => panic!("{other:?}"),
        }
    }
    for (path, headers) in [("/ws", vec![("authorization", "Bearer s1")]), ("/ws?api_key=s2", vec![])] {
        let mut client = Client::connect_with(&server, path, &headers).await.unwrap();
        client.send(json!({"type": "config", "audio": false})).await;
        client.expect("ready").await;
    }
}

/// A key in the query is in no line of the log, at any level.
#[test]
fn api_keys_are_not_logged() {
    let world = World::new();
    let mut command = world.command(&[]);
    let log = std::fs::File::create(world.path("log")).unwrap();
    command.envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("RUST_LOG", "trace"), ("AUTH_REQUIRED", "yes")]);
    command
        .envs([("AUTH_API_SECRETS_JSON", SECRETS.replace("s1", "hunter2").as_str()), ("DEEPGRAM_API_KEY", "hunter2")]);
    let server = Server::start_logging(command, log);
    assert_eq!(server.ask("GET", "/voices?api_key=hunter2x").0.split(' ').nth(1), Some("401"));
    server.request("GET", "/livekit/rooms?api_key=hunter2", &[], b"");
    server.stop();
    let log = std::fs::read_to_string(world.path("log")).unwrap();
    assert!(log.contains("/livekit/rooms") && !log.contains("hunter2") && !log.contains("api_key"), "{log}");
}

/// The service: it keeps what it was asked, and answers by the token.
#[derive(Debug, Clone, Default)]
struct Service {
    asked: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Service {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/decide", listener.local_addr().unwrap());
        let router = Router::new().route("/decide", post(decide)).with_state(self.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }
}

async fn decide(State(service): State<Service>, request: Request) -> (StatusCode, String) {
    let headers = request.headers().clone();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let jwt = String::from_utf8(body.to_vec()).unwrap();
    let token = claims(&jwt)["auth_data"]["token"].as_str().unwrap().to_owned();
    service.asked.lock().unwrap().push((headers, jwt));
    if let Some(answer) = token.strip_prefix("yes.") {
        return (StatusCode::OK, String::from_utf8(URL_SAFE_NO_PAD.decode(answer).unwrap()).unwrap());
    }
    match token.as_str() {
        "with-id" => (StatusCode::OK, r#"{"id":"tenant","more":1}"#.to_owned()),
        "denied" => (StatusCode::UNAUTHORIZED, "who are you".to_owned()),
        "forbidden" => (StatusCode::FORBIDDEN, "x".repeat(2000)),
        "broken" => (StatusCode::INTERNAL_SERVER_ERROR, "oh".to_owned()),
        _ => std::future::pending().await,
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims(jwt: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// Keys made by `openssl`, private and public, in each form that is taken.
const KEYS: [(&str, &str, &str); 3] = [
    ("RS256", include_str!("data/rsa.pem"), include_str!("data/rsa.pub.der.b64")),
    ("ES256", include_str!("data/ec-sec1.pem"), include_str!("data/ec.pub.b64")),
    ("ES256", include_str!("data/ec-pkcs8.pem"), include_str!("data/ec.pub.b64")),
];

fn verify(algorithm: &str, public: &str, jwt: &str) {
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(message.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(header, json!({"alg": algorithm, "typ": "JWT"}));
    let public = base64::engine::general_purpose::STANDARD.decode(public.trim()).unwrap();
    let verifier: &dyn signature::VerificationAlgorithm =
        if algorithm == "RS256" { &signature::RSA_PKCS1_2048_8192_SHA256 } else { &signature::ECDSA_P256_SHA256_FIXED };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(verifier, public).verify(message.as_bytes(), &signature).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_service_receives_a_signed_request() {
    for (algorithm, private, public) in KEYS {
        let service = Service::default();
        let url = service.start().await;
        let world = World::new().with_file("key.pem", private);
        let server = world.serve(&[
            ("AUTH_REQUIRED", "true"),
            ("AUTH_SERVICE_URL", &url),
            ("AUTH_SIGNING_KEY_PATH", "key.pem"),
            ("AUTH_TIMEOUT_SECONDS", "1"),
        ]);
        let headers = [
            ("Authorization", "Bearer with-id"),
            ("Content-Type", "application/json"),
            ("X-Forwarded-For", "1.2.3.4"),
            ("X-Sayna-Id", "a"),
            ("Cookie", "b=c"),
            ("X-Other", "d"),
        ];
        let answer =
            server.request("POST", "/speak", &headers, br#"{"text":" ","tts_config":{"provider":"x","model":""}}"#);
        // Through the guard with its body: refused for what it says.
        assert_eq!((answer.status(), answer.json()), (400, json!({"error": "Text cannot be empty"})));
        let (asked, jwt) = service.asked.lock().unwrap().remove(0);
        assert_eq!(asked["content-type"], "application/jwt");
        verify(algorithm, public, &jwt);
        let claims = claims(&jwt);
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
        // A service whose clock is behind ours takes it too.
        assert!(claims["iat"].as_u64().unwrap() <= now() - 29 && claims["exp"].as_u64().unwrap() > now() + 200);
        assert_eq!(claims["sub"], "sayna-auth");
        assert_eq!(
            claims["auth_data"],
            json!({
                "token": "with-id",
                "request_body": {"text": " ", "tts_config": {"provider": "x", "model": ""}},
                "request_headers": {"content-type": "application/json", "x-other": "d", "content-length": "53", "connection": "close"},
                "request_path": "/speak",
                "request_method": "POST",
            })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_service_answers_map_to_error_codes() {
    let service = Service::default();
    let url = service.start().await;
    let world = World::new().with_file("key.pem", KEYS[1].1);
    let variables = |url: &str| {
        [
            ("AUTH_REQUIRED", "true".to_owned()),
            ("AUTH_SERVICE_URL", url.to_owned()),
            ("AUTH_SIGNING_KEY_PATH", "key.pem".to_owned()),
            ("AUTH_TIMEOUT_SECONDS", "1".to_owned()),
        ]
    };
    let serve = |url: &str| {
        let variables = variables(url);
        world.serve(&variables.each_ref().map(|(name, value)| (*name, value.as_str())))
    };
    let server = serve(&url);
    let ask = |server: &Server, token: &str| {
        server.request("GET", "/voices", &[("Authorization", &format!("Bearer {token}"))], b"")
    };
    assert_eq!(ask(&server, "with-id").status(), 200);
    assert_eq!(refused(&ask(&server, "denied")), (401, "unauthorized".to_owned()));
    assert_eq!(refused(&ask(&server, "forbidden")), (401, "auth_service_error".to_owned()));
    assert!(ask(&server, "forbidden").json()["message"].as_str().unwrap().len() < 600);
    assert_eq!(refused(&ask(&server, "broken")), (502, "auth_service_error".to_owned()));
    assert_eq!(refused(&ask(&server, "silent")), (503, "auth_service_unavailable".to_owned()));
    assert_eq!(refused(&ask(&serve("http://127.0.0.1:1/"), "any")), (503, "auth_service_unavailable".to_owned()));
    assert_eq!(server.request("GET", "/voices", &[], b"").json()["error"], "missing_auth_header");
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_service_token_without_a_tenant_is_rejected() {
    let livekit = Livekit::default().with_room("den", r#"{"auth_id":"first"}"#);
    let (service, url) = (Service::default().start().await, livekit.start().await);
    let world = World::new().with_file("key.pem", KEYS[1].1);
    let serve = |tenants: &str| {
        world.serve(&[
            KEYS_OF_LIVEKIT[0],
            KEYS_OF_LIVEKIT[1],
            ("LIVEKIT_URL", &url),
            ("AUTH_REQUIRED", "true"),
            ("AUTH_SERVICE_URL", &service),
            ("AUTH_SIGNING_KEY_PATH", "key.pem"),
            ("SAYNA_AUTH_SERVICE_TENANTS", tenants),
        ])
    };
    let ask = |server: &Server, says: &str| {
        let token = format!("Bearer yes.{}", URL_SAFE_NO_PAD.encode(says));
        server.request("GET", "/livekit/rooms", &[("Authorization", &token)], b"")
    };
    let (with, without) = (serve("true"), serve("false"));
    for says in [
        "{}",
        "OK",
        "",
        r#"{"id":5}"#,
        r#"{"id":null}"#,
        r#"{"user_id":"a"}"#,
        r#"{"id":""}"#,
        r#"{"id":" "}"#,
        r#"{"id":" first"}"#,
        r#"{"id":"first\n"}"#,
        r#"{"id":["first"]}"#,
        r#"["first"]"#,
        "{\"id\":\"\u{200b}\"}",
        "{\"id\":\"first\u{202e}\"}",
        r#"{"id":"\ufeff"}"#,
        r#"{"id":"first","id":"second"}"#,
        r#"{"id":"first"} x"#,
        r#""first""#,
        "true",
    ] {
        let answer = ask(&with, says);
        assert_eq!(refused(&answer), (401, "unauthorized".to_owned()), "{says}");
        assert_eq!(answer.json()["message"], "Unauthorized: the auth service named no tenant");
        assert_eq!(ask(&without, says).json()["rooms"].as_array().unwrap().len(), 1, "{says}");
    }
    let rooms = |id: &str| ask(&with, &json!({"id": id}).to_string()).json()["rooms"].as_array().unwrap().len();
    assert_eq!((rooms("first"), rooms("second")), (1, 0));
}

#[test]
fn invalid_signing_key_stops_the_start() {
    let world = World::new().with_file("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let variables = [
        ("AUTH_REQUIRED", "1"),
        ("AUTH_SERVICE_URL", "http://127.0.0.1:1"),
        ("AUTH_SIGNING_KEY_PATH", "key.pem"),
        ("PORT", "0"),
    ];
    let ended = world.run_with(&[], &variables);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("error: `auth.signing_key_path`: key.pem: not a key for RS256"), "{}", ended.stderr);
}
