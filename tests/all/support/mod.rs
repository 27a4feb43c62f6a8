//! A world of its own for each test: a folder, an environment without our variables, a server on a free port.

pub(crate) mod client;
pub(crate) mod generated;
pub(crate) mod livekit;
#[cfg(unix)]
pub(crate) mod room;

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A program that was built elsewhere, to be tried in the place of the one that was built with the tests.
pub(crate) fn foreign() -> Option<OsString> {
    std::env::var_os("SAYNA_TEST_PROGRAM")
}

/// A folder in which the program is run.
#[derive(Debug)]
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn with_file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// The program as it will be started; what the machine's environment says of it is left out.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(foreign().unwrap_or_else(|| env!("CARGO_BIN_EXE_sayna").into()));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for name in sayna::config::variables().flat_map(|(_, names)| names) {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::new(&self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        Ended::new(&self.command(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    /// A server whose providers are these, with keys that they take.
    pub(crate) fn serve_with(&self, vendors: &[(&str, &vendors::Server)], variables: &[(&str, &str)]) -> Server {
        let mut command = self.command(&[]);
        command.env("HOST", "127.0.0.1").env("PORT", "0");
        for (name, vendor) in vendors {
            let name = name.to_uppercase();
            command.env(format!("SAYNA_PROVIDERS_{name}_STT_URL"), vendor.ws_url());
            command.env(format!("SAYNA_PROVIDERS_{name}_TTS_URL"), vendor.url());
            let key =
                if name == "AZURE" { "AZURE_SPEECH_SUBSCRIPTION_KEY".to_owned() } else { format!("{name}_API_KEY") };
            command.env(key, vendors::KEY);
        }
        command.envs(variables.iter().copied());
        Server::start(command)
    }

    /// A server on a free port of the loopback, ready to answer.
    pub(crate) fn serve(&self, variables: &[(&str, &str)]) -> Server {
        let mut command = self.command(&[]);
        command.env("HOST", "127.0.0.1").env("PORT", "0").envs(variables.iter().copied());
        Server::start(command)
    }
}

/// What a program that ended has left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// What a server has answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The body came to its end.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }
}

/// The body of a path at another address than the server's own. Not every server there closes when it is asked to.
pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    stream.get_ref().set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    write!(stream.get_mut(), "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut length = None;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        length = length.or(line.strip_prefix("content-length:").map(|text| text.trim().parse().unwrap()));
    }
    let mut body = vec![0; length.expect("a length")];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// A body without the chunks that it came in, and whether it is all there.
fn body_of(head: &str, mut rest: &[u8]) -> (Vec<u8>, bool) {
    if !head.contains("transfer-encoding: chunked") {
        return (rest.to_vec(), true);
    }
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return (body, false) };
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        if length == 0 {
            return (body, true);
        }
        if rest.len() < length + 2 {
            return (body, false);
        }
        body.extend_from_slice(&rest[..length]);
        rest = &rest[length + 2..];
    }
}

/// Where a program's output comes from.
trait Source: std::fmt::Debug + Read + Send + Sync {}

impl<T: std::fmt::Debug + Read + Send + Sync> Source for T {}

/// A running server; ends with the test at the latest.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<Box<dyn Source>>,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(command: Command) -> Self {
        Self::start_to(command, Stdio::inherit())
    }

    /// With its log in a file.
    pub(crate) fn start_logging(command: Command, log: std::fs::File) -> Self {
        Self::start_to(command, log.into())
    }

    fn start_to(mut command: Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout: Box<dyn Source> = Box::new(child.stdout.take().unwrap());
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").expect(&line).trim().parse().unwrap();
        Self { child, stdout, address }
    }

    /// With all that it writes in one pipe, as a log shipper has it.
    #[cfg(unix)]
    pub(crate) fn start_shipped(mut command: Command) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let child = command.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
        // It has the other ends of the pipe.
        drop(command);
        let reader: Box<dyn Source> = Box::new(reader);
        let mut stdout = BufReader::new(reader);
        let address = loop {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it has ended");
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.trim().parse().unwrap();
            }
        };
        Self { child, stdout, address }
    }

    /// The reader of its output dies.
    #[cfg(unix)]
    pub(crate) fn stop_reading(&mut self) {
        let nothing: Box<dyn Source> = Box::new(std::io::empty());
        self.stdout = BufReader::new(nothing);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// Sends a request on a connection of its own and returns head and body.
    pub(crate) fn ask(&self, method: &str, path: &str) -> (String, String) {
        let answer = self.request(method, path, &[], b"");
        (answer.head, String::from_utf8(answer.body).unwrap())
    }

    /// Sends a request with headers and a body on a connection of its own.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.connect();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n").unwrap();
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n").unwrap();
        }
        write!(stream, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        // A server that refuses a body need not read all of it.
        stream.write_all(body).ok();
        let mut answer = Vec::new();
        let whole = stream.read_to_end(&mut answer).is_ok();
        let at = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(answer[..at].to_vec()).unwrap().to_ascii_lowercase();
        let (body, complete) = body_of(&head, &answer[at + 4..]);
        Answer { head, body, whole: whole && complete }
    }

    /// The same with JSON.
    pub(crate) fn post(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.request("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// Resident memory.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory_kb(&self) -> u64 {
        self.status_kb("VmRSS:")
    }

    /// The most of it since the start.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_kb(&self) -> u64 {
        self.status_kb("VmHWM:")
    }

    #[cfg(target_os = "linux")]
    fn status_kb(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sends a signal by name. The shell's `kill`, as the program of that name is not on every machine.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Ends it in order, so that every line of its log is written.
    pub(crate) fn stop(self) {
        #[cfg(unix)]
        {
            self.signal("TERM");
            self.end();
        }
        // Killed when it is dropped: a thread writes the log, and is given the time for it.
        #[cfg(not(unix))]
        std::thread::sleep(std::time::Duration::from_secs(1));
    }

    /// The next line of its output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits for its end without reading its output; returns the exit status.
    #[cfg(unix)]
    pub(crate) fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Waits for its end; returns the exit status and the rest of the output.
    #[cfg(unix)]
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has usually ended already, which is all that is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
