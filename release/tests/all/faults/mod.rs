//! Faults at one request, at each in turn and in every way, are repaired by the next run. This module knows HTTP, a publishing
//! run and how to compare what it left; what is published, and where, is a [`Place`] of the caller's.

pub(crate) mod proxy;

use std::fmt::{self, Debug};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use proxy::{Fault, Proxy};
use sayna_release::publish::{Error, Outcome};

pub(crate) const FAULTS: [Fault; 12] = [
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

/// An empty place behind a proxy, and a release for it.
pub(crate) trait Place {
    /// What a run leaves there.
    type State: PartialEq + Debug;

    /// One run.
    fn publish(&self) -> Result<Outcome, Error>;

    /// Stops the test where a stranger sees, or has seen, anything that is not whole.
    fn look(&self);

    fn state(&self) -> Self::State;

    /// What only a person may do once a run was refused; `false` where a refusal is a mistake.
    fn mend_by_hand(&self) -> bool {
        false
    }
}

/// How often a fault was got over, and how.
struct Row {
    fault: Fault,
    by_itself: usize,
    by_the_next_run: usize,
    by_hand: usize,
}

/// One row per fault.
pub(crate) struct Table {
    requests: usize,
    rows: Vec<Row>,
}

impl Table {
    /// Distinct pairs of request and fault.
    pub(crate) fn points(&self) -> usize {
        self.rows.iter().map(|r| r.by_itself + r.by_the_next_run + r.by_hand).sum()
    }

    /// Faults that a person had to repair.
    pub(crate) fn by_hand(&self) -> usize {
        self.rows.iter().map(|r| r.by_hand).sum()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "an undisturbed run has {} requests; finished after a fault at one of them", self.requests)?;
        writeln!(f, "{:24} {:>10} {:>16} {:>8}", "", "by itself", "by the next run", "by hand")?;
        for row in &self.rows {
            let fault = row.fault.to_string();
            writeln!(f, "{fault:24} {:>10} {:>16} {:>8}", row.by_itself, row.by_the_next_run, row.by_hand)?;
        }
        write!(f, "{} points", self.points())
    }
}

/// Breaks every request of a run in every way, each in a fresh place of that name, and has each run finished.
pub(crate) fn at_every_request<P: Place>(proxy: &Proxy, fresh: impl Fn(&str) -> P) -> Table {
    let undisturbed = fresh("undisturbed");
    proxy.arm(None);
    assert!(undisturbed.publish().unwrap().complete());
    let (requests, wanted) = (proxy.count(), undisturbed.state());
    let mut rows = Vec::new();
    for (number, fault) in FAULTS.into_iter().enumerate() {
        let mut row = Row { fault, by_itself: 0, by_the_next_run: 0, by_hand: 0 };
        for request in 0.. {
            let place = fresh(&format!("f{number}/n{request}"));
            proxy.arm(Some((request, fault)));
            let first = place.publish();
            let reached = proxy.fired();
            proxy.arm(None);
            place.look();
            let mut by_hand = false;
            let mut second = place.publish();
            if second.as_ref().is_err_and(Error::is_refusal) && place.mend_by_hand() {
                by_hand = true;
                second = place.publish();
            }
            let finished = second.as_ref().is_ok_and(Outcome::complete);
            assert!(finished, "{fault} at {request}: {first:?}, then {second:?}");
            assert_eq!(place.state(), wanted, "{fault} at {request}");
            place.look();
            if !reached {
                break;
            }
            match (by_hand, first.is_ok_and(|o| o.complete())) {
                (true, _) => row.by_hand += 1,
                (false, true) => row.by_itself += 1,
                (false, false) => row.by_the_next_run += 1,
            }
        }
        rows.push(row);
    }
    let table = Table { requests, rows };
    // One fault is got over without help, but for a refusal that may be meant.
    let helped = |r: &&Row| r.fault != Fault::Status(403) && r.by_the_next_run > 0;
    assert!(!table.rows.iter().any(|r| helped(&r)), "{table}");
    table
}

/// A publisher of its own, in front of a place of its own.
pub(crate) trait Victim {
    type State: PartialEq + Debug + Sync;

    fn proxy(&self) -> &Proxy;
    fn command(&self) -> Command;
    fn look(&self);
    fn state(&self) -> Self::State;
}

/// Kills the publisher at every request, so many at a time, and has each run finished by the next; the number of requests.
pub(crate) fn killed_at_every_request<V: Victim>(at_a_time: usize, fresh: impl Fn(&str) -> V + Sync) -> usize {
    let undisturbed = fresh("undisturbed");
    finish(&undisturbed, "undisturbed");
    let (requests, wanted) = (undisturbed.proxy().count(), undisturbed.state());
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let request = next.fetch_add(1, Ordering::Relaxed);
            if request >= requests {
                return;
            }
            let victim = fresh(&format!("k/n{request}"));
            victim.proxy().arm(Some((request, Fault::Stall)));
            let mut child = victim.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            while !victim.proxy().wait(Duration::from_millis(50)) {
                assert!(child.try_wait().unwrap().is_none(), "it ended before request {request}");
            }
            child.kill().unwrap();
            child.wait().unwrap();
            victim.look();
            victim.proxy().arm(None);
            finish(&victim, &format!("killed at {request}"));
            assert_eq!(victim.state(), wanted, "killed at {request}");
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
        }
    });
    requests
}

fn finish<V: Victim>(victim: &V, what: &str) {
    let output = victim.command().output().unwrap();
    assert!(output.status.success(), "{what}: {output:?}");
    victim.look();
}
