//! The commands of the README that call the server, as they stand there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Server, World};

#[test]
fn every_call_of_the_server_in_the_readme_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let lines = readme.lines().map(|l| l.split(" #").next().unwrap_or_default().trim());
    let calls: Vec<&str> = lines.filter(|l| *l == "sayna" || l.starts_with("sayna ")).collect();
    assert_eq!(calls.len(), 4, "{calls:?}");
    let server = World::new().serve(&[("HOST", "127.0.0.1"), ("PORT", "0")]);
    let port = server.address.port().to_string();
    for call in calls {
        let arguments: Vec<&str> = call.split_whitespace().skip(1).collect();
        let ends = |variables: &[(&str, &str)]| {
            let mut command = serving(&arguments);
            command.envs(variables.iter().copied()).stdout(Stdio::null()).status().unwrap().success()
        };
        match arguments.first() {
            Some(&"check") => assert!(ends(&[]), "{call}"),
            Some(&"health") => {
                assert!(ends(&[("PORT", &port)]), "{call}");
            }
            // The two that serve: on every address, as the example says, and on a port that is free.
            _ => {
                let started = Server::start(serving(&arguments));
                assert!(started.address.ip().is_unspecified(), "{call}");
                let port = started.address.port().to_string();
                let health = World::new().run_with(&["health"], &[("PORT", &port)]);
                assert_eq!(health.status, Some(0), "{call}");
            }
        }
    }
}

/// The server as the README starts it, but for the port.
fn serving(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().env("PORT", "0");
    command
}
