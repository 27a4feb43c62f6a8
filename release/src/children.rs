//! Programs that end with this one, in whatever way it ends, together with everything that they have started.
//!
//! On Unix each gets a process group of its own, and a shell beside it that waits for the end of a pipe, of which this program
//! holds the other end. The system closes that end even where this program is killed; the shell then ends the group. On
//! Windows a console passes Ctrl-C on to all its programs, and a job there ends as a whole.

use std::io::{self, Read};
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

/// A running program that ends with this one.
#[derive(Debug)]
pub struct Tied {
    child: Child,
    watch: Option<Child>,
    waited: bool,
}

impl Deref for Tied {
    type Target = Child;
    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Tied {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Tied {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn()?;
        Ok(Self { watch: watch(child.id()), child, waited: false })
    }

    /// Waits for its end.
    pub fn end(mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.waited = true;
        Ok(status)
    }

    /// Waits for its end and gives what it printed on the pipes that it was given.
    pub fn output(mut self) -> io::Result<Output> {
        let (out, error) = (self.child.stdout.take(), self.child.stderr.take());
        let (stdout, stderr) = std::thread::scope(|scope| {
            let stderr = scope.spawn(|| all(error));
            let stdout = all(out);
            (stdout, stderr.join().unwrap_or_else(|_panicked| Ok(Vec::new())))
        });
        let (stdout, stderr) = (stdout?, stderr?);
        Ok(Output { status: self.end()?, stdout, stderr })
    }
}

/// Runs a program to its end and gives what it printed.
pub fn output(command: &mut Command) -> io::Result<Output> {
    Tied::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?.output()
}

fn all(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

impl Drop for Tied {
    /// A watch of a program that has ended goes without a word: its number may be that of another program soon. Of one that
    /// runs on, the watch learns that this program wants no more of it.
    fn drop(&mut self) {
        let Some(mut watch) = self.watch.take() else { return };
        if self.waited {
            drop(watch.kill());
        } else {
            drop(watch.stdin.take());
        }
        drop(watch.wait());
        if !self.waited {
            drop(self.child.wait());
        }
    }
}

/// Waits for the end of its input, then asks the group to end, and a second later makes it.
#[cfg(unix)]
const WATCH: &str = r#"read -r _; kill -s TERM -- "-$0" && sleep 1 && kill -s KILL -- "-$0""#;

#[cfg(unix)]
fn watch(group: u32) -> Option<Child> {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("sh");
    // In a group of its own: what a terminal sends to end this program must not end the watch first.
    let command = command.args(["-c", WATCH]).arg(group.to_string()).process_group(0);
    // Without a shell the programs run as they would without all this.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

#[cfg(not(unix))]
fn watch(_group: u32) -> Option<Child> {
    None
}
