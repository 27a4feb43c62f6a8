//! The publisher itself, as a process, and what is left when it is killed.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sayna_release::plan::{self, Options};
use sayna_release::registry::Registry as _;

use super::proxy::{Fault, Proxy};
use super::server::Server;
use super::{look_as_a_stranger, reach};
use crate::fixture::write_parts;
use crate::support::World;

/// A tagged checkout with all parts built.
pub(super) struct Publisher {
    world: World,
}

impl Publisher {
    pub(super) fn new() -> Self {
        let mut world = World::new();
        world.write(".gitignore", "/target/\n/dist/\n/forge*/\n");
        world.commit("feat: begin");
        world.tag("v0.1.0");
        let made = plan::make(world.root(), &Options::default()).unwrap();
        write_parts(&made.plan, &world.path("dist"), "a");
        Self { world }
    }

    /// `sayna-release publish`, with no credentials of this machine's.
    pub(super) fn command(&self, registry: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.current_dir(self.world.root()).env("DOCKER_CONFIG", "/nonexistent").env("NO_COLOR", "1");
        command.args([
            "publish",
            "--tag",
            "v0.1.0",
            "--forge",
            "dir:forge",
            "--allow-host-parts",
            "--registry",
            registry,
        ]);
        command
    }

    fn forge(&self) -> PathBuf {
        self.world.path("forge")
    }
}

#[test]
#[ignore = "needs docker-registry"]
fn after_a_kill_at_every_request_a_rerun_finishes() {
    let server = Server::open();
    let proxy = Proxy::before(&server.address);
    let publisher = Publisher::new();
    let mut points = 0;
    let mut wanted = None;
    // The undisturbed run goes first.
    for number in (0..).map(|n: usize| n.checked_sub(1)) {
        if publisher.forge().exists() {
            std::fs::remove_dir_all(publisher.forge()).unwrap();
        }
        let repository = format!("k/n{}", number.map_or_else(|| "one".to_owned(), |n| n.to_string()));
        let registry = reach(&server.address, &repository, &[]);
        let name = format!("docker://{}/{repository}", proxy.address);
        proxy.arm(number.map(|n| (n, Fault::Stall)));
        if number.is_some() {
            let mut first = publisher.command(&name).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let reached = proxy.wait(Duration::from_secs(5));
            first.kill().unwrap();
            first.wait().unwrap();
            if !reached {
                break;
            }
            look_as_a_stranger(&registry);
            points += 1;
        }
        proxy.arm(None);
        let output = publisher.command(&name).output().unwrap();
        assert!(output.status.success(), "{number:?}: {output:?}");
        assert_eq!(look_as_a_stranger(&registry), ["0.1.0"]);
        let digest = registry.resolve("0.1.0").unwrap();
        assert_eq!(*wanted.get_or_insert(digest), digest, "{number:?}");
    }
    // HEAD of three blobs, a manifest, the index and the tag; POST and PUT of the blobs; PUT of the documents; HEAD, GET
    // and PUT for the tag.
    assert_eq!(points, 6 + 6 + 2 + 3);
}
