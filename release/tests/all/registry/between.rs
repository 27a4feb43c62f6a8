//! Something between a client and a registry that a test gives words of its own, where [`crate::faults::proxy`] only breaks.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// One request, and what a test makes of it. A connection has one.
pub(super) trait Between: Send + Sync + 'static {
    /// An answer in the registry's place. It may wait as long as it likes.
    fn instead(&self, _head: &str) -> Option<String> {
        None
    }

    /// A header line more in the registry's answer.
    fn more(&self, _body: &[u8]) -> Option<String> {
        None
    }
}

/// Where the registry is to be had with `between` before it.
pub(super) fn start(upstream: &str, between: impl Between) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (upstream, between) = (upstream.to_owned(), Arc::new(between));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (upstream, between) = (upstream.clone(), Arc::clone(&between));
            thread::spawn(move || serve(client, &upstream, &*between));
        }
    });
    address
}

fn serve(mut client: TcpStream, upstream: &str, between: &impl Between) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|l| l.strip_prefix("content-length: ")).map_or(0, |l| l.parse().unwrap());
    let mut body = vec![0; length];
    client.read_exact(&mut body).ok()?;
    if let Some(own) = between.instead(&head) {
        return client.write_all(own.as_bytes()).ok();
    }
    let mut server = TcpStream::connect(upstream).ok()?;
    let (first, rest) = head.split_once("\r\n")?;
    let head = format!("{first}\r\nConnection: close\r\n{rest}");
    server.write_all(&[head.as_bytes(), &body].concat()).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    if let Some(header) = between.more(&body) {
        let line = answer.iter().position(|b| *b == b'\n')? + 1;
        answer.splice(line..line, format!("{header}\r\n").into_bytes());
    }
    client.write_all(&answer).ok()
}
