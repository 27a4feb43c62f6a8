//! The commands of the README and of the quick start that call the server, as the documents show them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use sayna::provider::Name;

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

/// The shell blocks of a document that talk to a server.
fn talks(name: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    text.split("```bash\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn the_requests_that_the_documents_show_are_answered() {
    let deepgram = vendors::server(vendors::Vendor::Deepgram).start().await;
    let world = World::new();
    let server = world.serve_with(&[("deepgram", &deepgram)], &[]);
    let requests: Vec<_> = ["README.md", "docs/use/rest-api.md", "docs/use/quick-start.md"]
        .map(talks)
        .concat()
        .into_iter()
        .filter(|talk| talk.contains("curl"))
        .collect();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let script = request.replace("localhost:3001", &server.address.to_string());
        let mut command = Command::new("sh");
        command.args(["-e", "-c", &script]).current_dir(world.path(""));
        let status = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
        assert!(status.success(), "{script}");
    }
    for file in ["hello.wav", "vendor.wav"] {
        assert!(fs::read(world.path(file)).unwrap().starts_with(b"RIFF"));
    }
    assert!(fs::read(world.path("hello.pcm")).unwrap() == vendors::speech("Hello.", "linear16", 24_000));
}

#[test]
fn the_page_is_where_the_readme_says_and_its_origin_may_be_allowed() {
    let talk = talks("README.md").into_iter().find(|talk| talk.contains("http.server")).unwrap();
    let origin = talk.lines().next().unwrap().split(['=', ' ']).nth(1).unwrap();
    assert_eq!(World::new().run_with(&["check"], &[("SAYNA_SERVER_ALLOWED_ORIGINS", origin)]).status, Some(0));
    assert!(talk.contains("--directory examples") && talk.contains(&format!("{origin}/talk.html")), "{talk}");
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/talk.html").is_file());
}

/// The commands of a document's `sh` blocks.
fn commands(name: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect()
}

/// `local_engines.rs` runs the session of the README, as it needs models.
#[test]
fn the_quick_start_runs_the_commands_of_the_readme() {
    let (start, readme) = (commands("docs/use/quick-start.md"), commands("README.md"));
    let session: Vec<&String> =
        readme.iter().filter(|line| line.contains("local") || line.contains("sayna-client")).collect();
    assert_eq!(session.len(), 3, "{session:?}");
    for line in session {
        let command = line.trim_end_matches(" &");
        assert!(start.iter().any(|line| line.ends_with(command)), "{command}");
    }
    let origins = start.iter().filter(|line| line.starts_with("SAYNA_SERVER_ALLOWED_ORIGINS=http://localhost:8000 "));
    assert_eq!(origins.count(), 1);
    assert!(start.contains(&"python3 -m http.server 8000 --directory examples".to_owned()));
}

#[test]
fn the_page_offers_every_provider() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/talk.html")).unwrap();
    let offered = |select: &str| -> BTreeSet<String> {
        let list = page.split(&format!("<select id=\"{select}\">")).nth(1).unwrap().split("</select>").next().unwrap();
        list.split("<option>").skip(1).map(str::to_owned).collect()
    };
    let all: BTreeSet<String> = Name::all().map(|name| name.to_string()).chain(["local".to_owned()]).collect();
    assert_eq!(offered("tts"), all);
    // Google has speech alone.
    assert_eq!(offered("stt"), all.into_iter().filter(|name| name != "google").collect());
}
