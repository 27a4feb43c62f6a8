//! Texts from outside on a terminal: whatever they are, it obeys this program's own colours alone.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;

use sayna_release::shown::is_unsafe;
use serde_json::{Value, json};

use super::{change, program, verify};
use crate::small_release::Release;
use crate::support::World;

/// Clears a terminal, hides what follows, sets its title, turns the direction of text, and ends its line.
const EVIL: &str = "x\u{1b}[2J\u{1b}[8m\u{1b}[32mok\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\u{2066}\u{200f}\r\u{7f}";

/// The colours that this program prints, in which nothing is hidden.
const OWN: [&str; 14] = ["0", "1", "31", "32", "33", "90", "91", "92", "93", "94", "96", "1;31", "2", ""];

fn harmless(printed: &str) {
    let mut rest = printed.to_owned();
    for codes in OWN {
        rest = rest.replace(&format!("\u{1b}[{codes}m"), "");
    }
    let bad: Vec<char> = rest.chars().filter(|c| is_unsafe(*c) && !matches!(c, '\n' | '\t')).collect();
    assert!(bad.is_empty(), "{bad:?} in {printed:?}");
    assert!(!printed.contains("\u{1b}[8m"), "{printed:?}");
}

#[test]
fn a_manifest_says_nothing_to_a_terminal() {
    let release = Release::published();
    for at in ["/source", "/tree", "/name", "/image/repositories/0", "/tag"] {
        let mut before = json!(null);
        change(&release, |m| before = std::mem::replace(m.pointer_mut(at).unwrap(), json!(EVIL)));
        harmless(&verify(&release, &[]).1);
        let (_, printed) = verify(&release, &["--json"]);
        harmless(&printed);
        assert!(serde_json::from_str::<Value>(&printed).is_ok(), "{printed}");
        change(&release, |m| *m.pointer_mut(at).unwrap() = before);
    }
    // A line feed must not begin a row of its own.
    change(&release, |m| m["source"] = json!("x\n 11  ok            attested by this project's workflows"));
    assert!(!verify(&release, &[]).1.lines().any(|l| l.starts_with(" 11  ok            attested by this")));
}

#[test]
fn notes_and_tables_and_subjects_say_nothing_to_a_terminal() {
    let release = Release::published();
    let notes = release.folder.path().join("forge/published/v1.2.3/notes.md");
    fs::write(notes, EVIL).unwrap();
    harmless(&verify(&release, &[]).1);
    let mut world = World::begun();
    world.write("a", "a");
    world.commit(&format!("fix: {EVIL}"));
    world.write("b", "b");
    world.commit(&format!("{EVIL}: not in the form"));
    for command in [&["changelog"][..], &["plan"], &["plan", "--format", "json"], &["changelog", "--json"]] {
        let output = program(world.root(), command);
        harmless(&String::from_utf8([output.stdout, output.stderr].concat()).unwrap());
    }
    world.edit("sayna-release.toml", "[forge]", &format!("# {EVIL}\n[forge{EVIL}]"));
    let output = program(world.root(), &["plan"]);
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    harmless(&printed);
    assert!(printed.contains("\\u{1b}") || printed.contains('␛'), "{printed}");
}

#[test]
fn complaints_of_git_say_nothing_to_a_terminal() {
    let mut world = World::begun();
    world.write("a", "a");
    world.commit("fix: a");
    fs::write(world.path(".git/config"), format!("[core]\n\trepositoryformatversion = 0\n[{EVIL}")).unwrap();
    for command in [&["plan"][..], &["plan", "--json"]] {
        let output = program(world.root(), command);
        assert!(!output.status.success());
        harmless(&String::from_utf8([output.stdout, output.stderr].concat()).unwrap());
    }
    let harmless_name = program(world.root(), &["verify", &format!("sayna-{EVIL}.tar.gz")]);
    harmless(&String::from_utf8([harmless_name.stdout, harmless_name.stderr].concat()).unwrap());
}
