//! On Unix each program gets a process group of its own, and a shell beside it that waits for the end of a pipe, of which this
//! program holds the other end. The system closes that end even where this program is killed; the shell then ends the group.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, then asks the group to end, and a second later makes it.
const SCRIPT: &str = r#"read -r _; kill -s TERM -- "-$0" && sleep 1 && kill -s KILL -- "-$0""#;

/// The shell beside one program.
#[derive(Debug)]
pub(super) struct Watch(Child);

impl Watch {
    /// Of a program that leads a group. Without a shell the programs run as they would without all this.
    pub(super) fn over(child: &Child) -> Option<Self> {
        let mut command = Command::new("sh");
        // In a group of its own: what a terminal sends to end this program must not end the watch first.
        let command = command.args(["-c", SCRIPT]).arg(child.id().to_string()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok().map(Self)
    }

    /// A watch of a program that has ended goes without a word: its number may be that of another program soon. Of one that
    /// runs on, the watch learns that this program wants no more of it.
    pub(super) fn end(self, waited: bool) {
        let Self(mut watch) = self;
        if waited {
            drop(watch.kill());
        } else {
            drop(watch.stdin.take());
        }
        drop(watch.wait());
    }
}
