//! The builder `cargo`: one executable, by the machine's own toolchain, with the same bytes in every folder.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use cargo_metadata::Message;
use semver::Version;

use super::{Error, Fetched};
use crate::atomic::At as _;
use crate::cargo::Outside;
use crate::children::Tied;
use crate::progress::Progress;
use crate::table::{self, Floor, Native, Remap};
use crate::triple::{Os, Triple};

mod output;

use output::Units;

/// The output of `rustc -vV`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rustc {
    /// Its version.
    pub version: Version,
    /// The triple it runs on.
    pub host: String,
    /// The commit its standard library's paths are named by.
    pub commit: String,
    /// The folder of its standard library.
    pub sysroot: PathBuf,
}

impl Rustc {
    /// Asks `$RUSTC`, or the `rustc` in the path.
    pub fn ask() -> Result<Self, Error> {
        let about = output(Command::new(rustc()).arg("-vV"))?;
        let field = |name: &str| {
            let line = about.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
            line.map(str::to_owned).ok_or_else(|| Error::Rustc { said: about.clone() })
        };
        let version = field("release")?.parse().map_err(|_not_semver| Error::Rustc { said: about.clone() })?;
        let sysroot = output(Command::new(rustc()).args(["--print", "sysroot"]))?;
        Ok(Self { version, host: field("host")?, commit: field("commit-hash")?, sysroot: sysroot.trim().into() })
    }

    /// Returns the reason why a target cannot be built on this machine, or `None` where it can.
    pub fn lacks(&self, triple: &Triple) -> Option<String> {
        if self.host == triple.as_str() {
            return None;
        }
        let host: Option<Triple> = self.host.parse().ok();
        let std = self.sysroot.join("lib/rustlib").join(triple.as_str()).join("lib");
        // Apple's and Microsoft's linkers serve every architecture of theirs; on Linux a variable has to name one.
        let linker = format!("CARGO_TARGET_{}_LINKER", triple.variable());
        let links = host.is_some_and(|h| h.os() == triple.os() && h.os() != Os::Linux) || env(&linker).is_some();
        match (std.is_dir(), links) {
            (true, true) => None,
            (false, _) => Some(format!("this machine is {} and has no standard library for it", self.host)),
            (true, false) => Some(format!("this machine is {} and {linker} names no linker for it", self.host)),
        }
    }
}

/// One call of `cargo build`.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    /// The checkout.
    pub(super) root: &'a Path,
    /// The package and binary.
    pub(super) name: &'a str,
    /// The target.
    pub(super) triple: &'a Triple,
    /// Cargo features, by name.
    pub(super) features: &'a [String],
    /// The list of crates for the executable, in hex digits.
    pub(super) crates: String,
    /// The oldest system.
    pub(super) floor: &'a Floor,
    /// The settings that every build shares.
    pub(super) build: &'a table::Build,
    /// The native inputs that it links.
    pub(super) natives: Vec<&'a Native>,
    /// The folders of inputs that were downloaded.
    pub(super) fetched: &'a Fetched,
    /// Cargo's target folder; its own choice where `None`.
    pub(super) target_dir: Option<&'a Path>,
    /// Cargo's home; its own choice where `None`.
    pub(super) home: Option<&'a Path>,
}

/// Builds and gives the executable's path, as Cargo itself reports it.
pub(super) fn build(call: &Call<'_>, rustc: &Rustc, progress: &Progress) -> Result<PathBuf, Error> {
    let mut command = command(call, rustc)?;
    let task = progress.spinner(&format!("cargo build {} for {}", call.name, call.triple));
    let mut child = Tied::spawn(&mut command).map_err(|source| Error::Start { program: "cargo".into(), source })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (executable, said) = std::thread::scope(|scope| {
        let said = scope.spawn(|| stderr.map(|stderr| output::read(stderr, |units| task.note(&noted(call, units)))));
        let executable = reported(call, stdout);
        (executable, said.join().ok().flatten().unwrap_or_default())
    });
    let failed = |source| Error::Start { program: "cargo".into(), source };
    let (executable, status) = (executable.map_err(failed)?, child.end().map_err(failed)?);
    match executable {
        Some(path) if status.success() => Ok(path),
        _ => Err(Error::Cargo { triple: call.triple.clone(), said }),
    }
}

/// The executable, as Cargo's messages name it.
fn reported(call: &Call<'_>, stdout: Option<ChildStdout>) -> std::io::Result<Option<PathBuf>> {
    let mut executable = None;
    for message in stdout.into_iter().flat_map(|out| Message::parse_stream(BufReader::new(out))) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.target.name == call.name
            && let Some(path) = artifact.executable
        {
            executable = Some(path.into_std_path_buf());
        }
    }
    Ok(executable)
}

fn noted(call: &Call<'_>, units: &Units) -> String {
    format!("cargo build {} for {}: {} of {} units", call.name, call.triple, units.done, units.total)
}

fn command(call: &Call<'_>, rustc: &Rustc) -> Result<Command, Error> {
    let home = match call.home {
        Some(home) => home.to_owned(),
        None => cargo_home()?,
    };
    let target_dir = match (call.target_dir, env("CARGO_TARGET_DIR")) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(folder)) => call.root.join(folder),
        (None, None) => call.root.join("target"),
    };
    let map = paths(call, &home, &target_dir, rustc);
    let mut command = Command::new(env("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(call.root).args(["build", "--release", "--locked", "--no-default-features"]);
    command.args(["--package", call.name, "--bin", call.name, "--target", call.triple.as_str()]);
    command.args(["--message-format", "json-render-diagnostics", "--features", &call.features.join(",")]);
    for name in crate::cargo::foreign(&rustc.host) {
        command.env_remove(name);
    }
    for name in &call.build.unset {
        command.env_remove(name);
    }
    command.envs(call.fetched);
    command.env(crate::embedded::VARIABLE, &call.crates);
    command.env("CARGO_HOME", &home).env("CARGO_TARGET_DIR", &target_dir);
    command.env("CARGO_ENCODED_RUSTFLAGS", rust_flags(call, &map).join("\u{1f}"));
    let c_flags: Vec<String> = map.iter().map(|(from, to)| quoted(&format!("-ffile-prefix-map={from}={to}"))).collect();
    if call.triple.os() != Os::Windows {
        command.env("CFLAGS", c_flags.join(" ")).env("CXXFLAGS", c_flags.join(" "));
        // By this variable the crate `cc` reads the quotes.
        command.env("CC_SHELL_ESCAPED_FLAGS", "1");
    }
    if let Some(version) = &call.floor.macos {
        command.env("MACOSX_DEPLOYMENT_TARGET", version.to_string());
    }
    // Cargo counts units on its progress bar alone.
    command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "80");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// The replacements of this machine's paths in the binary. Where one lies in another, the later rule wins.
fn paths(call: &Call<'_>, home: &Path, target_dir: &Path, rustc: &Rustc) -> Vec<(String, String)> {
    let text = |p: &Path| p.display().to_string();
    let Remap { source, cargo, target } = &call.build.remap;
    vec![
        (text(call.root), source.clone()),
        (text(home), cargo.clone()),
        (text(target_dir), target.clone()),
        // With the component rust-src installed, the standard library's own paths would become local ones.
        (text(&rustc.sysroot.join("lib/rustlib/src/rust")), format!("/rustc/{}", rustc.commit)),
    ]
}

fn rust_flags(call: &Call<'_>, map: &[(String, String)]) -> Vec<String> {
    let remap = map.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}"));
    let os = call.triple.os();
    let natives = call.natives.iter().flat_map(|native| native.rustflags.of(os));
    remap.chain(call.build.rustflags.of(os).iter().chain(natives).cloned()).collect()
}

/// A word as a shell reads it; most need no quotes, and every version of the crate `cc` takes them as they are.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-=+:@%,".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn cargo_home() -> Result<PathBuf, Error> {
    crate::cargo::home().ok_or(Error::NoHome)
}

/// Refuses what Cargo would read outside of the tree and build by.
pub(super) fn nothing_from_outside(root: &Path, home: Option<&Path>) -> Result<(), Error> {
    let home = home.map_or_else(cargo_home, |home| Ok(home.to_owned()))?;
    let settings = Outside::of(root, &home)?.changing;
    if settings.is_empty() { Ok(()) } else { Err(Error::Outside { settings }) }
}

fn rustc() -> String {
    env("RUSTC").unwrap_or_else(|| "rustc".to_owned())
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn output(command: &mut Command) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let out = command.output().map_err(|source| Error::Start { program, source })?;
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// A second Cargo home with another path and the same downloads, for a build of the tree at `root` that must not depend on
/// where it lies. Of the configuration it has what says where crates come from.
pub fn second_home(root: &Path, at: &Path) -> Result<(), Error> {
    let first = cargo_home()?;
    std::fs::create_dir_all(at).at("create the folder", at)?;
    for name in ["registry", "git", "credentials.toml"] {
        let (from, to) = (first.join(name), at.join(name));
        if from.exists() {
            link(&from, &to).at("link", &to)?;
        }
    }
    let config = at.join("config.toml");
    Ok(std::fs::write(&config, Outside::of(root, &first)?.harmless.to_string()).at("write", &config)?)
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(windows)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    if from.is_dir() {
        std::os::windows::fs::symlink_dir(from, to)
    } else {
        std::os::windows::fs::symlink_file(from, to)
    }
}
