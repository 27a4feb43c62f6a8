//! Programs that end with this one, in whatever way it ends, together with everything that they have started.

use std::io::{self, Read};
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

#[cfg_attr(unix, path = "children/shell.rs")]
#[cfg_attr(windows, path = "children/job.rs")]
mod watch;

use watch::Watch;

/// A running program that ends with this one.
#[derive(Debug)]
pub struct Tied {
    child: Child,
    watch: Option<Watch>,
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
        Ok(Self { watch: Watch::over(&child), child, waited: false })
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
    fn drop(&mut self) {
        let Some(watch) = self.watch.take() else { return };
        watch.end(self.waited);
        if !self.waited {
            drop(self.child.wait());
        }
    }
}
