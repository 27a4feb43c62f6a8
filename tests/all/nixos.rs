//! The NixOS module (`nix/module.nix`): builds systems from stand-ins with the real program, and runs their units.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::World;

/// A flake with the systems of nixos/flake.nix.
struct Systems {
    folder: TempDir,
}

impl Systems {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let page = fs::read_to_string(root().join("docs/use/deploy/nixos.md")).unwrap();
        let settings = page.split("```nix\n").nth(1).and_then(|rest| rest.split("```").next());
        fs::write(folder.path().join("settings.nix"), settings.expect("docs/use/deploy/nixos.md shows settings"))
            .unwrap();
        fs::write(folder.path().join("flake.nix"), include_str!("nixos/flake.nix")).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_sayna"), folder.path().join("sayna")).unwrap();
        Self { folder }
    }

    fn nix(&self, words: &[&str], wanted: &str) -> Output {
        let with = Command::new(root().join("nix/stubs/with")).output().unwrap();
        let with = String::from_utf8(with.stdout).unwrap();
        let mut nix = Command::new("nix");
        nix.args(words).arg(format!("path:{}#nixosConfigurations.{wanted}", self.folder.path().display()));
        nix.args(["--override-input", "sayna"]).arg(format!("git+file://{}", root().display()));
        for word in with.split_whitespace() {
            // There they are the inputs of an input.
            let input = Path::new(word).is_relative() && !word.starts_with("--") && !word.starts_with("path:");
            nix.arg(if input { format!("sayna/{word}") } else { word.to_owned() });
        }
        nix.output().expect("nix is needed: bash .ci/setup installs it")
    }

    fn build(&self, system: &str) -> Result<PathBuf, String> {
        let wanted = format!("{system}.config.system.build.toplevel");
        let output = self.nix(&["build", "--no-link", "--print-out-paths"], &wanted);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout).trim().into()) } else { Err(text(output.stderr)) }
    }

    /// Returns the path of the unit and its text.
    fn unit(&self, system: &str) -> (PathBuf, String) {
        let path = self.build(system).unwrap().join("etc/systemd/system/sayna.service");
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    }

    fn ports(&self, system: &str) -> String {
        let wanted = format!("{system}.config.networking.firewall.allowedTCPPorts");
        let output = self.nix(&["eval", "--json"], &wanted);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the value of a directive, which the unit must have once.
fn directive<'a>(unit: &'a str, name: &str) -> &'a str {
    let values: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect();
    assert_eq!(values.len(), 1, "{name} in\n{unit}");
    values[0]
}

/// Returns key and value of each line that `sayna check` prints.
fn checked(arguments: &[&str]) -> Vec<(String, String)> {
    let ended = World::new().run(arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let pairs: Vec<_> = ended.stdout.lines().skip(2).map(words).map(|w| (w[0].clone(), w[1].clone())).collect();
    assert!(!pairs.is_empty());
    pairs
}

/// Returns the configuration with which a unit starts the server.
fn configuration(unit: &str) -> Vec<(String, String)> {
    let (_, file) = directive(unit, "ExecStart").split_once("/bin/sayna -c ").expect(unit);
    checked(&["check", "-c", file])
}

fn success(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; bash .ci/setup installs what is missing"));
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}\n{text}", command.get_program().display());
    text
}

#[test]
#[ignore = "needs nix"]
fn documented_nixos_settings_reach_the_server_and_the_firewall() {
    let systems = Systems::new();
    let (_, unit) = systems.unit("documented");
    assert!(configuration(&unit).contains(&("server.port".into(), "8080".into())));
    assert_eq!(directive(&unit, "EnvironmentFile"), "/run/keys/sayna.env");
    assert_eq!(systems.ports("documented"), "[8080]");

    let (_, unit) = systems.unit("plain");
    assert_eq!(configuration(&unit), checked(&["check"]), "the module's defaults are the server's");
    assert!(!unit.contains("EnvironmentFile"));
    assert_eq!(systems.ports("plain"), "[]");
    let after = |name| directive(&unit, name).parse::<u64>().unwrap();
    let shutdown = configuration(&unit).into_iter().find(|(key, _)| key == "server.shutdown_seconds").unwrap().1;
    assert!(after("TimeoutStopSec") > shutdown.parse::<u64>().unwrap(), "it would be killed before it has ended");

    let units = systems.build("off").unwrap().join("etc/systemd/system");
    assert_eq!(fs::read_dir(units).unwrap().count(), 0);
    assert_eq!(systems.ports("off"), "[]");
}

#[test]
#[ignore = "needs nix"]
fn invalid_nixos_settings_stop_the_build_of_the_system() {
    let systems = Systems::new();
    for (system, message) in [
        ("unknown-key", "unknown key `server.prot`"),
        ("wrong-value", "`server.host` must be an IP address or a host name"),
        ("wrong-type", "`services.sayna.settings.server.port' is not of type"),
        ("unknown-option", "`services.sayna.setings' does not exist"),
        ("no-fixed-port", "services.sayna.openFirewall needs a fixed port"),
        ("secret-as-path", "`services.sayna.environmentFile' is not of type"),
        ("secret-in-store", "`services.sayna.environmentFile' is not of type"),
    ] {
        let error = systems.build(system).expect_err(system);
        assert!(error.contains(message), "{system}: {error}");
    }
}

#[test]
#[ignore = "needs nix, systemd"]
fn nixos_unit_is_valid_and_little_exposed() {
    let systems = Systems::new();
    for system in ["documented", "low"] {
        let (path, _) = systems.unit(system);
        let said = success(Command::new("systemd-analyze").arg("verify").arg(&path));
        assert!(!said.contains("sayna.service"), "{said}");
        // In tenths: 10 is the worst unit, and "OK" ends at 4.9.
        success(Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=15"]).arg(&path));
    }
}

#[test]
#[ignore = "needs nix, root, systemd-container"]
fn nixos_unit_starts_serves_and_stops_under_systemd() {
    let systems = Systems::new();
    // The first has its port from the secrets, the second needs a capability for its own.
    for (system, port, capabilities) in [("documented", "18081", "0"), ("low", "999", "400")] {
        let (path, _) = systems.unit(system);
        let folder = tempfile::tempdir().unwrap();
        let mut boot = Command::new("unshare");
        boot.args(["--mount", "sh", "-c", include_str!("nixos/boot.sh"), "boot.sh"]);
        boot.arg(folder.path()).arg(&path).args([env!("CARGO_BIN_EXE_sayna"), port]);
        let said = success(&mut boot);
        let words: Vec<String> =
            said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for wanted in
            ["ActiveState=active", "NRestarts=0", "NoNewPrivs: 1", "Seccomp: 2", "Result=success", "ExecMainStatus=0"]
        {
            assert!(words.iter().any(|line| line == wanted), "{system} lacks {wanted}: {said}");
        }
        assert!(words.contains(&format!("CapEff: {capabilities:0>16}")), "{system}: {said}");
        assert!(words.iter().any(|line| line.starts_with("Uid: ") && line != "Uid: 0 0 0 0"), "{system}: {said}");
    }
}
