//! What the server is told: the environment, then a YAML file, then the defaults, key by key.
//!
//! In go the bytes of a file and a way to look up a variable; out comes a [`Config`] of plain typed values, or every
//! fault at once. Nothing else in the program reads a configuration file or the environment.

mod check;
mod dotenv;
mod env;
mod fault;
mod key;
mod nearest;
mod rules;
mod secret;
mod settings;
mod table;
mod value;
mod yaml;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub use dotenv::dotenv;
pub use fault::{Fault, Faults, Place, Position, Problem};
pub use secret::Secret;
pub use settings::{
    ApiSecret, Auth, Cache, Config, Livekit, Local, Log, Metrics, Models, Providers, Recording, Server, Sip, SipHook,
    Turn, TurnDetect, Vendor,
};
pub(crate) use value::sip_host;

/// The largest configuration file that is read. A full one has about 16 KiB; a larger one is a mistaken path.
pub const MAX_BYTES: u64 = 256 * 1024;

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
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// What is odd about them, but stops nothing; one line each.
    pub warnings: Vec<String>,
    /// One per key, in the order of the table of keys.
    origins: Vec<Origin>,
}

impl Loaded {
    fn defaults() -> Self {
        let origins = table::KEYS.iter().map(|_| Origin::Default).collect();
        Self { config: Config::default(), warnings: Vec::new(), origins }
    }

    fn set_origin(&mut self, index: usize, origin: Origin) {
        if let Some(place) = self.origins.get_mut(index) {
            *place = origin;
        }
    }

    /// Who set the key of this path.
    fn origin(&self, path: &str) -> &Origin {
        let index = table::KEYS.iter().position(|key| key.path == path);
        index.and_then(|index| self.origins.get(index)).unwrap_or(&Origin::Default)
    }

    /// Every key with its value and who set it.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, String, &Origin)> {
        table::KEYS.iter().zip(&self.origins).map(|(key, origin)| (key.path, (key.show)(&self.config), origin))
    }
}

/// Every key with the variables that it has in the environment.
pub fn variables() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    table::KEYS.iter().map(|key| (key.path, key.env))
}

/// Returns what a value of each key must be, as it fits after "must be".
pub fn limits() -> impl Iterator<Item = (&'static str, &'static str)> {
    table::KEYS.iter().map(|key| (key.path, key.expected))
}

/// Reads the file, where there is one, and the environment; the environment wins key by key.
pub fn load(file: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Loaded, Faults> {
    load_where(file, variable, Path::exists)
}

/// The same for another machine than this: files that the configuration names are not looked for.
pub fn load_values(file: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Loaded, Faults> {
    load_where(file, variable, |_| true)
}

fn load_where(
    file: Option<&Path>,
    variable: impl Fn(&str) -> Option<OsString>,
    exists: impl Fn(&Path) -> bool,
) -> Result<Loaded, Faults> {
    let mut loaded = Loaded::defaults();
    let mut faults = Vec::new();
    if let Some(path) = file {
        match read(path) {
            Ok(bytes) => apply_file(&bytes, path, &mut loaded, &mut faults),
            Err(problem) => faults.push(Fault::in_file(path, None, problem)),
        }
    }
    env::apply(variable, &mut loaded, &mut faults);
    rules::check(&mut loaded, exists, &mut faults);
    Faults::none_or(faults).map(|()| loaded)
}

/// Reads a configuration from bytes alone; `path` is only named in faults and origins, and files that it names are not
/// looked for.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Loaded, Faults> {
    let mut loaded = Loaded::defaults();
    let mut faults = Vec::new();
    apply_file(bytes, path, &mut loaded, &mut faults);
    rules::check(&mut loaded, |_| true, &mut faults);
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
