//! One machine builds for all four systems, by Nix's own remote builders. Each builder of docs/release/building.md is a store of
//! its own on this machine, behind an ssh server of its own on the loopback.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::tree::{Tree, ok};

/// The lines of the page's `/etc/nix/machines`.
fn machines() -> Vec<(String, Vec<String>)> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/release/building.md")).unwrap();
    let line = |line: &str| {
        let (name, systems) = line.strip_prefix("ssh-ng://")?.split_once(' ')?;
        Some((name.to_owned(), systems.trim().split(',').map(str::to_owned).collect()))
    };
    page.lines().filter_map(line).collect()
}

/// An ssh server that gives the holder of a builder's key that builder's Nix, and nothing else.
struct Builders {
    folder: TempDir,
    server: Child,
}

impl Drop for Builders {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

impl Builders {
    fn new(machines: &[(String, Vec<String>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let user = ok(Command::new("id").arg("--user").arg("--name")).trim().to_owned();
        let key = |name: &str| {
            ok(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(path(name)));
            fs::read_to_string(path(&format!("{name}.pub"))).unwrap().trim().to_owned()
        };

        let known = format!("[127.0.0.1]:{port} {}\n", key("host"));
        fs::write(path("known"), known).unwrap();
        let (mut authorized, mut config) = (Vec::new(), Vec::new());
        for (name, systems) in machines {
            let program = path(&format!("{name}.sh"));
            fs::write(&program, daemon(&path(&format!("{name}.store")), systems)).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            authorized.push(format!("restrict,command=\"{}\" {}\n", program.display(), key(name)));
            config.push(format!("Host {name}\nIdentityFile {}\n", path(name).display()));
        }
        config
            .push(format!("Host *\nHostName 127.0.0.1\nPort {port}\nUser {user}\nIdentitiesOnly yes\nBatchMode yes\n"));
        config.push(format!("UserKnownHostsFile {}\n", path("known").display()));
        fs::write(path("authorized"), authorized.concat()).unwrap();
        fs::write(path("ssh_config"), config.concat()).unwrap();
        let settings = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\n",
            path("host").display(),
            path("authorized").display()
        );
        fs::write(path("sshd_config"), settings).unwrap();
        let builders = Self { server: serve(&path("sshd_config")), folder };
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        let mut waits = std::iter::repeat_with(|| std::thread::sleep(Duration::from_millis(50))).take(200);
        assert!(waits.any(|()| listens()), "sshd does not listen on port {port}");
        builders
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What runs when a builder is called: this machine's Nix, with another store, for other systems.
fn daemon(store: &Path, systems: &[String]) -> String {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let kept = ["PATH", "NIX_CONF_DIR"].into_iter().filter(|name| !variable(name).is_empty());
    let kept = kept.map(|name| format!("export {name}='{}'\n", variable(name))).collect::<Vec<_>>().concat();
    let (store, system, others) = (store.display(), &systems[0], systems[1..].join(" "));
    format!(
        "#!/bin/sh\n{kept}export NIX_REMOTE='{store}' NIX_CONFIG='system = {system}\nextra-platforms = {others}'\n\
         exec nix --extra-experimental-features nix-command daemon --stdio\n"
    )
}

/// Starts the server. It wants to be called by its absolute path, and Debian's wants a folder that its service would make.
fn serve(settings: &Path) -> Child {
    let program = ok(Command::new("sh").args(["-c", "PATH=$PATH:/usr/sbin command -v sshd"]));
    fs::create_dir_all("/run/sshd").ok();
    let mut command = Command::new(program.trim());
    command.arg("-D").arg("-f").arg(settings).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
#[ignore = "needs nix, sshd and root"]
fn one_machine_builds_for_every_system_and_gets_the_results_back() {
    let tree = Tree::new();
    let machines = machines();
    let builders = Builders::new(&machines);
    let checks =
        tree.eval("checks", "builtins.mapAttrs (_: checks: { drv = checks.fmt.drvPath; out = checks.fmt.outPath; })");
    let text = |system: &str, key: &str| checks[system][key].as_str().unwrap().to_owned();
    let systems: Vec<&String> = machines.iter().flat_map(|(_, systems)| systems).collect();
    assert_eq!(systems.len(), checks.as_object().map_or(0, serde_json::Map::len), "a system without a builder");

    let lines: Vec<String> =
        machines.iter().map(|(name, systems)| format!("ssh-ng://{name} {}", systems.join(","))).collect();
    let laptop = builders.path("laptop");
    let mut nix = tree.nix(&["build", "--no-link", "--max-jobs", "0", "--store"]);
    nix.arg(&laptop).arg("--builders").arg(lines.join(" ; "));
    nix.args(systems.iter().map(|system| format!(".#checks.{system}.fmt")));
    nix.env("NIX_SSHOPTS", format!("-F {}", builders.path("ssh_config").display()));
    let said = ok(&mut nix);

    let inside = |store: &Path, out: &str| store.join(out.trim_start_matches('/')).exists();
    for (name, own) in &machines {
        for system in &systems {
            let (drv, out) = (text(system, "drv"), text(system, "out"));
            assert!(inside(&laptop, &out), "{system}: the result did not come back");
            let built = said.contains(&format!("building '{drv}' on 'ssh-ng://{name}'"));
            assert_eq!(built, own.contains(system), "{system} on {name}: {said}");
            assert_eq!(inside(&builders.path(&format!("{name}.store")), &out), built, "{system} on {name}");
        }
    }
    // None of it was built by the machine that asked.
    let asked = ok(tree.nix(&["path-info", "--json", "--store"]).arg(&laptop).arg(text("x86_64-linux", "out")));
    let info: Value = serde_json::from_str(&asked).unwrap();
    assert!(info[text("x86_64-linux", "out")]["ultimate"] == Value::Bool(false), "{info}");
}
