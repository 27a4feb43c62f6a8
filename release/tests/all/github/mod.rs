//! The forge `github:` against a counterpart that is held against GitHub's own description of its API.

mod answer;
mod cases;
mod faults;
mod issues;
mod osv;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod reading;
mod schema;
mod server;
mod state;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod whole;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sayna_release::forge::Github;
use sayna_release::http::{Client, Clock};

pub(crate) use issues::{BOT, HubIssue};
pub(crate) use server::Counterpart;
pub(crate) use state::Addresses;

/// Pauses that last no time, on a clock that is moved by them: what is tested is what comes after them.
#[derive(Default)]
pub(crate) struct Hurried(std::sync::Mutex<Duration>);

impl Clock for Hurried {
    fn now(&self) -> SystemTime {
        SystemTime::now() + *self.0.lock().unwrap()
    }
    fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

/// `saynaai/sayna` at an address of the API, by a user's token.
pub(crate) fn reach(api: &str, token: &str) -> Github {
    let client = Client::new().unwrap().with_clock(Arc::new(Hurried::default()));
    let variables = |name: &str| match name {
        "GITHUB_API_URL" => Some(api.to_owned()),
        "GITHUB_TOKEN" => Some(token.to_owned()),
        _ => None,
    };
    Github::new("saynaai/sayna".parse().unwrap(), client, &variables).unwrap()
}
