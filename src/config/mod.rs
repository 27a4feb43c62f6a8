//! What the server is told: the environment, then a YAML file, then the defaults, key by key.
//!
//! In go the bytes of a file and a way to look up a variable; out comes a [`Config`] of plain typed values, or every
//! fault at once. Nothing else in the program reads a configuration file or the environment.

mod check;
mod env;
mod fault;
mod key;
mod nearest;
mod yaml;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use fault::{Fault, Faults, Place, Position, Problem};

/// The largest configuration file that is read. A full one has about 4 KiB; a larger one is a mistaken path.
pub const MAX_BYTES: u64 = 256 * 1024;

/// Everything the server is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Where and how it listens.
    pub server: Server,
}

/// Where the server listens, and how long it may take to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `server.host`: an address or a host name.
    pub host: String,
    /// `server.port`: 0 lets the system choose.
    pub port: u16,
    /// `server.shutdown_seconds`: how long running requests may take once the server was told to stop.
    pub shutdown: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self { host: "0.0.0.0".to_owned(), port: 3001, shutdown: Duration::from_secs(10) }
    }
}

/// Who set a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody.
    Default,
    /// A line of the configuration file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(&'static str),
}

/// A configuration without faults, and where each of its values comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// One per key, in the order of the table of keys.
    origins: Vec<Origin>,
}

impl Loaded {
    fn defaults() -> Self {
        Self { config: Config::default(), origins: key::KEYS.iter().map(|_| Origin::Default).collect() }
    }

    /// Sets key number `index` if `text` is a value for it.
    fn set(&mut self, index: usize, text: &str, origin: Origin) -> Option<()> {
        (key::KEYS.get(index)?.set)(&mut self.config, text)?;
        *self.origins.get_mut(index)? = origin;
        Some(())
    }

    /// Every key with its value and who set it.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, String, &Origin)> {
        key::KEYS.iter().zip(&self.origins).map(|(key, origin)| (key.path, (key.show)(&self.config), origin))
    }
}

/// Reads the file, where there is one, and the environment; the environment wins key by key.
pub fn load(file: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Loaded, Faults> {
    let mut loaded = Loaded::defaults();
    let mut faults = Vec::new();
    if let Some(path) = file {
        match read(path) {
            Ok(bytes) => apply_file(&bytes, path, &mut loaded, &mut faults),
            Err(problem) => faults.push(Fault::in_file(path, None, problem)),
        }
    }
    env::apply(variable, &mut loaded, &mut faults);
    Faults::none_or(faults).map(|()| loaded)
}

/// Reads a configuration from bytes alone; `path` is only named in faults and origins.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Loaded, Faults> {
    let mut loaded = Loaded::defaults();
    let mut faults = Vec::new();
    apply_file(bytes, path, &mut loaded, &mut faults);
    Faults::none_or(faults).map(|()| loaded)
}

fn apply_file(bytes: &[u8], path: &Path, loaded: &mut Loaded, faults: &mut Vec<Fault>) {
    let (document, problems) = yaml::read(bytes);
    let place = |(position, problem)| Fault::in_file(path, position, problem);
    let before = faults.len();
    faults.extend(problems.into_iter().map(place));
    if let Some(document) = document {
        faults.extend(check::apply(&document, path, loaded).into_iter().map(place));
    }
    // Two passes found them; a reader goes through the file from top to bottom.
    if let Some(found) = faults.get_mut(before..) {
        found.sort_by_key(Fault::position);
    }
}

/// One byte more than the limit is enough to know, so that an endless file ends here too.
fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let source = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    source.map(|_| bytes).map_err(Problem::Unreadable)
}
