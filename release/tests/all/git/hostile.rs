//! What a checkout, a caller and a machine may do to Git, and what of it reaches this program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sayna_release::changelog::notes;
use sayna_release::public::Public;

use super::open;
use crate::support::{START, World, git};

fn plan(root: &Path, change: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    change(command.args(["plan", "--format", "json"]).current_dir(root));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(unix)]
fn executable(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn the_configuration_of_a_checkout_starts_no_program() {
    let mut world = World::begun();
    world.annotated_tag("v0.1.0");
    world.commit("fix: more");
    let (trap, sprung) = (world.path(".git/trap"), world.path(".git/sprung"));
    executable(&trap, &format!("#!/bin/sh\ntouch {}\n", sprung.display()));
    let trap = trap.display().to_string();
    for key in ["core.fsmonitor", "core.pager", "pager.log", "gpg.program", "diff.external", "core.sshCommand"] {
        world.git(&["config", key, &trap]);
    }
    for (key, value) in [("log.showSignature", "true"), ("core.hooksPath", ".git"), ("diff.renames", "copies")] {
        world.git(&["config", key, value]);
    }
    for hook in ["post-index-change", "reference-transaction", "post-checkout"] {
        fs::copy(&trap, world.path(".git").join(hook)).unwrap();
    }
    // With signatures that would be looked at.
    let signed = "tree HEAD^{tree}\nauthor A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\nfix: signed\n";
    fs::write(world.path(".git/commit"), signed.replace("HEAD^{tree}", &world.git(&["rev-parse", "HEAD^{tree}"])))
        .unwrap();
    let commit = world.git(&["-c", "core.fsmonitor=false", "hash-object", "-t", "commit", "-w", ".git/commit"]);
    world.git(&["-c", "core.hooksPath=/dev/null", "update-ref", "HEAD", &commit]);
    drop(fs::remove_file(&sprung));
    world.write("new", "");
    let output = plan(world.root(), |_| ());
    assert!(text(&output.stdout).contains("tree-dirty"), "{output:?}");
    assert_eq!(open(&world).commit(), commit);
    assert!(!sprung.exists(), "a program of the checkout was started");
}

#[test]
fn the_repository_of_the_caller_is_not_mistaken_for_the_checkout() {
    let (world, other) = (World::begun(), World::begun());
    other.write("README.md", "other");
    let output = plan(world.root(), |command| {
        let inside = other.root().join(".git");
        command.env("GIT_DIR", &inside).env("GIT_WORK_TREE", other.root()).env("GIT_INDEX_FILE", inside.join("index"));
        command.env("GIT_PREFIX", "sub/").env("GIT_LITERAL_PATHSPECS", "1").env("GIT_TRACE", "1");
    });
    let said = text(&output.stdout);
    assert!(said.contains(&world.head()) && !said.contains("tree-dirty"), "{said}");
}

#[cfg(unix)]
#[test]
fn without_git_or_with_an_old_one_the_error_names_the_next_step() {
    let world = World::begun();
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path();
    // The rest of the machine stays: `plan` asks rustc too.
    let with = |path: &Path| {
        plan(world.root(), |command| {
            command.env("PATH", path);
        })
    };
    let output = with(bin);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("`git` cannot be started") && said.contains("install Git"), "{said}");
    executable(&bin.join("git"), "#!/bin/sh\necho git version 2.17.1\n");
    let output = with(bin);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("git version 2.17.1") && said.contains("at least 2.18") && said.contains("PATH"), "{said}");
}

#[test]
fn a_folder_inside_of_a_checkout_names_the_top() {
    let mut world = World::begun();
    for name in ["Cargo.toml", "Cargo.lock", "cliff.toml", "sayna-release.toml", "README.md", "LICENSE"] {
        let text = world.read(name);
        world.write(&format!("sub/{name}"), &text);
    }
    world.commit("feat: a second table");
    let output = plan(&world.path("sub"), |_| ());
    let said = text(&output.stderr);
    let top = world.root().canonicalize().unwrap().display().to_string();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("run it in {top}")) && !said.contains("git init"), "{said}");
}

#[test]
fn a_message_in_another_encoding_is_decoded() {
    let world = World::begun();
    world.tag("v0.0.1");
    let message = world.path(".git/message");
    fs::write(&message, b"fix(ws): h\xf6flich\n").unwrap();
    world.git(&[
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "commit",
        "--quiet",
        "--allow-empty",
        "--file",
        ".git/message",
    ]);
    let request = sayna_release::changelog::Request::Upcoming("v0.1.0".to_owned());
    let found = notes(world.root(), &request, &Public::default()).unwrap();
    assert!(found.markdown.contains("**ws:** Höflich"), "{}", found.markdown);
    assert!(!found.is_empty && found.unconventional.is_empty());
    // Bytes that are no text in the encoding that they claim are taken for the one that is most common.
    let raw = world.path(".git/commit");
    let head = format!("tree {}\nparent {}\n", world.git(&["rev-parse", "HEAD^{tree}"]), world.head());
    let who = "author A <a@example.org> 1767330000 +0000\ncommitter A <a@example.org> 1767330000 +0000\n\n";
    fs::write(&raw, [head.as_bytes(), who.as_bytes(), b"fix: caf\xe9\n"].concat()).unwrap();
    let commit = world.git(&["hash-object", "-t", "commit", "-w", ".git/commit"]);
    world.git(&["update-ref", "HEAD", &commit]);
    let found = notes(world.root(), &request, &Public::default()).unwrap();
    assert!(found.markdown.contains("Café"), "{}", found.markdown);
}

#[test]
fn commits_that_blame_passes_over_are_in_no_notes() {
    let mut world = World::begun();
    world.tag("v0.0.1");
    world.write("README.md", "formatted\n");
    let formatted = world.commit("style!: format everything");
    world.write(".git-blame-ignore-revs", &format!("# by a tool\n{}\n", &formatted[..12]));
    world.commit("docs: list what a tool did");
    world.write("new", "");
    world.commit("feat: something new");
    let request = sayna_release::changelog::Request::Upcoming("v0.1.0".to_owned());
    let found = notes(world.root(), &request, &Public::default()).unwrap().markdown;
    assert!(found.contains("Something new"), "{found}");
    assert!(!found.contains("Format everything") && !found.contains("List what"), "{found}");
}

#[test]
fn replaced_commits_are_not_what_the_forge_has() {
    let mut world = World::begun();
    let first = world.head();
    world.tag("v0.0.1");
    let second = world.commit("feat: truly");
    git(world.root(), START).args(["replace", &second, &first]).output().unwrap();
    let checkout = open(&world);
    let subjects: Vec<_> = checkout.commits(&second, None, true).unwrap().into_iter().map(|c| c.message).collect();
    assert_eq!(subjects, ["feat: truly", "feat: begin"]);
}
