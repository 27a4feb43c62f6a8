//! Every request to GitHub, broken in every way, and the publisher killed at each of them.

use std::collections::BTreeMap;
use std::process::Command;

use sayna_release::digest::Digest;
use sayna_release::plan::{self, Plan};
use sayna_release::publish::{Error, Options, Outcome};

use super::cases::publish;
use super::state::{Addresses, Hub};
use super::{Counterpart, reach};
use crate::faults::proxy::Proxy;
use crate::faults::{self, Place, Victim};
use crate::fixture::{plan, write_parts};
use crate::support::World;

/// All that a hub holds of releases: tag, whether it is a draft, notes, digests by name.
type State = Vec<(String, bool, String, BTreeMap<String, Digest>)>;

fn state(hub: &Hub) -> State {
    let digests = |r: &super::state::Release| r.assets.iter().map(|a| (a.name.clone(), Digest::of(&a.bytes))).collect();
    hub.releases.iter().map(|r| (r.tag.clone(), r.draft, r.notes.clone(), digests(r))).collect()
}

/// What was public at any moment was the whole release, or nothing.
fn look(hub: &Hub, assets: usize) {
    for public in &hub.shown {
        let whole = public.releases.iter().all(|(_, files)| files.len() == assets);
        assert!(whole && public.releases.len() <= 1 && public.latest.is_none(), "was public: {public:?}");
    }
}

/// A counterpart behind a proxy, which is what its own answers lead to.
pub(super) fn behind_a_proxy() -> (Counterpart, Proxy) {
    let hub = Counterpart::start();
    let own = hub.addresses.clone();
    let servers = [&own.api, &own.uploads, &own.web, &own.storage].map(|url| url.trim_start_matches("http://"));
    let proxy = Proxy::before(&servers);
    let at = |n: usize| format!("http://{}", proxy.addresses[n]);
    hub.hub().addresses = Addresses { api: at(0), uploads: at(1), web: at(2), storage: at(3), ..own };
    (hub, proxy)
}

struct Draft<'a> {
    hub: &'a Counterpart,
    plan: &'a Plan,
    dist: &'a std::path::Path,
    api: String,
}

impl Place for Draft<'_> {
    type State = State;

    fn publish(&self) -> Result<Outcome, Error> {
        publish(self.plan, self.dist, &reach(&self.api, "push-token"), Options::default())
    }

    fn look(&self) {
        look(&self.hub.hub(), 12);
    }

    fn state(&self) -> State {
        state(&self.hub.hub())
    }

    /// Something in between that sends the creation twice makes two drafts; this program deletes neither.
    fn mend_by_hand(&self) -> bool {
        let mut hub = self.hub.hub();
        let drafts = hub.releases.iter().filter(|r| r.draft).count();
        hub.releases.truncate(1);
        drafts == 2
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is evidence; `--nocapture` shows it")]
fn after_a_fault_at_every_request_a_rerun_reaches_the_undisturbed_state() {
    let (hub, proxy) = behind_a_proxy();
    let (plan, folder) = (plan("1.2.3", 3, 0), tempfile::tempdir().unwrap());
    write_parts(&plan, folder.path(), "a");
    let draft = |_: &str| {
        // Everything before is forgotten.
        let mut all = hub.hub();
        let fresh =
            Hub { addresses: all.addresses.clone(), tokens: all.tokens.clone(), immutable: true, ..Hub::default() };
        assert!(all.violations.is_empty(), "{:?}", all.violations);
        *all = fresh;
        all.tags.insert(plan.tag.clone(), plan.commit.clone());
        drop(all);
        Draft { hub: &hub, plan: &plan, dist: folder.path(), api: format!("http://{}", proxy.address()) }
    };
    let table = faults::at_every_request(&proxy, draft);
    println!("GitHub's counterpart: {table}");
    assert!(table.points() >= 200 && table.by_hand() == 1, "{table}");
}

/// `sayna-release publish` in a tagged checkout, to a repository that is not the table's own.
struct Publishing {
    world: World,
    hub: Counterpart,
    proxy: Proxy,
}

impl Publishing {
    fn new() -> Self {
        let mut world = World::new();
        world.write(".gitignore", "/target/\n/dist/\n");
        world.edit("sayna-release.toml", "github = \"saynaai/sayna\"", "github = \"somebody/else\"");
        let table = world.read("sayna-release.toml");
        let (before, after) = (table.split("[image]").next().unwrap(), table.split_once("[build]").unwrap().1);
        world.write("sayna-release.toml", &format!("{before}[build]{after}"));
        world.commit("feat: begin");
        world.tag("v0.1.0");
        let made = plan::make(world.root(), &plan::Options::default()).unwrap();
        write_parts(&made.plan, &world.path("dist"), "a");
        let (hub, proxy) = behind_a_proxy();
        hub.hub().tags.insert("v0.1.0".to_owned(), world.head());
        hub.hub().immutable = true;
        Self { world, hub, proxy }
    }
}

impl Victim for Publishing {
    type State = State;

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.current_dir(self.world.root()).env("GITHUB_API_URL", format!("http://{}", self.proxy.address()));
        command.env("GITHUB_TOKEN", "push-token").env("NO_COLOR", "1");
        command.args(["publish", "--tag", "v0.1.0", "--forge", "github:saynaai/sayna", "--allow-host-parts"]);
        command
    }

    fn look(&self) {
        look(&self.hub.hub(), 9);
    }

    fn state(&self) -> State {
        state(&self.hub.hub())
    }
}

#[test]
fn after_a_kill_at_every_request_a_rerun_finishes() {
    // Mostly they wait for a second to pass between two changes.
    let points = faults::killed_at_every_request(20, |_| Publishing::new());
    // The requests: the public releases; the tag and the list; the draft; nine files; the tag, the list and the assets; the
    // release; and, read again, the tag, the list and the assets.
    assert_eq!(points, 1 + 2 + 1 + 9 + 3 + 1 + 3);
}
