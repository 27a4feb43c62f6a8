//! Clients that nobody here wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use vendors::Vendor;

use crate::livekit::{KEYS, Livekit};
use crate::support::{Server, World};

/// A program of the environment that `.ci/setup` makes.
pub(crate) fn installed(name: &str) -> PathBuf {
    let folder = std::env::var("SAYNA_CLIENTS").expect("SAYNA_CLIENTS: `.ci/run` sets it, `.ci/setup` fills it");
    Path::new(&folder).join(name)
}

/// Runs it beside the runtime, which serves what it talks to.
pub(crate) async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server for the Python SDK's conversation, with its provider.
async fn partner() -> (vendors::Server, Server) {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let livekit = Livekit::default().start().await;
    let variables = [("AUTH_REQUIRED", "true"), ("AUTH_API_SECRET", "s1"), KEYS[0], KEYS[1], ("LIVEKIT_URL", &livekit)];
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &variables);
    (deepgram, server)
}

fn conversation(url: &str) -> Command {
    let mut command = Command::new(installed("python"));
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/conversation.py")).arg(url);
    command
}

fn check(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stdout)));
    let bytes = |text: &str| text.len() * vendors::SAMPLES_PER_CHARACTER * 2 / 24 * 16;
    assert_eq!(said["health"], "OK");
    assert_eq!(said["ready"], "a-stream");
    assert_eq!(said["heard"], json!([["hello", false, false], ["hello there", true, false], ["friend", true, true]]));
    assert_eq!(said["spoken"], bytes("hello") + bytes("and good bye"));
    let error = "LiveKit client not configured. Send config message with livekit configuration first.";
    assert_eq!(said["error"], error);
    assert_eq!(said["voices"], json!(["deepgram"]));
    assert_eq!(said["rest"], json!([bytes("hello"), "linear16", "16000"]));
    assert_eq!(said["token"], json!(["den", "ann-1", "http://localhost:7880"]));
    assert!(said["rooms"].as_str().unwrap().contains("LiveKit service not configured"), "{}", said["rooms"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sayna-client from PyPI"]
async fn the_python_sdk_has_a_conversation() {
    let (deepgram, server) = partner().await;
    check(&run(conversation(&server.url())).await);
    assert_eq!(deepgram.record().faults(), Vec::<String>::new());
}

/// The configuration of the documents, with addresses and files of the test.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sayna-client from PyPI, nginx and openssl"]
async fn the_python_sdk_has_it_through_nginx_and_tls() {
    let (_deepgram, server) = partner().await;
    let world = World::new();
    let (pem, key) = (world.path("voice.pem"), world.path("voice.key"));
    let arguments = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"];
    let mut openssl = Command::new("openssl");
    openssl
        .args(arguments)
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&pem);
    let made = openssl.output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploying.md")).unwrap();
    let site = docs.split("```nginx\n").nth(1).unwrap().split("```").next().unwrap();
    let site = site
        .replace("127.0.0.1:3001", &server.address.to_string())
        .replace("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl"))
        .replace("/etc/ssl/voice.pem", pem.to_str().unwrap())
        .replace("/etc/ssl/voice.key", key.to_str().unwrap())
        .replace("/var/log/nginx/sayna.log", world.path("access.log").to_str().unwrap());
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};", world.path(kind).display()));
    let config = format!(
        "daemon off; master_process off; pid {}; error_log stderr; events {{}} http {{ {}\n{site} }}",
        world.path("pid").display(),
        temporary.join(" ")
    );
    let world = world.with_file("nginx.conf", config);
    let nginx = Command::new("/usr/sbin/nginx")
        .arg("-c")
        .arg(world.path("nginx.conf"))
        .spawn()
        .expect("nginx: `.ci/setup` installs it");
    let nginx = Running(nginx);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    let mut command = conversation(&format!("https://localhost:{port}"));
    command.env("SSL_CERT_FILE", &pem);
    check(&run(command).await);
    drop(nginx);
    let log = std::fs::read_to_string(world.path("access.log")).unwrap();
    assert!(log.contains("\"GET /ws\" 101"), "{log}");
}

/// A process that ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
