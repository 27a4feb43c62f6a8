//! Every request that `verify` sends to GitHub's API, broken in every way.

use sayna_release::verify::{Report, Verdict};

use super::faults::behind_a_proxy;
use super::reach;
use crate::faults::FAULTS;
use crate::faults::proxy::{Fault, Proxy};
use crate::rebuilt::World;

/// Beside those of a publisher, what a reader may be told in the server's place.
const ANSWERS: [Fault; 8] = [
    Fault::Status(401),
    Fault::Status(404),
    Fault::Status(410),
    Fault::Status(504),
    Fault::Body("\u{0}\u{1b}[2J}{"),
    Fault::Body("null"),
    Fault::Body("{\"login\": \"required\"}"),
    Fault::Body("<!DOCTYPE html><html><body>log in</body></html>"),
];

/// A request about statements: its place among those of an undisturbed run, its path, and the row that needs its answer.
fn asked(requests: &[String]) -> Vec<(usize, &str, &'static str)> {
    let row = |path: &str| match path {
        path if path.contains("predicate_type=release") || path.contains("/git/") => Some("stated"),
        path if path.contains("predicate_type=https%3A%2F%2Fin-toto.io%2Fattestation%2Fsvr") => Some("rebuilt"),
        _ => None,
    };
    requests.iter().enumerate().filter_map(|(number, path)| Some((number, path.as_str(), row(path)?))).collect()
}

fn verdicts(report: &Report) -> Vec<(&'static str, Verdict)> {
    report.rows.iter().map(|r| (r.id, r.verdict.clone())).collect()
}

/// A release whose tag is annotated, so that the statement about it needs the tag's object.
struct Scene {
    world: World,
    proxy: Proxy,
}

impl Scene {
    fn new() -> Self {
        let (hub, proxy) = behind_a_proxy();
        let world = World::at(hub, Some("a".repeat(40)));
        world.is_rebuilt_in_part();
        Self { world, proxy }
    }

    /// Whether there is nothing at that path without a fault: no statement is about the image.
    fn lacks(&self, path: &str) -> bool {
        let image = self.world.manifest.image.iter().flat_map(|image| &image.platforms);
        image.into_iter().any(|platform| path.contains(&platform.manifest.to_string()))
    }

    /// One run with one fault; without patience each request is sent once.
    fn verify(&self, fault: Option<(usize, Fault)>, patient: bool) -> Report {
        let forge = reach(&format!("http://{}", self.proxy.address()), "").for_looking();
        self.proxy.arm(fault);
        let report = self.world.verify_at(&if patient { forge } else { forge.without_patience() });
        assert_eq!(self.proxy.fired(), fault.is_some(), "{fault:?}");
        report
    }
}

#[test]
fn a_statement_that_cannot_be_read_is_not_seen_and_the_next_run_passes() {
    let scene = Scene::new();
    let whole = scene.verify(None, false);
    assert!(whole.passed(), "{whole:#?}");
    let requests = scene.world.hub.hub().requests.clone();
    let requests = &requests[requests.len() - scene.proxy.count()..];
    let asked = asked(requests);
    // GitHub's statement; the tag, its object, and what the tag points at; two files that may have been rebuilt.
    let of = |part: &str| asked.iter().filter(|(_, path, _)| path.contains(part)).count();
    let found = ["=release", "/git/ref/tags/v1.2.3", "/git/tags/aaaa", "svr%2Fv0.2"].map(of);
    assert_eq!((found, asked.len()), ([1, 2, 1, 2], 6), "{requests:#?}");
    // Longer than any document.
    let long = Fault::Body(String::leak(" ".repeat((16 << 20) + 1)));
    std::thread::scope(|scope| {
        for (number, path, row) in asked {
            let whole = verdicts(&whole);
            scope.spawn(move || broken_at(&Scene::new(), (number, path, row), &whole, long));
        }
    });
}

fn broken_at(scene: &Scene, asked: (usize, &str, &'static str), whole: &[(&str, Verdict)], long: Fault) {
    let (number, path, row) = asked;
    for fault in FAULTS.into_iter().chain(ANSWERS).chain([long]) {
        let report = scene.verify(Some((number, fault)), false);
        let rows = || report.rows.iter().map(|r| (r.id, &r.verdict, &r.evidence)).collect::<Vec<_>>();
        let case = || format!("{fault} at {path}: {:#?}", rows());
        let mut changed = verdicts(&report);
        changed.retain(|row| !whole.contains(row));
        match fault {
            Fault::Delay | Fault::Twice => assert!(changed.is_empty(), "{}", case()),
            // That there is nothing is an answer, and the one to the last of them anyway.
            Fault::Status(404) => {
                let nothing = |(id, verdict): &(&str, Verdict)| *id == row && *verdict != Verdict::Ok;
                assert!(changed.len() < 2 && changed.iter().all(nothing), "{}", case());
                assert_eq!(changed.is_empty(), scene.lacks(path), "{}", case());
            }
            _ => {
                assert_eq!(changed, [(row, Verdict::NotSeen)], "{}", case());
                assert!(!report.passed() && !report.failed(), "{}", case());
            }
        }
    }
    // Nothing of that is kept, and a run that waits gets over what passes by.
    for fault in [None, Some(Fault::Limit)] {
        let report = scene.verify(fault.map(|fault| (number, fault)), true);
        assert_eq!(verdicts(&report), whole, "{fault:?} at {path}");
    }
}
