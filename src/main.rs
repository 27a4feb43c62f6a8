//! The program: parses the arguments, runs the server or a command, prints results and errors, and returns the exit status.

mod cli;
mod embedded;
mod generate;
#[cfg(all(target_os = "linux", target_env = "gnu", feature = "vad"))]
mod hypot;
mod manual;
#[cfg(feature = "models")]
mod progress;

use std::ffi::OsString;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;

use clap::Parser as _;
use sayna::config::{self, Faults, Loaded, Origin};
#[cfg(feature = "turn-detect")]
use sayna::detect;
use sayna::signals::Signals;
use sayna::{BindError, PrepareError, SetupError, probe};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tracing::warn;

use crate::cli::{Arguments, Command};

/// The features that this could be built with, and whether it was.
const FEATURES: [(&str, bool); 7] = [
    ("livekit", cfg!(feature = "livekit")),
    ("local", cfg!(feature = "local")),
    ("models", cfg!(feature = "models")),
    ("noise-filter", cfg!(feature = "noise-filter")),
    ("openapi", cfg!(feature = "openapi")),
    ("turn-detect", cfg!(feature = "turn-detect")),
    ("vad", cfg!(feature = "vad")),
];

/// The native libraries of `sayna-release.toml`, and whether this build has the feature that needs them.
const NATIVES: [(&str, bool); 2] =
    [("libwebrtc", cfg!(feature = "livekit")), ("onnxruntime", cfg!(feature = "turn-detect"))];

/// Why the program fails.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] Faults),
    #[error(transparent)]
    Start(Errors),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Probe(#[from] probe::Error),
    #[cfg(feature = "models")]
    #[error("--mirror (SAYNA_MODEL_MIRROR) must be an http:// or https:// address, without query")]
    Mirror,
    #[cfg(feature = "models")]
    #[error(transparent)]
    Init(#[from] sayna::models::InitError),
    #[cfg(feature = "models")]
    #[error(transparent)]
    Outbound(#[from] sayna::outbound::Error),
    #[cfg(not(feature = "models"))]
    #[error("this build has no model files to download; `sayna init` is in builds with the Cargo feature `models`")]
    NoModels,
    #[error("{} cannot be written: {}", .0.display(), .1)]
    Write(std::path::PathBuf, #[source] io::Error),
    #[error("the system refused to start the server: {0}")]
    System(#[from] io::Error),
}

/// All errors that would keep the server from starting.
#[derive(Debug, thiserror::Error)]
struct Errors(Vec<SetupError>);

impl Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        writeln!(f, "{count} error{} in what the configuration names", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl Failure {
    fn status(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Start(_) | Self::Prepare(PrepareError::Setup(_)) => 2,
            Self::Probe(e) if e.is_usage() => 2,
            Self::Bind(_) | Self::Prepare(_) | Self::Probe(_) | Self::System(_) => 1,
            #[cfg(feature = "models")]
            Self::Init(_) => 1,
            #[cfg(feature = "models")]
            Self::Outbound(_) | Self::Mirror => 2,
            #[cfg(not(feature = "models"))]
            Self::NoModels => 2,
            Self::Write(..) => 1,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Bind(e) | Self::Prepare(PrepareError::Bind(e)) => e.hint(),
            Self::Probe(e) => e.hint(),
            Self::Config(_) | Self::Start(_) | Self::Prepare(_) | Self::System(_) => None,
            #[cfg(feature = "models")]
            Self::Init(e) => e.hint().map(str::to_owned),
            #[cfg(feature = "models")]
            Self::Outbound(_) | Self::Mirror => None,
            #[cfg(not(feature = "models"))]
            Self::NoModels => None,
            Self::Write(..) => None,
        }
    }
}

fn main() -> ExitCode {
    embedded::keep();
    let ended = run(Arguments::parse());
    sayna::log::finish();
    let Err(failure) = ended else { return ExitCode::SUCCESS };
    let hint = failure.hint().map(|hint| format!("\n  {hint}")).unwrap_or_default();
    // If standard error is closed, the exit status remains.
    writeln!(io::stderr(), "error: {failure}{hint}").ok();
    ExitCode::from(failure.status())
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let file = arguments.config.as_deref();
    let load = || with_variables(|variable| config::load(file, variable));
    if arguments.version {
        say(concat!("sayna ", env!("CARGO_PKG_VERSION")));
        if arguments.verbose {
            say(about(&load()?)?);
        }
        return Ok(());
    }
    match arguments.command {
        None => finish(Builder::new_multi_thread().enable_all().build()?, listen(load()?)),
        Some(Command::Check { values_only }) => {
            let loaded =
                if values_only { with_variables(|variable| config::load_values(file, variable))? } else { load()? };
            let errors = if values_only { Vec::new() } else { sayna::examine(&loaded.config) };
            if !errors.is_empty() {
                return Err(Failure::Start(Errors(errors)));
            }
            say(report(&loaded, file));
            Ok(())
        }
        #[cfg(feature = "models")]
        Some(Command::Init { from, mirror }) => {
            // An empty variable counts as not set.
            let mirror = mirror.filter(|mirror| !mirror.is_empty());
            let mirror = mirror.map(|mirror| cli::mirror(&mirror).ok_or(Failure::Mirror)).transpose()?;
            finish(Builder::new_current_thread().enable_all().build()?, fetch(&load()?.config, from, mirror))
        }
        #[cfg(not(feature = "models"))]
        Some(Command::Init { .. }) => Err(Failure::NoModels),
        #[cfg(feature = "openapi")]
        Some(Command::Openapi { format, output }) => document(format, output.as_deref()),
        Some(Command::Generate { folder }) => {
            Ok(generate::write(&folder).map_err(|(path, e)| Failure::Write(path, e))?)
        }
        Some(Command::Health { url }) => {
            let url = url.map_or_else(|| Ok(probe::url(&load()?.config.server)?), Ok::<_, Failure>)?;
            // One request needs no thread per processor.
            let well = finish(Builder::new_current_thread().enable_all().build()?, probe::probe(&url))?;
            say(format_args!("{well} is healthy"));
            Ok(())
        }
    }
}

/// Returns the output of `--version --verbose`: the build, and the turn detection with this configuration.
fn about(loaded: &Loaded) -> Result<String, Failure> {
    let built_in = |all: &[(&str, bool)]| list(all.iter().filter(|(_, is)| *is).map(|(name, _)| (*name).to_owned()));
    let (features, natives, models) = (built_in(&FEATURES), built_in(&NATIVES), list(models()));
    let (toolchain, detection) = (env!("SAYNA_RUSTC"), detection(loaded)?);
    Ok(format!("features: {features}\ntoolchain: {toolchain}\nnative inputs: {natives}\nmodels: {models}{detection}"))
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The model files that this build loads.
#[cfg(feature = "models")]
fn models() -> impl Iterator<Item = String> {
    sayna::models::all().into_iter().filter(sayna::models::File::is_needed).map(|file| file.name)
}

#[cfg(not(feature = "models"))]
fn models() -> impl Iterator<Item = String> {
    std::iter::empty()
}

/// Returns the engine of turn detection on this machine.
#[cfg(feature = "turn-detect")]
fn detection(loaded: &Loaded) -> Result<String, Failure> {
    if !loaded.config.turn_detect.enabled {
        return Ok("\nturn detection: off (turn_detect.enabled)".to_owned());
    }
    let library = detect::Library::named(loaded.config.turn_detect.library.as_deref());
    let runtime = detect::Runtime::choose(&library).map_err(|e| PrepareError::Setup(e.into()))?;
    Ok(format!("\nturn detection: {runtime}"))
}

#[cfg(not(feature = "turn-detect"))]
#[expect(clippy::unnecessary_wraps, reason = "as where there is one")]
fn detection(_: &Loaded) -> Result<String, Failure> {
    Ok(String::new())
}

/// Downloads the model files of this build.
#[cfg(feature = "models")]
async fn fetch(
    config: &config::Config,
    from: Option<std::path::PathBuf>,
    mirror: Option<url::Url>,
) -> Result<(), Failure> {
    use sayna::models::{Models, Network, Store};

    let source = if let Some(folder) = from {
        Store::Folder(folder)
    } else {
        let http = sayna::outbound::Outbound::new(config.server.extra_ca.as_deref())?.following()?;
        Store::Network(Network { http, mirror })
    };
    let mut progress = progress::DownloadProgress::new();
    sayna::models::init(&Models::new(config), &source, |event| progress.show(&event)).await?;
    say("all model files are there");
    Ok(())
}

/// Writes the OpenAPI document. A file is replaced only when the new one is complete.
#[cfg(feature = "openapi")]
fn document(format: cli::Form, output: Option<&Path>) -> Result<(), Failure> {
    let text = match format {
        cli::Form::Yaml => sayna::openapi::yaml(),
        cli::Form::Json => sayna::openapi::json(),
    };
    let text = text.map_err(io::Error::other)?;
    let Some(path) = output else {
        say(text.trim_end());
        return Ok(());
    };
    let mut part = path.to_owned().into_os_string();
    part.push(".part");
    let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|e| Failure::Write(path.to_owned(), e))
}

/// Loads the configuration with the environment and the file `.env` in the current folder. The environment itself is not changed.
/// An empty variable counts as not set.
fn with_variables(
    load: impl FnOnce(&dyn Fn(&str) -> Option<OsString>) -> Result<Loaded, Faults>,
) -> Result<Loaded, Faults> {
    let added = config::dotenv(Path::new(".env"))?;
    load(&|name| {
        let (set, added) = (std::env::var_os(name), added.get(name).map(Into::into));
        set.clone().filter(|value| !value.is_empty()).or(added).or(set)
    })
}

/// Runs until `task` ends. Does not wait for other work, such as a name that is still being resolved.
fn finish<T>(runtime: Runtime, task: impl Future<Output = T>) -> T {
    let result = runtime.block_on(task);
    runtime.shutdown_background();
    result
}

/// Serves until the first signal and the end of the running requests, or until the second signal.
async fn listen(loaded: Loaded) -> Result<(), Failure> {
    // Does not block, so signals work even if the reader of standard output has stopped.
    use sayna::log::say;

    sayna::log::init(&loaded.config.log);
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    // Before the address is printed, because its reader may send a signal at once.
    let mut signals = Signals::catch()?;
    let listener = tokio::select! {
        listener = sayna::bind(&loaded.config.server) => listener?,
        _ = signals.next() => return Ok(()),
    };
    let limit = loaded.config.server.shutdown.as_secs();
    let prepared = sayna::prepare(loaded.config).await?;
    for address in listener.addresses()? {
        say(format_args!("listening on http://{address}"));
    }
    if let Some(address) = prepared.metrics_address() {
        say(format_args!("metrics on http://{address}/metrics"));
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let mut server = pin!(sayna::serve(prepared, listener, async { stopped.await.unwrap_or_default() }));
    let signal = tokio::select! {
        signal = signals.next() => signal,
        _ = &mut server => return Ok(()),
    };
    say(format_args!("stopping on {signal}: running requests have {limit} s, a second signal ends at once"));
    drop(stop);
    tokio::select! {
        ended = &mut server => say(ended),
        _ = signals.next() => say("stopped at once"),
    }
    Ok(())
}

/// Returns the output of `check`: every key with its value and origin.
fn report(loaded: &Loaded, file: Option<&Path>) -> String {
    let source = file.map_or("the environment".to_owned(), |file| format!("{} and the environment", file.display()));
    let mut text = format!("no errors in {source}\n");
    for (key, value, origin) in loaded.settings() {
        let origin = match origin {
            Origin::Default => "default".to_owned(),
            Origin::File { path, line } => format!("{}:{line}", path.display()),
            Origin::Environment(name) => format!("${name}"),
        };
        // Writing to a `String` cannot fail.
        write!(text, "\n  {key:<39}  {value:<22}  {origin}").ok();
    }
    for warning in &loaded.warnings {
        write!(text, "\nwarning: {warning}").ok();
    }
    text
}

/// Prints a line to standard output, for commands that end after it.
fn say(line: impl Display) {
    writeln!(io::stdout(), "{line}").ok();
}

#[cfg(test)]
mod tests {
    use super::{FEATURES, NATIVES};

    /// `sayna-release verify` compares this output with the build.
    #[test]
    fn version_lists_every_feature_of_the_package() {
        let manifest: toml::Table = toml::from_str(include_str!("../Cargo.toml")).unwrap();
        let known = manifest["features"].as_table().unwrap().keys().filter(|name| *name != "default");
        assert_eq!(FEATURES.map(|(name, _)| name).to_vec(), known.collect::<Vec<_>>());
    }
    #[test]
    fn version_lists_every_native_input_of_the_table() {
        let table: toml::Table = toml::from_str(include_str!("../sayna-release.toml")).unwrap();
        let built_in = |feature: &str| FEATURES.iter().find(|(name, _)| *name == feature).unwrap().1;
        let natives = table["native"].as_array().unwrap().iter();
        let known = natives.map(|it| (it["name"].as_str().unwrap(), built_in(it["for"].as_str().unwrap())));
        assert_eq!(NATIVES.to_vec(), known.collect::<Vec<_>>());
    }
}
