//! Runs a program that came from elsewhere: without the caller's environment, in a folder of its own, for a bounded time
//! and with bounded output.
//!
//! This is no sandbox: the program has the rights of the user. What it does not have is what the user's environment says, such as
//! tokens.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::children::Tied;

/// A program that prints its version is done long before; antivirus software may look at it first.
const LIMIT: Duration = Duration::from_secs(20);
/// No version is said in more bytes.
const OUTPUT: u64 = 64 << 10;
/// Without it no program on Windows finds its system libraries.
const KEPT: &[&str] = if cfg!(windows) { &["SystemRoot"] } else { &[] };

/// The reason why there is no output.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The system does not run it.
    #[error(transparent)]
    System(#[from] io::Error),
    /// It was stopped.
    #[error("it was stopped after {} s, and had not ended", LIMIT.as_secs())]
    Late,
    /// It was stopped.
    #[error("it was stopped, as it printed more than {OUTPUT} bytes")]
    Long,
}

/// Runs the program in `folder`, which is made for it.
pub(super) fn run(program: &Path, arguments: &[&str], folder: &Path) -> Result<Output, Error> {
    fs::create_dir_all(folder)?;
    let mut command = Command::new(std::path::absolute(program)?);
    command.args(arguments).current_dir(folder).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let mut child = started(&mut command)?;
    // Dropping `child` ends it where it runs on, and whatever it has started.
    said(&mut child, Instant::now() + LIMIT)
}

/// A program that was written a moment ago may be busy: while another thread of this process starts a program, the new
/// process holds each file that was open for writing.
fn started(command: &mut Command) -> io::Result<Tied> {
    for _ in 0..50 {
        match Tied::spawn(command) {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => sleep(Duration::from_millis(20)),
            other => return other,
        }
    }
    Tied::spawn(command)
}

/// The exit status and the output.
fn said(child: &mut Child, end: Instant) -> Result<Output, Error> {
    let (stdout, stderr) = (reading(child.stdout.take()), reading(child.stderr.take()));
    let (stdout, stderr) = (read(&stdout, end)?, read(&stderr, end)?);
    Ok(Output { status: ended(child, end)?, stdout, stderr })
}

/// A thread reads, as a program may go on for ever without a word.
fn reading(from: Option<impl Read + Send + 'static>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, printed) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = from.map_or(Ok(0), |from| from.take(OUTPUT + 1).read_to_end(&mut bytes));
        // The receiver has gone where the time was up.
        let _gone = sender.send(read.map(|_count| bytes));
    });
    printed
}

fn read(printed: &Receiver<io::Result<Vec<u8>>>, end: Instant) -> Result<Vec<u8>, Error> {
    match printed.recv_timeout(end.saturating_duration_since(Instant::now())) {
        Ok(Ok(bytes)) if bytes.len() as u64 > OUTPUT => Err(Error::Long),
        Ok(bytes) => Ok(bytes?),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(Error::Late),
    }
}

fn ended(child: &mut Child, end: Instant) -> Result<ExitStatus, Error> {
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(status),
            None if Instant::now() > end => return Err(Error::Late),
            None => sleep(Duration::from_millis(5)),
        }
    }
}
