//! Something between a client and a server that breaks the n-th request in a way of one's choice. It knows HTTP/1.1 and
//! nothing of what is said in it, so that any client and any server without TLS can be put through it.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection ends before the server has seen anything.
    CutBefore,
    /// It ends when the server has half of the body, or of the head where there is no body.
    CutDuring,
    /// The server does it, and the connection ends without an answer.
    CutAfter,
    /// The server does it, and half of the answer arrives.
    Truncate,
    /// The answer comes late.
    Delay,
    /// The server does it twice; the second answer is the one that arrives.
    Twice,
    /// 429, with `Retry-After: 1`.
    Limit,
    /// This status instead of the server's answer.
    Status(u16),
    /// This status although the server did it.
    StatusAfter(u16),
    /// 200 with this instead of the server's answer.
    Body(&'static str),
    /// Nothing moves any more, for ever.
    Stall,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutBefore => write!(f, "cut before the body"),
            Self::CutDuring => write!(f, "cut during the body"),
            Self::CutAfter => write!(f, "cut after the body"),
            Self::Truncate => write!(f, "truncated answer"),
            Self::Delay => write!(f, "late answer"),
            Self::Twice => write!(f, "request repeated"),
            Self::Limit => write!(f, "429, retry-after"),
            Self::Status(status) => write!(f, "{status}, not done"),
            Self::StatusAfter(status) => write!(f, "{status}, done"),
            Self::Body(body) => write!(f, "200 with {body:.8?}"),
            Self::Stall => write!(f, "stalled"),
        }
    }
}

#[derive(Default)]
struct State {
    fault: Option<(usize, Fault)>,
    count: usize,
    fired: bool,
}

/// A proxy in front of servers that belong together: their requests are counted as they come.
pub(crate) struct Proxy {
    /// Where each of the servers is to be had, `127.0.0.1:PORT`.
    pub(crate) addresses: Vec<String>,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Proxy {
    pub(crate) fn before(servers: &[&str]) -> Self {
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let addresses = servers.iter().map(|server| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let (upstream, inside) = ((*server).to_owned(), Arc::clone(&state));
            thread::spawn(move || {
                for client in listener.incoming().map_while(Result::ok) {
                    let (upstream, state) = (upstream.clone(), Arc::clone(&inside));
                    // A client that is killed leaves in the middle of anything.
                    thread::spawn(move || serve(client, &upstream, &state));
                }
            });
            address
        });
        Self { addresses: addresses.collect(), state }
    }

    /// Where the first of the servers is to be had.
    pub(crate) fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// Counts from 0 again; the n-th request from now on has the fault.
    pub(crate) fn arm(&self, fault: Option<(usize, Fault)>) {
        *self.state.0.lock().unwrap() = State { fault, count: 0, fired: false };
    }

    /// Requests since then.
    pub(crate) fn count(&self) -> usize {
        self.state.0.lock().unwrap().count
    }

    /// Whether the fault was reached.
    pub(crate) fn fired(&self) -> bool {
        self.state.0.lock().unwrap().fired
    }

    /// Waits for the fault; `false` when it is not reached within so long.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let (state, changed) = &*self.state;
        let (state, _) = changed.wait_timeout_while(state.lock().unwrap(), time, |state| !state.fired).unwrap();
        state.fired
    }
}

/// One request per connection: both sides are told so.
fn serve(mut client: TcpStream, upstream: &str, state: &(Mutex<State>, Condvar)) -> Option<()> {
    let head = head(&mut client)?;
    let fault = {
        let mut now = state.0.lock().unwrap();
        let number = now.count;
        now.count += 1;
        let fault = now.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        now.fired |= fault.is_some();
        state.1.notify_all();
        fault
    };
    if fault == Some(Fault::CutBefore) {
        return None;
    }
    let request = request(&head, &mut client)?;
    let ask = || {
        let mut server = TcpStream::connect(upstream).ok()?;
        server.write_all(&request).ok()?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).ok()?;
        Some(answer)
    };
    let answer = match fault {
        Some(Fault::CutBefore) => return None,
        Some(Fault::CutDuring) => {
            // At least the last byte of it is missing.
            let body = request.len() - end_of_head(&request);
            let begun = request.len() - (body / 2).max(1);
            TcpStream::connect(upstream).ok()?.write_all(&request[..begun]).ok()?;
            return None;
        }
        Some(Fault::CutAfter) => {
            ask()?;
            return None;
        }
        Some(Fault::Truncate) => {
            let mut answer = ask()?;
            answer.truncate(answer.len() / 2);
            answer
        }
        Some(Fault::Twice) => {
            ask()?;
            ask()?
        }
        Some(Fault::Limit) => refusal(429),
        Some(Fault::Status(status)) => refusal(status),
        Some(Fault::StatusAfter(status)) => {
            ask()?;
            refusal(status)
        }
        Some(Fault::Body(body)) => answer(200, "", body),
        Some(Fault::Stall) => loop {
            thread::park();
        },
        Some(Fault::Delay) => {
            thread::sleep(Duration::from_millis(100));
            ask()?
        }
        None => ask()?,
    };
    client.write_all(&answer).ok()
}

/// The whole request as it is sent on: one per connection.
fn request(head: &str, client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut length = 0;
    for line in head.lines().filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if name == "content-length" {
            length = line.split(':').nth(1)?.trim().parse().ok()?;
        }
        if name != "connection" {
            request.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
    }
    request.extend_from_slice(b"Connection: close\r\n\r\n");
    let mut body = vec![0; length];
    client.read_exact(&mut body).ok()?;
    request.append(&mut body);
    Some(request)
}

fn end_of_head(request: &[u8]) -> usize {
    request.windows(4).position(|four| four == b"\r\n\r\n").map_or(request.len(), |at| at + 4)
}

fn refusal(status: u16) -> Vec<u8> {
    let wait = if status == 429 { "Retry-After: 1\r\n" } else { "" };
    answer(status, wait, r#"{"errors":[{"code":"UNAVAILABLE","message":"broken on purpose"}]}"#)
}

fn answer(status: u16, header: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Broken\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").into()
}

/// Up to and with the empty line.
fn head(client: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).ok()
}
