//! What a person sees of a push: on a terminal a bar for each blob that is under way, elsewhere a line for each that was.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use sayna_release::registry::Registry as _;

use super::between::{self, Between};
use super::kill::Publisher;
use super::reach;
use super::server::Server;

/// Blobs of 1.6 MB and archives of 2 MB.
fn publisher() -> Publisher {
    Publisher::with(&"x".repeat(40_000))
}

#[test]
fn where_there_is_no_terminal_each_large_file_gets_a_line_when_it_is_there() {
    let publisher = publisher();
    let output = publisher.command("oci:dist/registry").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = said.lines().filter(|l| l.trim_start().starts_with("sent ")).collect();
    // Two archives, and the one layer that is not small.
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines.iter().any(|l| l.contains("sayna-0.1.0-x86_64-unknown-linux-gnu.tar.gz  2.00 MB  (")), "{said}");
    assert!(lines.iter().any(|l| l.contains("sha256:") && l.contains(" to oci:dist/registry  1.60 MB  (")), "{said}");
    assert!(!said.contains('\r') && !said.contains('\u{1b}'), "{said:?}");
}

/// Holds every upload back until the test has seen enough.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<(usize, bool)>, Condvar)>);

impl Between for Gate {
    fn instead(&self, head: &str) -> Option<String> {
        if head.starts_with("PUT ") && head.contains("/blobs/uploads/") {
            let (state, changed) = &*self.0;
            let mut now = state.lock().unwrap();
            now.0 += 1;
            changed.notify_all();
            drop(changed.wait_while(now, |(_, open)| !*open).unwrap());
        }
        None
    }
}

impl Gate {
    /// Waits until so many uploads are held.
    fn holds(&self, count: usize) {
        let (state, changed) = &*self.0;
        drop(changed.wait_while(state.lock().unwrap(), |(held, _)| *held < count).unwrap());
    }

    fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().1 = true;
        changed.notify_all();
    }
}

#[test]
#[ignore = "needs docker-registry and script"]
fn on_a_terminal_all_blobs_are_under_way_at_once_and_each_has_its_bar() {
    let (server, gate, publisher) = (Server::open(), Gate::default(), publisher());
    let place = format!("docker://{}/a", between::start(&server.address, gate.clone()));
    let inner = publisher.command(&place);
    let words = [inner.get_program()].into_iter().chain(inner.get_args());
    let line = words.map(|w| w.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ");
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(inner.get_current_dir().unwrap());
    // Whatever terminal this is run in, or none.
    command
        .env("TERM", "xterm-256color")
        .env("DOCKER_CONFIG", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("script: {e}"));
    let mut screen = child.stdout.take().unwrap();
    let seen = Arc::<(Mutex<String>, Condvar)>::default();
    let into = Arc::clone(&seen);
    let reader = thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut bytes) {
            into.0.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            into.1.notify_all();
        }
    });
    // None is answered before the third has come: they are under way together.
    gate.holds(3);
    let names: Vec<String> = publisher.blobs().iter().map(|d| d.to_string()[..20].to_owned()).collect();
    assert_eq!(names.len(), 3);
    let bars = |text: &str| names.iter().all(|name| text.lines().any(|l| l.contains(name) && l.contains('█')));
    let long = Duration::from_secs(60);
    let (text, _) = seen.1.wait_timeout_while(seen.0.lock().unwrap(), long, |text| !bars(text)).unwrap();
    assert!(bars(&text), "{text}");
    drop(text);
    gate.open();
    assert!(child.wait().unwrap().success(), "{}", seen.0.lock().unwrap());
    reader.join().unwrap();
    assert_eq!(reach(&server.address, "a", &[]).tags().unwrap(), ["0.1.0"]);
}
