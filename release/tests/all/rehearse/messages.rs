//! What the program prints while it works, and on bad input.

use serde_json::Value;

use super::{project, run, text};

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_long_build_reports_its_units_where_there_is_no_terminal() {
    let mut world = project();
    let wait = "fn main() { std::thread::sleep(std::time::Duration::from_secs(22)) }\n";
    world.write("build.rs", wait);
    world.commit("feat: take long");
    let output = run(world.root(), &["rehearse"]);
    let (said, report) = (text(&output.stderr), text(&output.stdout));
    assert!(output.status.success(), "{said}");
    let first = said.lines().next().unwrap();
    assert!(first.contains("rehearsal") && first.contains("building takes minutes the first time"), "{said}");
    let line = said.lines().find(|line| line.trim_start().starts_with("working")).expect(&said);
    assert!(
        line.contains("cargo build sayna for x86_64-unknown-linux-gnu: ") && line.contains(" of 3 units"),
        "{line}"
    );
    assert!(report.contains("not proven bit-identical: `rehearse --twice`"), "{report}");
}

#[test]
fn bad_input_costs_one_clear_message() {
    let world = project();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["plan", "--builder", "make"], 2, "[possible values: nix, cargo]"),
        (&["plan", "--help"], 0, "[possible values: nix, cargo]"),
        (&["build", "--builder", "nix"], 2, "no flake.nix"),
        (&["build", "--target", "mips-unknown-linux-gnu"], 2, "is not a triple"),
        (&["build", "--target", "aarch64-apple-darwin"], 2, "is not in sayna-release.toml"),
        (&["image", "--platform", "linux/s390x"], 2, "is not in sayna-release.toml"),
        (&["publish", "--forge", "nowhere"], 2, "is not a forge"),
        (&["plan", "--tag", "v9.9.9"], 2, "v9.9.9"),
        (&["audit", "sayna-release.toml"], 2, "sayna-release.toml"),
    ];
    for (arguments, status, part) in cases {
        let output = run(world.root(), arguments);
        let said = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    let outside = run(std::env::temp_dir().as_path(), &["plan"]);
    assert_eq!(outside.status.code(), Some(2));
    assert!(text(&outside.stderr).contains("no sayna-release.toml"));
    world.edit("sayna-release.toml", "files = ", "flies = ");
    let said = text(&run(world.root(), &["rehearse"]).stderr);
    assert!(said.contains("sayna-release.toml:3:1") && said.contains("did you mean `files`?"), "{said}");
    let json = run(world.root(), &["rehearse", "--json"]);
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["status"], 2);
}
