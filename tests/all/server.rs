//! The server over a real socket, and its shutdown by real signals.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::World;

#[test]
fn get_root_answers_ok() {
    let server = World::new().serve(&[]);
    assert_ne!(server.address.port(), 0);
    let (head, body) = server.ask("GET", "/");
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(body, r#"{"status":"OK"}"#);
}

#[test]
fn unknown_path_and_method_get_json_errors() {
    let server = World::new().serve(&[]);
    for (method, path, status, expected) in [
        ("GET", "/nowhere", "404 not found", r#"{"error":"Not found"}"#),
        ("GET", "/../etc/passwd", "404 not found", r#"{"error":"Not found"}"#),
        ("POST", "/", "405 method not allowed", r#"{"error":"Method not allowed"}"#),
    ] {
        let (head, body) = server.ask(method, path);
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{method} {path}: {head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(body, expected, "{method} {path}");
    }
}

#[test]
fn http_connection_is_kept_alive() {
    let server = World::new().serve(&[]);
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(br#"{"status":"OK"}"#) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
    }
}

#[test]
fn invalid_http_closes_only_its_own_connection() {
    let server = World::new().serve(&[]);
    for nonsense in [b"\0\0\0\0\r\n\r\n".to_vec(), b"\x16\x03\x01\x02\x00\x01".to_vec(), vec![b'a'; 1 << 20]] {
        let mut stream = server.connect();
        // It may be cut while it still sends; all that counts is that it ends.
        stream.write_all(&nonsense).ok();
        stream.write_all(b"\r\n\r\n").ok();
        stream.read_to_end(&mut Vec::new()).ok();
    }
    assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
}

#[test]
fn port_in_use_is_reported_with_a_hint() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let ended = World::new().run_with(&[], &[("HOST", "127.0.0.1"), ("PORT", &port)]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.starts_with(&format!("error: cannot listen on 127.0.0.1 port {port}: ")), "{}", ended.stderr);
    assert!(ended.stderr.contains("choose another port: `PORT="), "{}", ended.stderr);
}

/// Of `localhost` every address: clients try one or the other first.
#[test]
fn host_name_is_listened_on_at_each_address() {
    let mut server = World::new().serve(&[("HOST", "localhost")]);
    let port = server.address.port();
    let mut addresses = vec![server.address];
    let names: Vec<_> = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", port)).unwrap().collect();
    let bindable = |address: &&std::net::SocketAddr| TcpListener::bind((address.ip(), 0)).is_ok();
    let expected: std::collections::BTreeSet<_> = names.iter().filter(bindable).copied().collect();
    while addresses.len() < expected.len() {
        let line = server.line();
        addresses.push(line.strip_prefix("listening on http://").unwrap().parse().unwrap());
    }
    assert_eq!(addresses.iter().copied().collect::<std::collections::BTreeSet<_>>(), expected);
    for address in addresses {
        assert_eq!(crate::support::get(address, "/"), r#"{"status":"OK"}"#);
    }
}

#[test]
fn configuration_file_sets_the_port() {
    let world = World::new().with_file("sayna.yaml", "server: {host: 127.0.0.1, port: 0}");
    let server = crate::support::Server::start(world.command(&["--config", "sayna.yaml"]));
    assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
}

#[cfg(unix)]
mod signals {
    use super::*;

    #[test]
    fn signals_stop_the_server_after_running_requests() {
        for name in ["INT", "TERM", "HUP"] {
            let server = started_by("env", &[DEFAULT_SIGHUP]);
            assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
            server.signal(name);
            let (status, output) = server.end();
            let stopping = "running requests have 10 s, a second signal ends at once";
            assert_eq!(output, format!("stopping on SIG{name}: {stopping}\nstopped\n"));
            assert_eq!(status, Some(0));
        }
    }

    /// What started the tests may have had SIGHUP ignored, and a child inherits that. Only GNU's `env` can undo it.
    const DEFAULT_SIGHUP: &str = if cfg!(target_os = "linux") { "--default-signal=HUP" } else { "--" };

    /// `nohup` starts a program with SIGHUP ignored, so that it outlives its terminal.
    #[test]
    fn nohup_server_survives_sighup() {
        let server = started_by("nohup", &[]);
        server.signal("HUP");
        assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
        server.signal("TERM");
        assert!(server.end().1.starts_with("stopping on SIGTERM"));
    }

    /// A server that another program has become.
    fn started_by(program: &str, arguments: &[&str]) -> crate::support::Server {
        let world = World::new();
        let mut command = std::process::Command::new(program);
        let server = world.command(&[]);
        command.args(arguments).arg(server.get_program()).current_dir(server.get_current_dir().unwrap());
        for (name, _) in server.get_envs().filter(|(_, value)| value.is_none()) {
            command.env_remove(name);
        }
        command.envs([("HOST", "127.0.0.1"), ("PORT", "0")]);
        crate::support::Server::start(command)
    }

    #[test]
    fn shutdown_does_not_wait_for_idle_connections() {
        let server = World::new().serve(&[("SAYNA_SERVER_SHUTDOWN_SECONDS", "3600")]);
        let mut kept = server.connect();
        kept.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        kept.read_exact(&mut [0; 32]).unwrap();
        // One that never asks anything, and one that has said half a word and then nothing.
        let (_silent, mut slow) = (server.connect(), server.connect());
        slow.write_all(b"GET / HT").unwrap();
        server.signal("TERM");
        let (status, output) = server.end();
        assert!(output.ends_with("\nstopped\n"), "{output}");
        assert_eq!(status, Some(0));
    }

    #[test]
    fn shutdown_seconds_zero_stops_at_once() {
        let server = World::new().serve(&[("SAYNA_SERVER_SHUTDOWN_SECONDS", "0")]);
        let mut slow = server.connect();
        slow.write_all(b"GET / HT").unwrap();
        // An answer on a later connection proves that the earlier one has been accepted.
        server.ask("GET", "/");
        server.signal("TERM");
        let (status, output) = server.end();
        assert!(output.ends_with("\nstopped; cut 1 connection that took longer\n"), "{output}");
        assert_eq!(status, Some(0));
    }

    #[test]
    fn second_signal_stops_the_server_at_once() {
        let mut server = World::new().serve(&[("SAYNA_SERVER_SHUTDOWN_SECONDS", "3600")]);
        let _silent = server.connect();
        server.ask("GET", "/");
        server.signal("INT");
        assert!(server.line().starts_with("stopping on SIGINT"));
        server.signal("INT");
        let (status, output) = server.end();
        assert!(["stopped at once\n", "stopped\n"].contains(&output.as_str()), "{output}");
        assert_eq!(status, Some(0));
    }
}
