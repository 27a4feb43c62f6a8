//! Every request of a push, broken in every way: the next run brings the state of an undisturbed one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sayna_release::digest::Digest;
use sayna_release::forge::Directory;
use sayna_release::plan::Plan;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Options, Outcome, Places};
use sayna_release::registry::Registry;

use super::proxy::{Fault, Proxy};
use super::server::Server;
use super::{look_as_a_stranger, reach};
use crate::fixture::{plan, tree, write_parts};

const FAULTS: [Fault; 12] = [
    Fault::CutBefore,
    Fault::CutDuring,
    Fault::CutAfter,
    Fault::Truncate,
    Fault::Delay,
    Fault::Twice,
    Fault::Limit,
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::StatusAfter(500),
    Fault::Status(403),
];

fn publish(plan: &Plan, root: &Path, registry: &dyn Registry) -> Result<Outcome, publish::Error> {
    let forge = Directory::new(root.join("forge"));
    let places = Places { forge: &forge, registries: &[registry], official: false, trusted_root: None };
    let options = Options { allow_host_parts: true, ..Options::default() };
    publish::run(plan, &root.join("dist"), places, options, &Progress::quiet())
}

type State = (Vec<(PathBuf, Vec<u8>)>, Vec<(String, Digest)>);

/// What a run leaves: the forge's files, and what each tag of the registry points at.
fn state(root: &Path, registry: &dyn Registry) -> State {
    let tags = look_as_a_stranger(registry);
    let tags = tags.into_iter().map(|tag| (tag.clone(), registry.resolve(&tag).unwrap().unwrap())).collect();
    (tree(&root.join("forge")), tags)
}

#[test]
#[ignore = "needs docker-registry"]
#[expect(clippy::print_stdout, reason = "the table is evidence; `--nocapture` shows it")]
fn after_a_fault_at_every_request_a_rerun_reaches_the_undisturbed_state() {
    let server = Server::open();
    let proxy = Proxy::before(&server.address);
    let plan = plan("1.2.3", 1, 2);
    let root = tempfile::tempdir().unwrap();
    write_parts(&plan, &root.path().join("dist"), "a");
    let undisturbed = reach(&proxy.address, "undisturbed", &[]);
    assert!(publish(&plan, root.path(), &undisturbed).unwrap().complete());
    let requests = proxy.count();
    let wanted = state(root.path(), &undisturbed);
    // The forge is not touched any more: its part of the release is public.
    let mut table = format!("an undisturbed push has {requests} requests\n");
    let mut points = 0;
    for (row, fault) in FAULTS.into_iter().enumerate() {
        let (mut at_once, mut after) = (0, 0);
        for number in 0.. {
            let repository = format!("f{row}/n{number}");
            let registry = reach(&proxy.address, &repository, &[]);
            proxy.arm(Some((number, fault)));
            let first = publish(&plan, root.path(), &registry);
            let reached = proxy.fired();
            proxy.arm(None);
            let complete = first.as_ref().is_ok_and(Outcome::complete);
            look_as_a_stranger(&registry);
            let second = publish(&plan, root.path(), &registry).unwrap();
            assert!(second.complete(), "{fault} at {number}: {first:?}, then {second:?}");
            assert!(state(root.path(), &registry) == wanted, "{fault} at {number}");
            if !reached {
                break;
            }
            if complete { at_once += 1 } else { after += 1 }
        }
        points += at_once + after;
        // One fault is got over without help, but for a refusal that is meant.
        assert!(fault == Fault::Status(403) || after == 0, "{fault}: {after} runs gave up\n{table}");
        let fault = fault.to_string();
        writeln!(table, "{fault:24} {at_once:>3} finished by themselves, {after:>3} by the next run").unwrap();
    }
    println!("{table}{points} points");
    assert!(points >= FAULTS.len() * requests, "{table}");
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
    let proxy = Proxy::before(&server.address);
    let plan = plan("1.2.3", 1, 2);
    let root = tempfile::tempdir().unwrap();
    write_parts(&plan, &root.path().join("dist"), "a");
    assert!(publish(&plan, root.path(), &reach(&proxy.address, "a", &[])).unwrap().complete());
    proxy.arm(None);
    let again = publish(&plan, root.path(), &reach(&proxy.address, "a", &[])).unwrap();
    assert!(again.complete() && again.tracks.iter().all(|t| t.actions.is_empty()), "{again:?}");
    // Five blobs, two manifests, the index, the tag.
    assert_eq!(proxy.count(), 9);
}
