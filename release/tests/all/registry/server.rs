//! Registries on free loopback ports, for as long as a test runs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A registry of a test's own; it ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Runs a tool and gives its output.
pub(crate) fn tool(program: &str, arguments: &[&str]) -> String {
    crate::image::tool(Command::new(program).args(arguments))
}

impl Server {
    /// distribution, for anybody.
    pub(crate) fn open() -> Self {
        Self::distribution("127.0.0.1", |_| String::new())
    }

    /// distribution, for user `rel` with password `s3cret`.
    pub(crate) fn basic() -> Self {
        Self::distribution("127.0.0.1", basic)
    }

    /// distribution behind TLS and a password, on an address that is not taken for one without; its certificate is
    /// signed by `ca.pem` in [`Server::folder`].
    pub(crate) fn tls() -> Self {
        Self::distribution("127.0.0.2", |folder| {
            certificates(folder, Some("127.0.0.2"));
            let at = |name: &str| folder.join(name).display().to_string();
            format!("{}\n  tls: {{certificate: {}, key: {}}}", basic(folder), at("cert.pem"), at("cert.key"))
        })
    }

    /// distribution that trusts a token server.
    pub(crate) fn token(tokens: &TokenServer) -> Self {
        let bundle = tokens.folder.path().join("ca.pem").display().to_string();
        let realm = format!("http://{}/token", tokens.address);
        Self::distribution("127.0.0.1", |_| {
            format!("\nauth: {{token: {{realm: '{realm}', service: svc, issuer: iss, rootcertbundle: {bundle}}}}}")
        })
    }

    /// `more` goes behind the section `http`.
    fn distribution(host: &str, more: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, file) = (folder.path().join("data"), folder.path().join("config.yml"));
        let more = more(folder.path());
        let (auth, http) =
            more.split_once("\n  ").map_or((more.as_str(), String::new()), |(a, h)| (a, format!("\n  {h}")));
        let config = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}{auth}\nhttp:\n  addr: '{host}:0'\n  secret: test{http}\n",
            data.display()
        );
        fs::write(&file, config).unwrap();
        let mut command = Command::new("docker-registry");
        let command = command.arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("docker-registry: {e}; run .ci/setup"));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let rest = line.split("listening on ").nth(1)?;
            Some(rest.split(['"', ',']).next()?.to_owned())
        });
        // Read on, so that it can write on.
        thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("the registry says where it listens"), folder }
    }

    /// A registry with the referrers API, in memory.
    pub(crate) fn ferro() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = Command::new("ferro-oci-server");
        let command = command.env("FERRO_OCI_LISTEN", &address).env_remove("FERRO_OCI_STORAGE_DIR");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|e| panic!("ferro-oci-server: {e}; run .ci/setup"));
        for _ in 0..500 {
            if TcpStream::connect(&address).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        Self { child, address, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn basic(folder: &Path) -> String {
    let file = folder.join("htpasswd");
    fs::write(&file, tool("htpasswd", &["-Bbn", "rel", "s3cret"])).unwrap();
    format!("\nauth: {{htpasswd: {{realm: test, path: {}}}}}", file.display())
}

/// `ca.pem` and `ca.key`, and for an address `cert.pem` and `cert.key`.
fn certificates(folder: &Path, address: Option<&str>) {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::write(at("openssl.cnf"), "[req]\ndistinguished_name = dn\n[dn]\n").unwrap();
    let make = |name: &str, more: &[&str]| {
        let (config, key, out) = (at("openssl.cnf"), at(&format!("{name}.key")), at(&format!("{name}.pem")));
        let subject = format!("/CN=test {name}");
        let how =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", &config, "-subj", &subject];
        tool("openssl", &[&how[..], &["-keyout", &key, "-out", &out], more].concat());
    };
    make("ca", &["-addext", "basicConstraints=critical,CA:TRUE"]);
    if let Some(address) = address {
        let (ca, key, name) = (at("ca.pem"), at("ca.key"), format!("subjectAltName=IP:{address}"));
        make("cert", &["-CA", &ca, "-CAkey", &key, "-addext", "basicConstraints=CA:FALSE", "-addext", &name]);
    }
}

/// Hands out tokens for user `rel` with password `s3cret`, or for the identity token `identity`, as Docker Hub's does: RS256,
/// the certificate inside.
pub(crate) struct TokenServer {
    address: String,
    folder: Arc<tempfile::TempDir>,
    /// The scopes that were asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    /// Each token says that it lives for so long.
    pub(crate) fn new(seconds: u64) -> Self {
        Self::start(seconds, false, 0)
    }

    /// Anybody may read, as on Docker Hub.
    pub(crate) fn public() -> Self {
        Self::start(300, true, 0)
    }

    /// Refuses so many requests that it would grant.
    pub(crate) fn refusing(requests: usize) -> Self {
        Self::start(300, false, requests)
    }

    fn start(seconds: u64, public: bool, refusals: usize) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        certificates(folder.path(), None);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (inside, log) = (Arc::clone(&folder), Arc::clone(&asked));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                answer(stream, inside.path(), (seconds, public, number < refusals), &log);
            }
        });
        Self { address, folder, asked }
    }
}

fn answer(mut stream: TcpStream, folder: &Path, how: (u64, bool, bool), log: &Mutex<Vec<String>>) {
    let (seconds, public, refuses) = how;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|l| l.strip_prefix("content-length: ")).map_or(0, |l| l.parse().unwrap());
    let mut form = vec![0; length];
    stream.read_exact(&mut form).unwrap();
    // A form has what otherwise stands behind the address.
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let target = if form.is_empty() { target } else { format!("{target}?{}", String::from_utf8(form).unwrap()) };
    let url = reqwest::Url::parse(&format!("http://x{target}")).unwrap();
    let value = |key: &str| url.query_pairs().find(|(name, _)| name == key).map(|(_, v)| v.into_owned());
    let scope = value("scope").unwrap_or_default();
    log.lock().unwrap().push(scope.clone());
    let refreshed = head.starts_with("POST ")
        && value("grant_type").as_deref() == Some("refresh_token")
        && value("refresh_token").as_deref() == Some("identity")
        && value("service").as_deref() == Some("svc")
        && value("client_id").is_some();
    // rel:s3cret
    let known = refreshed || lower.contains("authorization: basic cmvsonmzy3jlda==");
    let key = if refreshed { "access_token" } else { "token" };
    let (status, body) = if refuses {
        ("403 Forbidden", "{\"details\":\"too many requests at once\"}".to_owned())
    } else if known || (public && scope.ends_with(":pull")) {
        ("200 OK", format!("{{\"{key}\":\"{}\",\"expires_in\":{seconds}}}", token(folder, &scope)))
    } else {
        ("401 Unauthorized", "{\"details\":\"incorrect username or password\"}".to_owned())
    };
    let length = body.len();
    let _gone = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
}

fn token(folder: &Path, scope: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let pem = fs::read_to_string(folder.join("ca.pem")).unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut parts = scope.split(':');
    let (kind, name, actions) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let header = serde_json::json!({"typ": "JWT", "alg": "RS256", "x5c": [der]});
    let claims = serde_json::json!({
        "iss": "iss", "sub": "rel", "aud": "svc", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1",
        "access": [{"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}],
    });
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let text = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let mut command = Command::new("openssl");
    let command = command.args(["dgst", "-sha256", "-sign"]).arg(folder.join("ca.key"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    format!("{text}.{}", encode(&child.wait_with_output().unwrap().stdout))
}
