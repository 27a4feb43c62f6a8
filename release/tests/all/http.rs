//! The HTTP layer against a server that says exactly what a test tells it to, byte by byte.

use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use sayna_release::http::{Body, Client, Clock, Error, Method, ProgressOnce, Repeat, Request, Secret};

/// Time that passes only on paper.
#[derive(Clone, Default)]
pub(crate) struct PaperClock(Arc<Mutex<Vec<Duration>>>);

impl PaperClock {
    /// Every pause there was.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Clock for PaperClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + self.pauses().iter().sum::<Duration>()
    }
    fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().push(time);
    }
}

/// Answers each request with the next of its answers, then is gone. An empty answer is a cut.
struct Script {
    base: String,
    seen: JoinHandle<Vec<String>>,
}

impl Script {
    fn new(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<String> = answers.iter().map(ToString::to_string).collect();
        let seen = std::thread::spawn(move || {
            answers.iter().map(|answer| exchange(listener.accept().unwrap().0, answer)).collect()
        });
        Self { base, seen }
    }

    fn requests(self) -> Vec<String> {
        self.seen.join().unwrap()
    }
}

fn exchange(mut stream: TcpStream, answer: &str) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        request.push(byte[0]);
    }
    let head = String::from_utf8(request).unwrap().to_lowercase();
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    stream.write_all(answer.as_bytes()).unwrap();
    format!("{head}{}", String::from_utf8_lossy(&body))
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn client() -> (Client, PaperClock) {
    let clock = PaperClock::default();
    (Client::new().unwrap().with_clock(Arc::new(clock.clone())), clock)
}

#[test]
fn a_body_that_breaks_off_is_asked_for_again_and_counts_once() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    let script = Script::new(&["", cut, &answer("503 Busy", "", ""), &answer("200 OK", "", "whole")]);
    let (client, clock) = client();
    let folder = tempfile::tempdir().unwrap();
    let (url, to) = (format!("{}/x", script.base), folder.path().join("x"));
    let request = Request::new(Method::GET, &url).repeat(Repeat::Safe);
    let (digest, size) = client.send(&request).unwrap().save(&to, u64::MAX).unwrap();
    assert_eq!((fs::read(&to).unwrap(), size), (b"whole".to_vec(), 5));
    assert_eq!(digest, sayna_release::digest::Digest::of(b"whole"));
    assert_eq!(script.requests().len(), 4);
    assert_eq!(clock.pauses().len(), 3);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a piece of an attempt was left");
}

#[test]
fn requests_that_may_not_repeat_are_sent_once_except_after_limits() {
    for fault in ["", &answer("502 Bad Gateway", "", "")] {
        let script = Script::new(&[fault]);
        let (client, clock) = client();
        let url = format!("{}/x", script.base);
        let error = client.send(&Request::new(Method::POST, &url)).unwrap_err();
        assert!(error.is_ambiguous(), "{error}");
        assert!(clock.pauses().is_empty());
    }
    let limit = answer("429 Slow", "retry-after: 7\r\n", "");
    let script = Script::new(&[&limit, &answer("200 OK", "", "{}")]);
    let (client, clock) = client();
    let url = format!("{}/x", script.base);
    client.send(&Request::new(Method::POST, &url)).unwrap().json::<serde_json::Value>().unwrap();
    assert!(clock.pauses()[0] >= Duration::from_secs(7));
}

#[test]
fn a_limit_that_ends_too_late_is_an_error_that_says_when() {
    let headers = "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1003600\r\n";
    let script = Script::new(&[&answer("403 Forbidden", headers, r#"{"message":"API rate limit exceeded"}"#)]);
    let (client, _) = client();
    let url = format!("{}/x", script.base);
    let error = client.send(&Request::new(Method::GET, &url).repeat(Repeat::Safe)).unwrap_err();
    assert!(error.to_string().contains("API rate limit exceeded"), "{error}");
    assert!(error.hint().unwrap().contains("60 minutes"), "{error:?}");
}

#[test]
fn credentials_stay_with_the_host_that_they_are_for() {
    let storage = Script::new(&[&answer("200 OK", "", "bytes")]);
    let redirect = answer("302 Found", &format!("location: {}/blob?signature=s3cret\r\n", storage.base), "");
    let script = Script::new(&[&redirect]);
    let (client, _) = client();
    let (url, token) = (format!("{}/x", script.base), Secret::new("token\n"));
    let request = Request::new(Method::GET, &url).bearer(&token);
    assert_eq!(client.send(&request).unwrap().bytes(5).unwrap(), b"bytes");
    assert!(script.requests()[0].contains("authorization: bearer token\r\n"));
    let requests = storage.requests();
    assert!(!requests[0].contains("authorization"), "{requests:?}");
    assert!(requests[0].starts_with("get /blob?signature=s3cret "), "{requests:?}");
}

#[test]
fn only_reading_follows_redirects() {
    let script = Script::new(&[&answer("307 Moved", "location: http://127.0.0.1:1/elsewhere\r\n", "")]);
    let (client, _) = client();
    let url = format!("{}/x", script.base);
    let error = client.send(&Request::new(Method::POST, &url)).unwrap_err();
    assert!(error.to_string().contains("it has moved to http://127.0.0.1:1/elsewhere"), "{error}");
}

#[test]
fn errors_show_neither_tokens_nor_queries() {
    let script = Script::new(&[&answer("401 No", "", r#"{"message":"token tok3n is bad","errors":[{"code":"X"}]}"#)]);
    let (client, _) = client();
    let (url, token) = (format!("{}/x?signature=s3cret&page=2", script.base), Secret::new("tok3n"));
    let request = Request::new(Method::GET, &url).bearer(&token);
    let error = client.send(&request).unwrap_err();
    let said = format!("{error} {error:?} {request:?} {token:?}");
    assert_eq!((error.status(), error.refused().unwrap().codes.clone()), (Some(401), vec!["X".to_owned()]));
    assert!(error.to_string().ends_with("/x?signature=…&page=…: status 401: token [secret] is bad; X"), "{error}");
    assert!(!said.contains("tok3n"), "{said}");
}

#[test]
fn every_line_of_a_challenge_is_read() {
    let lines = "www-authenticate: Negotiate\r\nwww-authenticate: Bearer realm=\"https://a.io/token\"\r\n";
    let script = Script::new(&[&answer("401 No", lines, "")]);
    let (client, _) = client();
    let url = format!("{}/x", script.base);
    let error = client.send(&Request::new(Method::GET, &url)).unwrap_err();
    assert_eq!(error.refused().unwrap().challenges, ["Negotiate", "Bearer realm=\"https://a.io/token\""]);
}

#[test]
fn a_file_goes_as_it_is_with_its_length_and_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "x".repeat(300_000)).unwrap();
    let script = Script::new(&["", &answer("201 Created", "", "")]);
    let (client, _) = client();
    let url = format!("{}/x", script.base);
    let moved = Cell::new(0);
    let count = |bytes| moved.set(moved.get() + bytes);
    let once = ProgressOnce::new(&count);
    let file = |size| Body::File { path: &path, size, content_type: "application/gzip", on_progress: &once };
    let request = Request::new(Method::PUT, &url).body(file(300_000)).repeat(Repeat::Safe);
    assert_eq!(client.send(&request).unwrap().status(), 201);
    assert_eq!(moved.get(), 300_000, "bytes of a second attempt were counted twice");
    for request in script.requests() {
        assert!(request.contains("content-length: 300000\r\n") && request.contains("content-type: application/gzip"));
        assert!(!request.contains("transfer-encoding"), "{request:.300}");
        assert!(request.ends_with(&"x".repeat(300_000)));
    }
    let wrong = Request::new(Method::PUT, &url).body(file(7));
    assert!(matches!(client.send(&wrong), Err(Error::Resized { found: 300_000, .. })));
}
