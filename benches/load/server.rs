//! The measured servers, each a process of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The server that the clients use, with its protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Peer {
    /// Sayna's.
    Sayna(SocketAddr),
    /// The vendor's own protocol, without a server between.
    Provider(SocketAddr),
    /// `bench/pipecat_server.py`.
    Pipecat(SocketAddr),
}

impl Peer {
    pub(crate) fn address(self) -> SocketAddr {
        match self {
            Self::Sayna(address) | Self::Provider(address) | Self::Pipecat(address) => address,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    peer: Peer,
}

/// The cost of a process up to now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) memory_kb: u64,
    pub(crate) processor: Duration,
}

impl Server {
    pub(crate) fn sayna(provider: &str) -> Self {
        Self::sayna_with(provider, &[])
    }

    /// Starts it with more environment variables.
    pub(crate) fn sayna_with(provider: &str, variables: &[(&str, String)]) -> Self {
        let mut command = sayna();
        command.env("DEEPGRAM_API_KEY", vendors::KEY);
        command.env("SAYNA_PROVIDERS_DEEPGRAM_STT_URL", provider.replace("http", "ws"));
        command.env("SAYNA_PROVIDERS_DEEPGRAM_TTS_URL", provider);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        Self::start(command, Peer::Sayna)
    }

    /// Starts it with the local engines and the models in this folder.
    #[allow(dead_code, reason = "`benches/local.rs` has it")]
    pub(crate) fn local(models: &str) -> Self {
        let mut command = sayna();
        command.env("SAYNA_MODELS_PATH", models);
        Self::start(command, Peer::Sayna)
    }

    /// Starts it with or without detectors.
    pub(crate) fn pipecat(python: &str, provider: &str, detectors: bool) -> Self {
        let mut command = Command::new(python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/bench/pipecat_server.py")).args([provider, vendors::KEY]);
        command.args(detectors.then_some("detectors"));
        command.env("LOGURU_LEVEL", "ERROR");
        Self::start(command, Peer::Pipecat)
    }

    fn start(mut command: Command, peer: fn(SocketAddr) -> Peer) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.unwrap().strip_prefix("listening on http://").map(str::to_owned));
        let address = line.expect("an address").trim().parse().unwrap();
        // The rest of its output must be read, or the process blocks.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, peer: peer(address) }
    }

    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    /// Reads resident memory and processor time (in ticks of a hundredth of a second) from `/proc`.
    pub(crate) fn cost(&self) -> Cost {
        let id = self.child.id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let memory_kb = memory.trim().trim_end_matches(" kB").parse().unwrap();
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
        Cost { memory_kb, processor: Duration::from_millis((ticks(11) + ticks(12)) * 10) }
    }
}

fn sayna() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna"));
    command.env("HOST", "127.0.0.1").env("PORT", "0").env("RUST_LOG", "error");
    command.env("SAYNA_SERVER_MAX_CONNECTIONS", "100000");
    // No cache: every text is requested.
    command.env("SAYNA_CACHE_MEMORY_BYTES", "0");
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
