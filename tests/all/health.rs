//! `sayna health`, the health check of containers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::support::{Ended, World};

/// Asks a server that gives this one answer.
fn asked(answer: &'static str) -> Ended {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = BufReader::new(&stream).lines().take_while(|line| !line.as_ref().unwrap().is_empty());
        let head: Vec<_> = head.map(Result::unwrap).collect();
        stream.write_all(answer.as_bytes()).unwrap();
        head
    });
    let ended = World::new().run(&["health", &url]);
    assert_eq!(server.join().unwrap()[0], "GET / HTTP/1.1");
    ended
}

#[test]
fn health_of_a_running_server_is_ok() {
    let world = World::new();
    let server = world.serve(&[]);
    let ended = world.run(&["health", &server.url()]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(ended.stdout, format!("{}/ is healthy\n", server.url()));
}

/// As in a container: the same environment for the server and for the check, and no argument.
#[test]
fn health_url_comes_from_the_configuration() {
    let server = World::new().serve(&[("HOST", "0.0.0.0")]);
    let port = server.address.port().to_string();
    let expected = format!("http://127.0.0.1:{port}/ is healthy\n");
    let ended = World::new().run_with(&["health"], &[("PORT", &port)]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), expected.as_str()), "{}", ended.stderr);
    let world = World::new().with_file("sayna.yaml", format!("server: {{port: {port}}}"));
    let ended = world.run(&["-c", "sayna.yaml", "health"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), expected.as_str()), "{}", ended.stderr);
}

#[test]
fn health_without_a_server_fails() {
    // Reserved for a service that is not in use, and never given out as a free port.
    let url = "http://127.0.0.1:1";
    let ended = World::new().run(&["health", url]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.starts_with(&format!("error: {url}/ cannot be reached: ")), "{}", ended.stderr);
    assert!(ended.stderr.contains("no server listens there"), "{}", ended.stderr);
}

#[test]
fn health_rejects_other_answers() {
    for (answer, expected) in [
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", "answered 503 Service Unavailable"),
        ("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", "answered 302 Found"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "answered, but not with {\"status\":\"OK\"}"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"status\":\"DRAINING\"}", "answered, but not with"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhello", "answered with a body that is broken or too long"),
        ("SSH-2.0-OpenSSH\r\n", "does not answer in HTTP"),
    ] {
        let ended = asked(answer);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{answer}");
        assert!(ended.stderr.contains(expected), "{answer} should give {expected}: {}", ended.stderr);
    }
}

#[test]
fn health_does_not_read_an_endless_body() {
    let endless = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", " ".repeat(5000));
    let ended = asked(Box::leak(endless.into_boxed_str()));
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("broken or too long"), "{}", ended.stderr);
}

#[test]
fn health_with_an_invalid_url_is_a_usage_error() {
    for (url, expected) in [
        ("https://example.org", "is https, and only plain http can be checked"),
        ("http://127.0.0.1:99999", "is not an http:// URL"),
        ("http://u:hunter2@127.0.0.1:1/", "error: the URL has an `@` in it"),
        ("localhost:3001", "is not an http:// URL"),
        ("ftp://localhost", "is not an http:// URL"),
        ("/", "is not an http:// URL"),
        ("", "is not an http:// URL"),
    ] {
        let ended = World::new().run(&["health", url]);
        assert_eq!(ended.status, Some(2), "{url}");
        assert!(ended.stderr.contains(expected), "{url}: {}", ended.stderr);
    }
    let ended = World::new().run_with(&["health"], &[("PORT", "0")]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("the configured port is 0"), "{}", ended.stderr);
}
