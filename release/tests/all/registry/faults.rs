//! Every request of a push, broken in every way: the next run brings the state of an undisturbed one.

use std::path::{Path, PathBuf};

use sayna_release::digest::Digest;
use sayna_release::forge::Directory;
use sayna_release::plan::Plan;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Options, Outcome};
use sayna_release::registry::{Distribution, Registry};

use super::server::Server;
use super::{look_as_a_stranger, reach};
use crate::faults::proxy::Proxy;
use crate::faults::{self, Place};
use crate::fixture::{plan, tree, write_parts};

type State = (Vec<(PathBuf, Vec<u8>)>, Vec<(String, Digest)>);

fn publish(plan: &Plan, root: &Path, registry: &dyn Registry) -> Result<Outcome, publish::Error> {
    let forge = Directory::new(root.join("forge"));
    let destinations =
        Destinations { forge: &forge, registries: &[registry], is_project_origin: false, trusted_root: None };
    let options = Options { allow_host_parts: true, ..Options::default() };
    publish::run(plan, &root.join("dist"), destinations, options, &Progress::quiet())
}

/// A repository, beside a forge on which the release is public already.
struct Repository<'a> {
    plan: &'a Plan,
    root: &'a Path,
    registry: Distribution,
}

impl Place for Repository<'_> {
    type State = State;

    fn publish(&self) -> Result<Outcome, publish::Error> {
        publish(self.plan, self.root, &self.registry)
    }

    fn look(&self) {
        look_as_a_stranger(&self.registry);
    }

    /// The forge's files, and what each tag of the registry points at.
    fn state(&self) -> State {
        let tags = look_as_a_stranger(&self.registry);
        let tags = tags.into_iter().map(|tag| (tag.clone(), self.registry.resolve(&tag).unwrap().unwrap())).collect();
        (tree(&self.root.join("forge")), tags)
    }
}

#[test]
#[ignore = "needs docker-registry"]
#[expect(clippy::print_stdout, reason = "the table is evidence; `--nocapture` shows it")]
fn after_a_fault_at_every_request_a_rerun_reaches_the_undisturbed_state() {
    let server = Server::open();
    let proxy = Proxy::before(&[&server.address]);
    let (plan, root) = (plan("1.2.3", 1, 2), tempfile::tempdir().unwrap());
    write_parts(&plan, &root.path().join("dist"), "a");
    let repository =
        |name: &str| Repository { plan: &plan, root: root.path(), registry: reach(proxy.address(), name, &[]) };
    let table = faults::at_every_request(&proxy, repository);
    println!("docker-registry: {table}");
    assert!(table.points() >= 200 && table.by_hand() == 0, "{table}");
}

#[test]
#[ignore = "needs docker-registry"]
fn a_registry_that_is_down_delays_the_image_alone_and_says_so() {
    let plan = plan("1.2.3", 1, 1);
    let root = tempfile::tempdir().unwrap();
    write_parts(&plan, &root.path().join("dist"), "a");
    let gone = Server::open().address.clone();
    let outcome = publish(&plan, root.path(), &reach(&gone, "a", &[])).unwrap();
    assert!(outcome.tracks[0].stopped.is_none() && !outcome.complete());
    let reason = outcome.tracks[1].stopped.as_ref().unwrap();
    assert!(reason.contains(&gone), "{reason}");
    let server = Server::open();
    assert!(publish(&plan, root.path(), &reach(&server.address, "a", &[])).unwrap().complete());
}

#[test]
#[ignore = "needs docker-registry"]
fn a_second_publish_asks_once_per_object_and_writes_nothing() {
    let server = Server::open();
    let proxy = Proxy::before(&[&server.address]);
    let plan = plan("1.2.3", 1, 2);
    let root = tempfile::tempdir().unwrap();
    write_parts(&plan, &root.path().join("dist"), "a");
    assert!(publish(&plan, root.path(), &reach(proxy.address(), "a", &[])).unwrap().complete());
    proxy.arm(None);
    let again = publish(&plan, root.path(), &reach(proxy.address(), "a", &[])).unwrap();
    assert!(again.complete() && again.tracks.iter().all(|t| t.actions.is_empty()), "{again:?}");
    // Five blobs, two manifests, the index, the tag.
    assert_eq!(proxy.count(), 9);
}
