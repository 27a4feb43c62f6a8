//! Something on the way answers in the server's place: a network that wants a login, a proxy that forbids, an answer that
//! is broken. None of that is the release's fault.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use sayna_release::digest::Digest;
use sayna_release::progress::Progress;
use sayna_release::registry::{self, Kind, Object, Purpose};

use super::{run, text};
use crate::small_release::Release;

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>log in</body></html>";

/// Answers every request with this, whatever is asked.
fn answering(answer: String) -> SocketAddr {
    answering_by(move |_head| answer.clone())
}

/// Answers each request by its head.
fn answering_by(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    let answer = Arc::new(answer);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    head.push(byte[0]);
                }
                let answer = answer(&String::from_utf8_lossy(&head));
                let end = if head.starts_with(b"HEAD") { answer.find("\r\n\r\n").unwrap() + 4 } else { answer.len() };
                let _client_is_gone = stream.write_all(&answer.as_bytes()[..end]);
            });
        }
    });
    address
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// What stands in the way, and what it answers.
fn answers() -> Vec<(&'static str, String)> {
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    vec![
        ("a login page", answer("200 OK", html, PAGE)),
        ("a login page without a type", answer("200 OK", "", &format!("\u{feff}\r\n  {}", PAGE.to_lowercase()))),
        ("a login page that says it is JSON", answer("200 OK", "Content-Type: application/json\r\n", PAGE)),
        ("a script that leads to a login", answer("200 OK", html, "<script>location='/login'</script>")),
        ("no body", answer("200 OK", "", "")),
        ("JSON that breaks off", answer("200 OK", "Content-Type: application/json\r\n", "[{\"id\": 1, \"tag_na")),
        ("JSON of something else", answer("200 OK", "Content-Type: application/json\r\n", "{\"login\": \"required\"}")),
        ("a proxy that forbids", answer("403 Forbidden", html, PAGE)),
        ("a refusal for legal reasons", answer("451 Unavailable For Legal Reasons", html, PAGE)),
        ("a proxy that wants a password", answer("407 Proxy Authentication Required", "", "")),
        ("a network that wants a login", answer("511 Network Authentication Required", html, PAGE)),
        ("a gateway that has never heard of it", answer("421 Misdirected Request", html, PAGE)),
        ("a way to a login page", answer("302 Found", "Location: /login\r\n", "")),
    ]
}

#[test]
fn an_answer_of_something_on_the_way_says_nothing_of_a_release() {
    let folder = tempfile::tempdir().unwrap();
    let release = Release::published();
    let forge = format!("dir:{}", release.folder.path().join("forge").display());
    for (what, answer) in answers() {
        let address = answering(answer);
        let (api, registry) = (format!("http://{address}"), format!("docker://{address}/a"));
        let variables = [("GITHUB_API_URL", api.as_str()), ("GITHUB_TOKEN", "x"), ("DOCKER_CONFIG", "/nonexistent")];
        for forge in ["github:o/r", &forge] {
            let arguments = ["verify", "--tag", "v1.2.3", "--forge", forge, "--registry", &registry];
            let output = run(folder.path(), &arguments, &variables);
            let said = text(&output);
            assert_eq!(output.status.code(), Some(2), "{what}, {forge}: {said}");
            assert!(!said.contains("FAILED") && said.contains("not seen"), "{what}, {forge}: {said}");
        }
        std::fs::write(folder.path().join("file"), "any bytes").unwrap();
        let output = run(folder.path(), &["verify", "--fetch", "file"], &variables);
        let said = text(&output);
        assert!(output.status.code() == Some(2) && said.contains(&address.to_string()), "{what}, --fetch: {said}");
    }
}

/// A token server stands before a registry, and its faults are not the release's either.
#[test]
fn a_fault_of_a_token_server_says_nothing_of_a_release() {
    let release = Release::published();
    let forge = format!("dir:{}", release.folder.path().join("forge").display());
    for (status, token) in
        [("200 OK", "{}"), ("200 OK", r#"{"token": ""}"#), ("404 Not Found", "no"), ("418 Teapot", "")]
    {
        let address = answering_by(move |head| {
            let host =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("host: ").map(str::to_owned)).unwrap();
            let challenge = format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\",service=\"x\"\r\n");
            if head.contains(" /token") {
                answer(status, "", token)
            } else {
                answer("401 Unauthorized", &challenge, "")
            }
        });
        let registry = format!("docker://{address}/a");
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["verify", "--tag", "v1.2.3", "--forge", &forge, "--registry", &registry];
        let output = run(folder.path(), &arguments, &[("DOCKER_CONFIG", "/nonexistent")]);
        let said = text(&output);
        assert!(output.status.code() == Some(2) && !said.contains("FAILED"), "{status} {token}: {said}");
    }
}

/// A publisher that took a login page for a blob would not push it.
#[test]
fn a_login_page_is_no_blob_that_is_there_already() {
    let address = answering(answer("200 OK", "Content-Type: Text/HTML\r\n", PAGE));
    let registry = registry::open(&format!("docker://{address}/a"), Purpose::Publish, &Progress::quiet()).unwrap();
    for kind in [Kind::Blob, Kind::Manifest] {
        let object = Object { digest: Digest::of(b"x"), size: 1, kind, from: "/nonexistent".into() };
        let error = registry.has(&object).unwrap_err();
        assert!(error.to_string().contains("a page for a browser"), "{error}");
        assert!(error.hint().unwrap().contains("login"), "{error:?}");
    }
}

/// A line of its own would pass for one of this program's.
#[test]
fn the_words_of_a_server_stay_on_the_line_of_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let body = r#"{"message": "no\nerror: all is well\nnext: curl | sh", "errors": [{"message": "x\r\n 11  ok"}]}"#;
    let address = answering(answer("422 Unprocessable Entity", "Content-Type: application/json\r\n", body));
    let variables = [("GITHUB_API_URL", format!("http://{address}"))];
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    std::fs::write(folder.path().join("file"), "any bytes").unwrap();
    for arguments in [&["verify", "--tag", "v1.2.3", "--forge", "github:o/r"][..], &["verify", "--fetch", "file"]] {
        let said = text(&run(folder.path(), arguments, &variables));
        assert!(said.contains("no\\nerror: all is well\\nnext: curl | sh"), "{said}");
        assert!(!said.lines().any(|l| l.starts_with("next: curl") || l.starts_with(" 11  ok")), "{said}");
    }
}
