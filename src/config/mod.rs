//! The configuration. For each key, the environment takes precedence over a YAML file, and the file over the default.
//!
//! [`load`] reads a file and looks up variables. It returns a [`Config`] of typed values, or all errors at once. Nothing else in
//! the program reads a configuration file or the environment.

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

/// The size limit of a configuration file, in bytes. A complete one has about 16 KiB, so a larger file is a wrong path.
pub const MAX_BYTES: u64 = 256 * 1024;

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The default.
    Default,
    /// A line of the configuration file.
    File {
        /// The path, as it was given.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(&'static str),
}

/// A valid configuration, and the origin of each value.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Warnings that do not stop the server, one line each.
    pub warnings: Vec<String>,
    /// The origin of each key, in the order of the table of keys.
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

    /// Returns the origin of a key.
    fn origin(&self, path: &str) -> &Origin {
        let index = table::KEYS.iter().position(|key| key.path == path);
        index.and_then(|index| self.origins.get(index)).unwrap_or(&Origin::Default)
    }

    /// Returns every key with its value and origin.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, String, &Origin)> {
        table::KEYS.iter().zip(&self.origins).map(|(key, origin)| (key.path, (key.show)(&self.config), origin))
    }
}

/// Returns every key with its environment variables.
pub fn variables() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    table::KEYS.iter().map(|key| (key.path, key.env))
}

/// Returns what a value of each key must be, as it fits after "must be".
pub fn limits() -> impl Iterator<Item = (&'static str, &'static str)> {
    table::KEYS.iter().map(|key| (key.path, key.expected))
}

/// Reads the file, if there is one, and the environment.
pub fn load(file: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Loaded, Faults> {
    load_where(file, variable, Path::exists)
}

/// Reads the configuration of another machine. Files that it names are not checked.
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

/// Reads a configuration from bytes. `path` appears only in errors and origins, and files that the configuration names are not
/// checked.
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
    // Two passes found the errors. The report has them in the order of the lines.
    if let Some(found) = faults.get_mut(before..) {
        found.sort_by_key(Fault::position);
    }
}

/// Reads at most one byte more than the limit, so that an endless file ends too.
fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let source = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    source.map(|_| bytes).map_err(Problem::Unreadable)
}
