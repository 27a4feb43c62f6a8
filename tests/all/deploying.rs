//! The configurations that `docs/use/deploy` shows work as they stand there, with the addresses and files of the test.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};

use crate::sdk::{check, conversation, partner, run, text};
use crate::support::World;

/// Returns the first block of a page of `docs/use/deploy` that is in this language and has these words.
fn block(page: &str, language: &str, words: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/use/deploy");
    let page = std::fs::read_to_string(format!("{folder}/{page}.md")).unwrap();
    let fence = format!("```{language}\n");
    let mut blocks = page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.contains(words)).unwrap_or_else(|| panic!("no {language} with {words}")).to_owned()
}

/// Replaces a part of a text, which must be there.
fn put(text: &str, shown: &str, ours: &str) -> String {
    assert!(text.contains(shown), "{shown} is not in {text}");
    text.replace(shown, ours)
}

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}; `.ci/setup` installs it")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A folder with a certificate of `localhost`, and a port that is free.
struct Site {
    world: World,
    pem: PathBuf,
    key: PathBuf,
    port: u16,
}

impl Site {
    fn new() -> Self {
        let world = World::new();
        let (pem, key) = (world.path("voice.pem"), world.path("voice.key"));
        let arguments = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"];
        let mut openssl = Command::new("openssl");
        openssl.args(arguments).args(["-addext", "subjectAltName=DNS:localhost"]);
        let made = openssl.arg("-keyout").arg(&key).arg("-out").arg(&pem).output().unwrap();
        assert!(made.status.success(), "{}", text(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { world, pem, key, port }
    }

    /// Has the Python SDK's conversation through the proxy at this port.
    async fn converse(&self) {
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            std::thread::yield_now();
        }
        let mut command = conversation(&format!("https://localhost:{}", self.port));
        command.env("SSL_CERT_FILE", &self.pem);
        check(&run(command).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sayna-client from PyPI, nginx and openssl"]
async fn nginx_passes_the_conversation_of_the_python_sdk_on() {
    let (_deepgram, server) = partner().await;
    let site = Site::new();
    let path = |name: &str| site.world.path(name).to_str().unwrap().to_owned();
    let shown = block("proxies", "nginx", "server {");
    let shown = put(&shown, "127.0.0.1:3001", &server.address.to_string());
    let shown = put(&shown, "listen 443 ssl", &format!("listen 127.0.0.1:{} ssl", site.port));
    let shown = put(&shown, "/etc/ssl/voice.pem", &path("voice.pem"));
    let shown = put(&shown, "/etc/ssl/voice.key", &path("voice.key"));
    let shown = put(&shown, "/var/log/nginx/sayna.log", &path("access.log"));
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};", path(kind)))
        .join(" ");
    let outside = format!("daemon off; master_process off; pid {}; error_log stderr; events {{}}", path("pid"));
    std::fs::write(path("nginx.conf"), format!("{outside} http {{ {temporary}\n{shown} }}")).unwrap();
    let nginx = Running::start(Command::new("/usr/sbin/nginx").arg("-c").arg(path("nginx.conf")));
    site.converse().await;
    drop(nginx);
    let log = std::fs::read_to_string(path("access.log")).unwrap();
    assert!(log.contains("\"GET /ws\" 101"), "{log}");
}

/// The certificate is the test's, because Caddy would install its own into the machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sayna-client from PyPI, caddy and openssl"]
async fn caddy_passes_the_conversation_of_the_python_sdk_on() {
    let (_deepgram, server) = partner().await;
    let site = Site::new();
    let shown = block("proxies", "caddyfile", "reverse_proxy");
    let shown = put(&shown, "127.0.0.1:3001", &server.address.to_string());
    let tls = format!("localhost:{} {{\n  tls {} {}", site.port, site.pem.display(), site.key.display());
    let shown = put(&shown, "voice.example.org {", &tls);
    let file = site.world.path("Caddyfile");
    std::fs::write(&file, format!("{{\n  admin off\n  auto_https disable_redirects\n}}\n{shown}")).unwrap();
    let mut caddy = Command::new("caddy");
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    for folder in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        caddy.env(folder, site.world.path("caddy"));
    }
    let caddy = Running::start(&mut caddy);
    site.converse().await;
    drop(caddy);
}

#[test]
#[ignore = "needs check-jsonschema from PyPI"]
fn compose_schema_accepts_the_services() {
    let world = World::new().with_file("compose.yaml", block("docker", "yaml", "services:"));
    let mut command = Command::new("check-jsonschema");
    let output = command.args(["--builtin-schema", "vendor.compose-spec"]).arg(world.path("compose.yaml")).output();
    let output = output.expect("check-jsonschema: `.ci/setup` installs it");
    assert!(output.status.success(), "{}", text(&output.stdout));
}

#[test]
#[ignore = "needs kubernetes-validate from PyPI"]
fn kubernetes_schema_accepts_the_pod() {
    let pod = block("kubernetes", "yaml", "terminationGracePeriodSeconds");
    let pod = format!("apiVersion: v1\nkind: Pod\nmetadata: {{ name: sayna }}\n{pod}");
    let world = World::new().with_file("pod.yaml", pod);
    let output = Command::new("kubernetes-validate").arg("--strict").arg(world.path("pod.yaml")).output();
    let output = output.expect("kubernetes-validate: `.ci/setup` installs it");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
