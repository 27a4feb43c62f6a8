//! Which builder takes a target: what the table, the command line, the tree and this machine say together.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::super::Rustc;
use super::{Error, call};
use crate::table::{Builder, Table, Target};

/// Decides for each target between Nix and Cargo, once per run.
#[derive(Debug, Clone)]
pub struct Builders {
    wanted: Option<Builder>,
    /// The systems that this machine's Nix can build, or the reason why Nix is not used.
    nix: Result<Machine, String>,
}

/// The settings of this machine's Nix.
#[derive(Debug, Clone)]
struct Machine {
    /// Systems that it runs itself.
    systems: Vec<String>,
    /// The lines that name remote builders and their systems.
    remote: String,
}

impl Builders {
    /// Cargo alone.
    pub fn cargo() -> Self {
        Self { wanted: Some(Builder::Cargo), nix: Err("--builder cargo says so".to_owned()) }
    }

    /// The builder that was named; with `None`, Nix where the tree has a flake, this machine has Nix, and the table says so.
    pub fn find(root: &Path, wanted: Option<Builder>) -> Result<Self, Error> {
        if wanted == Some(Builder::Cargo) {
            return Ok(Self::cargo());
        }
        let found = if root.join("flake.nix").is_file() {
            Machine::ask(root)
        } else {
            Err(Error::NoFlake { root: root.to_owned() })
        };
        match found {
            Err(error) if wanted.is_some() => Err(error),
            Err(Error::NoFlake { .. }) => Ok(Self { wanted, nix: Err("there is no flake.nix".to_owned()) }),
            Err(error) => Ok(Self { wanted, nix: Err(error.to_string()) }),
            Ok(machine) => Ok(Self { wanted, nix: Ok(machine) }),
        }
    }

    /// The same, but Cargo where Nix was only one choice and the flake's inputs cannot be fetched: for those who would rather
    /// have a build than Nix's. Any other fault of the flake is left to be met by the build.
    #[must_use]
    pub fn where_inputs_are(mut self, root: &Path, table: &Table) -> Self {
        if self.wanted.is_some() || self.nix.is_err() {
            return self;
        }
        let is_nix = |builder: Result<Builder, Error>| matches!(builder, Ok(Builder::Nix));
        let binary = table.targets.iter().find(|target| is_nix(self.binary(target)));
        let platforms = table.image.iter().flat_map(|image| &image.platforms);
        let mut targets = platforms.filter_map(|platform| table.target(platform.target.get_ref()));
        let image = targets.find(|target| is_nix(self.image(target)));
        // Inputs are fetched as they are needed, and an image needs others than a binary.
        let outputs =
            binary.map(|t| (t, "archive.drvPath")).into_iter().chain(image.map(|t| (t, "image.copyTo.drvPath")));
        let outputs = outputs.filter_map(|(target, name)| super::output(target, name).ok());
        if let Some(reason) = outputs.into_iter().find_map(|output| call::inputs_missing(root, &output)) {
            self.nix = Err(format!("the flake's inputs cannot be fetched: {reason}"));
        }
        self
    }

    /// Returns the builder of a target's binary.
    pub fn binary(&self, target: &Target) -> Result<Builder, Error> {
        self.of(target, Machine::builds)
    }

    /// Returns the builder of the image with a target's binary. The program that copies the image out of Nix runs here, so
    /// another machine is no help.
    pub fn image(&self, target: &Target) -> Result<Builder, Error> {
        self.of(target, |machine, system| machine.systems.iter().any(|s| s == system))
    }

    fn of(&self, target: &Target, is_possible: impl Fn(&Machine, &str) -> bool) -> Result<Builder, Error> {
        let triple = target.triple.get_ref();
        match (self.wanted, &self.nix, &target.system) {
            (Some(Builder::Nix), ..) if target.builder == Builder::Cargo => {
                Err(Error::NotByNix { triple: triple.clone() })
            }
            (Some(Builder::Nix), _, None) => Err(Error::NoSystem { triple: triple.clone() }),
            (Some(Builder::Nix), ..) => Ok(Builder::Nix),
            (None, Ok(machine), Some(system)) => {
                let nix = target.builder == Builder::Nix && is_possible(machine, system.get_ref());
                Ok(if nix { Builder::Nix } else { Builder::Cargo })
            }
            _ => Ok(Builder::Cargo),
        }
    }

    /// Returns the reason why a target's binary cannot be built here, or `None` where it can.
    pub fn lacks(&self, target: &Target, rustc: &Rustc) -> Option<String> {
        match self.binary(target) {
            Err(error) => Some(error.to_string()),
            Ok(Builder::Cargo) => rustc.lacks(target.triple.get_ref()),
            Ok(Builder::Nix) => match (&self.nix, &target.system) {
                (Ok(machine), Some(system)) => machine.lacks(system.get_ref()),
                _ => None,
            },
        }
    }

    /// One line on who builds a target, and why where that is not plain.
    pub fn said(&self, target: &Target) -> String {
        let (triple, system) = (target.triple.get_ref(), target.system.as_ref().map(|s| s.get_ref().as_str()));
        let reason = match (self.binary(target), &self.nix) {
            (Err(error), _) => return error.to_string(),
            (Ok(Builder::Nix), _) => return format!("{triple}: built by nix"),
            (Ok(Builder::Cargo), _) if target.builder == Builder::Cargo => "the table says so".to_owned(),
            (Ok(Builder::Cargo), Err(reason)) => reason.clone(),
            (Ok(Builder::Cargo), Ok(machine)) => {
                system.and_then(|s| machine.lacks(s)).unwrap_or_else(|| "the table names no system".to_owned())
            }
        };
        format!("{triple}: built by cargo: {reason}")
    }
}

impl Machine {
    fn ask(root: &Path) -> Result<Self, Error> {
        let text = call::config(root)?;
        let settings: Value = serde_json::from_slice(&text).map_err(|e| Error::Config { said: e.to_string() })?;
        let value = |name: &str| settings.get(name).and_then(|setting| setting.get("value"));
        let system = value("system").and_then(Value::as_str);
        let system = system.ok_or_else(|| Error::Config { said: "it names no system".to_owned() })?;
        let extra = value("extra-platforms").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let systems = std::iter::once(system).chain(extra).map(str::to_owned).collect();
        let builders = value("builders").and_then(Value::as_str).unwrap_or_default();
        // `@` and a file, which is not there on most machines; or the lines themselves.
        let remote = match builders.strip_prefix('@') {
            Some(file) => fs::read_to_string(file).unwrap_or_default(),
            None => builders.to_owned(),
        };
        Ok(Self { systems, remote })
    }

    fn builds(&self, system: &str) -> bool {
        self.systems.iter().any(|own| own == system) || self.remote.contains(system)
    }

    fn lacks(&self, system: &str) -> Option<String> {
        let own = self.systems.first().map_or("nothing", String::as_str);
        (!self.builds(system)).then(|| format!("this machine's Nix builds for {own} and has no builder for {system}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Source;

    /// An x86-64 Linux machine with these lines on remote builders.
    fn machine(remote: &str) -> Machine {
        Machine { systems: vec!["x86_64-linux".to_owned(), "i686-linux".to_owned()], remote: remote.to_owned() }
    }

    #[test]
    fn auto_is_nix_where_table_and_machine_agree_and_nix_is_never_second_guessed() {
        let table = Source::built_in().unwrap().table;
        let target = |triple: &str| table.target(&triple.parse().unwrap()).unwrap();
        let (here, arm) = (target("x86_64-unknown-linux-gnu"), target("aarch64-unknown-linux-gnu"));
        let windows = target("x86_64-pc-windows-msvc");
        let auto = |nix| Builders { wanted: None, nix };
        let alone = auto(Ok(machine("")));
        assert_eq!(
            [here, arm, windows].map(|t| alone.binary(t).unwrap()),
            [Builder::Nix, Builder::Cargo, Builder::Cargo]
        );
        assert!(alone.said(arm).contains("built by cargo: this machine's Nix builds for x86_64-linux"));
        let helped = auto(Ok(machine("ssh://arm aarch64-linux,armv7l-linux - 8")));
        assert_eq!((helped.binary(arm).unwrap(), helped.image(arm).unwrap()), (Builder::Nix, Builder::Cargo));
        let none = auto(Err("there is no `nix` in PATH".to_owned()));
        assert_eq!(none.said(here), "x86_64-unknown-linux-gnu: built by cargo: there is no `nix` in PATH");
        let nix = Builders { wanted: Some(Builder::Nix), nix: Ok(machine("")) };
        assert_eq!(nix.binary(arm).unwrap(), Builder::Nix);
        assert!(matches!(nix.binary(windows), Err(Error::NotByNix { .. })));
    }
}
