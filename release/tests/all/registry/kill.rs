//! The publisher itself, as a process, and what is left when it is killed.

use std::process::Command;

use sayna_release::digest::Digest;
use sayna_release::oci;
use sayna_release::part::{self, Part};
use sayna_release::plan::{self, Options};
use sayna_release::registry::{Distribution, Registry as _};

use super::server::Server;
use super::{look_as_a_stranger, reach};
use crate::faults::proxy::Proxy;
use crate::faults::{self, Victim};
use crate::fixture::write_parts;
use crate::support::World;

/// A tagged checkout with all parts built.
pub(super) struct Publisher {
    world: World,
}

impl Publisher {
    pub(super) fn new() -> Self {
        Self::with("a")
    }

    /// `salt` makes files of another content, and size.
    pub(super) fn with(salt: &str) -> Self {
        let mut world = World::new();
        world.write(".gitignore", "/target/\n/dist/\n/forge*/\n");
        world.commit("feat: begin");
        world.tag("v0.1.0");
        let made = plan::make(world.root(), &Options::default()).unwrap();
        write_parts(&made.plan, &world.path("dist"), salt);
        Self { world }
    }

    /// Those of its one platform.
    pub(super) fn blobs(&self) -> Vec<Digest> {
        let folder = self.world.path("dist/linux-amd64");
        let Some(Part::Image(part)) = Part::read(&folder).unwrap() else { panic!("no part") };
        let layout = oci::Layout::open(&folder.join(part::LAYOUT)).unwrap();
        layout.manifest(part.manifest).unwrap().blobs().map(|b| b.digest).collect()
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
}

/// A publisher, and a repository behind a proxy.
struct Pushing {
    publisher: Publisher,
    proxy: Proxy,
    registry: Distribution,
    name: String,
}

impl Victim for Pushing {
    type State = Option<Digest>;

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    fn command(&self) -> Command {
        self.publisher.command(&self.name)
    }

    fn look(&self) {
        look_as_a_stranger(&self.registry);
    }

    fn state(&self) -> Option<Digest> {
        assert_eq!(look_as_a_stranger(&self.registry), ["0.1.0"]);
        self.registry.resolve("0.1.0").unwrap()
    }
}

#[test]
#[ignore = "needs docker-registry"]
fn after_a_kill_at_every_request_a_rerun_finishes() {
    let server = Server::open();
    let points = faults::killed_at_every_request(2, |repository| {
        let proxy = Proxy::before(&[&server.address]);
        let name = format!("docker://{}/{repository}", proxy.address());
        Pushing { publisher: Publisher::new(), proxy, registry: reach(&server.address, repository, &[]), name }
    });
    // HEAD of three blobs, a manifest, the index and the tag; POST and PUT of the blobs; PUT of the documents; HEAD, GET, PUT
    // and HEAD for the tag; and all that was asked for at first, read again.
    assert_eq!(points, 6 + 6 + 2 + 4 + 6);
}
